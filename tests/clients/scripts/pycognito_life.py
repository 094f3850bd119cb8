"""pycognito, with its own SRP and its own check of tokens: a whole life, and what is left after it."""

from typing import Any

from pycognito import Cognito  # type: ignore[import-not-found]  # in the clients' environment only

from tests.clients.scripts.steps import PLACE, code_sent_to, must, step

NAME, PASSWORD, SECOND, THIRD = (
    PLACE[key] for key in ("name", "password", "secondPassword", "thirdPassword")
)
NICKNAME = "Zoë 漢字"


def somebody(name: str = NAME, secret: str | None = None, **tokens: str | None) -> Any:
    """Somebody at a device that knows these tokens."""
    return Cognito(
        PLACE["pool"],
        PLACE["secretClient"] if secret else PLACE["client"],
        user_pool_region=PLACE["region"],
        username=name,
        client_secret=secret,
        access_key="anybody",
        secret_key="anything",
        boto3_client_kwargs={"endpoint_url": PLACE["endpoint"]},
        **tokens,
    )


def with_the_tokens_of(other: Any) -> Any:
    """Another device, with the tokens that this one had."""
    tokens = {name: getattr(other, name) for name in ("id_token", "access_token", "refresh_token")}
    return somebody(**tokens)


def by_srp(password: str, secret: str | None = None) -> Any:
    user = somebody(secret=secret)
    user.authenticate(password)
    return user


def by_password(password: str) -> Any:
    user = somebody()
    user.admin_authenticate(password)
    return user


def sign_up(password: str, address: str) -> None:
    user = somebody()
    user.set_base_attributes(email=address)
    user.register(NAME, password)


def confirm(code: str) -> None:
    somebody().confirm_sign_up(code, NAME)


def sub_of(user: Any) -> str:
    sub: str = user.get_user().sub
    return sub


def come_and_stay() -> None:
    """From the sign-up to the end of the first sessions."""
    known: dict[str, Any] = {}
    step("signs up", lambda: sign_up(PASSWORD, PLACE["mail"]))
    step("may not sign in before confirming", lambda: by_srp(PASSWORD))
    step("may not confirm with a wrong code", lambda: confirm(PLACE["wrongCode"]))
    step("confirms with the code from the mail", lambda: confirm(code_sent_to(PLACE["mail"])))
    step("may not sign in by SRP with a wrong password", lambda: by_srp(SECOND))
    step("signs in by SRP", lambda: known.update(user=by_srp(PASSWORD)))
    user = known["user"]
    step("reads their attributes", lambda: read(user))
    step("changes an attribute", lambda: change(user))
    step("refreshes their tokens", lambda: renew(user))
    step("changes their password", lambda: user.change_password(PASSWORD, SECOND))
    before = with_the_tokens_of(user)
    step("signs out everywhere", user.logout)
    step("signed out: the access token is refused", lambda: sub_of(with_the_tokens_of(before)))
    step("signed out: the refresh token is refused", lambda: with_the_tokens_of(before).renew_access_token())
    step("may not sign in by SRP with the old password", lambda: by_srp(PASSWORD))
    go(user.access_claims["sub"])


def read(user: Any) -> None:
    profile = user.get_user()
    must(hold=profile.sub == user.access_claims["sub"], claim="the sub is the token's")
    must(
        hold=(profile.email, profile.email_verified) == (PLACE["mail"], True), claim="the address is verified"
    )


def change(user: Any) -> None:
    user.update_profile({"nickname": NICKNAME})
    must(hold=user.get_user().nickname == NICKNAME, claim="the new value is read")


def renew(user: Any) -> None:
    before = user.access_token
    user.renew_access_token()
    must(hold=user.access_token != before, claim="the access token is another")
    sub_of(user)


def go(sub: str) -> None:
    """The end, and the next one of the name."""
    known: dict[str, Any] = {}
    step("signs in with a password", lambda: known.update(user=by_password(SECOND)))
    old = known["user"]
    step("deletes themself", with_the_tokens_of(old).delete_user)
    step("gone: the access token is refused", lambda: sub_of(with_the_tokens_of(old)))
    step("gone: the refresh token is refused", lambda: with_the_tokens_of(old).renew_access_token())
    step("gone: SRP sign-in is refused", lambda: by_srp(SECOND))
    step("gone: password sign-in is refused", lambda: by_password(SECOND))
    step("gone: deleting again is refused", with_the_tokens_of(old).delete_user)
    step("a namesake signs up", lambda: sign_up_again(sub))
    step("namesake: the old access token is refused", lambda: sub_of(with_the_tokens_of(old)))
    step("namesake: the old refresh token is refused", lambda: with_the_tokens_of(old).renew_access_token())
    step("namesake: the old password is refused", lambda: by_srp(SECOND))
    step("namesake: the old token may not delete", with_the_tokens_of(old).delete_user)
    step("namesake: signs in by SRP", lambda: by_srp(THIRD))


def sign_up_again(sub: str) -> None:
    sign_up(THIRD, PLACE["namesakeMail"])
    confirm(code_sent_to(PLACE["namesakeMail"]))
    must(hold=by_srp(THIRD).access_claims["sub"] != sub, claim="the namesake has another sub")


def be_invited() -> None:
    """Somebody whom an administrator made, with a password that must be replaced."""
    temporary = PLACE["temporaryPassword"]

    def replace(password: str) -> None:
        user = somebody(PLACE["invited"])
        user.new_password_challenge(temporary, password)
        must(hold=bool(sub_of(user)), claim="the new password signs in")

    step("invited: the password must be replaced", lambda: somebody(PLACE["invited"]).authenticate(temporary))
    step("invited: a weak password is refused", lambda: replace("weakweak"))
    step("invited: replaces it and is signed in", lambda: replace(PASSWORD))


def keep_a_secret() -> None:
    """The namesake, through a client that has a secret."""
    known: dict[str, Any] = {}
    step("secret: signs in by SRP", lambda: known.update(user=by_srp(THIRD, PLACE["secret"])))
    step("secret: refreshes", known["user"].renew_access_token)
    step("secret: a wrong one is refused", lambda: by_srp(THIRD, "wrong"))


if __name__ == "__main__":
    come_and_stay()
    be_invited()
    keep_a_secret()
