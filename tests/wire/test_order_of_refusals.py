"""
Which of two reasons a refused call is told: size, rules, JSON, signature, model, quota, read-only pool, and
then the operation's own.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cenote.http.edge import BODY_BYTES_MAX
from tests.by_hand import ask, post
from tests.commands import new_rule, said_beside
from tests.house import House, Tenant, error_of
from tests.nursery import QuickHouse
from tests.wire.steps import careless

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 anything"}
LOCAL = "127.0.0.0/8"
FORBIDDEN, NOT_ENABLED = "ForbiddenException", "OperationNotEnabledException"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server on which nobody may change a user: their quota is nothing at all."""
    house = QuickHouse(tmp_path_factory.mktemp("closed"))
    house.start("--quotas", "aws", "--quota-overrides", "UserUpdate=0")
    yield house
    house.stop()


@pytest.fixture(scope="module")
def shut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server that users of this machine may not call, by a rule for every pool."""
    house = QuickHouse(tmp_path_factory.mktemp("shut")).start()
    house.stop()
    new_rule(house, "--block", LOCAL)
    house.start()
    yield house
    house.stop()


@pytest.fixture
def guarded(house: House) -> Tenant:
    """A pool that users of this machine may not call, and the rule is known."""
    tenant = Tenant(house)
    new_rule(house, "--pool", tenant.pool_id, "--block", LOCAL)
    until(FORBIDDEN, house, "ForgotPassword", {"ClientId": tenant.client_id, "Username": "nobody"})
    return tenant


def kind(house: House, operation: str, request: Any, **headers: str) -> str:
    """The exception that a call meets."""
    status, _headers, body = house.call(operation, request, **headers)
    assert status != 200, body
    name: str = json.loads(body)["__type"]
    return name


def until(refusal: str, house: House, operation: str, request: Any) -> None:
    """Call until it is refused like this: then whatever was ordered is known."""
    while kind(house, operation, request) != refusal:
        pass


def test_a_body_too_large_is_told_before_any_rule(shut: House) -> None:
    assert ask(shut.port, post("DeleteUser", b"{}", length=BODY_BYTES_MAX + 1)).status == 413


def test_an_operation_that_nobody_knows_is_told_before_any_rule(shut: House) -> None:
    assert kind(shut, "DeleteEverybody", {}) == "UnknownOperationException"


def test_a_rule_for_every_pool_is_told_before_the_body_is_read(shut: House) -> None:
    status, headers, body = shut.call("DeleteUser", b"{no json")
    assert (status, headers["x-amzn-errortype"]) == (403, "ForbiddenException:")
    assert body == b'{"__type":"ForbiddenException","message":"Request not allowed due to WAF block."}'


def test_a_rule_of_a_pool_can_not_be_told_before_the_body_says_which_pool_it_is(guarded: Tenant) -> None:
    assert kind(guarded.house, "DeleteUser", b"{no json") == "SerializationException"


def test_a_rule_is_told_before_what_is_wrong_with_the_request(guarded: Tenant) -> None:
    broken = {"ClientId": guarded.client_id, "Username": "", "Password": 1}
    assert kind(guarded.house, "SignUp", broken) == FORBIDDEN
    assert kind(guarded.house, "SignUp", broken | {"ClientId": "0" * 26}) == "SerializationException"


def test_a_rule_is_told_before_what_is_wrong_with_a_token(tenant: Tenant) -> None:
    head, payload, _signature = tenant.user("ann")["AccessToken"].split(".")
    forged = {"AccessToken": f"{head}.{payload}.{'A' * 342}"}
    assert kind(tenant.house, "DeleteUser", forged) == "NotAuthorizedException"
    new_rule(tenant.house, "--pool", tenant.pool_id, "--block", LOCAL, "--operation", "DeleteUser")
    until(FORBIDDEN, tenant.house, "DeleteUser", forged)
    assert kind(tenant.house, "GetUser", forged) == "NotAuthorizedException"


@pytest.mark.parametrize("client_id", ["a\0b", "", "x" * 200, "\u202e", "é"])
def test_what_can_be_no_client_is_told_by_the_model_where_there_are_rules_too(
    guarded: Tenant, client_id: str
) -> None:
    request = {"ClientId": client_id, "Username": "ann"}
    assert kind(guarded.house, "ForgotPassword", request) == "InvalidParameterException"


def test_administrators_meet_no_rule(guarded: Tenant) -> None:
    made = guarded.cognito.admin_create_user(
        UserPoolId=guarded.pool_id, Username="ann", MessageAction="SUPPRESS"
    )
    assert made["User"]["Username"] == "ann"


def test_a_missing_signature_is_told_before_a_quota(closed: House) -> None:
    ann = {"UserPoolId": "us-east-1_nowhere", "Username": "ann"}
    assert kind(closed, "AdminEnableUser", ann) == "MissingAuthenticationTokenException"
    assert kind(closed, "AdminEnableUser", ann, **SIGNED) == "TooManyRequestsException"


def test_the_model_is_told_before_a_quota(closed: House) -> None:
    for request in ({"AccessToken": "no token"}, {}):
        assert error_of(careless(closed).delete_user, **request)[0] == "InvalidParameterException"
    assert kind(closed, "DeleteUser", {"AccessToken": "a.b.c"}) == "TooManyRequestsException"


def test_a_quota_is_told_before_a_pool_that_is_only_read_and_that_before_who_is_not_there(
    closed: House,
) -> None:
    tenant = Tenant(closed)
    token = tenant.user("ann")["AccessToken"]
    nobody = {"ClientId": tenant.client_id, "Username": "nobody"}
    assert kind(closed, "ForgotPassword", nobody) == "UserNotFoundException"
    said_beside(closed, "pool", "read-only", "on", "--pool", tenant.pool_id)
    until(NOT_ENABLED, closed, "ForgotPassword", nobody)
    refusal = error_of(tenant.cognito.delete_user, AccessToken=token)
    assert refusal == ("TooManyRequestsException", "Too many requests", 400)


def test_a_pool_that_is_only_read_is_told_before_what_is_wrong_with_a_token(tenant: Tenant) -> None:
    token = {"AccessToken": tenant.user("ann")["AccessToken"]}
    tenant.cognito.global_sign_out(**token)
    assert kind(tenant.house, "DeleteUser", token) == "NotAuthorizedException"
    said_beside(tenant.house, "pool", "read-only", "on", "--pool", tenant.pool_id)
    until(NOT_ENABLED, tenant.house, "DeleteUser", token)
    assert kind(tenant.house, "GetUser", token) == "NotAuthorizedException"
