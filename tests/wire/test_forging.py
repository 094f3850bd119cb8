"""
Forged access tokens: each is refused by every operation that takes one, and after all of them nothing has
changed.

On PostgreSQL, where an answer is the same and takes longer, each is met by one of the operations in turn.
"""

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cenote.vault.signing import SigningKey
from tests.everyday import one_in_five
from tests.house import House, Tenant, error_of
from tests.wire import forger, forgeries
from tests.wire.craft import keys_of
from tests.wire.forger import Forgery, Scene
from tests.wire.steps import refresh
from tests.wire.takers import Line, Outcome, least_request, takers_of

OPERATIONS = takers_of("AccessToken")
REQUESTS = {operation: least_request(operation) for operation in OPERATIONS}
FORGERIES_EACH_MIN = 60
TOKEN_REFUSALS = (
    *("Invalid Access Token", "Could not verify signature for Access Token", "Access Token has expired"),
    *("Access Token has been revoked", "Access Token does not have required scopes"),
)
NOT_AUTHORIZED = "NotAuthorizedException"
UNTOKENLIKE = (
    "1 validation error detected: Value at 'accessToken' failed to satisfy constraint: "
    "Member must satisfy regular expression pattern: [A-Za-z0-9-_=.]+"
)
LETTERS = "ABCXYZabcxyz0189-_=."


@pytest.fixture(scope="module")
def town(house: House) -> Tenant:
    """The pool whose tokens are forged."""
    return Tenant(house)


@pytest.fixture(scope="module")
def scene(house: House, town: Tenant) -> Iterator[Scene]:
    """A user with genuine tokens, and all that a forger has; in the end everybody is as they were."""
    other = Tenant(house)
    tokens = town.user("ann", email="ann-forged@example.com")
    laid = Scene(
        access=tokens["AccessToken"],
        identity=tokens["IdToken"],
        refresh=tokens["RefreshToken"],
        another=town.user("bob")["AccessToken"],
        own=SigningKey.new(),
        foreign=keys_of(house, other.pool_id),
        foreign_access=other.user("ann")["AccessToken"],
        pool=keys_of(house, town.pool_id),
    )
    before = seen_of(town)
    yield laid
    assert seen_of(town) == before
    assert town.cognito.get_user(AccessToken=laid.another)["Username"] == "bob"
    assert refresh(town, laid.refresh)["AuthenticationResult"]["AccessToken"]


def seen_of(town: Tenant) -> list[dict[str, Any]]:
    """All that an administrator sees of the two users, and every message to them."""
    users = [
        town.cognito.admin_get_user(UserPoolId=town.pool_id, Username=name) | {"ResponseMetadata": None}
        for name in ("ann", "bob")
    ]
    return [*users, *town.house.inbox("ann-forged@example.com")]


@pytest.fixture(scope="module")
def line(house: House) -> Iterator[Line]:
    opened = Line(house.port)
    yield opened
    opened.close()


def answer_of(line: Line, operation: str, token: str) -> Outcome:
    return line.outcome(operation, REQUESTS[operation] | {"AccessToken": token})


def met_by(house: House, forged: str) -> tuple[str, ...]:
    """The operations that are asked."""
    if "--database-url" not in house.flags:
        return OPERATIONS
    return (OPERATIONS[zlib.crc32(forged.encode()) % len(OPERATIONS)],)


def hold(house: House, line: Line, scene: Scene, forged: str, refusal: tuple[str, str]) -> None:
    """Every operation refuses the forged token, and the genuine one is as good as before."""
    assert forged != scene.access
    answers = {operation: answer_of(line, operation, forged) for operation in met_by(house, forged)}
    assert answers == dict.fromkeys(answers, (400, *refusal))
    assert answer_of(line, "GetUser", scene.access)[0] == 200


def each(group: Mapping[str, Forgery]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("forge", one_in_five(group))


def test_the_control_is_accepted(line: Line, scene: Scene) -> None:
    assert forger.genuine_respelled(scene) == scene.access
    assert answer_of(line, "GetUser", scene.access)[0] == 200


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_asked_comes_to_where_the_token_matters(line: Line, tenant: Tenant, operation: str) -> None:
    """With a genuine token the same request is answered, or refused for something else."""
    _status, _error, text = answer_of(line, operation, tenant.user("ann")["AccessToken"])
    assert text not in TOKEN_REFUSALS
    assert "accessToken" not in text


def test_every_operation_meets_more_than_enough() -> None:
    groups = ("INVALID", "UNVERIFIED", "UNTOKENLIKE", "MISSAID", "ENDED")
    assert sum(len(getattr(forgeries, group)) for group in groups) >= FORGERIES_EACH_MIN
    assert {"GetUser", "DeleteUser", "ChangePassword", "UpdateUserAttributes"} <= set(OPERATIONS)


@each(forgeries.INVALID)
def test_what_no_key_of_the_pool_can_have_signed_is_invalid(
    house: House, line: Line, scene: Scene, forge: Forgery
) -> None:
    hold(house, line, scene, forge(scene), (NOT_AUTHORIZED, "Invalid Access Token"))


@each(forgeries.UNVERIFIED)
def test_what_could_be_the_pool_s_is_held_against_its_key(
    house: House, line: Line, scene: Scene, forge: Forgery
) -> None:
    hold(house, line, scene, forge(scene), (NOT_AUTHORIZED, "Could not verify signature for Access Token"))


@each(forgeries.UNTOKENLIKE)
def test_letters_that_no_token_has_break_the_model(
    house: House, line: Line, scene: Scene, forge: Forgery
) -> None:
    hold(house, line, scene, forge(scene), ("InvalidParameterException", UNTOKENLIKE))


@each(forgeries.MISSAID)
def test_a_true_signature_under_anything_else_is_no_access_token(
    house: House, line: Line, scene: Scene, forge: Forgery
) -> None:
    hold(house, line, scene, forge(scene), (NOT_AUTHORIZED, "Invalid Access Token"))


@each(forgeries.ENDED)
def test_a_token_may_say_that_it_ended_long_ago(
    house: House, line: Line, scene: Scene, forge: Forgery
) -> None:
    hold(house, line, scene, forge(scene), (NOT_AUTHORIZED, "Access Token has expired"))


@settings(max_examples=150, deadline=None)
@given(
    cuts=st.lists(st.tuples(st.integers(0, 1 << 16), st.text(LETTERS, max_size=3)), min_size=1, max_size=4)
)
def test_no_edit_of_a_genuine_token_is_accepted(
    line: Line, scene: Scene, cuts: list[tuple[int, str]]
) -> None:
    forged = scene.access
    for place, letters in cuts:
        at = place % len(forged)
        forged = forged[:at] + letters + forged[at + 1 :]
    status, error, _text = answer_of(line, "GetUser", forged)
    if forged != scene.access:
        assert (status, error) == (400, NOT_AUTHORIZED)


@settings(max_examples=100, deadline=None)
@given(header=st.binary(max_size=40), payload=st.binary(max_size=40), signature=st.binary(max_size=40))
def test_no_bytes_break_the_reading(line: Line, header: bytes, payload: bytes, signature: bytes) -> None:
    forged = forger.token(header, payload, signature)
    assert answer_of(line, "GetUser", forged) == (400, NOT_AUTHORIZED, "Invalid Access Token")


def test_a_key_id_that_no_database_could_hold_is_nobody_s(tenant: Tenant) -> None:
    header = base64.urlsafe_b64encode(json.dumps({"kid": "\0" * 44, "alg": "RS256"}).encode()).rstrip(b"=")
    _head, payload, signature = tenant.user("ann")["AccessToken"].split(".")
    refusal = error_of(tenant.cognito.get_user, AccessToken=f"{header.decode()}.{payload}.{signature}")
    assert refusal == ("NotAuthorizedException", "Invalid Access Token", 400)
