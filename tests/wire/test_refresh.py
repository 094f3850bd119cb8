"""Refresh tokens as clients meet them: what a refresh changes, and every refusal to the letter."""

import re

import pytest

from tests.house import Tenant
from tests.wire.craft import claims_of, decoded, encoded
from tests.wire.steps import refresh, refused, secret_hash, sign_in

ANN = "ann@example.com"
KINDS = ("AccessToken", "IdToken")
HEADER = "eyJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBLU9BRVAifQ"
INVALID = "NotAuthorizedException: Invalid Refresh Token"
EXPIRED = "NotAuthorizedException: Refresh Token has expired"
REVOKED = "NotAuthorizedException: Refresh Token has been revoked"


@pytest.mark.parametrize("flow", ["REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"])
def test_a_refresh_gives_new_tokens_of_the_same_session_and_no_refresh_token(
    tenant: Tenant, flow: str
) -> None:
    tokens = tenant.user("ann")
    tenant.house.advance(60)
    answer = tenant.cognito.initiate_auth(
        ClientId=tenant.client_id, AuthFlow=flow, AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]}
    )
    renewed = answer["AuthenticationResult"]
    assert set(renewed) == {"AccessToken", "ExpiresIn", "IdToken", "TokenType"}
    assert answer["ChallengeParameters"] == {}
    assert set(answer) == {"AuthenticationResult", "ChallengeParameters", "ResponseMetadata"}
    for kind in KINDS:
        old, new = claims_of(tokens[kind]), claims_of(renewed[kind])
        assert list(new) == list(old)
        changed = {name for name in old if new[name] != old[name]}
        assert changed == {"exp", "iat", "jti"}
        assert new["iat"] - old["iat"] == new["exp"] - old["exp"] >= 60
    for token in (tokens["AccessToken"], renewed["AccessToken"]):
        assert tenant.cognito.get_user(AccessToken=token)["Username"] == "ann"


def test_a_refresh_shows_the_profile_as_it_is_now(tenant: Tenant) -> None:
    tenant.sign_up("ann", confirmed=False, email=ANN)
    tenant.cognito.admin_confirm_sign_up(UserPoolId=tenant.pool_id, Username="ann")
    tokens = tenant.sign_in("ann")
    assert claims_of(tokens["IdToken"])["email"] == ANN
    renewed = refresh(tenant, tokens["RefreshToken"])["AuthenticationResult"]
    assert claims_of(renewed["IdToken"])["email_verified"] is False


def test_a_refresh_token_looks_as_it_does_everywhere(tenant: Tenant) -> None:
    token = tenant.user("ann")["RefreshToken"]
    assert token.split(".")[0] == HEADER
    assert len(token.split(".")) == 5
    assert re.fullmatch(r"[A-Za-z0-9-_=.]+", token)


def test_a_refresh_token_altered_at_any_letter_is_invalid(tenant: Tenant) -> None:
    token = tenant.user("ann")["RefreshToken"]
    for place, letter in enumerate(token):
        altered = token[:place] + ("A" if letter != "A" else "B") + token[place + 1 :]
        assert refused(refresh, tenant, altered) == INVALID, place
    assert refresh(tenant, token)["AuthenticationResult"]


def moved(token: str, count: int) -> str:
    """The token with the end of its ciphertext, where the tag begins, so many bytes further on."""
    head, text, tag = token.rsplit(".", 2)
    joined, cut = decoded(text) + decoded(tag), len(decoded(text)) + count
    return f"{head}.{encoded(joined[:cut])}.{encoded(joined[cut:])}"


@pytest.mark.parametrize(
    "alter",
    {
        "cut": lambda token: token[:-1],
        "cut by four": lambda token: token[:-4],
        "longer": lambda token: token + "A",
        "padded": lambda token: token + "==",
        "without its header": lambda token: token.split(".", 1)[1],
        "with an empty header": lambda token: "." + token.split(".", 1)[1],
        "without its tag": lambda token: token.rsplit(".", 1)[0],
        "with an empty tag": lambda token: token.rsplit(".", 1)[0] + ".",
        "with a sixth part": lambda token: token + ".AAAA",
        "with its parts in another order": lambda token: ".".join(
            [token.split(".")[0], *reversed(token.split(".")[1:])]
        ),
        "with a shorter tag": lambda token: moved(token, 1),
        "with a longer tag": lambda token: moved(token, -1),
        "with a space": lambda token: token + " ",
        "with a newline": lambda token: token + "\n",
        "with a NUL": lambda token: token + "\0",
        "in other letters": lambda token: token + "ü",
        "twice": lambda token: token * 2,
        "endless": lambda token: token + "A" * 100_000,
        "all dots": lambda _token: "." * 100_000,
    }.items(),
    ids=lambda item: item[0],
)
def test_a_refresh_token_altered_as_a_whole_is_invalid(tenant: Tenant, alter) -> None:
    altered = alter[1](tenant.user("ann")["RefreshToken"])
    assert refused(refresh, tenant, altered) == INVALID


def test_what_is_no_refresh_token_of_the_pool_is_invalid(tenant: Tenant, tenants) -> None:
    tokens, other = tenant.user("ann"), tenants()
    foreign = other.user("ann")["RefreshToken"]
    for token in (tokens["AccessToken"], tokens["IdToken"], foreign, "garbage", "a.b.c.d.e", HEADER):
        assert refused(refresh, tenant, token) == INVALID


def test_a_refresh_token_is_its_client_s_alone(tenant: Tenant) -> None:
    token, other = tenant.user("ann")["RefreshToken"], tenant.new_client()["ClientId"]
    assert refused(refresh, tenant, token, other) == (
        "NotAuthorizedException: Refresh Token has different Client"
    )


def test_a_deleted_client_s_refresh_token_names_it(tenant: Tenant) -> None:
    token = tenant.user("ann")["RefreshToken"]
    tenant.cognito.delete_user_pool_client(UserPoolId=tenant.pool_id, ClientId=tenant.client_id)
    assert refused(refresh, tenant, token) == (
        f"ResourceNotFoundException: User pool client {tenant.client_id} does not exist."
    )


@pytest.fixture
def brief(tenants) -> Tenant:
    """A pool whose client's refresh tokens live for an hour."""
    units = {"AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "minutes"}
    lives = {"AccessTokenValidity": 5, "IdTokenValidity": 5, "RefreshTokenValidity": 60}
    made: Tenant = tenants(client={**lives, "TokenValidityUnits": units})
    return made


def test_a_refresh_token_ends_with_its_life_which_no_refresh_extends(brief: Tenant) -> None:
    token = brief.user("ann")["RefreshToken"]
    brief.house.advance(59 * 60)
    assert refresh(brief, token)["AuthenticationResult"]
    brief.house.advance(61)
    assert refused(refresh, brief, token) == EXPIRED


def test_a_refresh_token_has_expired_when_nobody_remembers_its_session_any_more(brief: Tenant) -> None:
    tokens = brief.user("ann")
    brief.cognito.global_sign_out(AccessToken=tokens["AccessToken"])
    assert refused(refresh, brief, tokens["RefreshToken"]) == REVOKED
    brief.house.advance(3601)
    assert refused(refresh, brief, tokens["RefreshToken"]) == EXPIRED


def test_a_disabled_user_is_disabled_before_their_session_is_revoked(tenant: Tenant) -> None:
    token, ann = tenant.user("ann")["RefreshToken"], {"UserPoolId": tenant.pool_id, "Username": "ann"}
    tenant.cognito.admin_disable_user(**ann)
    assert refused(refresh, tenant, token) == "NotAuthorizedException: User is disabled."
    tenant.cognito.admin_enable_user(**ann)
    assert refused(refresh, tenant, token) == REVOKED


def test_a_deleted_user_is_deleted_before_anything_else(tenant: Tenant) -> None:
    token, ann = tenant.user("ann")["RefreshToken"], {"UserPoolId": tenant.pool_id, "Username": "ann"}
    tenant.cognito.admin_disable_user(**ann)
    tenant.cognito.admin_delete_user(**ann)
    assert refused(refresh, tenant, token) == (
        "NotAuthorizedException: The user has been deleted for the associated refresh token"
    )


def test_a_client_with_a_secret_proves_it_for_the_real_name(tenants) -> None:
    tenant = tenants(pool={"UsernameAttributes": ["email"]}, client={"GenerateSecret": True})
    client, ident = tenant.client, tenant.client_id
    tenant.cognito.sign_up(
        ClientId=ident, Username=ANN, Password="Correct-horse1", SecretHash=secret_hash(client, ANN)
    )
    tenant.cognito.admin_confirm_sign_up(UserPoolId=tenant.pool_id, Username=ANN)
    by_address = {"SECRET_HASH": secret_hash(client, ANN)}
    tokens = sign_in(tenant, ANN, parameters=by_address)["AuthenticationResult"]
    token, sub = tokens["RefreshToken"], claims_of(tokens["AccessToken"])["sub"]
    assert refused(refresh, tenant, token) == (
        f"NotAuthorizedException: Client {ident} is configured with secret but SECRET_HASH was not received"
    )
    unproved = f"NotAuthorizedException: Unable to verify secret hash for client {ident}"
    assert refused(refresh, tenant, token, **by_address) == unproved
    assert refused(refresh, tenant, token, SECRET_HASH="nonsense") == unproved
    assert refresh(tenant, token, SECRET_HASH=secret_hash(client, sub))["AuthenticationResult"]


def test_a_client_that_rotates_is_sent_elsewhere(tenants) -> None:
    tenant = tenants(
        client={
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
            "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 10},
        }
    )
    token = tenant.user("ann")["RefreshToken"]
    assert refused(refresh, tenant, token) == (
        "UnsupportedOperationException: This API does not support refresh token rotation"
    )


def test_a_client_without_the_flow_refreshes_nothing(tenant: Tenant) -> None:
    closed = tenant.new_client(ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"])["ClientId"]
    tenant.sign_up("ann")
    token = tenant.sign_in("ann", closed)["RefreshToken"]
    assert refused(refresh, tenant, token, closed) == (
        "InvalidParameterException: REFRESH_TOKEN_AUTH flow not enabled for this client"
    )


def test_a_refresh_without_a_token_misses_it(tenant: Tenant) -> None:
    missing = "InvalidParameterException: Missing required parameter REFRESH_TOKEN"
    assert refused(refresh, tenant, "") == missing
    flow = {"ClientId": tenant.client_id, "AuthFlow": "REFRESH_TOKEN_AUTH"}
    assert refused(tenant.cognito.initiate_auth, **flow) == missing
    assert refused(tenant.cognito.initiate_auth, **flow, AuthParameters={}) == missing
