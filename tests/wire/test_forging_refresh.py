"""Forged refresh tokens: none renews or ends anything, by any of the operations that take one."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.everyday import one_in_five
from tests.house import PASSWORD, House, Tenant
from tests.wire import refresh_forgeries as forgeries
from tests.wire.craft import claims_of, encoded, server_secret_of
from tests.wire.refresh_forgeries import Forgery, Scene
from tests.wire.takers import Line, least_request, takers_of

INVALID = (400, "NotAuthorizedException", "Invalid Refresh Token")
WORDLESS = (400, "NotAuthorizedException", "")
DELETED = (
    400,
    "NotAuthorizedException",
    "The user has been deleted for the associated refresh token",
)
OTHER_CLIENT = (400, "NotAuthorizedException", "Refresh Token has different Client")
REVOKED = (400, "NotAuthorizedException", "Refresh Token has been revoked")
EXPIRED = (400, "NotAuthorizedException", "Refresh Token has expired")
REUSE = (400, "RefreshTokenReuseException", "Refresh token reuse detected")
NOT_THE_CLIENT = (400, "UnauthorizedException", "Invalid client or secret")
WRONG_TYPE = (400, "UnsupportedTokenTypeException", "Only refresh tokens can be revoked")
DONE = (200, "", "")
TOO_LONG = (
    "1 validation error detected: Value at 'authParameters' failed to satisfy constraint: Map value must"
    " satisfy constraint: [Member must have length less than or equal to 131072, Member must have length"
    " greater than or equal to 0]"
)
UNTOKENLIKE = (
    "1 validation error detected: Value at '{}' failed to satisfy constraint: "
    "Member must satisfy regular expression pattern: [A-Za-z0-9-_=.]+"
)
LETTERS = "ABCXYZabcxyz0189-_=."
EVERY = {**forgeries.INVALID, **forgeries.UNTOKENLIKE, **forgeries.MISSAID}
FORGERIES_EACH_MIN = 60
FLOWS = ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN")

Outcome = tuple[int, str, str]


@pytest.fixture(scope="module")
def tenant(house: House) -> Tenant:
    """The pool and the client of the genuine token."""
    return Tenant(house)


@pytest.fixture(scope="module")
def scene(house: House, tenant: Tenant) -> Scene:
    """A user with genuine tokens, and all that a forger has."""
    tokens, other_client = tenant.user("ann"), tenant.new_client()["ClientId"]
    bob = tenant.user("bob")
    gone, former = tenant.user("gone"), tenant.user("former")
    for erased in (gone, former):
        tenant.cognito.delete_user(AccessToken=erased["AccessToken"])
    tenant.user("former")
    return Scene(
        refresh=tokens["RefreshToken"],
        access=tokens["AccessToken"],
        identity=tokens["IdToken"],
        second=tenant.sign_in("ann")["RefreshToken"],
        another=bob["RefreshToken"],
        another_sub=claims_of(bob["AccessToken"])["sub"],
        other_client=tenant.sign_in("ann", other_client)["RefreshToken"],
        foreign=Tenant(house).user("ann")["RefreshToken"],
        erased=gone["RefreshToken"],
        former=former["RefreshToken"],
        challenge=challenge_of(tenant),
        secret=server_secret_of(house),
    )


@pytest.fixture(scope="module")
def line(house: House) -> Iterator[Line]:
    opened = Line(house.port)
    yield opened
    opened.close()


def challenge_of(tenant: Tenant) -> str:
    """A Session, from whoever must set a password of their own."""
    tenant.cognito.admin_create_user(
        UserPoolId=tenant.pool_id, Username="new", TemporaryPassword=PASSWORD, MessageAction="SUPPRESS"
    )
    answer = tenant.cognito.initiate_auth(
        ClientId=tenant.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "new", "PASSWORD": PASSWORD},
    )
    session: str = answer["Session"]
    return session


def answer_of(house: House, operation: str, request: dict[str, Any]) -> Outcome:
    status, _headers, body = house.call(operation, request)
    answer = json.loads(body)
    return status, answer.get("__type", ""), answer.get("message", "")


def renewed(tenant: Tenant, token: str) -> Outcome:
    """GetTokensFromRefreshToken's answer."""
    request = {"ClientId": tenant.client_id, "RefreshToken": token}
    return answer_of(tenant.house, "GetTokensFromRefreshToken", request)


def refreshed(tenant: Tenant, token: str) -> Outcome:
    """InitiateAuth's answer."""
    request = {
        "ClientId": tenant.client_id,
        "AuthFlow": "REFRESH_TOKEN_AUTH",
        "AuthParameters": {"REFRESH_TOKEN": token},
    }
    return answer_of(tenant.house, "InitiateAuth", request)


def revoked(tenant: Tenant, token: str) -> Outcome:
    """RevokeToken's answer."""
    return answer_of(tenant.house, "RevokeToken", {"ClientId": tenant.client_id, "Token": token})


def hold(
    tenant: Tenant, scene: Scene, forged: str, *, renews: Outcome, refreshes: Outcome, revokes: Outcome
) -> None:
    """The three operations answer so, and the genuine tokens are as good as before."""
    assert forged != scene.refresh
    answers = (renewed(tenant, forged), refreshed(tenant, forged), revoked(tenant, forged))
    assert answers == (renews, refreshes, revokes)
    assert [renewed(tenant, token) for token in (scene.refresh, scene.another)] == [DONE] * 2


def each(group: Mapping[str, Forgery]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("forge", one_in_five(group))


def too_odd(member: str) -> Outcome:
    """How the model refuses letters that no token has."""
    return 400, "InvalidParameterException", UNTOKENLIKE.format(member)


def test_the_controls_are_accepted(tenant: Tenant, scene: Scene) -> None:
    assert renewed(tenant, scene.refresh) == refreshed(tenant, scene.refresh) == DONE
    resealed = forgeries.genuine_resealed(scene)
    assert resealed != scene.refresh
    assert renewed(tenant, resealed) == refreshed(tenant, resealed) == DONE


@each(forgeries.INVALID)
def test_what_the_server_did_not_seal_is_invalid(tenant: Tenant, scene: Scene, forge: Forgery) -> None:
    hold(tenant, scene, forge(scene), renews=INVALID, refreshes=INVALID, revokes=DONE)


@each(forgeries.ENDLESS)
def test_what_has_no_end_is_invalid(tenant: Tenant, scene: Scene, forge: Forgery) -> None:
    too_long = 400, "InvalidParameterException", TOO_LONG
    hold(tenant, scene, forge(scene), renews=INVALID, refreshes=too_long, revokes=DONE)


@each(forgeries.UNTOKENLIKE)
def test_letters_that_no_token_has_break_the_model(tenant: Tenant, scene: Scene, forge: Forgery) -> None:
    hold(
        tenant,
        scene,
        forge(scene),
        renews=too_odd("refreshToken"),
        refreshes=INVALID,
        revokes=too_odd("token"),
    )


@pytest.mark.parametrize("kind", ["access", "identity"])
def test_another_kind_of_token_is_no_refresh_token(tenant: Tenant, scene: Scene, kind: str) -> None:
    token = getattr(scene, kind)
    hold(tenant, scene, token, renews=INVALID, refreshes=INVALID, revokes=WRONG_TYPE)


def test_another_client_s_token_is_that_client_s(tenant: Tenant, scene: Scene) -> None:
    hold(
        tenant,
        scene,
        scene.other_client,
        renews=OTHER_CLIENT,
        refreshes=OTHER_CLIENT,
        revokes=NOT_THE_CLIENT,
    )


def test_another_pool_s_token_is_that_pool_s(tenant: Tenant, scene: Scene) -> None:
    hold(tenant, scene, scene.foreign, renews=INVALID, refreshes=INVALID, revokes=NOT_THE_CLIENT)


@pytest.mark.parametrize("whose", ["erased", "former"])
def test_a_token_of_somebody_who_is_gone_is_nobody_s_whoever_bears_the_name(
    tenant: Tenant, scene: Scene, whose: str
) -> None:
    hold(tenant, scene, getattr(scene, whose), renews=DELETED, refreshes=DELETED, revokes=DONE)
    assert tenant.sign_in("former")["RefreshToken"]


@each(forgeries.MISSAID)
def test_a_true_seal_about_anything_else_is_no_refresh_token(
    tenant: Tenant, scene: Scene, forge: Forgery
) -> None:
    hold(tenant, scene, forge(scene), renews=INVALID, refreshes=INVALID, revokes=DONE)


@pytest.mark.parametrize("generation", [1, -1, 2**31])
def test_a_generation_that_was_never_made_is_none(tenant: Tenant, scene: Scene, generation: int) -> None:
    forged = forgeries.saying(generation=generation)(scene)
    answers = renewed(tenant, forged), refreshed(tenant, forged)
    assert answers == (REUSE, INVALID)


def test_a_session_is_its_user_s(tenant: Tenant, scene: Scene) -> None:
    forged = forgeries.saying(sub=scene.another_sub)(scene)
    hold(tenant, scene, forged, renews=WORDLESS, refreshes=REVOKED, revokes=DONE)


def test_a_session_that_never_was_is_over(tenant: Tenant, scene: Scene) -> None:
    forged = forgeries.saying(session_id="00000000-0000-4000-8000-000000000000")(scene)
    hold(tenant, scene, forged, renews=WORDLESS, refreshes=REVOKED, revokes=DONE)


@pytest.mark.parametrize("expires_ms", [0, -1, -(2**63)])
def test_a_token_may_say_that_it_ended_long_ago(tenant: Tenant, scene: Scene, expires_ms: int) -> None:
    forged = forgeries.saying(expires_ms=expires_ms)(scene)
    assert (renewed(tenant, forged), refreshed(tenant, forged)) == (EXPIRED, EXPIRED)


def test_a_pool_that_the_client_is_not_of_is_another_s(tenant: Tenant, scene: Scene) -> None:
    forged = forgeries.saying(pool_id="us-east-1_nobodyxxx")(scene)
    assert (renewed(tenant, forged), refreshed(tenant, forged)) == (INVALID, INVALID)


@settings(max_examples=150, deadline=None)
@given(
    cuts=st.lists(st.tuples(st.integers(0, 1 << 16), st.text(LETTERS, max_size=3)), min_size=1, max_size=4)
)
def test_no_edit_of_a_genuine_token_is_accepted(
    tenant: Tenant, scene: Scene, cuts: list[tuple[int, str]]
) -> None:
    forged = scene.refresh
    for place, letters in cuts:
        at = place % len(forged)
        forged = forged[:at] + letters + forged[at + 1 :]
    if forged != scene.refresh:
        assert (renewed(tenant, forged), revoked(tenant, forged)) == (INVALID, DONE)
        assert renewed(tenant, scene.refresh) == DONE


@settings(max_examples=100, deadline=None)
@given(
    salt=st.binary(max_size=40),
    nonce=st.binary(max_size=40),
    text=st.binary(max_size=40),
    tag=st.binary(max_size=40),
)
def test_no_bytes_break_the_reading(
    tenant: Tenant, scene: Scene, salt: bytes, nonce: bytes, text: bytes, tag: bytes
) -> None:
    parts = [encoded(part) for part in (salt, nonce, text, tag)]
    forged = ".".join([scene.parts()[forgeries.HEADER], *parts])
    assert (renewed(tenant, forged), revoked(tenant, forged)) == (INVALID, DONE)


def ways(tenant: Tenant) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation that takes a refresh token, and its request; a text `{}` in it stands for the token."""
    for member in ("RefreshToken", "Token"):
        for operation in takers_of(member):
            yield operation, least_request(operation) | {"ClientId": tenant.client_id, member: "{}"}
    for flow in FLOWS:
        wanted = {"ClientId": tenant.client_id, "AuthFlow": flow, "AuthParameters": {"REFRESH_TOKEN": "{}"}}
        yield "InitiateAuth", wanted
        yield "AdminInitiateAuth", wanted | {"UserPoolId": tenant.pool_id}


def with_token(request: dict[str, Any], token: str) -> dict[str, Any]:
    text = json.dumps(request).replace('"{}"', json.dumps(token))
    filled: dict[str, Any] = json.loads(text)
    return filled


def test_no_operation_gives_anything_for_a_forged_one(tenant: Tenant, scene: Scene, line: Line) -> None:
    assert len(EVERY) >= FORGERIES_EACH_MIN
    assert {operation for operation, _request in ways(tenant)} >= {"GetTokensFromRefreshToken", "RevokeToken"}
    for operation, request in ways(tenant):
        for name, forge in EVERY.items():
            status, answer = line.answer(operation, with_token(request, forge(scene)))
            assert status == 400 or answer == {}, (operation, name, answer)
    assert [renewed(tenant, token) for token in (scene.refresh, scene.second, scene.another)] == [DONE] * 3


def test_every_way_is_open_to_the_genuine_one(tenant: Tenant, line: Line) -> None:
    for number, (operation, request) in enumerate(ways(tenant)):
        token = tenant.user(f"user{number}")["RefreshToken"]
        status, answer = line.answer(operation, with_token(request, token))
        assert (status, answer.get("__type")) == (200, None), operation
