"""RevokeToken: one session ends at once and altogether, and whatever else there is goes on."""

from typing import Any

import pytest

from tests.house import Tenant
from tests.wire.craft import claims_of, encoded
from tests.wire.steps import (
    DONE,
    at_once,
    refresh,
    refused,
    renew,
    revoke,
    rotating,
    secret_hash,
    sign_in,
)

REVOKED = "NotAuthorizedException: Refresh Token has been revoked"
ACCESS_REVOKED = "NotAuthorizedException: Access Token has been revoked"
WORDLESS = "NotAuthorizedException: "
NOT_THE_CLIENT = "UnauthorizedException: Invalid client or secret"
NOT_ENABLED = "UnsupportedOperationException: This feature is not enabled for this client"
NOT_A_REFRESH_TOKEN = "UnsupportedTokenTypeException: Only refresh tokens can be revoked"
THREADS = 12


def is_alive(tenant: Tenant, tokens: dict[str, Any]) -> bool:
    """Whether an access token acts and its refresh token renews; both, or the test fails."""
    assert tenant.cognito.get_user(AccessToken=tokens["AccessToken"])["Username"]
    assert refresh(tenant, tokens["RefreshToken"])["AuthenticationResult"]
    return True


def assert_dead(tenant: Tenant, tokens: dict[str, Any]) -> None:
    """No token of the session does anything here."""
    assert refused(tenant.cognito.get_user, AccessToken=tokens["AccessToken"]) == ACCESS_REVOKED
    assert refused(refresh, tenant, tokens["RefreshToken"]) == REVOKED
    assert refused(renew, tenant, tokens["RefreshToken"]) == WORDLESS


def test_a_session_ends_with_every_token_that_ever_came_from_it(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    access = [tokens["AccessToken"]]
    access.append(refresh(tenant, tokens["RefreshToken"])["AuthenticationResult"]["AccessToken"])
    access.append(renew(tenant, tokens["RefreshToken"])["AccessToken"])
    revoke(tenant, tokens["RefreshToken"])
    for token in access:
        assert refused(tenant.cognito.get_user, AccessToken=token) == ACCESS_REVOKED
        assert refused(tenant.cognito.global_sign_out, AccessToken=token) == ACCESS_REVOKED
        assert refused(tenant.cognito.delete_user, AccessToken=token) == ACCESS_REVOKED
    assert_dead(tenant, tokens)


def test_other_sessions_go_on(tenant: Tenant) -> None:
    ended, other, bob = tenant.user("ann"), tenant.sign_in("ann"), tenant.user("bob")
    revoke(tenant, ended["RefreshToken"])
    assert is_alive(tenant, other)
    assert is_alive(tenant, bob)
    assert is_alive(tenant, tenant.sign_in("ann"))
    assert_dead(tenant, ended)


def test_the_answer_is_two_bytes_and_the_same_again(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    for _time in range(2):
        request = {"Token": tokens["RefreshToken"], "ClientId": tenant.client_id}
        status, headers, body = tenant.house.call("RevokeToken", request)
        assert (status, body, headers["content-length"]) == (200, b"{}", "2")
    assert_dead(tenant, tokens)


@pytest.mark.parametrize("wanted", ["NONE", "LINKED"])
def test_sessions_that_are_linked_may_be_named_and_there_are_none(tenant: Tenant, wanted: str) -> None:
    ended, other = tenant.user("ann"), tenant.sign_in("ann")
    revoke(tenant, ended["RefreshToken"], RevokeAssociatedSessions=wanted)
    assert_dead(tenant, ended)
    assert is_alive(tenant, other)


def test_many_may_end_one_session_at_once(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    assert at_once(*[lambda: revoke(tenant, tokens["RefreshToken"])] * THREADS) == [DONE] * THREADS
    assert_dead(tenant, tokens)


@pytest.mark.parametrize("which", range(3))
def test_any_generation_of_a_rotated_token_ends_them_all(tenants, which: int) -> None:
    tenant = tenants(client=rotating(60))
    family = [tenant.user("ann")]
    for _time in range(2):
        family.append(renew(tenant, family[-1]["RefreshToken"]))
    revoke(tenant, family[which]["RefreshToken"])
    for tokens in family:
        assert refused(renew, tenant, tokens["RefreshToken"]) == WORDLESS
        assert refused(tenant.cognito.get_user, AccessToken=tokens["AccessToken"]) == ACCESS_REVOKED


# What is nothing to end.


def test_what_was_never_a_token_is_as_good_as_revoked(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    no_token = f"{encoded(b'{}')}.{encoded(b'{}')}.{encoded(b'x')}"
    claimless = f"{encoded(b'{}')}.{encoded(b'[]')}.{encoded(b'x')}"
    for token in ("garbage", "a.b.c", "a.b.c.d.e", "=", tokens["RefreshToken"][:-4], no_token, claimless):
        revoke(tenant, token)
    assert is_alive(tenant, tokens)


def test_a_session_that_is_over_is_as_good_as_revoked(tenant: Tenant) -> None:
    ann = {"UserPoolId": tenant.pool_id, "Username": "ann"}
    signed_out, bob = tenant.user("ann"), tenant.user("bob")
    tenant.cognito.admin_user_global_sign_out(**ann)
    revoke(tenant, signed_out["RefreshToken"])
    disabled = tenant.sign_in("ann")
    tenant.cognito.admin_disable_user(**ann)
    revoke(tenant, disabled["RefreshToken"])
    tenant.cognito.admin_delete_user(**ann)
    revoke(tenant, disabled["RefreshToken"])
    namesake = tenant.user("ann")
    revoke(tenant, disabled["RefreshToken"])
    assert is_alive(tenant, namesake)
    assert is_alive(tenant, bob)


def test_an_expired_refresh_token_still_ends_the_access_tokens_that_outlive_it(tenants) -> None:
    units = {"RefreshToken": "minutes", "AccessToken": "minutes", "IdToken": "minutes"}
    lives = {"RefreshTokenValidity": 60, "AccessTokenValidity": 60, "IdTokenValidity": 60}
    tenant = tenants(client={**lives, "TokenValidityUnits": units})
    token = tenant.user("ann")["RefreshToken"]
    tenant.house.advance(50 * 60)
    access = refresh(tenant, token)["AuthenticationResult"]["AccessToken"]
    tenant.house.advance(11 * 60)
    assert tenant.cognito.get_user(AccessToken=access)["Username"] == "ann"
    revoke(tenant, token)
    assert refused(tenant.cognito.get_user, AccessToken=access) == ACCESS_REVOKED


# What is refused.


def test_an_access_or_id_token_is_of_the_wrong_type_and_stays_good(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    forged = encoded(b"{}") + "." + encoded(b'{"token_use":"access"}') + "." + encoded(b"x")
    for token in (tokens["AccessToken"], tokens["IdToken"], forged):
        assert refused(revoke, tenant, token) == NOT_A_REFRESH_TOKEN
    assert is_alive(tenant, tokens)


def test_a_client_ends_no_other_client_s_session(tenant: Tenant, tenants) -> None:
    tokens, elsewhere = tenant.user("ann"), tenants()
    assert refused(revoke, tenant, tokens["RefreshToken"], tenant.new_client()["ClientId"]) == NOT_THE_CLIENT
    assert refused(revoke, elsewhere, tokens["RefreshToken"]) == NOT_THE_CLIENT
    assert is_alive(tenant, tokens)


def test_a_client_that_is_not_there_ends_nothing(tenant: Tenant) -> None:
    token = tenant.user("ann")["RefreshToken"]
    assert refused(revoke, tenant, token, "0" * 26) == NOT_THE_CLIENT
    tenant.cognito.delete_user_pool_client(UserPoolId=tenant.pool_id, ClientId=tenant.client_id)
    assert refused(revoke, tenant, token) == NOT_THE_CLIENT


def test_a_client_with_a_secret_brings_it_before_its_token_is_looked_at(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    client = tenant.new_client(GenerateSecret=True)
    ident, secret = client["ClientId"], client["ClientSecret"]
    proof = {"SECRET_HASH": secret_hash(client, "ann")}
    tokens = sign_in(tenant, "ann", ClientId=ident, parameters=proof)["AuthenticationResult"]
    for token in (tokens["RefreshToken"], tokens["AccessToken"], "garbage"):
        assert refused(revoke, tenant, token, ident) == NOT_THE_CLIENT
        for wrong in ("A" * 51, secret[:-1], secret.upper()):
            assert refused(revoke, tenant, token, ident, ClientSecret=wrong) == NOT_THE_CLIENT
    assert tenant.cognito.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    revoke(tenant, tokens["RefreshToken"], ident, ClientSecret=secret)
    assert refused(tenant.cognito.get_user, AccessToken=tokens["AccessToken"]) == ACCESS_REVOKED


def test_a_public_client_may_bring_any_secret(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    revoke(tenant, tokens["RefreshToken"], ClientSecret="A" * 51)
    assert_dead(tenant, tokens)


def test_a_client_with_revocation_off_is_told_so_whatever_it_brings(tenants) -> None:
    tenant = tenants(client={"EnableTokenRevocation": False})
    tokens = tenant.user("ann")
    for token in (tokens["RefreshToken"], tokens["AccessToken"], "garbage"):
        assert refused(revoke, tenant, token) == NOT_ENABLED
    assert is_alive(tenant, tokens)


def test_turned_on_revocation_reaches_the_tokens_of_before(tenants) -> None:
    tenant = tenants(client={"EnableTokenRevocation": False})
    tokens = tenant.user("ann")
    assert "origin_jti" not in claims_of(tokens["AccessToken"])
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    tenant.cognito.update_user_pool_client(
        UserPoolId=tenant.pool_id,
        ClientId=tenant.client_id,
        ExplicitAuthFlows=flows,
        EnableTokenRevocation=True,
    )
    revoke(tenant, tokens["RefreshToken"])
    assert_dead(tenant, tokens)
