"""Sign-in by password as a client sees it: InitiateAuth's answer, its refusals and their order."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.house import PASSWORD, Tenant
from tests.wire.craft import claims_of
from tests.wire.steps import refused, secret_hash, sign_in, verified_user

ANN = "ann@example.com"
INCORRECT = "NotAuthorizedException: Incorrect username or password."
NOBODY = "UserNotFoundException: User does not exist."
DISABLED = "NotAuthorizedException: User is disabled."
RESET = "PasswordResetRequiredException: Password reset required for the user"
UNCONFIRMED = "UserNotConfirmedException: User is not confirmed."
NOT_ENABLED = "InvalidParameterException: USER_PASSWORD_AUTH flow not enabled for this client"


def initiate(tenant: Tenant, flow: str = "USER_PASSWORD_AUTH", **request: Any) -> dict[str, Any]:
    wanted = {"ClientId": tenant.client_id, "AuthFlow": flow}
    answer: dict[str, Any] = tenant.cognito.initiate_auth(**wanted | request)
    return answer


def shut_out(tenant: Tenant) -> None:
    tenant.cognito.admin_disable_user(UserPoolId=tenant.pool_id, Username="ann")


def reset(tenant: Tenant) -> None:
    tenant.cognito.admin_reset_user_password(UserPoolId=tenant.pool_id, Username="ann")


# The answer.


def test_a_password_gives_three_tokens_and_no_challenge(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    answer = sign_in(tenant, "ann")
    assert set(answer) == {"AuthenticationResult", "ChallengeParameters", "ResponseMetadata"}
    assert answer["ChallengeParameters"] == {}
    tokens = answer["AuthenticationResult"]
    assert set(tokens) == {"AccessToken", "ExpiresIn", "IdToken", "RefreshToken", "TokenType"}
    assert (tokens["ExpiresIn"], tokens["TokenType"]) == (3600, "Bearer")


def test_a_sign_in_needs_no_signature_and_ignores_one(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    request = {
        "ClientId": tenant.client_id,
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": "ann", "PASSWORD": PASSWORD},
    }
    assert tenant.house.call("InitiateAuth", request)[0] == 200
    assert tenant.house.call("InitiateAuth", request, Authorization="AWS4-HMAC-SHA256 nonsense")[0] == 200


def test_a_user_signs_in_by_any_client_of_their_pool_and_of_no_other(tenant: Tenant, tenants) -> None:
    tenant.sign_up("ann")
    another = tenant.new_client()["ClientId"]
    assert claims_of(tenant.sign_in("ann", another)["AccessToken"])["client_id"] == another
    assert refused(sign_in, tenants(), "ann") == NOBODY


# Refusals.


@pytest.mark.parametrize(
    "password", ["Correct-horse2", "correct-horse1", " Correct-horse1", "Correct-horse1 ", "x" * 5000]
)
def test_a_wrong_password_is_incorrect(tenant: Tenant, password: str) -> None:
    tenant.sign_up("ann")
    assert refused(sign_in, tenant, "ann", password) == INCORRECT
    assert tenant.sign_in("ann")


@pytest.mark.parametrize("username", ["bob", "Ann", "ann ", "ann\0", "%", "' or 1=1 --", "🗝", "x" * 5000])
def test_an_unknown_user_does_not_exist(tenant: Tenant, username: str) -> None:
    tenant.sign_up("ann")
    assert refused(sign_in, tenant, username) == NOBODY


def test_a_client_that_hides_calls_an_unknown_user_incorrect(tenants) -> None:
    tenant = tenants(client={"PreventUserExistenceErrors": "ENABLED"})
    tenant.sign_up("ann")
    assert refused(sign_in, tenant, "bob") == INCORRECT
    assert refused(sign_in, tenant, "ann", "Wrong-horse1") == INCORRECT
    assert tenant.sign_in("ann")


def test_a_client_that_does_not_hide_says_so_in_its_setting(tenants) -> None:
    tenant = tenants(client={"PreventUserExistenceErrors": "LEGACY"})
    assert refused(sign_in, tenant, "bob") == NOBODY


def test_an_unconfirmed_user_learns_so_with_the_right_password_alone(tenant: Tenant) -> None:
    tenant.sign_up("ann", confirmed=False)
    assert refused(sign_in, tenant, "ann", "Wrong-horse1") == INCORRECT
    assert refused(sign_in, tenant, "ann") == UNCONFIRMED


@pytest.mark.parametrize("change, refusal", [(shut_out, DISABLED), (reset, RESET)])
@pytest.mark.parametrize("password", [PASSWORD, "Wrong-horse1"])
def test_a_state_that_no_password_helps_against_is_told_whatever_it_is(
    tenant: Tenant, change: Callable[[Tenant], None], refusal: str, password: str
) -> None:
    verified_user(tenant, "ann", ANN)
    change(tenant)
    assert refused(sign_in, tenant, "ann", password) == refusal


def test_who_is_disabled_is_disabled_before_anything_else(tenant: Tenant) -> None:
    verified_user(tenant, "ann", ANN)
    reset(tenant)
    shut_out(tenant)
    assert refused(sign_in, tenant, "ann") == DISABLED
    tenant.sign_up("bob", confirmed=False)
    tenant.cognito.admin_disable_user(UserPoolId=tenant.pool_id, Username="bob")
    assert refused(sign_in, tenant, "bob") == DISABLED


def test_who_is_enabled_again_signs_in_again(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    shut_out(tenant)
    tenant.cognito.admin_enable_user(UserPoolId=tenant.pool_id, Username="ann")
    assert tenant.sign_in("ann")


# The client, its flows and its secret.


def test_a_client_that_is_not_there_is_named(tenant: Tenant) -> None:
    gone = tenant.new_client()["ClientId"]
    tenant.cognito.delete_user_pool_client(UserPoolId=tenant.pool_id, ClientId=gone)
    for client_id in (gone, "0" * 26):
        assert refused(sign_in, tenant, "ann", ClientId=client_id) == (
            f"ResourceNotFoundException: User pool client {client_id} does not exist."
        )


def test_a_client_of_a_deleted_pool_is_gone_with_it(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    tenant.cognito.delete_user_pool(UserPoolId=tenant.pool_id)
    assert refused(sign_in, tenant, "ann") == (
        f"ResourceNotFoundException: User pool client {tenant.client_id} does not exist."
    )


@pytest.mark.parametrize("flow", ["ADMIN_NO_SRP_AUTH", "ADMIN_USER_PASSWORD_AUTH"])
def test_a_flow_of_administrators_is_not_supported_here(tenant: Tenant, flow: str) -> None:
    assert refused(initiate, tenant, flow) == "InvalidParameterException: Initiate Auth method not supported."


def test_a_flow_that_the_model_does_not_know_is_refused_by_it(tenant: Tenant) -> None:
    refusal = refused(initiate, tenant, "NONSENSE")
    assert refusal.startswith(
        "InvalidParameterException: 1 validation error detected: Value 'NONSENSE' at 'authFlow' failed to "
        "satisfy constraint: Member must satisfy enum value set: ["
    )


@pytest.mark.parametrize(
    "flows", [[], ["ALLOW_USER_SRP_AUTH"], ["ALLOW_REFRESH_TOKEN_AUTH"], ["CUSTOM_AUTH_FLOW_ONLY"]]
)
def test_a_flow_must_be_enabled_and_is_not_by_default(tenant: Tenant, flows: list[str]) -> None:
    closed = tenant.new_client(ExplicitAuthFlows=flows)["ClientId"]
    assert refused(sign_in, tenant, "ann", ClientId=closed) == NOT_ENABLED


@pytest.mark.parametrize("flow", ["ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"])
def test_a_flow_is_enabled_by_its_name_of_either_generation(tenant: Tenant, flow: str) -> None:
    tenant.sign_up("ann")
    assert tenant.sign_in("ann", tenant.new_client(ExplicitAuthFlows=[flow])["ClientId"])


@pytest.mark.parametrize(
    "request_, missing",
    [
        ({}, "USERNAME"),
        ({"AuthParameters": {}}, "USERNAME"),
        ({"AuthParameters": {"PASSWORD": PASSWORD}}, "USERNAME"),
        ({"AuthParameters": {"USERNAME": "", "PASSWORD": PASSWORD}}, "USERNAME"),
        ({"AuthParameters": {"USERNAME": "ann"}}, "PASSWORD"),
        ({"AuthParameters": {"USERNAME": "ann", "PASSWORD": ""}}, "PASSWORD"),
        ({"AuthParameters": {"username": "ann", "password": PASSWORD}}, "USERNAME"),
    ],
)
def test_a_missing_parameter_is_named(tenant: Tenant, request_: dict[str, Any], missing: str) -> None:
    assert refused(initiate, tenant, **request_) == (
        f"InvalidParameterException: Missing required parameter {missing}"
    )


def test_a_client_with_a_secret_proves_it_for_the_name_that_is_sent(tenants) -> None:
    tenant = tenants(pool={"AliasAttributes": ["email"]})
    verified_user(tenant, "ann", ANN)
    client = tenant.new_client(GenerateSecret=True)
    change = {"ClientId": client["ClientId"]}
    assert refused(sign_in, tenant, "ann", **change) == (
        f"NotAuthorizedException: Client {client['ClientId']} is configured with secret"
        " but SECRET_HASH was not received"
    )
    for name, other in (("ann", ANN), (ANN, "ann")):
        proof, misplaced = secret_hash(client, name), secret_hash(client, other)
        assert sign_in(tenant, name, parameters={"SECRET_HASH": proof}, **change)["AuthenticationResult"]
        assert refused(sign_in, tenant, name, parameters={"SECRET_HASH": misplaced}, **change) == (
            f"NotAuthorizedException: Unable to verify secret hash for client {client['ClientId']}"
        )


def test_a_client_without_a_secret_can_prove_none(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    for proof in ("nonsense", "tökên"):
        assert refused(sign_in, tenant, "ann", parameters={"SECRET_HASH": proof}) == (
            f"NotAuthorizedException: Unable to verify secret hash for client {tenant.client_id}"
        )


# The order of the checks: each of these requests is wrong in what its refusal names and in all that follows.


def test_the_checks_come_in_the_documented_order(tenants) -> None:
    tenant = tenants(client={"GenerateSecret": True, "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"]})
    closed = tenant.new_client(GenerateSecret=True, ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"])[
        "ClientId"
    ]
    unproved = {"USERNAME": "ann", "PASSWORD": "Wrong-horse1", "SECRET_HASH": "nonsense"}
    proved = unproved | {"SECRET_HASH": secret_hash(tenant.client, "ann")}
    refusals = [
        refused(initiate, tenant, "NONSENSE", ClientId="0" * 26)[:55],
        refused(initiate, tenant, "ADMIN_NO_SRP_AUTH", ClientId="0" * 26),
        refused(initiate, tenant, "ADMIN_NO_SRP_AUTH", ClientId=closed),
        refused(initiate, tenant, ClientId=closed),
        refused(initiate, tenant, AuthParameters={"SECRET_HASH": "nonsense"}),
        refused(initiate, tenant, AuthParameters=unproved),
        refused(initiate, tenant, AuthParameters=proved),
    ]
    assert refusals == [
        "InvalidParameterException: 1 validation error detected:",
        f"ResourceNotFoundException: User pool client {'0' * 26} does not exist.",
        "InvalidParameterException: Initiate Auth method not supported.",
        NOT_ENABLED,
        "InvalidParameterException: Missing required parameter USERNAME",
        f"NotAuthorizedException: Unable to verify secret hash for client {tenant.client_id}",
        NOBODY,
    ]
