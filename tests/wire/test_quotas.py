"""
`--quotas aws` on the wire: who is held, by what, and who is not.

Where a test must not depend on how fast this machine is, a quota is so small that a moment's calls exceed it,
or nothing at all.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.house import House, Tenant, error_of
from tests.nursery import QuickHouse
from tests.redis_server import RedisServer
from tests.wire.steps import careless

TOO_MANY = "TooManyRequestsException"
BURST = 200


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server with the published quotas."""
    house = QuickHouse(tmp_path_factory.mktemp("held")).start("--quotas", "aws")
    yield house
    house.stop()


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer().start()
    yield server
    server.stop()


@pytest.fixture
def nodes(tmp_path: Path, redis_server: RedisServer) -> Iterator[list[House]]:
    """Two servers that count in one Redis."""
    flags = ("--quotas", "aws", "--quota-store-url", redis_server.url)
    houses: list[House] = [QuickHouse(tmp_path / name, *flags) for name in ("first", "second")]
    for house in houses:
        house.root.mkdir()
        house.start()
    yield houses
    for house in houses:
        house.stop()


@pytest.fixture
def held_by(tmp_path: Path) -> Iterator[Callable[[str], House]]:
    """Starts a server with the published quotas but these."""
    houses: list[House] = []

    def start(overrides: str) -> House:
        houses.append(QuickHouse(tmp_path).start("--quotas", "aws", "--quota-overrides", overrides))
        return houses[-1]

    yield start
    for house in houses:
        house.stop()


def outcomes(calls: int, house: House, operation: str, request: Any, **headers: str) -> Counter[str]:
    """What so many calls at once met: "ok", or the name of an exception."""

    def once(_number: int) -> str:
        status, _headers, body = house.call(operation, request, **headers)
        return "ok" if status == 200 else json.loads(body)["__type"]

    with ThreadPoolExecutor(8) as threads:
        return Counter(threads.map(once, range(calls)))


def administrators(calls: int, tenant: Tenant) -> Counter[str]:
    """Changes of a user by administrators."""
    ann = {"UserPoolId": tenant.pool_id, "Username": "ann"}
    return outcomes(calls, tenant.house, "AdminEnableUser", ann, Authorization="AWS4-HMAC-SHA256 any")


def details(house: House) -> list[str]:
    lines = (json.loads(line) for line in house.log.read_text().splitlines() if line.startswith("{"))
    return [line["detail"] for line in lines if line.get("detail", "").startswith("quota ")]


def test_a_pool_that_uses_up_its_quota_takes_nothing_from_another(held: House) -> None:
    greedy, modest = Tenant(held), Tenant(held)
    greedy.sign_up("ann")
    token = modest.user("bob")["AccessToken"]
    assert administrators(BURST, greedy)[TOO_MANY] > 0
    modest.cognito.delete_user(AccessToken=token)


def test_one_category_takes_nothing_from_another(held: House) -> None:
    tenant = Tenant(held)
    token = tenant.user("ann")["AccessToken"]
    assert administrators(BURST, tenant)[TOO_MANY] > 0
    assert tenant.cognito.get_user(AccessToken=token)["Username"] == "ann"


def test_a_forger_uses_up_nothing_of_the_pool_that_they_name(held_by) -> None:
    """With one change a second for each pool, a single forged token that counted would be seen."""
    house = held_by("UserUpdate=1")
    tenant = Tenant(house)
    token = tenant.user("ann")["AccessToken"]
    head, payload, _signature = token.split(".")
    forged = {"AccessToken": f"{head}.{payload}.{'A' * 342}"}
    met = outcomes(50, house, "DeleteUser", forged)
    assert met.keys() == {"NotAuthorizedException", TOO_MANY}, "even forged ones are not served without end"
    tenant.cognito.delete_user(AccessToken=token)


def test_a_user_who_runs_wild_takes_nothing_from_the_others_of_the_pool(held_by) -> None:
    house = held_by("EachUserReads=1,UserRead=10")
    tenant = Tenant(house)
    ann, bob = (tenant.user(name)["AccessToken"] for name in ("ann", "bob"))
    assert outcomes(BURST, house, "GetUser", {"AccessToken": ann})[TOO_MANY] > 0
    assert tenant.cognito.get_user(AccessToken=bob)["Username"] == "bob"


def test_a_name_is_one_name_in_whatever_letters_and_says_nothing_in_the_log(held_by) -> None:
    house = held_by("EachUserReads=0")
    tenant = Tenant(house)
    for name in ("canary", "CANARY"):
        refusal = error_of(
            tenant.cognito.initiate_auth,
            ClientId=tenant.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": "Correct-horse1"},
        )
        assert refusal == (TOO_MANY, "Too many requests", 400)
    first, second = details(house)
    assert first == second == f"quota {tenant.pool_id}/EachUserReads"
    assert "canary" not in house.log.read_text().lower()


def test_answers_to_challenges_go_on_where_sign_ins_are_used_up(held_by) -> None:
    overrides = "UserAuthentication=0,ChallengeAnswers=100"
    house = held_by(overrides)
    tenant = Tenant(house)
    answer = {
        "ClientId": tenant.client_id,
        "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeResponses": {"USERNAME": "ann"},
    }
    assert error_of(tenant.cognito.respond_to_auth_challenge, **answer)[0] == "InvalidParameterException"
    sign_in = {"ClientId": tenant.client_id, "AuthFlow": "USER_PASSWORD_AUTH"}
    assert error_of(tenant.cognito.initiate_auth, **sign_in)[0] == TOO_MANY


def test_a_quota_of_the_account_holds_all_pools_together(held_by) -> None:
    house = held_by("account:UserList=0")
    tenant = Tenant(house)
    assert error_of(tenant.cognito.list_users, UserPoolId=tenant.pool_id)[0] == TOO_MANY
    assert [one for one in details(house) if one == "quota account/UserList"]


def test_calls_that_belong_to_no_pool_have_a_quota_of_their_own(held_by) -> None:
    house = held_by("UserPoolRead=0,UserCreation=0")
    assert error_of(house.client().list_user_pools, MaxResults=1)[0] == TOO_MANY
    nobody = {"ClientId": "0" * 26, "Username": "ann", "Password": "Correct-horse1"}
    assert error_of(careless(house).sign_up, **nobody)[0] == TOO_MANY
    assert {"quota -/UserPoolRead", "quota -/UserCreation"} == set(details(house))


def test_without_quotas_nobody_counts(tenant: Tenant) -> None:
    token = tenant.user("ann")["AccessToken"]
    assert outcomes(BURST, tenant.house, "GetUser", {"AccessToken": token}) == {"ok": BURST}


def test_what_is_no_quota_stops_the_start_with_a_sentence(own_house: House) -> None:
    sentence = own_house.refuses_to_start("--quotas", "aws", "--quota-overrides", "DeleteUser=1")
    assert sentence.startswith("quota_overrides: DeleteUser is no quota; the quotas are UserAuthentication,")
    assert not own_house.data.exists()


def test_two_nodes_count_together_in_a_redis_and_each_alone_while_it_is_away(
    nodes: list[House], redis_server: RedisServer
) -> None:
    for node in nodes:
        node.client().list_user_pools(MaxResults=1)
    assert len([name for name in redis_server.names() if "-/UserPoolRead/" in name]) == 1
    redis_server.stop()
    for node in nodes:
        node.client().list_user_pools(MaxResults=1)
        assert "quota store away" in node.log.read_text()
        assert node.http("GET", "/health")[0] == 200
