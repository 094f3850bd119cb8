"""
A public key that somebody planted in the database makes no token: it is held against the pool's sealed ones.

Whoever can write rows can do other harm (`docs/security.md` says which); they can't speak for a user by it.
"""

import json
from collections.abc import Callable

import pytest

from cenote.vault.signing import SigningKey
from tests.house import House, Tenant
from tests.wire.craft import change_row, claims_of, header_of, keys_of, signed

Plant = Callable[[Tenant, SigningKey, str], None]


def added(tenant: Tenant, own: SigningKey, _kid: str) -> None:
    """A row more, for the pool and this kind of token."""
    change_row(
        tenant.house,
        "insert into verification_keys (kid, pool_id, use, public) values (:kid, :pool, 'access', :public)",
        kid=own.kid,
        pool=tenant.pool_id,
        public=own.public_der,
    )


def replaced(tenant: Tenant, own: SigningKey, kid: str) -> None:
    """The pool's own row with another key in it."""
    change_row(
        tenant.house,
        "update verification_keys set public = :public where kid = :kid",
        kid=kid,
        public=own.public_der,
    )


def answer_of(house: House, token: str) -> tuple[int, str]:
    status, _headers, body = house.call("GetUser", {"AccessToken": token})
    return status, json.loads(body).get("message", "")


@pytest.mark.parametrize("plant", [added, replaced])
def test_a_key_that_is_not_the_pools_makes_no_token(house: House, plant: Plant) -> None:
    tenant, own = Tenant(house), SigningKey.new()
    tokens = tenant.user("ann")
    genuine_kid = header_of(tokens["AccessToken"])["kid"]
    plant(tenant, own, genuine_kid)
    forger = SigningKey(own.kid if plant is added else genuine_kid, own.private_der)
    forged = signed(forger, claims_of(tokens["AccessToken"]))
    assert answer_of(house, forged) == (400, "Invalid Access Token")
    assert '"event":"foreign verification key"' in house.log.read_text()


def test_another_pools_key_does_not_become_the_pools(house: House) -> None:
    """Whoever has the keys of one pool speaks for nobody in another."""
    tenant, other = Tenant(house), Tenant(house)
    said, theirs = claims_of(tenant.user("ann")["AccessToken"]), keys_of(house, other.pool_id).access
    change_row(
        house,
        "update verification_keys set pool_id = :pool where kid = :kid",
        kid=theirs.kid,
        pool=tenant.pool_id,
    )
    assert answer_of(house, signed(theirs, said)) == (400, "Invalid Access Token")


def test_the_pools_own_key_is_as_good_as_ever(house: House) -> None:
    assert answer_of(house, Tenant(house).user("ann")["AccessToken"])[0] == 200
