"""
What stands in a request before anybody has checked it: PostgreSQL holds no text with a NUL, and is not asked
about one, so that nobody writes faults into the log at will.
"""

import json
from collections.abc import Iterator

import pytest

from tests.commands import new_rule
from tests.house import Tenant
from tests.nursery import QuickHouse
from tests.postgres import drop_database, new_database
from tests.wire.forger import json_of, token

NUL = "\0"


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """A pool on PostgreSQL with a rule about addresses, for which a server looks into requests early."""
    url = new_database()
    house = QuickHouse(tmp_path_factory.mktemp("ruled"), "--database-url", url).start()
    yield Tenant(house)
    house.stop()
    drop_database(url)


@pytest.fixture(scope="module")
def watched(ruled: Tenant) -> Tenant:
    """The same, once its server knows a rule of the pool's."""
    new_rule(ruled.house, "--pool", ruled.pool_id, "--block", "127.0.0.1", "--operation", "GetUser")
    access = {"AccessToken": ruled.user("ann")["AccessToken"]}
    while ruled.house.call("GetUser", access)[0] != 403:
        pass
    return ruled


def kind_of(body: bytes) -> str:
    kind: str = json.loads(body)["__type"]
    return kind


@pytest.mark.parametrize("client_id", [NUL, f"a{NUL}", "a" * 200, "\ud7ff", "' or '1'='1"])
def test_a_client_that_no_row_can_name(watched: Tenant, client_id: str) -> None:
    request = {"ClientId": client_id, "Username": "ann"}
    status, _headers, body = watched.house.call("ForgotPassword", request)
    assert (status, kind_of(body)) == (400, "InvalidParameterException")


@pytest.mark.parametrize("kid", [NUL * 44, "A" * 43 + NUL, "A" * 42 + "=" + NUL])
def test_a_key_that_no_row_can_name(watched: Tenant, kid: str) -> None:
    forged = token(json_of({"kid": kid, "alg": "RS256"}), json_of({"sub": "ann"}), bytes(256))
    status, _headers, body = watched.house.call("DeleteUser", {"AccessToken": forged})
    assert (status, kind_of(body)) == (400, "NotAuthorizedException")


@pytest.mark.parametrize("path", ["a%00b", "%00", "%ff%fe", "us-east-1_%ed%a0%80", "a" * 3_000])
@pytest.mark.parametrize("document", ["jwks.json", "openid-configuration"])
def test_a_pool_that_no_row_can_name(watched: Tenant, path: str, document: str) -> None:
    status, _headers, body = watched.house.http("GET", f"/{path}/.well-known/{document}")
    assert status == 404
    assert b"does not exist" in body


def test_no_fault_is_told_to_the_log(watched: Tenant) -> None:
    test_a_client_that_no_row_can_name(watched, NUL)
    lines = map(json.loads, watched.house.log.read_text(encoding="utf-8").splitlines())
    assert [line for line in lines if line["event"] == "fault"] == []
