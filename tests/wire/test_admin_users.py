"""Users in an administrator's hand, as boto3 sees it: shown, confirmed, shut out, reset and erased."""

import re
from typing import Any

import pytest

from tests.house import PASSWORD, Tenant
from tests.wire.steps import code_sent_to, refused, sign_in, verified_user

ANN = "ann@example.com"
NOBODY = "UserNotFoundException: User does not exist."
NO_ADDRESS = (
    "InvalidParameterException: Cannot reset password for the user"
    " as there is no registered/verified email or phone_number"
)
NOT_RESETTABLE = "NotAuthorizedException: User password cannot be reset in the current state."
METHODS = (
    "admin_get_user",
    "admin_confirm_sign_up",
    "admin_disable_user",
    "admin_enable_user",
    "admin_reset_user_password",
    "admin_delete_user",
)


def admin(tenant: Tenant, method: str, username: str = "ann") -> dict[str, Any]:
    """An administrator's call that names a user: the answer without its metadata."""
    answer = getattr(tenant.cognito, method)(UserPoolId=tenant.pool_id, Username=username)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def shown(tenant: Tenant, username: str = "ann") -> dict[str, Any]:
    return admin(tenant, "admin_get_user", username)


# Common to all.


@pytest.mark.parametrize("method", METHODS)
def test_an_unknown_user_does_not_exist(tenant: Tenant, method: str) -> None:
    tenant.sign_up("ann")
    for username in ("bob", "Ann", ANN):
        assert refused(admin, tenant, method, username) == NOBODY


@pytest.mark.parametrize("method", METHODS)
def test_an_unknown_pool_does_not_exist(tenant: Tenant, method: str) -> None:
    tenant.sign_up("ann")
    tenant.cognito.delete_user_pool(UserPoolId=tenant.pool_id)
    for pool_id in (tenant.pool_id, "us-east-1_nobodyxxx"):
        assert refused(getattr(tenant.cognito, method), UserPoolId=pool_id, Username="ann") == (
            f"ResourceNotFoundException: User pool {pool_id} does not exist."
        )


@pytest.mark.parametrize("method", METHODS)
def test_a_pool_has_its_own_users_alone(tenant: Tenant, tenants, method: str) -> None:
    tenant.sign_up("ann")
    assert refused(admin, tenants(), method) == NOBODY
    assert shown(tenant)["Enabled"] is True


@pytest.mark.parametrize("method", METHODS)
def test_an_administrator_signs(tenant: Tenant, method: str) -> None:
    operation = tenant.cognito.meta.method_to_api_mapping[method]
    status, _headers, body = tenant.house.call(operation, {"UserPoolId": tenant.pool_id, "Username": "ann"})
    assert (status, body) == (
        400,
        b'{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}',
    )


@pytest.mark.parametrize("method", ["admin_confirm_sign_up", "admin_disable_user", "admin_enable_user"])
def test_a_change_answers_two_bytes_and_an_erasure_none(tenant: Tenant, method: str) -> None:
    tenant.sign_up("ann", confirmed=False)
    ann = {"UserPoolId": tenant.pool_id, "Username": "ann"}
    changed = getattr(tenant.cognito, method)(**ann)["ResponseMetadata"]["HTTPHeaders"]
    erased = tenant.cognito.admin_delete_user(**ann)["ResponseMetadata"]["HTTPHeaders"]
    assert (changed["content-length"], erased["content-length"]) == ("2", "0")


# AdminGetUser.


def test_a_user_is_shown_with_sub_first_and_their_dates(tenant: Tenant) -> None:
    sub = tenant.sign_up("ann", confirmed=False, email=ANN, name="Ann")
    user = shown(tenant)
    assert user.pop("UserCreateDate") == user.pop("UserLastModifiedDate")
    assert user["UserAttributes"][0] == {"Name": "sub", "Value": sub}
    assert {pair["Name"]: pair["Value"] for pair in user.pop("UserAttributes")} == {
        "sub": sub,
        "email": ANN,
        "name": "Ann",
        "email_verified": "false",
    }
    assert user == {"Enabled": True, "UserStatus": "UNCONFIRMED", "Username": "ann"}


def test_dates_are_numbers_of_seconds_with_three_decimals_at_most(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    ann = {"UserPoolId": tenant.pool_id, "Username": "ann"}
    body = tenant.house.call("AdminGetUser", ann, Authorization="AWS4-HMAC-SHA256 x")[2].decode()
    assert re.search(r'"UserCreateDate":[0-9]{10}(\.[0-9]{1,3})?,', body)


@pytest.mark.parametrize("method", ["admin_confirm_sign_up", "admin_disable_user", "admin_enable_user"])
def test_a_change_moves_the_second_date_and_not_the_first(tenant: Tenant, method: str) -> None:
    tenant.sign_up("ann", confirmed=False)
    before = shown(tenant)
    tenant.house.advance(5)
    admin(tenant, method)
    after = shown(tenant)
    assert after["UserCreateDate"] == before["UserCreateDate"]
    assert (after["UserLastModifiedDate"] - before["UserLastModifiedDate"]).total_seconds() >= 5


# AdminConfirmSignUp.


def test_an_administrator_confirms_a_user_and_verifies_nothing(tenant: Tenant) -> None:
    tenant.sign_up("ann", confirmed=False, email=ANN)
    assert admin(tenant, "admin_confirm_sign_up") == {}
    user = shown(tenant)
    assert user["UserStatus"] == "CONFIRMED"
    assert {"Name": "email_verified", "Value": "false"} in user["UserAttributes"]
    assert tenant.sign_in("ann")


def test_who_is_confirmed_or_past_it_is_not_confirmed_again(tenant: Tenant) -> None:
    verified_user(tenant, "ann", ANN)
    refusal = "NotAuthorizedException: User cannot be confirmed. Current status is "
    assert refused(admin, tenant, "admin_confirm_sign_up") == refusal + "CONFIRMED"
    admin(tenant, "admin_reset_user_password")
    assert refused(admin, tenant, "admin_confirm_sign_up") == refusal + "RESET_REQUIRED"


# AdminDisableUser, AdminEnableUser.


def test_a_user_is_shut_out_and_let_in_as_often_as_one_likes(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    for method, enabled in (
        ("admin_disable_user", False),
        ("admin_disable_user", False),
        ("admin_enable_user", True),
        ("admin_enable_user", True),
    ):
        assert admin(tenant, method) == {}
        assert shown(tenant)["Enabled"] is enabled
        assert shown(tenant)["UserStatus"] == "CONFIRMED"


def test_shutting_one_user_out_leaves_the_others_alone(tenant: Tenant) -> None:
    bob = tenant.user("bob")
    tenant.sign_up("ann")
    admin(tenant, "admin_disable_user")
    assert tenant.cognito.get_user(AccessToken=bob["AccessToken"])["Username"] == "bob"


# AdminResetUserPassword.


def test_a_reset_sends_a_code_and_makes_the_password_worthless(tenant: Tenant) -> None:
    address = f"{tenant.client_id}@example.com"
    verified_user(tenant, "ann", address)
    first = code_sent_to(tenant, address)
    tenant.house.advance(1)
    assert admin(tenant, "admin_reset_user_password") == {}
    assert shown(tenant)["UserStatus"] == "RESET_REQUIRED"
    assert len(tenant.house.inbox(to=address)) == 2
    assert re.fullmatch(r"[0-9]{6}", code_sent_to(tenant, address))
    assert first
    assert refused(sign_in, tenant, "ann", PASSWORD).startswith("PasswordResetRequiredException: ")


def test_a_reset_may_be_repeated_and_sends_another_code(tenant: Tenant) -> None:
    address = f"{tenant.client_id}@example.com"
    verified_user(tenant, "ann", address)
    admin(tenant, "admin_reset_user_password")
    admin(tenant, "admin_reset_user_password")
    assert len(tenant.house.inbox(to=address)) == 3


def test_a_disabled_user_s_password_is_not_reset(tenant: Tenant) -> None:
    verified_user(tenant, "ann", ANN)
    admin(tenant, "admin_disable_user")
    assert refused(admin, tenant, "admin_reset_user_password") == "NotAuthorizedException: User is disabled"
    assert shown(tenant)["UserStatus"] == "CONFIRMED"


def test_an_unconfirmed_user_s_password_is_not_reset(tenant: Tenant) -> None:
    tenant.sign_up("ann", confirmed=False, email=ANN)
    assert refused(admin, tenant, "admin_reset_user_password") == NOT_RESETTABLE


@pytest.mark.parametrize("attributes", [{}, {"email": ANN}])
def test_who_has_no_verified_address_is_not_reset(tenant: Tenant, attributes: dict[str, str]) -> None:
    tenant.user("ann", **attributes)
    assert refused(admin, tenant, "admin_reset_user_password") == NO_ADDRESS
    assert shown(tenant)["UserStatus"] == "CONFIRMED"
    assert tenant.sign_in("ann")


def test_where_administrators_alone_recover_nobody_is_sent_a_code(tenants) -> None:
    mechanisms = [{"Name": "admin_only", "Priority": 1}]
    tenant = tenants(pool={"AccountRecoverySetting": {"RecoveryMechanisms": mechanisms}})
    verified_user(tenant, "ann", ANN)
    assert refused(admin, tenant, "admin_reset_user_password") == (
        "NotAuthorizedException: Contact administrator to reset password."
    )


def test_a_recovery_by_phone_alone_finds_no_mail_address(tenants) -> None:
    mechanisms = [{"Name": "verified_phone_number", "Priority": 1}]
    tenant = tenants(pool={"AccountRecoverySetting": {"RecoveryMechanisms": mechanisms}})
    verified_user(tenant, "ann", ANN)
    assert refused(admin, tenant, "admin_reset_user_password") == NO_ADDRESS


# By which names a user is found.


def test_a_user_is_found_by_a_verified_alias(tenants) -> None:
    tenant = tenants(pool={"AliasAttributes": ["email"]})
    verified_user(tenant, "ann", ANN)
    assert shown(tenant, ANN)["Username"] == "ann"
    assert admin(tenant, "admin_disable_user", ANN) == {}
    assert shown(tenant)["Enabled"] is False
    admin(tenant, "admin_delete_user", ANN)
    assert refused(shown, tenant) == NOBODY


def test_a_user_is_found_by_the_address_that_is_the_name_and_by_the_sub(tenants) -> None:
    tenant = tenants(pool={"UsernameAttributes": ["email"]})
    sub = tenant.sign_up(ANN)
    assert [shown(tenant, name)["Username"] for name in (ANN, sub)] == [sub, sub]
    admin(tenant, "admin_delete_user", sub)
    assert refused(shown, tenant, ANN) == NOBODY


# AdminDeleteUser.


def test_an_administrator_erases_a_user_once_whatever_their_state(tenant: Tenant) -> None:
    tenant.sign_up("ann", confirmed=False)
    tenant.sign_up("bob")
    verified_user(tenant, "cid", ANN)
    admin(tenant, "admin_disable_user", "bob")
    admin(tenant, "admin_reset_user_password", "cid")
    for username in ("ann", "bob", "cid"):
        admin(tenant, "admin_delete_user", username)
        assert refused(admin, tenant, "admin_delete_user", username) == NOBODY
        assert refused(sign_in, tenant, username) == NOBODY
    pool = tenant.cognito.describe_user_pool(UserPoolId=tenant.pool_id)["UserPool"]
    assert pool["EstimatedNumberOfUsers"] == 0
