"""GetTokensFromRefreshToken as clients meet it: what it gives, and every refusal in its order."""

from typing import Any

import pytest

from tests.house import Tenant
from tests.wire.craft import claims_of
from tests.wire.steps import refresh, refused, renew, rotating, secret_hash, sign_in

KINDS = ("AccessToken", "IdToken")
INVALID = "NotAuthorizedException: Invalid Refresh Token"
EXPIRED = "NotAuthorizedException: Refresh Token has expired"
WORDLESS = "NotAuthorizedException: "
DISABLED = "NotAuthorizedException: User is disabled."
DELETED = "NotAuthorizedException: The user has been deleted for the associated refresh token"
WRONG_SECRET = "A" * 51


@pytest.fixture(params=["plain", "rotating"])
def either(request: pytest.FixtureRequest, tenants) -> Tenant:
    """A pool whose client rotates, and one whose client does not: they refuse alike."""
    made: Tenant = tenants(client=rotating() if request.param == "rotating" else {})
    return made


def with_secret(tenant: Tenant, **changes: Any) -> tuple[dict[str, Any], str]:
    """A confidential client of the pool, and Ann's refresh token of it."""
    tenant.sign_up("ann")
    client = tenant.new_client(GenerateSecret=True, **changes)
    proof = {"SECRET_HASH": secret_hash(client, "ann")}
    tokens = sign_in(tenant, "ann", ClientId=client["ClientId"], parameters=proof)
    token: str = tokens["AuthenticationResult"]["RefreshToken"]
    return client, token


def test_a_renewal_gives_new_tokens_of_the_same_session_and_no_refresh_token(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    tenant.house.advance(60)
    answer = tenant.cognito.get_tokens_from_refresh_token(
        ClientId=tenant.client_id, RefreshToken=tokens["RefreshToken"]
    )
    assert set(answer) == {"AuthenticationResult", "ResponseMetadata"}
    renewed = answer["AuthenticationResult"]
    assert set(renewed) == {"AccessToken", "ExpiresIn", "IdToken", "TokenType"}
    assert (renewed["ExpiresIn"], renewed["TokenType"]) == (3600, "Bearer")
    for kind in KINDS:
        old, new = claims_of(tokens[kind]), claims_of(renewed[kind])
        assert list(new) == list(old)
        assert {name for name in old if new[name] != old[name]} == {"exp", "iat", "jti"}
    for token in (tokens["AccessToken"], renewed["AccessToken"]):
        assert tenant.cognito.get_user(AccessToken=token)["Username"] == "ann"


def test_without_rotation_one_refresh_token_is_good_again_and_again_by_either_operation(
    tenant: Tenant,
) -> None:
    token = tenant.user("ann")["RefreshToken"]
    for _time in range(3):
        assert renew(tenant, token)["AccessToken"]
        assert refresh(tenant, token)["AuthenticationResult"]["AccessToken"]


def test_a_renewal_asks_for_no_flow(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    closed = tenant.new_client(ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"])["ClientId"]
    assert renew(tenant, tenant.sign_in("ann", closed)["RefreshToken"], closed)["AccessToken"]


def test_a_renewal_shows_profile_and_groups_as_they_are_now(either: Tenant) -> None:
    ann, crew = {"UserPoolId": either.pool_id, "Username": "ann"}, {"GroupName": "crew"}
    token = either.user("ann")["RefreshToken"]
    either.cognito.create_group(UserPoolId=either.pool_id, **crew)
    either.cognito.admin_add_user_to_group(**ann, **crew)
    either.cognito.admin_update_user_attributes(**ann, UserAttributes=[{"Name": "nickname", "Value": "A"}])
    renewed = renew(either, token)
    assert claims_of(renewed["IdToken"])["nickname"] == "A"
    assert [claims_of(renewed[kind])["cognito:groups"] for kind in KINDS] == [["crew"]] * 2


def test_metadata_and_a_device_key_are_passed_over(either: Tenant) -> None:
    device = "us-east-1_11111111-2222-4333-8444-555555555555"
    token = either.user("ann")["RefreshToken"]
    assert renew(either, token, ClientMetadata={"any": "thing"}, DeviceKey=device)["AccessToken"]


# The client and its secret, which come before the token.


@pytest.mark.parametrize("changes", [{}, rotating()], ids=["plain", "rotating"])
def test_a_client_with_a_secret_brings_it_as_it_is(tenant: Tenant, changes: dict[str, Any]) -> None:
    client, token = with_secret(tenant, **changes)
    ident = client["ClientId"]
    missing = f"NotAuthorizedException: Client {ident} is configured for secret but secret was not received"
    wrong = f"NotAuthorizedException: Unable to verify secret hash for client {ident}"
    for presented in (token, "garbage"):
        assert refused(renew, tenant, presented, ident) == missing
        for secret in (WRONG_SECRET, client["ClientSecret"][:-1], secret_hash(client, "ann")[:-1]):
            letters = secret.replace("+", "_").replace("/", "_")
            assert refused(renew, tenant, presented, ident, ClientSecret=letters) == wrong
    assert refused(renew, tenant, "garbage", ident, ClientSecret=client["ClientSecret"]) == INVALID
    assert renew(tenant, token, ident, ClientSecret=client["ClientSecret"])["AccessToken"]


def test_either_of_two_secrets_will_do(tenant: Tenant) -> None:
    client, token = with_secret(tenant)
    named = {"UserPoolId": tenant.pool_id, "ClientId": client["ClientId"]}
    added = tenant.cognito.add_user_pool_client_secret(**named)["ClientSecretDescriptor"]
    for secret in (client["ClientSecret"], added["ClientSecretValue"]):
        assert renew(tenant, token, client["ClientId"], ClientSecret=secret)["AccessToken"]


def test_a_public_client_may_bring_any_secret(either: Tenant) -> None:
    assert renew(either, either.user("ann")["RefreshToken"], ClientSecret=WRONG_SECRET)["AccessToken"]


def test_a_client_that_is_not_there_is_named(either: Tenant) -> None:
    token, nobody = either.user("ann")["RefreshToken"], "0" * 26
    gone = "ResourceNotFoundException: User pool client {} does not exist."
    assert refused(renew, either, token, nobody) == gone.format(nobody)
    either.cognito.delete_user_pool_client(UserPoolId=either.pool_id, ClientId=either.client_id)
    assert refused(renew, either, token) == gone.format(either.client_id)


# The token.


def test_what_is_no_refresh_token_of_the_pool_is_invalid(either: Tenant, tenants) -> None:
    tokens, foreign = either.user("ann"), tenants().user("ann")["RefreshToken"]
    for token in (tokens["AccessToken"], tokens["IdToken"], foreign, "garbage", "a.b.c.d.e"):
        assert refused(renew, either, token) == INVALID


def test_a_refresh_token_is_its_client_s_alone(either: Tenant) -> None:
    token = either.user("ann")["RefreshToken"]
    other = either.new_client(**rotating())["ClientId"]
    assert refused(renew, either, token, other) == (
        "NotAuthorizedException: Refresh Token has different Client"
    )


def test_the_end_of_a_session_is_told_without_a_word(either: Tenant) -> None:
    tokens = either.user("ann")
    either.cognito.global_sign_out(AccessToken=tokens["AccessToken"])
    request = {"ClientId": either.client_id, "RefreshToken": tokens["RefreshToken"]}
    status, headers, body = either.house.call("GetTokensFromRefreshToken", request)
    assert (status, body) == (400, b'{"__type":"NotAuthorizedException"}')
    assert len(body) == int(headers["content-length"]) == 35
    assert headers["x-amzn-errortype"] == "NotAuthorizedException:"
    assert "x-amzn-errormessage" not in headers
    assert refused(renew, either, tokens["RefreshToken"]) == WORDLESS


def test_disabled_comes_before_the_end_of_the_session(either: Tenant) -> None:
    token, ann = either.user("ann")["RefreshToken"], {"UserPoolId": either.pool_id, "Username": "ann"}
    either.cognito.admin_disable_user(**ann)
    assert refused(renew, either, token) == DISABLED
    either.cognito.admin_enable_user(**ann)
    assert refused(renew, either, token) == WORDLESS


def test_deleted_comes_before_everything_and_stays_so_for_a_namesake(either: Tenant) -> None:
    token, ann = either.user("ann")["RefreshToken"], {"UserPoolId": either.pool_id, "Username": "ann"}
    either.cognito.admin_disable_user(**ann)
    either.cognito.admin_delete_user(**ann)
    assert refused(renew, either, token) == DELETED
    theirs = either.user("ann")["RefreshToken"]
    assert refused(renew, either, token) == DELETED
    assert renew(either, theirs)["AccessToken"]


def test_a_password_that_was_reset_comes_last(either: Tenant) -> None:
    ann = {"UserPoolId": either.pool_id, "Username": "ann"}
    either.sign_up("ann", email="ann@example.com")
    token = either.sign_in("ann")["RefreshToken"]
    verified = [{"Name": "email_verified", "Value": "true"}]
    either.cognito.admin_update_user_attributes(**ann, UserAttributes=verified)
    either.cognito.admin_reset_user_password(**ann)
    reset = "PasswordResetRequiredException: Password reset required for the user"
    assert refused(renew, either, token) == reset
    either.cognito.admin_user_global_sign_out(**ann)
    assert refused(renew, either, token) == WORDLESS


@pytest.mark.parametrize("changes", [{}, rotating(60)], ids=["plain", "rotating"])
def test_a_session_ends_with_its_life_which_no_renewal_extends(tenants, changes: dict[str, Any]) -> None:
    units = {"AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "minutes"}
    lives = {"AccessTokenValidity": 5, "IdTokenValidity": 5, "RefreshTokenValidity": 60}
    tenant = tenants(client={**changes, **lives, "TokenValidityUnits": units})
    first = tenant.user("ann")["RefreshToken"]
    tenant.house.advance(59 * 60)
    later = renew(tenant, first).get("RefreshToken", first)
    tenant.house.advance(61)
    for token in (first, later):
        assert refused(renew, tenant, token) == EXPIRED
    tenant.cognito.admin_user_global_sign_out(UserPoolId=tenant.pool_id, Username="ann")
    assert refused(renew, tenant, later) == EXPIRED
