"""`cenote rules` beside a running server, on both engines: who is refused by their address, and when."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.by_hand import ask, post
from tests.commands import new_rule, refused_beside, said_beside
from tests.house import House, Tenant
from tests.nursery import QuickHouse

FORBIDDEN = "ForbiddenException"
NOTICED_WITHIN_S = 1.5
PROXY, ANN, EVE = "127.0.0.1", "203.0.113.7", "198.51.100.9"


@pytest.fixture
def behind_proxies(tmp_path: Path) -> Iterator[House]:
    """A server that believes proxies of this machine and of one network."""
    house = QuickHouse(tmp_path).start("--trusted-proxies", "127.0.0.1, 10.0.0.0/8")
    yield house
    house.stop()


def met(house: House, tenant: Tenant, operation: str = "ForgotPassword", **headers: str) -> str:
    """What a harmless call of a user's meets, one of a user who is not there."""
    nobody = {"ClientId": tenant.client_id, "Username": "nobody", "Password": "Correct-horse1"}
    _status, _headers, body = house.call(operation, nobody, **headers)
    kind: str = json.loads(body)["__type"]
    return kind


def until(wanted: bool, meets: Callable[[], str]) -> None:
    """Call until an order is known."""
    while (meets() == FORBIDDEN) is not wanted:
        pass


def test_a_rule_holds_within_a_second_and_ends_within_one(tenant: Tenant) -> None:
    house = tenant.house
    assert met(house, tenant) == "UserNotFoundException"
    rule = new_rule(house, "--pool", tenant.pool_id, "--block", "127.0.0.1")
    began = time.monotonic()
    until(True, lambda: met(house, tenant))
    noticed_s = time.monotonic() - began
    said_beside(house, "rules", "remove", rule)
    until(False, lambda: met(house, tenant))
    assert noticed_s < NOTICED_WITHIN_S


def test_a_rule_of_one_pool_holds_no_other(tenant: Tenant, tenants) -> None:
    other: Tenant = tenants()
    new_rule(tenant.house, "--pool", tenant.pool_id, "--block", "127.0.0.0/8")
    until(True, lambda: met(tenant.house, tenant))
    assert met(tenant.house, other) == "UserNotFoundException"
    token = other.user("ann")["AccessToken"]
    other.cognito.delete_user(AccessToken=token)


def test_a_rule_of_one_operation_holds_no_other(tenant: Tenant) -> None:
    token = {"AccessToken": tenant.user("ann")["AccessToken"]}
    new_rule(tenant.house, "--pool", tenant.pool_id, "--block", "127.0.0.0/8", "--operation", "GetUser")
    while tenant.house.call("GetUser", token)[0] != 403:
        pass
    tenant.cognito.delete_user(**token)


def test_only_those_who_are_allowed_come_in(tenant: Tenant) -> None:
    house = tenant.house
    new_rule(house, "--pool", tenant.pool_id, "--allow-only", "203.0.113.0/24")
    until(True, lambda: met(house, tenant))
    new_rule(house, "--pool", tenant.pool_id, "--allow-only", "::ffff:127.0.0.0/104")
    until(False, lambda: met(house, tenant))


def test_whoever_comes_too_often_is_refused_and_told_to_the_log(tenant: Tenant) -> None:
    house = tenant.house
    rule = new_rule(house, "--pool", tenant.pool_id, "--rate", "5/1h", "--operation", "ForgotPassword")
    until(True, lambda: met(house, tenant))
    assert {met(house, tenant) for _ in range(20)} == {FORBIDDEN}
    assert met(house, tenant, "ResendConfirmationCode") == "UserNotFoundException"
    lines = [json.loads(line) for line in house.log.read_text().splitlines() if line.startswith("{")]
    refused = [line for line in lines if line.get("detail") == f"rule {rule}"]
    assert refused
    assert "127.0.0.1" not in json.dumps(refused)


def test_rules_are_listed_with_what_they_say(tenant: Tenant) -> None:
    house, pool = tenant.house, ("--pool", tenant.pool_id)
    ids = [
        new_rule(house, *pool, "--block", "203.0.113.7"),
        new_rule(house, *pool, "--allow-only", "2001:DB8::/32", "--operation", "DeleteUser"),
        new_rule(house, *pool, "--rate", "100/5m"),
    ]
    head, *rows = said_beside(house, "rules", "list", *pool).splitlines()
    assert head.split() == ["ID", "POOL", "OPERATION", "RULE"]
    its = [row.split(maxsplit=3) for row in rows if tenant.pool_id in row]
    assert its == [
        [ids[0], tenant.pool_id, "every", "block 203.0.113.7/32"],
        [ids[1], tenant.pool_id, "DeleteUser", "allow-only 2001:db8::/32"],
        [ids[2], tenant.pool_id, "every", "rate 100/300s"],
    ]
    for one in ids:
        assert said_beside(house, "rules", "remove", one) == f"{one} is removed.\n"
    assert tenant.pool_id not in said_beside(house, "rules", "list", *pool)


@pytest.mark.parametrize(
    "words, sentence",
    [
        ([], "Say what the rule does: one of --block, --allow-only and --rate."),
        (["--block", "10.0.0.1", "--rate", "1/1s"], "Say what the rule does: one of --block,"),
        (["--block", "10.0.0.1/8"], "--block must be an address or a network such as 203.0.113.0/24"),
        (["--allow-only", "home"], "--allow-only must be an address or a network"),
        (["--rate", "often"], "--rate must be like 100/300s"),
        (["--block", "10.0.0.1", "--pool", "us-east-1_nowhere"], "There is no pool us-east-1_nowhere."),
        (["--block", "10.0.0.1", "--operation", "DeleteEverybody"], "There is no operation DeleteEverybody."),
        (["--block", "10.0.0.1", "--operation", "AdminDeleteUser"], "Rules don't meet AdminDeleteUser,"),
    ],
)
def test_what_is_no_rule_is_refused_in_a_sentence(house: House, words: list[str], sentence: str) -> None:
    assert refused_beside(house, "rules", "add", *words).startswith(sentence)


def test_a_rule_that_is_not_there_can_not_be_removed(house: House) -> None:
    assert refused_beside(house, "rules", "remove", "rule-0").startswith("There is no rule rule-0;")


def test_behind_a_trusted_proxy_the_address_is_the_client_s_and_no_invention_of_theirs(
    behind_proxies: House,
) -> None:
    house = behind_proxies
    tenant = Tenant(house)
    new_rule(house, "--pool", tenant.pool_id, "--block", EVE)
    until(True, lambda: met(house, tenant, X_Forwarded_For=EVE))
    assert met(house, tenant, X_Forwarded_For=f"{ANN}, {EVE}") == FORBIDDEN
    assert met(house, tenant, X_Forwarded_For=f"{ANN}, {EVE}, 10.9.9.9") == FORBIDDEN
    assert met(house, tenant, X_Forwarded_For=f"{EVE}, {ANN}") == "UserNotFoundException"
    assert met(house, tenant, X_Forwarded_For=f"::ffff:{EVE}") == FORBIDDEN
    assert met(house, tenant, X_Forwarded_For="unknown") == "UserNotFoundException"
    assert met(house, tenant) == "UserNotFoundException"


def test_without_trusted_proxies_nobody_hides_behind_a_header(tenant: Tenant) -> None:
    new_rule(tenant.house, "--pool", tenant.pool_id, "--block", PROXY)
    until(True, lambda: met(tenant.house, tenant))
    for header in ("X_Forwarded_For", "Forwarded", "X_Real_IP"):
        assert met(tenant.house, tenant, **{header: ANN}) == FORBIDDEN


def test_a_header_that_comes_twice_is_one_whose_end_the_proxy_wrote(behind_proxies: House) -> None:
    house = behind_proxies
    tenant = Tenant(house)
    new_rule(house, "--pool", tenant.pool_id, "--block", EVE)
    until(True, lambda: met(house, tenant, X_Forwarded_For=EVE))
    body = json.dumps({"ClientId": tenant.client_id, "Username": "nobody"}).encode()
    twice = (f"X-Forwarded-For: {ANN}", f"X-Forwarded-For: {EVE}")
    assert ask(house.port, post("ForgotPassword", body, headers=twice)).status == 403


def test_each_address_has_a_rate_of_its_own(behind_proxies: House) -> None:
    house = behind_proxies
    tenant = Tenant(house)
    new_rule(house, "--pool", tenant.pool_id, "--rate", "3/1h")
    until(True, lambda: met(house, tenant, X_Forwarded_For=EVE))
    assert met(house, tenant, X_Forwarded_For=ANN) == "UserNotFoundException"
    same_household = ("2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2::3", "2001:db8:1:2::4")
    assert [met(house, tenant, X_Forwarded_For=one) for one in same_household][-1] == FORBIDDEN


def test_threads_of_one_address_get_no_more_than_its_rate(behind_proxies: House) -> None:
    house = behind_proxies
    tenant = Tenant(house)
    new_rule(house, "--pool", tenant.pool_id, "--rate", "40/1h")
    until(True, lambda: met(house, tenant, X_Forwarded_For=EVE))
    with ThreadPoolExecutor(8) as threads:
        kinds = list(threads.map(lambda _: met(house, tenant, X_Forwarded_For=ANN), range(100)))
    assert len(kinds) - kinds.count(FORBIDDEN) == 40
