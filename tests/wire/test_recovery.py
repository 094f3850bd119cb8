"""A forgotten password as a client sees it: ForgotPassword and ConfirmForgotPassword, codes by mail."""

import re
from typing import Any

import pytest

from tests.house import PASSWORD, Tenant
from tests.wire.steps import (
    DONE,
    at_once,
    attributes_of,
    code_sent_to,
    pairs,
    refresh,
    refused,
    secret_hash,
    sign_in,
    sign_up,
    status_of,
    verified_user,
)

ANN = "ann@example.com"
NUMBER = "+15550001234"
HOUR_S = 3_600
OTHER = "Another-horse2"
SMS = {"SmsConfiguration": {"SnsCallerArn": "arn:aws:iam::123456789012:role/sms", "ExternalId": "x"}}

MISMATCH = "CodeMismatchException: Invalid verification code provided, please try again."
EXPIRED = "ExpiredCodeException: Invalid code provided, please request a code again."
NOBODY = "UserNotFoundException: Username/client id combination not found."
DISABLED = "NotAuthorizedException: User is disabled."
INCORRECT = "NotAuthorizedException: Incorrect username or password."
NO_ADDRESS = (
    "InvalidParameterException: Cannot reset password for the user as there is no registered/verified email "
    "or phone_number"
)
ADMIN_ONLY = "NotAuthorizedException: Contact administrator to reset password."
IN_THIS_STATE = "NotAuthorizedException: User password cannot be reset in the current state."
REUSED = "PasswordHistoryPolicyViolationException: Password has previously been used"
TO_ANN = {"AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": "a***@e***"}


def forgot(tenant: Tenant, username: str = "ann", **request: Any) -> dict[str, str]:
    answer = tenant.cognito.forgot_password(**{"ClientId": tenant.client_id, "Username": username} | request)
    details: dict[str, str] = answer["CodeDeliveryDetails"]
    return details


def confirm(tenant: Tenant, code: str, password: str = OTHER, username: str = "ann", **request: Any) -> None:
    wanted = {
        "ClientId": tenant.client_id,
        "Username": username,
        "ConfirmationCode": code,
        "Password": password,
    }
    tenant.cognito.confirm_forgot_password(**wanted | request)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def prove(tenant: Tenant, username: str = "ann", **addresses: str) -> None:
    """Have an administrator say that these addresses are the user's."""
    flags = {f"{name}_verified": "true" for name in addresses}
    tenant.cognito.admin_update_user_attributes(
        UserPoolId=tenant.pool_id, Username=username, UserAttributes=pairs(**addresses, **flags)
    )


# From the first call to a new password.


def test_a_user_sets_a_new_password_with_the_code_that_was_mailed(tenant: Tenant) -> None:
    verified_user(tenant, "ann", ANN)
    assert forgot(tenant) == TO_ANN
    code = code_sent_to(tenant, ANN)
    assert re.fullmatch(r"[0-9]{6}", code)
    assert tenant.sign_in("ann")
    confirm(tenant, code)
    assert refused(sign_in, tenant, "ann") == INCORRECT
    assert sign_in(tenant, "ann", OTHER)["AuthenticationResult"]
    assert status_of(tenant) == "CONFIRMED"


def test_no_session_ends_by_a_new_password(tenant: Tenant) -> None:
    tokens = verified_user(tenant, "ann", ANN)
    forgot(tenant)
    confirm(tenant, code_sent_to(tenant, ANN))
    assert tenant.cognito.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    assert refresh(tenant, tokens["RefreshToken"])["AuthenticationResult"]


def test_who_was_reset_by_an_administrator_is_confirmed_again_by_that_code(tenant: Tenant) -> None:
    tokens = verified_user(tenant, "ann", ANN)
    tenant.cognito.admin_reset_user_password(UserPoolId=tenant.pool_id, Username="ann")
    reset = "PasswordResetRequiredException: Password reset required for the user"
    assert refused(sign_in, tenant, "ann") == reset
    confirm(tenant, code_sent_to(tenant, ANN))
    assert status_of(tenant) == "CONFIRMED"
    assert sign_in(tenant, "ann", OTHER)["AuthenticationResult"]
    assert tenant.cognito.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"


def test_who_was_reset_may_also_ask_for_a_code_themself(tenant: Tenant) -> None:
    verified_user(tenant, "ann", ANN)
    tenant.cognito.admin_reset_user_password(UserPoolId=tenant.pool_id, Username="ann")
    old = code_sent_to(tenant, ANN)
    tenant.house.advance(1)
    assert forgot(tenant) == TO_ANN
    if old != (new := code_sent_to(tenant, ANN)):  # one in a million is the same
        assert refused(confirm, tenant, old) == MISMATCH
    confirm(tenant, new)
    assert status_of(tenant) == "CONFIRMED"


def test_an_unconfirmed_user_with_a_proved_address_is_confirmed_by_it(tenant: Tenant) -> None:
    tenant.sign_up("ann", confirmed=False)
    prove(tenant, email=ANN)
    forgot(tenant)
    confirm(tenant, code_sent_to(tenant, ANN))
    assert sign_in(tenant, "ann", OTHER)["AuthenticationResult"]


# Codes.


def test_a_code_is_good_for_an_hour_and_once(tenant: Tenant) -> None:
    verified_user(tenant, "ann", ANN)
    assert refused(confirm, tenant, "123456") == EXPIRED
    forgot(tenant)
    code = code_sent_to(tenant, ANN)
    assert refused(confirm, tenant, wrong(code)) == MISMATCH
    tenant.house.advance(HOUR_S - 60)
    confirm(tenant, code)
    assert refused(confirm, tenant, code) == EXPIRED
    forgot(tenant)
    tenant.house.advance(HOUR_S + 1)
    assert refused(confirm, tenant, code_sent_to(tenant, ANN)) == EXPIRED


def test_of_two_callers_with_one_code_one_succeeds(tenant: Tenant) -> None:
    verified_user(tenant, "ann", ANN)
    forgot(tenant)
    code = code_sent_to(tenant, ANN)
    outcomes = at_once(*[lambda: confirm(tenant, code)] * 2)
    assert sorted(outcomes) == sorted([DONE, EXPIRED])


def test_a_code_for_a_password_confirms_no_sign_up_and_the_other_way_round(tenant: Tenant) -> None:
    tenant.sign_up("ann", confirmed=False, email=ANN)
    first = code_sent_to(tenant, ANN)
    prove(tenant, email=ANN)
    assert refused(confirm, tenant, first) == EXPIRED
    tenant.house.advance(1)
    forgot(tenant)
    if first != (code := code_sent_to(tenant, ANN)):
        with pytest.raises(tenant.cognito.exceptions.CodeMismatchException):
            tenant.cognito.confirm_sign_up(ClientId=tenant.client_id, Username="ann", ConfirmationCode=code)


def test_a_password_that_is_refused_uses_no_code_up(tenant: Tenant) -> None:
    verified_user(tenant, "ann", ANN)
    forgot(tenant)
    code = code_sent_to(tenant, ANN)
    assert refused(confirm, tenant, code, "tooshort") == (
        "InvalidPasswordException: Password did not conform with policy:"
        " Password must have uppercase characters"
    )
    assert refused(confirm, tenant, code, "short") == (
        "InvalidParameterException: 1 validation error detected: Value at 'password' failed to satisfy "
        "constraint: Member must have length greater than or equal to 6"
    )
    confirm(tenant, code)


def test_a_code_that_went_to_an_address_which_was_changed_since_is_worth_nothing(tenant: Tenant) -> None:
    verified_user(tenant, "ann", ANN)
    forgot(tenant)
    code = code_sent_to(tenant, ANN)
    prove(tenant, email="new@example.org")
    assert refused(confirm, tenant, code) == EXPIRED
    assert tenant.sign_in("ann")


def test_whoever_is_erased_takes_their_code_along(tenant: Tenant) -> None:
    tokens = verified_user(tenant, "ann", ANN)
    forgot(tenant)
    code = code_sent_to(tenant, ANN)
    tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])
    assert refused(confirm, tenant, code) == NOBODY
    verified_user(tenant, "ann", "namesake@example.com")
    assert refused(confirm, tenant, code) == EXPIRED


# Where the code goes.


@pytest.mark.parametrize(
    "mechanisms, attribute",
    [
        (["verified_email", "verified_phone_number"], "email"),
        (["verified_phone_number", "verified_email"], "phone_number"),
        (["verified_phone_number"], "phone_number"),
    ],
)
def test_a_code_goes_to_the_first_proved_address_in_the_pool_s_order(tenants, mechanisms, attribute) -> None:
    listed = [{"Name": name, "Priority": number} for number, name in enumerate(mechanisms, 1)]
    tenant = tenants(pool={"AccountRecoverySetting": {"RecoveryMechanisms": listed}})
    tenant.sign_up("ann")
    prove(tenant, email=ANN, phone_number=NUMBER)
    assert forgot(tenant)["AttributeName"] == attribute
    confirm(tenant, code_sent_to(tenant, NUMBER if attribute == "phone_number" else ANN))


def test_an_address_that_is_not_proved_gets_no_code(tenant: Tenant) -> None:
    tenant.sign_up("ann", email=ANN)
    assert refused(forgot, tenant) == NO_ADDRESS
    tenant.sign_up("bea", confirmed=False, email="bea@example.com")
    assert refused(forgot, tenant, "bea") == NO_ADDRESS
    prove(tenant, phone_number=NUMBER)
    assert forgot(tenant)["AttributeName"] == "phone_number"
    assert attributes_of(tenant)["email_verified"] == "false"


def test_where_only_administrators_help_nobody_gets_a_code(tenants) -> None:
    setting = {"RecoveryMechanisms": [{"Name": "admin_only", "Priority": 1}]}
    tenant = tenants(pool={"AccountRecoverySetting": setting})
    verified_user(tenant, "ann", ANN)
    assert refused(forgot, tenant) == ADMIN_ONLY
    hiding = tenant.new_client(PreventUserExistenceErrors="ENABLED")["ClientId"]
    assert [refused(forgot, tenant, name, ClientId=hiding) for name in ("ann", "bea")] == [ADMIN_ONLY] * 2


def test_who_has_a_temporary_password_gets_no_code(tenant: Tenant) -> None:
    tenant.cognito.admin_create_user(
        UserPoolId=tenant.pool_id,
        Username="ann",
        TemporaryPassword=PASSWORD,
        UserAttributes=pairs(email=ANN, email_verified="true"),
    )
    assert refused(forgot, tenant) == IN_THIS_STATE


# The client, its secret, and who is hidden (the table of 6.6).


@pytest.mark.parametrize("call", [forgot, lambda tenant, **change: confirm(tenant, "123456", **change)])
def test_a_client_that_is_not_there_is_named_first(tenant: Tenant, call) -> None:
    assert refused(call, tenant, ClientId="0" * 26) == (
        f"ResourceNotFoundException: User pool client {'0' * 26} does not exist."
    )


@pytest.mark.parametrize("call", [forgot, lambda tenant, **change: confirm(tenant, "123456", **change)])
def test_a_client_with_a_secret_proves_it_before_anything_else(tenants, call) -> None:
    tenant = tenants(client={"GenerateSecret": True})
    assert refused(call, tenant) == (
        f"NotAuthorizedException: Client {tenant.client_id} is configured with secret"
        " but SECRET_HASH was not received"
    )
    assert refused(call, tenant, SecretHash=secret_hash(tenant.client, "bea")) == (
        f"NotAuthorizedException: Unable to verify secret hash for client {tenant.client_id}"
    )
    assert refused(call, tenant, SecretHash=secret_hash(tenant.client, "ann")) == NOBODY


def test_to_a_client_that_hides_nobody_the_unknown_are_unknown_and_the_disabled_disabled(
    tenant: Tenant,
) -> None:
    assert refused(forgot, tenant) == NOBODY
    assert refused(confirm, tenant, "123456") == NOBODY
    verified_user(tenant, "ann", ANN)
    tenant.cognito.admin_disable_user(UserPoolId=tenant.pool_id, Username="ann")
    assert refused(forgot, tenant) == DISABLED
    assert refused(confirm, tenant, "123456") == DISABLED


@pytest.fixture
def hiding(tenants) -> Tenant:
    """A pool whose client hides who exists."""
    made: Tenant = tenants(client={"PreventUserExistenceErrors": "ENABLED"})
    return made


def test_the_unknown_the_disabled_and_the_unreachable_look_alike_to_a_client_that_hides(
    hiding: Tenant,
) -> None:
    unknown = forgot(hiding)
    assert re.fullmatch(r"[a-z]\*\*\*@[a-z]\*\*\*", unknown["Destination"])
    assert (unknown["AttributeName"], unknown["DeliveryMedium"]) == ("email", "EMAIL")
    address = f"{hiding.client_id}@example.com"
    hiding.sign_up("ann", email=address)
    assert forgot(hiding) == unknown
    prove(hiding, email=address)
    hiding.cognito.admin_disable_user(UserPoolId=hiding.pool_id, Username="ann")
    assert forgot(hiding) == unknown
    assert len(hiding.house.inbox(to=address)) == 1
    assert refused(confirm, hiding, "123456") == MISMATCH
    assert refused(confirm, hiding, "123456", username="nobody") == MISMATCH


def test_who_exists_and_asked_for_no_code_has_none(hiding: Tenant) -> None:
    verified_user(hiding, "ann", ANN)
    assert refused(confirm, hiding, "123456") == EXPIRED
    assert forgot(hiding) == TO_ANN


def test_a_name_that_is_an_address_seems_to_be_reached_there(hiding: Tenant) -> None:
    assert forgot(hiding, "zoe@quux.org")["Destination"] == "z***@q***"
    assert forgot(hiding, NUMBER) == {
        "AttributeName": "phone_number",
        "DeliveryMedium": "SMS",
        "Destination": "+*******1234",
    }


def test_where_the_phone_comes_first_nobody_is_reached_by_phone(tenants) -> None:
    setting = {"RecoveryMechanisms": [{"Name": "verified_phone_number", "Priority": 1}]}
    tenant = tenants(
        pool={"AccountRecoverySetting": setting}, client={"PreventUserExistenceErrors": "ENABLED"}
    )
    assert forgot(tenant)["DeliveryMedium"] == "SMS"


def test_an_alias_is_as_good_as_the_name(tenants) -> None:
    tenant = tenants(pool={"AliasAttributes": ["email"]})
    verified_user(tenant, "ann", ANN)
    assert forgot(tenant, ANN) == TO_ANN
    confirm(tenant, code_sent_to(tenant, ANN), username=ANN)
    assert sign_in(tenant, "ann", OTHER)["AuthenticationResult"]


def test_an_address_in_the_place_of_the_name_is_as_good_as_one(tenants) -> None:
    tenant = tenants(pool={"UsernameAttributes": ["email"]})
    sign_up(tenant, ANN)
    tenant.cognito.confirm_sign_up(
        ClientId=tenant.client_id, Username=ANN, ConfirmationCode=code_sent_to(tenant, ANN)
    )
    tenant.house.advance(1)
    assert forgot(tenant, ANN) == TO_ANN
    confirm(tenant, code_sent_to(tenant, ANN), username=ANN)
    assert sign_in(tenant, ANN, OTHER)["AuthenticationResult"]


# Passwords that were theirs before.


def test_a_remembered_password_does_not_come_back_and_only_who_has_the_code_is_told(tenants) -> None:
    policy = {"PasswordPolicy": {"MinimumLength": 8, "PasswordHistorySize": 2}}
    tenant = tenants(pool={"Policies": policy})
    verified_user(tenant, "ann", ANN)
    forgot(tenant)
    code = code_sent_to(tenant, ANN)
    assert refused(confirm, tenant, wrong(code), PASSWORD) == MISMATCH
    assert refused(confirm, tenant, code, PASSWORD) == REUSED
    confirm(tenant, code, OTHER)
    tenant.house.advance(1)
    forgot(tenant)
    code = code_sent_to(tenant, ANN)
    assert [refused(confirm, tenant, code, former) for former in (PASSWORD, OTHER)] == [REUSED] * 2
    confirm(tenant, code, "A-third-horse3")
    tenant.house.advance(1)
    forgot(tenant)
    confirm(tenant, code_sent_to(tenant, ANN), PASSWORD)


def test_without_a_history_any_password_may_come_back(tenant: Tenant) -> None:
    verified_user(tenant, "ann", ANN)
    forgot(tenant)
    confirm(tenant, code_sent_to(tenant, ANN), PASSWORD)
    assert tenant.sign_in("ann")
