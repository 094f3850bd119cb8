"""Refresh tokens that rotate: one is good, the one before it for its grace, and reuse is refused, no more."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.house import House, Tenant
from tests.wire.craft import claims_of
from tests.wire.steps import DONE, at_once, refresh, refused, renew, revoke, rotating

KINDS = ("AccessToken", "IdToken")
REUSE = "RefreshTokenReuseException: Refresh token reuse detected"
INVALID = "NotAuthorizedException: Invalid Refresh Token"
WORDLESS = "NotAuthorizedException: "
THREADS = 12
GRACE_S = 60


@pytest.fixture
def strict(tenants) -> Tenant:
    """A pool whose client rotates without a grace."""
    made: Tenant = tenants(client=rotating())
    return made


@pytest.fixture
def graceful(tenants) -> Tenant:
    """A pool whose client rotates with the longest grace."""
    made: Tenant = tenants(client=rotating(GRACE_S))
    return made


def next_of(tenant: Tenant, token: str) -> str:
    """The refresh token that this one is given for."""
    following: str = renew(tenant, token)["RefreshToken"]
    return following


def configure(tenant: Tenant, client: dict[str, Any]) -> None:
    """Configure the client anew."""
    tenant.cognito.update_user_pool_client(UserPoolId=tenant.pool_id, ClientId=tenant.client_id, **client)


def into(results: list[Any], call: Callable[..., Any], *arguments: Any) -> Callable[[], None]:
    """A call whose result is kept, to be made at some moment."""
    return lambda: results.append(call(*arguments))


# Without a grace.


def test_a_renewal_gives_five_things_and_retires_the_token_that_was_presented(strict: Tenant) -> None:
    first = strict.user("ann")
    answer = strict.cognito.get_tokens_from_refresh_token(
        ClientId=strict.client_id, RefreshToken=first["RefreshToken"]
    )
    assert set(answer) == {"AuthenticationResult", "ResponseMetadata"}
    renewed = answer["AuthenticationResult"]
    assert set(renewed) == {"AccessToken", "ExpiresIn", "IdToken", "RefreshToken", "TokenType"}
    assert renewed["RefreshToken"] != first["RefreshToken"]
    assert refused(renew, strict, first["RefreshToken"]) == REUSE
    third = next_of(strict, renewed["RefreshToken"])
    for retired in (first["RefreshToken"], renewed["RefreshToken"]):
        assert refused(renew, strict, retired) == REUSE
    assert next_of(strict, third)


def test_reuse_ends_nothing(strict: Tenant) -> None:
    first = strict.user("ann")
    other = strict.sign_in("ann")["RefreshToken"]
    second = renew(strict, first["RefreshToken"])
    for _time in range(3):
        assert refused(renew, strict, first["RefreshToken"]) == REUSE
    third = renew(strict, second["RefreshToken"])
    for tokens in (first, second, third):
        assert strict.cognito.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    assert next_of(strict, third["RefreshToken"])
    assert next_of(strict, other)


def test_a_session_keeps_its_origin_its_event_its_beginning_and_its_end(strict: Tenant) -> None:
    tokens = [strict.user("ann")]
    for _time in range(3):
        strict.house.advance(60)
        tokens.append(renew(strict, tokens[-1]["RefreshToken"]))
    for kind in KINDS:
        first, *later = [claims_of(one[kind]) for one in tokens]
        for claims in later:
            assert list(claims) == list(first)
            assert {name for name in first if claims[name] != first[name]} == {"exp", "iat", "jti"}
    assert len({claims_of(one[kind])["jti"] for one in tokens for kind in KINDS}) == 8


def test_every_refresh_token_of_a_session_ends_when_the_first_one_would_have(tenants) -> None:
    tenant = tenants(client=rotating(RefreshTokenValidity=1))
    token = tenant.user("ann")["RefreshToken"]
    for _time in range(3):
        tenant.house.advance(7 * 3600)
        token = next_of(tenant, token)
    tenant.house.advance(3 * 3600)
    assert refused(renew, tenant, token) == "NotAuthorizedException: Refresh Token has expired"


def test_of_many_with_one_token_at_once_one_goes_on(strict: Tenant) -> None:
    token = strict.user("ann")["RefreshToken"]
    for _round in range(4):
        given: list[str] = []
        outcomes = at_once(*[into(given, next_of, strict, token)] * THREADS)
        assert sorted(outcomes) == [REUSE] * (THREADS - 1) + [DONE]
        (token,) = given
    assert next_of(strict, token)


def test_a_rotating_client_renews_in_no_other_way(strict: Tenant) -> None:
    token = strict.user("ann")["RefreshToken"]
    elsewhere = "UnsupportedOperationException: This API does not support refresh token rotation"
    assert refused(refresh, strict, token) == elsewhere
    for flow in ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"):
        request = {"AuthFlow": flow, "AuthParameters": {"REFRESH_TOKEN": token}}
        named = {"UserPoolId": strict.pool_id, "ClientId": strict.client_id}
        assert refused(strict.cognito.admin_initiate_auth, **named, **request) == elsewhere
    assert next_of(strict, token)


# With a grace.


def test_within_the_grace_a_retry_is_given_another_token_which_displaces_the_first(graceful: Tenant) -> None:
    token = graceful.user("ann")["RefreshToken"]
    lost, found = next_of(graceful, token), next_of(graceful, token)
    assert lost != found
    assert refused(renew, graceful, lost) == REUSE
    again = next_of(graceful, token)
    assert refused(renew, graceful, found) == REUSE
    assert next_of(graceful, again)


def test_only_the_token_before_the_present_one_has_a_grace(graceful: Tenant) -> None:
    first = graceful.user("ann")["RefreshToken"]
    second = next_of(graceful, first)
    third = next_of(graceful, second)
    assert refused(renew, graceful, first) == REUSE
    other_third = next_of(graceful, second)
    for retired in (first, third):
        assert refused(renew, graceful, retired) == REUSE
    fourth = next_of(graceful, other_third)
    assert refused(renew, graceful, second) == REUSE
    assert next_of(graceful, fourth)


def test_no_retry_extends_the_grace(graceful: Tenant) -> None:
    token = graceful.user("ann")["RefreshToken"]
    next_of(graceful, token)
    graceful.house.advance(GRACE_S / 2)
    present = next_of(graceful, token)
    graceful.house.advance(GRACE_S / 2)
    assert refused(renew, graceful, token) == REUSE
    assert next_of(graceful, present)


def test_a_grace_is_as_long_as_the_client_said_when_the_token_was_retired(graceful: Tenant) -> None:
    token = graceful.user("ann")["RefreshToken"]
    second = next_of(graceful, token)
    configure(graceful, rotating(0))
    second = next_of(graceful, token)
    next_of(graceful, second)
    assert refused(renew, graceful, second) == REUSE
    configure(graceful, rotating(GRACE_S))
    assert refused(renew, graceful, second) == REUSE


def test_of_many_with_one_token_at_once_each_is_given_one_and_one_is_good(graceful: Tenant) -> None:
    given: list[str] = []
    token = graceful.user("ann")["RefreshToken"]
    outcomes = at_once(*[into(given, next_of, graceful, token)] * THREADS)
    assert outcomes == [DONE] * THREADS
    assert len(set(given)) == THREADS
    good = [one for one in given if answer_of(graceful, one) == DONE]
    assert len(good) == 1


def answer_of(tenant: Tenant, token: str) -> str:
    """Whether the token still renews, or how it is refused."""
    try:
        renew(tenant, token)
    except ClientError as refusal:
        return f"{refusal.response['Error']['Code']}: {refusal.response['Error']['Message']}"
    return DONE


def by_revocation(tenant: Tenant, tokens: dict[str, Any], _username: str) -> None:
    revoke(tenant, tokens["RefreshToken"])


def by_a_sign_out(tenant: Tenant, tokens: dict[str, Any], _username: str) -> None:
    tenant.cognito.global_sign_out(AccessToken=tokens["AccessToken"])


def by_disabling(tenant: Tenant, _tokens: dict[str, Any], username: str) -> None:
    tenant.cognito.admin_disable_user(UserPoolId=tenant.pool_id, Username=username)


def by_an_erasure(tenant: Tenant, tokens: dict[str, Any], _username: str) -> None:
    tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])


@pytest.mark.parametrize(
    "end, refusal",
    [
        (by_revocation, WORDLESS),
        (by_a_sign_out, WORDLESS),
        (by_disabling, "NotAuthorizedException: User is disabled."),
        (
            by_an_erasure,
            "NotAuthorizedException: The user has been deleted for the associated refresh token",
        ),
    ],
)
def test_of_renewals_and_an_end_at_once_the_end_holds(graceful: Tenant, end, refusal: str) -> None:
    for number in range(4):
        given: list[str] = []
        tokens = graceful.user(f"user{number}")
        outcomes = at_once(
            *[into(given, next_of, graceful, tokens["RefreshToken"])] * 4,
            partial(end, graceful, tokens, f"user{number}"),
        )
        assert set(outcomes) <= {DONE, refusal}
        assert outcomes[-1] == DONE
        for token in (tokens["RefreshToken"], *given):
            assert refused(renew, graceful, token) == refusal


# Turned on and off.


def test_turned_on_it_takes_up_the_sessions_that_are_there(tenant: Tenant) -> None:
    first, second = tenant.user("ann")["RefreshToken"], tenant.sign_in("ann")["RefreshToken"]
    refresh(tenant, first)
    configure(tenant, rotating())
    following = next_of(tenant, first)
    assert refused(renew, tenant, first) == REUSE
    assert next_of(tenant, following)
    assert next_of(tenant, second)


def test_turned_off_the_present_token_stays_good_and_no_other_becomes_so(strict: Tenant) -> None:
    first = strict.user("ann")["RefreshToken"]
    second = next_of(strict, first)
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    for off in (
        {"ExplicitAuthFlows": flows},
        {"ExplicitAuthFlows": flows, "RefreshTokenRotation": {"Feature": "DISABLED"}},
    ):
        configure(strict, off)
        for _time in range(2):
            assert "RefreshToken" not in renew(strict, second)
            assert refresh(strict, second)["AuthenticationResult"]["AccessToken"]
        assert refused(renew, strict, first) == REUSE
        assert refused(refresh, strict, first) == INVALID
    configure(strict, rotating())
    assert next_of(strict, second)
    assert refused(renew, strict, second) == REUSE


def test_turned_off_a_grace_that_was_given_runs_its_time(graceful: Tenant) -> None:
    first = graceful.user("ann")["RefreshToken"]
    second = next_of(graceful, first)
    configure(graceful, {"ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]})
    assert "RefreshToken" not in renew(graceful, first)
    assert refresh(graceful, first)["AuthenticationResult"]["AccessToken"]
    graceful.house.advance(GRACE_S)
    assert refused(renew, graceful, first) == REUSE
    assert refused(refresh, graceful, first) == INVALID
    assert renew(graceful, second)["AccessToken"]


# What the tokens say of their origin.


def test_with_revocation_off_access_tokens_name_their_origin_once_they_are_renewed(tenants) -> None:
    tenant = tenants(client=rotating(EnableTokenRevocation=False))
    first = tenant.user("ann")
    second = renew(tenant, first["RefreshToken"])
    third = renew(tenant, second["RefreshToken"])
    access = [claims_of(one["AccessToken"]) for one in (first, second, third)]
    identity = [claims_of(one["IdToken"]) for one in (first, second, third)]
    assert "origin_jti" not in access[0]
    origins = {claims["origin_jti"] for claims in (*access[1:], *identity)}
    assert len(origins) == 1
    for tokens in (first, second, third):
        assert tenant.cognito.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    tenant.cognito.global_sign_out(AccessToken=first["AccessToken"])
    for tokens in (first, second, third):
        assert refused(tenant.cognito.get_user, AccessToken=tokens["AccessToken"]) == (
            "NotAuthorizedException: Access Token has been revoked"
        )


# On the disk.


def test_a_server_that_was_killed_remembers_what_was_retired_and_what_was_revoked(own_house: House) -> None:
    own_house.start()
    tenant = Tenant(own_house, client=rotating(GRACE_S))
    first = tenant.user("ann")["RefreshToken"]
    displaced, present = next_of(tenant, first), next_of(tenant, first)
    revoked = tenant.sign_in("ann")
    revoke(tenant, revoked["RefreshToken"])
    own_house.kill()
    own_house.start()
    assert refused(renew, tenant, displaced) == REUSE
    assert refused(renew, tenant, revoked["RefreshToken"]) == WORDLESS
    assert next_of(tenant, present)
