"""
All ten exceptions that DeleteUser documents, each met for real: through unmodified boto3, on both engines.

Nobody asks for a fault here.  Each comes about as it would for an operator: a rule, a quota, a read-only
pool, a database that is away.  Whatever was refused has changed nothing, and the user deletes themself
afterwards.
"""

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.commands import new_rule, said_beside
from tests.conftest import ENGINES
from tests.database_away import full_disk, stopped_postgres
from tests.house import MODEL, House, Tenant
from tests.nursery import QuickHouse
from tests.postgres import OwnServer
from tests.wire.steps import verified_user

ANN = "ann@example.com"
FAULT = ("InternalErrorException", "Something went wrong", 500)
NOT_ENABLED = (
    "This operation is not available in the current region or for the current user pool configuration."
)


@dataclass(frozen=True)
class Place:
    """A running server with the quotas of AWS, and its database in the test's hand."""

    house: House
    away: Callable[[Tenant], AbstractContextManager[None]]


@pytest.fixture(scope="module", params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp(f"ten-{request.param}")
    if request.param == "sqlite":
        house = QuickHouse(root).start("--quotas", "aws")
        yield Place(house, without_room)
        house.stop()
        return
    server = OwnServer()
    house = QuickHouse(root, "--database-url", server.url).start("--quotas", "aws")
    yield Place(house, lambda _tenant: stopped_postgres(house, server))
    house.stop()
    server.end()


@pytest.fixture
def tenant(place: Place) -> Tenant:
    return Tenant(place.house)


@contextmanager
def without_room(tenant: Tenant) -> Iterator[None]:
    """The embedded database on a disk that is full to the last page."""
    ann = {"UserPoolId": tenant.pool_id, "Username": "ann"}
    with full_disk(tenant.house, 0):
        while outcome(tenant.cognito.admin_enable_user, **ann) != FAULT:
            pass
        yield


def outcome(call: Any, **request: Any) -> tuple[str, str, int] | None:
    """What a call meets; None for a success."""
    try:
        call(**request)
    except ClientError as refusal:
        return said_by(refusal)
    return None


def said_by(refusal: ClientError) -> tuple[str, str, int]:
    error, status = refusal.response["Error"], refusal.response["ResponseMetadata"]["HTTPStatusCode"]
    return error["Code"], error["Message"], status


def is_there(tenant: Tenant, username: str = "ann") -> bool:
    user = tenant.cognito.admin_get_user(UserPoolId=tenant.pool_id, Username=username)
    return bool(user["Username"] == username)


def delete(tenant: Tenant, token: str) -> None:
    """DeleteUser, called again while the user has written too much for this second."""
    while True:
        try:
            tenant.cognito.delete_user(AccessToken=token)
        except tenant.cognito.exceptions.TooManyRequestsException:
            continue
        return


def met(tenant: Tenant, kind: str, token: str) -> tuple[str, int]:
    """The text and status of a DeleteUser that raises just this type of boto3's."""
    with pytest.raises(getattr(tenant.cognito.exceptions, kind)) as refused:
        delete(tenant, token)
    code, text, status = said_by(refused.value)
    assert code == kind
    return text, status


def until(refusal: str, call: Any, **request: Any) -> None:
    """Call something harmless until it is refused like this: then whatever was ordered is known."""
    while (outcome(call, **request) or ("",))[0] != refusal:
        pass


@contextmanager
def crowd(tenant: Tenant) -> Iterator[None]:
    """Administrators who together ask for more changes in a second than a pool may have."""
    ann = {"UserPoolId": tenant.pool_id, "Username": "ann"}
    refused, is_over = threading.Event(), threading.Event()

    def hurry() -> None:
        while not is_over.is_set():
            if outcome(tenant.cognito.admin_enable_user, **ann) is not None:
                refused.set()

    with ThreadPoolExecutor(4) as threads:
        for _ in range(4):
            threads.submit(hurry)
        try:
            assert refused.wait(60)
            yield
        finally:
            is_over.set()


def test_forbidden(place: Place, tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    rule = new_rule(place.house, "--pool", tenant.pool_id, "--block", "127.0.0.0/8")
    until("ForbiddenException", tenant.cognito.get_user, AccessToken=tokens["AccessToken"])
    said = met(tenant, "ForbiddenException", tokens["AccessToken"])
    assert said == ("Request not allowed due to WAF block.", 403)
    assert is_there(tenant)
    said_beside(place.house, "rules", "remove", rule)
    while outcome(tenant.cognito.get_user, AccessToken=tokens["AccessToken"]) is not None:
        pass
    delete(tenant, tokens["AccessToken"])


def test_internal_error(place: Place, tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    with place.away(tenant):
        said = met(tenant, "InternalErrorException", tokens["AccessToken"])
    assert said == ("Something went wrong", 500)
    assert is_there(tenant)
    tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])


def test_invalid_parameter(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    text = (
        "1 validation error detected: Value at 'accessToken' failed to satisfy constraint: Member must "
        "satisfy regular expression pattern: [A-Za-z0-9-_=.]+"
    )
    said = met(tenant, "InvalidParameterException", f"{tokens['AccessToken']}!")
    assert said == (text, 400)
    assert is_there(tenant)


def test_not_authorized(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    tenant.cognito.global_sign_out(AccessToken=tokens["AccessToken"])
    said = met(tenant, "NotAuthorizedException", tokens["AccessToken"])
    assert said == ("Access Token has been revoked", 400)
    assert is_there(tenant)


def test_operation_not_enabled(place: Place, tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    said_beside(place.house, "pool", "read-only", "on", "--pool", tenant.pool_id)
    harmless = {"AccessToken": tokens["AccessToken"], "UserAttributes": [{"Name": "nickname", "Value": "a"}]}
    until("OperationNotEnabledException", tenant.cognito.update_user_attributes, **harmless)
    said = met(tenant, "OperationNotEnabledException", tokens["AccessToken"])
    assert said == (NOT_ENABLED, 400)
    assert is_there(tenant)
    said_beside(place.house, "pool", "read-only", "off", "--pool", tenant.pool_id)
    while outcome(tenant.cognito.update_user_attributes, **harmless) is not None:
        pass
    delete(tenant, tokens["AccessToken"])


def test_password_reset_required(tenant: Tenant) -> None:
    tokens = verified_user(tenant, "ann", ANN)
    tenant.cognito.admin_reset_user_password(UserPoolId=tenant.pool_id, Username="ann")
    said = met(tenant, "PasswordResetRequiredException", tokens["AccessToken"])
    assert said == ("Password reset required for the user", 400)
    assert is_there(tenant)


def test_resource_not_found(tenant: Tenant) -> None:
    tokens, gone = tenant.user("ann"), tenant.client_id
    tenant.cognito.delete_user_pool_client(UserPoolId=tenant.pool_id, ClientId=gone)
    said = met(tenant, "ResourceNotFoundException", tokens["AccessToken"])
    assert said == (f"User pool client {gone} does not exist.", 400)
    assert is_there(tenant)


def test_too_many_requests(tenant: Tenant) -> None:
    """A DeleteUser may find the place that a moment sets free: then it is the next user's turn."""
    tenant.sign_up("ann")
    refusal, name, token = None, "", ""
    with crowd(tenant):
        while refusal is None:
            name = f"user-{uuid.uuid4()}"
            token = tenant.user(name)["AccessToken"]
            try:
                tenant.cognito.delete_user(AccessToken=token)
            except tenant.cognito.exceptions.TooManyRequestsException as failure:
                refusal = said_by(failure)
    assert refusal == ("TooManyRequestsException", "Too many requests", 400)
    assert is_there(tenant, name)
    delete(tenant, token)


def test_user_not_confirmed(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])
    tenant.sign_up("ann", confirmed=False)
    said = met(tenant, "UserNotConfirmedException", tokens["AccessToken"])
    assert said == ("User is not confirmed.", 400)
    assert is_there(tenant)


def test_user_not_found(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])
    said = met(tenant, "UserNotFoundException", tokens["AccessToken"])
    assert said == ("User does not exist.", 400)


def test_these_are_all_that_the_operation_documents() -> None:
    tested = {name.removeprefix("test_").replace("_", "") for name in globals() if name.startswith("test_")}
    documented = {name.removesuffix("Exception").lower() for name in MODEL.operations["DeleteUser"].errors}
    assert len(documented) == 10
    assert documented <= tested
