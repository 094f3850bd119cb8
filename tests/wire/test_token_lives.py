"""How long tokens live: what a client may be configured to, what is shown of it, and what the clock says."""

from typing import Any

import pytest

from tests.house import Tenant
from tests.wire.craft import claims_of
from tests.wire.steps import careless, refresh, refused, renew, rotating

OUT_OF_RANGE = "InvalidParameterException: Invalid range for token validity."
OUTLIVES = (
    "InvalidParameterException: Access and Id Token expiration times must be less than or equal to"
    " refresh token expiration times."
)
FLOW_BESIDE_ROTATION = (
    "InvalidParameterException: ALLOW_REFRESH_TOKEN_AUTH is not a permitted ExplicitAuthFlow"
    " when refresh token rotation is enabled."
)
EXPIRED = "NotAuthorizedException: Refresh Token has expired"
ACCESS_EXPIRED = "NotAuthorizedException: Access Token has expired"
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def out_of_bounds(value: int, member: str, bound: str) -> str:
    """How the model refuses a number."""
    return (
        f"InvalidParameterException: 1 validation error detected: Value '{value}' at '{member}' failed to"
        f" satisfy constraint: Member must have value {bound}"
    )


def validity(kind: str, value: int, unit: str) -> dict[str, Any]:
    """The two members that set the life of one kind of token."""
    return {f"{kind}Validity": value, "TokenValidityUnits": {kind: unit}}


@pytest.mark.parametrize("kind", ["AccessToken", "IdToken"])
@pytest.mark.parametrize(
    "value, unit, life_s",
    [
        (300, "seconds", 300),
        (5, "minutes", 300),
        (1, "hours", HOUR_S),
        (24, "hours", DAY_S),
        (1, "days", DAY_S),
        (DAY_S, "seconds", DAY_S),
    ],
)
def test_a_life_within_five_minutes_and_a_day_is_that_of_the_tokens(
    tenants, kind: str, value: int, unit: str, life_s: int
) -> None:
    tenant = tenants(client=validity(kind, value, unit))
    first = tenant.user("ann")
    for tokens in (first, renew(tenant, first["RefreshToken"])):
        claims = claims_of(tokens[kind])
        assert claims["exp"] - claims["iat"] == life_s
        assert tokens["ExpiresIn"] == (life_s if kind == "AccessToken" else HOUR_S)


@pytest.mark.parametrize("kind", ["AccessToken", "IdToken"])
@pytest.mark.parametrize(
    "value, unit", [(299, "seconds"), (4, "minutes"), (25, "hours"), (2, "days"), (1441, "minutes")]
)
def test_a_shorter_or_longer_life_is_refused(tenant: Tenant, kind: str, value: int, unit: str) -> None:
    assert refused(tenant.new_client, **validity(kind, value, unit)) == OUT_OF_RANGE


@pytest.mark.parametrize(
    "value, unit", [(59, "minutes"), (3599, "seconds"), (3651, "days"), (87_601, "hours")]
)
def test_a_refresh_token_lives_an_hour_at_least_and_ten_years_at_most(
    tenant: Tenant, value: int, unit: str
) -> None:
    assert refused(tenant.new_client, **validity("RefreshToken", value, unit)) == OUT_OF_RANGE
    for longest in (validity("RefreshToken", 3650, "days"), validity("RefreshToken", 315_360_000, "seconds")):
        assert tenant.new_client(**longest)["RefreshTokenValidity"] == longest["RefreshTokenValidity"]


@pytest.mark.parametrize(
    "value, unit, life_s",
    [(1, "hours", HOUR_S), (60, "minutes", HOUR_S), (2, "days", 2 * DAY_S), (0, "hours", 30 * DAY_S)],
)
def test_a_refresh_token_is_good_until_its_end(tenants, value: int, unit: str, life_s: int) -> None:
    tenant = tenants(client=validity("RefreshToken", value, unit))
    assert tenant.client["RefreshTokenValidity"] == (value or 720)
    token = tenant.user("ann")["RefreshToken"]
    tenant.house.advance(life_s - MINUTE_S)
    assert refresh(tenant, token)["AuthenticationResult"]["AccessToken"]
    assert renew(tenant, token)["AccessToken"]
    tenant.house.advance(MINUTE_S)
    assert refused(refresh, tenant, token) == EXPIRED
    assert refused(renew, tenant, token) == EXPIRED


def test_nothing_said_is_an_hour_and_thirty_days(tenant: Tenant) -> None:
    shown = tenant.client
    assert (shown["RefreshTokenValidity"], shown["TokenValidityUnits"]) == (30, {})
    assert {"AccessTokenValidity", "IdTokenValidity"}.isdisjoint(shown)
    token = tenant.user("ann")["RefreshToken"]
    tenant.house.advance(30 * DAY_S - MINUTE_S)
    tokens = renew(tenant, token)
    assert tokens["ExpiresIn"] == HOUR_S
    tenant.house.advance(MINUTE_S)
    assert refused(renew, tenant, token) == EXPIRED
    assert tenant.cognito.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    tenant.house.advance(HOUR_S - MINUTE_S)
    assert refused(tenant.cognito.get_user, AccessToken=tokens["AccessToken"]) == ACCESS_EXPIRED


def test_neither_other_token_is_to_outlive_the_refresh_token(tenant: Tenant) -> None:
    hour = {"RefreshTokenValidity": 1}
    for kind in ("AccessToken", "IdToken"):
        units = {"RefreshToken": "hours", kind: "hours"}
        longer = {f"{kind}Validity": 2, **hour, "TokenValidityUnits": units}
        assert refused(tenant.new_client, **longer) == OUTLIVES
    assert tenant.new_client(**hour, TokenValidityUnits={"RefreshToken": "hours"})


def test_a_client_configured_anew_gives_other_lives_to_what_is_issued_from_then_on(tenant: Tenant) -> None:
    first = tenant.user("ann")
    units = {"AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "hours"}
    lives = {"AccessTokenValidity": 5, "IdTokenValidity": 10, "RefreshTokenValidity": 1}
    tenant.cognito.update_user_pool_client(
        UserPoolId=tenant.pool_id, ClientId=tenant.client_id, TokenValidityUnits=units, **lives
    )
    renewed = renew(tenant, first["RefreshToken"])
    spans = [claims_of(renewed[kind]) for kind in ("AccessToken", "IdToken")]
    assert [claims["exp"] - claims["iat"] for claims in spans] == [300, 600]
    assert renewed["ExpiresIn"] == 300
    tenant.house.advance(301)
    assert refused(tenant.cognito.get_user, AccessToken=renewed["AccessToken"]) == ACCESS_EXPIRED
    assert tenant.cognito.get_user(AccessToken=first["AccessToken"])["Username"] == "ann"
    tenant.house.advance(2 * HOUR_S)
    assert renew(tenant, first["RefreshToken"])["ExpiresIn"] == 300


@pytest.mark.parametrize(
    "member, value, bound",
    [
        ("AccessTokenValidity", 0, "greater than or equal to 1"),
        ("AccessTokenValidity", 86_401, "less than or equal to 86400"),
        ("IdTokenValidity", 0, "greater than or equal to 1"),
        ("IdTokenValidity", 86_401, "less than or equal to 86400"),
        ("RefreshTokenValidity", -1, "greater than or equal to 0"),
        ("RefreshTokenValidity", 315_360_001, "less than or equal to 315360000"),
    ],
)
def test_the_model_has_bounds_of_its_own(tenant: Tenant, member: str, value: int, bound: str) -> None:
    tenant.cognito = careless(tenant.house)
    lower = member[0].lower() + member[1:]
    assert refused(tenant.new_client, **{member: value}) == out_of_bounds(value, lower, bound)


# Rotation.


@pytest.mark.parametrize("grace_s", [0, 1, 60])
def test_a_grace_is_a_minute_at_most(tenant: Tenant, grace_s: int) -> None:
    made = tenant.new_client(**rotating(grace_s))
    assert made["RefreshTokenRotation"] == {"Feature": "ENABLED", "RetryGracePeriodSeconds": grace_s}


@pytest.mark.parametrize(
    "grace_s, bound", [(-1, "greater than or equal to 0"), (61, "less than or equal to 60")]
)
def test_a_longer_grace_is_refused(tenant: Tenant, grace_s: int, bound: str) -> None:
    tenant.cognito = careless(tenant.house)
    member = "refreshTokenRotation.retryGracePeriodSeconds"
    assert refused(tenant.new_client, **rotating(grace_s)) == out_of_bounds(grace_s, member, bound)


def test_rotation_and_the_refresh_flow_rule_each_other_out(tenant: Tenant) -> None:
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    both = rotating(ExplicitAuthFlows=flows)
    assert refused(tenant.new_client, **both) == FLOW_BESIDE_ROTATION
    named = {"UserPoolId": tenant.pool_id, "ClientId": tenant.client_id}
    assert refused(tenant.cognito.update_user_pool_client, **named, **both) == FLOW_BESIDE_ROTATION
    off = {"RefreshTokenRotation": {"Feature": "DISABLED"}, "ExplicitAuthFlows": flows}
    shown = tenant.cognito.update_user_pool_client(**named, **off)["UserPoolClient"]
    assert shown["RefreshTokenRotation"] == {"Feature": "DISABLED", "RetryGracePeriodSeconds": 0}


def test_rotation_needs_a_better_plan_than_lite(tenants) -> None:
    lite = tenants(pool={"UserPoolTier": "LITE"})
    name, _, text = refused(lite.new_client, **rotating()).partition(": ")
    assert name == "FeatureUnavailableInTierException"
    assert "Refresh Token Rotation" in text
