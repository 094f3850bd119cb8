"""
boto3 and the AWS CLI: a whole life, and what is left after it; the same doors for a client that has a secret.

Neither computes SRP; the client's half is that of the other tests, over Python's integers.
"""

import base64
import hmac
from typing import Any

from tests.clients.scripts.speakers import ANYBODY, SPEAKERS
from tests.clients.scripts.steps import PLACE, code_sent_to, must, step
from tests.srp_client import SrpClient

NAME, PASSWORD, SECOND, THIRD = (
    PLACE[key] for key in ("name", "password", "secondPassword", "thirdPassword")
)
OPEN = PLACE["client"]
NICKNAME = "Zoë 漢字"

call = SPEAKERS[PLACE["speaker"]](ANYBODY)


def proof(username: str, secret: str | None) -> dict[str, str]:
    """The parameter with which a client that has a secret shows it."""
    if secret is None:
        return {}
    said = f"{username}{PLACE['secretClient']}".encode()
    return {"SECRET_HASH": base64.b64encode(hmac.digest(secret.encode(), said, "sha256")).decode()}


def srp(username: str, password: str, secret: str | None = None) -> dict[str, Any]:
    """Both legs of an SRP sign-in: what the second one answered."""
    client_id, more = (PLACE["secretClient"] if secret else OPEN), proof(username, secret)
    client = SrpClient(PLACE["pool"], password)
    parameters = {"USERNAME": username, "SRP_A": client.public} | more
    asked = call("InitiateAuth", ClientId=client_id, AuthFlow="USER_SRP_AUTH", AuthParameters=parameters)
    return call(
        "RespondToAuthChallenge",
        ClientId=client_id,
        ChallengeName=asked["ChallengeName"],
        ChallengeResponses=client.answers(asked["ChallengeParameters"]) | more,
    )


def by_srp(password: str, secret: str | None = None) -> dict[str, Any]:
    """The tokens of an SRP sign-in."""
    tokens: dict[str, Any] = srp(NAME, password, secret)["AuthenticationResult"]
    return tokens


def initiate(flow: str, parameters: dict[str, str], client_id: str = OPEN) -> dict[str, Any]:
    """The tokens of a sign-in that needs one call."""
    answer = call("InitiateAuth", ClientId=client_id, AuthFlow=flow, AuthParameters=parameters)
    tokens: dict[str, Any] = answer["AuthenticationResult"]
    return tokens


def by_password(password: str) -> dict[str, Any]:
    return initiate("USER_PASSWORD_AUTH", {"USERNAME": NAME, "PASSWORD": password})


def refresh(tokens: dict[str, Any]) -> dict[str, Any]:
    return initiate("REFRESH_TOKEN_AUTH", {"REFRESH_TOKEN": tokens["RefreshToken"]})


def attributes_of(tokens: dict[str, Any]) -> dict[str, str]:
    user = call("GetUser", AccessToken=tokens["AccessToken"])
    return {pair["Name"]: pair["Value"] for pair in user["UserAttributes"]}


def erase(tokens: dict[str, Any]) -> None:
    call("DeleteUser", AccessToken=tokens["AccessToken"])


def sign_up(password: str, address: str) -> str:
    pairs = [{"Name": "email", "Value": address}]
    made = call("SignUp", ClientId=OPEN, Username=NAME, Password=password, UserAttributes=pairs)
    sub: str = made["UserSub"]
    return sub


def confirm(code: str) -> None:
    call("ConfirmSignUp", ClientId=OPEN, Username=NAME, ConfirmationCode=code)


def come_and_stay() -> None:
    """From the sign-up to the end of the first sessions."""
    known: dict[str, Any] = {}
    step("signs up", lambda: known.update(sub=sign_up(PASSWORD, PLACE["mail"])))
    step("may not sign in before confirming", lambda: by_srp(PASSWORD))
    step("may not confirm with a wrong code", lambda: confirm(PLACE["wrongCode"]))
    step("confirms with the code from the mail", lambda: confirm(code_sent_to(PLACE["mail"])))
    step("may not sign in by SRP with a wrong password", lambda: by_srp(SECOND))
    step("signs in by SRP", lambda: known.update(tokens=by_srp(PASSWORD)))
    step("reads their attributes", lambda: read(known))
    step("changes an attribute", lambda: change(known["tokens"]))
    step("refreshes their tokens", lambda: renew(known["tokens"]))
    step("changes their password", lambda: change_password(known["tokens"]))
    sign_out = {"AccessToken": known["tokens"]["AccessToken"]}
    step("signs out everywhere", lambda: call("GlobalSignOut", **sign_out))
    step("signed out: the access token is refused", lambda: attributes_of(known["tokens"]))
    step("signed out: the refresh token is refused", lambda: refresh(known["tokens"]))
    step("may not sign in by SRP with the old password", lambda: by_srp(PASSWORD))
    go(known["sub"])


def read(known: dict[str, Any]) -> None:
    attributes = attributes_of(known["tokens"])
    must(hold=attributes["sub"] == known["sub"], claim="the sub is that of the sign-up")
    verified = (attributes["email"], attributes["email_verified"]) == (PLACE["mail"], "true")
    must(hold=verified, claim="the address is verified")


def change(tokens: dict[str, Any]) -> None:
    pairs = [{"Name": "nickname", "Value": NICKNAME}]
    call("UpdateUserAttributes", AccessToken=tokens["AccessToken"], UserAttributes=pairs)
    must(hold=attributes_of(tokens)["nickname"] == NICKNAME, claim="the new value is read")


def renew(tokens: dict[str, Any]) -> None:
    renewed = refresh(tokens)
    must(hold=renewed["AccessToken"] != tokens["AccessToken"], claim="the access token is another")
    attributes_of(renewed)


def change_password(tokens: dict[str, Any]) -> None:
    passwords = {"PreviousPassword": PASSWORD, "ProposedPassword": SECOND}
    call("ChangePassword", AccessToken=tokens["AccessToken"], **passwords)


def go(sub: str) -> None:
    """The end, and the next one of the name."""
    known: dict[str, Any] = {}
    step("signs in with a password", lambda: known.update(tokens=by_password(SECOND)))
    old = known["tokens"]
    step("deletes themself", lambda: erase(old))
    step("gone: the access token is refused", lambda: attributes_of(old))
    step("gone: the refresh token is refused", lambda: refresh(old))
    step("gone: SRP sign-in is refused", lambda: by_srp(SECOND))
    step("gone: password sign-in is refused", lambda: by_password(SECOND))
    step("gone: deleting again is refused", lambda: erase(old))
    step("a namesake signs up", lambda: sign_up_again(sub))
    step("namesake: the old access token is refused", lambda: attributes_of(old))
    step("namesake: the old refresh token is refused", lambda: refresh(old))
    step("namesake: the old password is refused", lambda: by_srp(SECOND))
    step("namesake: the old token may not delete", lambda: erase(old))
    step("namesake: signs in by SRP", lambda: by_srp(THIRD))


def sign_up_again(sub: str) -> None:
    must(hold=sign_up(THIRD, PLACE["namesakeMail"]) != sub, claim="the namesake has another sub")
    confirm(code_sent_to(PLACE["namesakeMail"]))


def be_invited() -> None:
    """Somebody whom an administrator made, with a password that must be replaced."""
    met: dict[str, Any] = {}

    def meet() -> str:
        met.update(srp(PLACE["invited"], PLACE["temporaryPassword"]))
        challenge: str = met["ChallengeName"]
        return challenge

    def replace(password: str) -> None:
        answer = call(
            "RespondToAuthChallenge",
            ClientId=OPEN,
            ChallengeName=met["ChallengeName"],
            Session=met["Session"],
            ChallengeResponses={"USERNAME": PLACE["invited"], "NEW_PASSWORD": password},
        )
        must(hold="AuthenticationResult" in answer, claim="the new password signs in")

    step("invited: the password must be replaced", meet)
    step("invited: a weak password is refused", lambda: replace("weakweak"))
    step("invited: replaces it and is signed in", lambda: replace(PASSWORD))


def keep_a_secret() -> None:
    """The namesake, through a client that has a secret."""
    secret, known = PLACE["secret"], dict[str, Any]()

    def renew_secretly() -> None:
        parameters = {"REFRESH_TOKEN": known["RefreshToken"]} | proof(NAME, secret)
        initiate("REFRESH_TOKEN_AUTH", parameters, PLACE["secretClient"])

    step("secret: signs in by SRP", lambda: known.update(by_srp(THIRD, secret)))
    step("secret: refreshes", renew_secretly)
    step("secret: a wrong one is refused", lambda: by_srp(THIRD, "wrong"))


if __name__ == "__main__":
    come_and_stay()
    be_invited()
    keep_a_secret()
