"""The client's half of SRP against the real server, and against one that cheats."""

from datetime import UTC, datetime
from typing import Any

import pytest

from cenote.testing import srp
from cenote.testing.srp import sign_in
from tests import srp_client
from tests.house import PASSWORD, Tenant

FLOWS = ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


@pytest.fixture
def pool(tenants: Any) -> Tenant:
    """A pool whose client has a secret, and signs in by SRP alone."""
    tenant: Tenant = tenants(client={"GenerateSecret": True, "ExplicitAuthFlows": FLOWS})
    create(tenant, "ann", PASSWORD)
    return tenant


def create(tenant: Tenant, username: str, password: str, **attributes: str) -> None:
    pairs = [{"Name": name, "Value": value} for name, value in attributes.items()]
    who = {"UserPoolId": tenant.pool_id, "Username": username}
    tenant.cognito.admin_create_user(**who, UserAttributes=pairs, MessageAction="SUPPRESS")
    tenant.cognito.admin_set_user_password(**who, Password=password, Permanent=True)


def signed_in(tenant: Tenant, username: str = "ann", password: str = PASSWORD) -> dict[str, Any]:
    return sign_in(
        tenant.cognito,
        client_id=tenant.client_id,
        pool_id=tenant.pool_id,
        username=username,
        password=password,
        client_secret=tenant.client["ClientSecret"],
    )


def test_who_knows_the_password_is_signed_in(pool: Tenant):
    token = signed_in(pool)["AuthenticationResult"]["AccessToken"]
    assert pool.cognito.get_user(AccessToken=token)["Username"] == "ann"


@pytest.mark.parametrize("number", range(8))
def test_every_sign_in_is_reckoned_right_whatever_the_numbers_begin_with(pool: Tenant, number: int):
    create(pool, f"user-{number}", password := f"Correct-horse-{number}")
    assert "AuthenticationResult" in signed_in(pool, f"user-{number}", password)


def test_who_does_not_know_it_is_refused_in_the_services_words(pool: Tenant):
    with pytest.raises(
        pool.cognito.exceptions.NotAuthorizedException, match="Incorrect username or password"
    ):
        signed_in(pool, password="Wrong-horse1")


def test_a_further_challenge_is_handed_on(pool: Tenant):
    who = {"UserPoolId": pool.pool_id, "Username": "bob"}
    pool.cognito.admin_create_user(**who, TemporaryPassword=PASSWORD, MessageAction="SUPPRESS")
    challenge = signed_in(pool, "bob")
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    assert challenge["Session"]


def test_an_address_in_place_of_the_name_and_no_secret(tenants: Any):
    tenant: Tenant = tenants(pool={"UsernameAttributes": ["email"]}, client={"ExplicitAuthFlows": FLOWS})
    create(tenant, "ann@example.com", PASSWORD)
    answer = sign_in(
        tenant.cognito,
        client_id=tenant.client_id,
        pool_id=tenant.pool_id,
        username="ann@example.com",
        password=PASSWORD,
    )
    assert "AuthenticationResult" in answer


class Cheat:
    """A server whose public value makes the key known to it whatever the password is."""

    def __init__(self, public: int) -> None:
        self._public = public

    def initiate_auth(self, **_asked: Any) -> dict[str, Any]:
        parameters = {"USERNAME": "ann", "USER_ID_FOR_SRP": "ann", "SALT": "1", "SECRET_BLOCK": "AA=="}
        return {
            "ChallengeName": "PASSWORD_VERIFIER",
            "ChallengeParameters": parameters | {"SRP_B": f"{self._public:x}"},
        }


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_server_that_proves_nothing_gets_no_proof(times: int):
    with pytest.raises(ValueError, match="proves nothing"):
        sign_in(
            Cheat(times * srp_client.N), client_id="x", pool_id="us-east-1_x", username="ann", password="x"
        )


class Elsewhere:
    """A server that asks for something else first."""

    def initiate_auth(self, **_asked: Any) -> dict[str, Any]:
        return {"ChallengeName": "CUSTOM_CHALLENGE"}


def test_another_first_challenge_is_handed_on_as_it_is():
    met = sign_in(Elsewhere(), client_id="x", pool_id="us-east-1_x", username="ann", password="x")
    assert met == {"ChallengeName": "CUSTOM_CHALLENGE"}


def test_the_group_is_the_one_of_the_other_clients():
    assert srp._PRIME == srp_client.N
    assert [srp._bytes(number) for number in (1, 127, 128, 255, 256)] == [
        srp_client.padded(number) for number in (1, 127, 128, 255, 256)
    ]


@pytest.mark.parametrize("day", [1, 24, 31])
def test_the_time_is_written_in_english_wherever_it_is_reckoned(day: int):
    moment = datetime(2026, 12, day, 3, 4, 5, tzinfo=UTC)
    assert srp._timestamp(moment) == srp_client.timestamp(moment)
