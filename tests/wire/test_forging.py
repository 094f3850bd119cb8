"""Forged access tokens: each is refused by every operation that takes one, and the user lives on."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cenote.vault.signing import SigningKey
from tests.house import House, Tenant
from tests.wire import forger, forgeries
from tests.wire.craft import keys_of
from tests.wire.forger import Forgery, Scene

OPERATIONS = ("GetUser", "GlobalSignOut", "DeleteUser")
NOT_AUTHORIZED = "NotAuthorizedException"
UNTOKENLIKE = (
    "1 validation error detected: Value at 'accessToken' failed to satisfy constraint: "
    "Member must satisfy regular expression pattern: [A-Za-z0-9-_=.]+"
)
LETTERS = "ABCXYZabcxyz0189-_=."


@pytest.fixture(scope="module")
def scene(house: House) -> Scene:
    """A user with genuine tokens, and all that a forger has."""
    tenant, other = Tenant(house), Tenant(house)
    tokens = tenant.user("ann")
    return Scene(
        access=tokens["AccessToken"],
        identity=tokens["IdToken"],
        refresh=tokens["RefreshToken"],
        another=tenant.user("bob")["AccessToken"],
        own=SigningKey.new(),
        foreign=keys_of(house, other.pool_id),
        foreign_access=other.user("ann")["AccessToken"],
        pool=keys_of(house, tenant.pool_id),
    )


def answer_of(house: House, operation: str, token: str) -> tuple[int, str, str]:
    status, _headers, body = house.call(operation, {"AccessToken": token})
    answer = json.loads(body or b"{}")
    return status, answer.get("__type", ""), answer.get("message", "")


def hold(house: House, scene: Scene, forged: str, refusal: tuple[str, str]) -> None:
    """Every operation refuses the forged token, and the genuine one is as good as before."""
    assert forged != scene.access
    answers = {operation: answer_of(house, operation, forged) for operation in OPERATIONS}
    assert answers == dict.fromkeys(OPERATIONS, (400, *refusal))
    assert answer_of(house, "GetUser", scene.access)[0] == 200


def each(group: Mapping[str, Forgery]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("forge", group.values(), ids=group.keys())


def test_the_control_is_accepted(house: House, scene: Scene) -> None:
    assert forger.genuine_respelled(scene) == scene.access
    assert answer_of(house, "GetUser", scene.access)[0] == 200


@each(forgeries.INVALID)
def test_what_no_key_of_the_pool_can_have_signed_is_invalid(
    house: House, scene: Scene, forge: Forgery
) -> None:
    hold(house, scene, forge(scene), (NOT_AUTHORIZED, "Invalid Access Token"))


@each(forgeries.UNVERIFIED)
def test_what_could_be_the_pool_s_is_held_against_its_key(house: House, scene: Scene, forge: Forgery) -> None:
    hold(house, scene, forge(scene), (NOT_AUTHORIZED, "Could not verify signature for Access Token"))


@each(forgeries.UNTOKENLIKE)
def test_letters_that_no_token_has_break_the_model(house: House, scene: Scene, forge: Forgery) -> None:
    hold(house, scene, forge(scene), ("InvalidParameterException", UNTOKENLIKE))


@each(forgeries.MISSAID)
def test_a_true_signature_under_anything_else_is_no_access_token(
    house: House, scene: Scene, forge: Forgery
) -> None:
    hold(house, scene, forge(scene), (NOT_AUTHORIZED, "Invalid Access Token"))


@each(forgeries.ENDED)
def test_a_token_may_say_that_it_ended_long_ago(house: House, scene: Scene, forge: Forgery) -> None:
    hold(house, scene, forge(scene), (NOT_AUTHORIZED, "Access Token has expired"))


@settings(max_examples=150, deadline=None)
@given(
    cuts=st.lists(st.tuples(st.integers(0, 1 << 16), st.text(LETTERS, max_size=3)), min_size=1, max_size=4)
)
def test_no_edit_of_a_genuine_token_is_accepted(
    house: House, scene: Scene, cuts: list[tuple[int, str]]
) -> None:
    forged = scene.access
    for place, letters in cuts:
        at = place % len(forged)
        forged = forged[:at] + letters + forged[at + 1 :]
    status, error, _text = answer_of(house, "GetUser", forged)
    if forged != scene.access:
        assert (status, error) == (400, NOT_AUTHORIZED)


@settings(max_examples=100, deadline=None)
@given(header=st.binary(max_size=40), payload=st.binary(max_size=40), signature=st.binary(max_size=40))
def test_no_bytes_break_the_reading(house: House, header: bytes, payload: bytes, signature: bytes) -> None:
    forged = forger.token(header, payload, signature)
    assert answer_of(house, "GetUser", forged) == (400, NOT_AUTHORIZED, "Invalid Access Token")
