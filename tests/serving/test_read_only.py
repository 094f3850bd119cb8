"""`cenote pool read-only` beside a running server, and `cenote serve --read-only`, on both engines."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cenote.app import load_operations
from cenote.domain.read_only import STILL_ENABLED
from cenote.wire.constraints import constraints_of
from cenote.wire.shapes import Shape
from tests.commands import refused_beside, said_beside
from tests.conftest import ENGINES
from tests.house import MODEL, House, Tenant, error_of
from tests.nursery import QuickHouse
from tests.postgres import drop_database, new_database
from tests.wire.steps import verified_user

NOT_ENABLED = (
    "OperationNotEnabledException",
    "This operation is not available in the current region or for the current user pool configuration.",
    400,
)


@pytest.fixture(params=ENGINES)
def replica(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A server of each engine that served once, and now may be started to be read only."""
    url = new_database() if request.param == "postgres" else None
    flags = [] if url is None else ["--database-url", url]
    house = QuickHouse(tmp_path, *flags).start()
    yield house
    house.stop()
    if url is not None:
        drop_database(url)


def close(tenant: Tenant, switch: str = "on") -> None:
    """Order it, and wait until it is known: by a call that changes nothing in either case."""
    said_beside(tenant.house, "pool", "read-only", switch, "--pool", tenant.pool_id)
    nobody = {"UserPoolId": tenant.pool_id, "Username": "nobody"}
    while (error_of(tenant.cognito.admin_disable_user, **nobody) == NOT_ENABLED) is not (switch == "on"):
        pass


def test_what_changes_the_pool_is_refused_and_is_served_again_afterwards(tenant: Tenant) -> None:
    token = tenant.user("ann")["AccessToken"]
    pool, ann = {"UserPoolId": tenant.pool_id}, {"UserPoolId": tenant.pool_id, "Username": "ann"}
    close(tenant)
    cognito = tenant.cognito
    changes = [
        lambda: error_of(cognito.delete_user, AccessToken=token),
        lambda: error_of(
            cognito.sign_up, ClientId=tenant.client_id, Username="bob", Password="Correct-horse1"
        ),
        lambda: error_of(cognito.admin_create_user, **ann | {"Username": "bob"}),
        lambda: error_of(cognito.admin_delete_user, **ann),
        lambda: error_of(cognito.update_user_pool, **pool),
        lambda: error_of(cognito.delete_user_pool, **pool),
        lambda: error_of(cognito.create_user_pool_client, **pool, ClientName="other"),
        lambda: error_of(cognito.create_group, **pool, GroupName="g"),
        lambda: error_of(
            cognito.change_password,
            AccessToken=token,
            PreviousPassword="Correct-horse1",
            ProposedPassword="Correct-horse2",
        ),
        lambda: error_of(cognito.forgot_password, ClientId=tenant.client_id, Username="ann"),
    ]
    assert [change() for change in changes] == [NOT_ENABLED] * len(changes)
    assert cognito.list_users(**pool)["Users"][0]["Username"] == "ann"
    close(tenant, "off")
    cognito.delete_user(AccessToken=token)


def test_reading_signing_in_and_signing_out_go_on(tenant: Tenant) -> None:
    tenant.user("ann")
    close(tenant)
    tokens = tenant.sign_in("ann")
    cognito = tenant.cognito
    assert cognito.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    assert cognito.describe_user_pool(UserPoolId=tenant.pool_id)["UserPool"]["EstimatedNumberOfUsers"] == 1
    renewed = cognito.initiate_auth(
        ClientId=tenant.client_id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
    )
    assert renewed["AuthenticationResult"]["AccessToken"]
    cognito.global_sign_out(AccessToken=tokens["AccessToken"])
    refusal = error_of(cognito.get_user, AccessToken=tokens["AccessToken"])
    assert refusal == ("NotAuthorizedException", "Access Token has been revoked", 400)


def test_a_sign_in_that_would_set_a_new_password_is_refused_at_that_step(tenant: Tenant) -> None:
    ann = {"UserPoolId": tenant.pool_id, "Username": "ann"}
    tenant.cognito.admin_create_user(**ann, TemporaryPassword="Correct-horse1", MessageAction="SUPPRESS")
    close(tenant)
    asked = tenant.cognito.initiate_auth(
        ClientId=tenant.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ann", "PASSWORD": "Correct-horse1"},
    )
    answer = {
        "ClientId": tenant.client_id,
        "ChallengeName": asked["ChallengeName"],
        "Session": asked["Session"],
        "ChallengeResponses": {"USERNAME": "ann", "NEW_PASSWORD": "Correct-horse2"},
    }
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    assert error_of(tenant.cognito.respond_to_auth_challenge, **answer) == NOT_ENABLED
    close(tenant, "off")
    assert tenant.cognito.respond_to_auth_challenge(**answer)["AuthenticationResult"]


def test_one_pool_that_is_only_read_closes_no_other(tenant: Tenant, tenants) -> None:
    other: Tenant = tenants()
    close(tenant)
    other.cognito.delete_user(AccessToken=other.user("ann")["AccessToken"])


def test_a_server_that_is_only_read_refuses_every_change_and_nothing_else(replica: House) -> None:
    tenant = Tenant(replica)
    token = verified_user(tenant, "ann", "ann@example.com")["AccessToken"]
    replica.stop()
    replica.start("--read-only")
    served = sorted(load_operations())
    members = {
        "UserPoolId": tenant.pool_id,
        "ClientId": tenant.client_id,
        "AccessToken": token,
        "ResourceArn": f"arn:aws:cognito-idp:us-east-1:123456789012:userpool/{tenant.pool_id}",
    }
    refused = {name for name in served if kind(replica, name, least_of(name, members)) == NOT_ENABLED[0]}
    assert refused == set(served) - STILL_ENABLED
    assert tenant.sign_in("ann")["AccessToken"]
    replica.stop()
    replica.start()
    tenant.cognito.delete_user(AccessToken=tenant.sign_in("ann")["AccessToken"])


def least_of(operation: str, members: dict[str, str]) -> object:
    """A request with everything that the model asks for, and no more."""
    shape = MODEL._shapes[MODEL._operations[operation].input.shape]
    return {name: least(shape.members[name].shape, members.get(name)) for name in shape.required}


def least(name: str, known: str | None) -> object:
    """The smallest value of a shape that the model accepts."""
    shape = MODEL._shapes[name]
    if known is not None:
        return known
    if shape.type == "structure":
        return {member: least(shape.members[member].shape, None) for member in shape.required}
    if shape.type == "list":
        return [least(shape.member.shape, None)] * (shape.min or 0)
    if shape.type == "map":
        return {}
    if shape.type == "string":
        words = [*shape.enum, "Correct-horse1", "aaaaaa", "email", "a", "1", "{####}", "us-east-1_a"]
        return next(word for word in words if fits(shape, word))
    return shape.min or 0 if shape.type in {"integer", "long"} else False


def fits(shape: Shape, word: str) -> bool:
    return all(constraint.holds(word) for constraint in constraints_of(shape))


def kind(house: House, operation: str, request: object) -> str:
    """The exception that a call meets, or nothing."""
    status, _headers, body = house.call(operation, request, Authorization="AWS4-HMAC-SHA256 any")
    return "" if status == 200 else str(json.loads(body)["__type"])


def test_a_pool_that_is_not_there_can_not_be_closed(house: House) -> None:
    sentence = refused_beside(house, "pool", "read-only", "on", "--pool", "us-east-1_nowhere")
    assert sentence == "There is no pool us-east-1_nowhere."
    said = said_beside(house, "pool", "read-only", "off", "--pool", "us-east-1_nowhere")
    assert said == "us-east-1_nowhere is changed as ever.\n"
