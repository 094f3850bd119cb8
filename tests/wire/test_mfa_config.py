"""The factors of a pool, as boto3 sees them: set, shown and refused; not what they mean at sign-in."""

from typing import Any

import pytest

from tests.house import Tenant
from tests.wire.steps import refused

SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms", "ExternalId": "x", "SnsRegion": "us-east-1"}
MAIL = {
    "EmailSendingAccount": "DEVELOPER",
    "SourceArn": "arn:aws:ses:us-east-1:000000000000:identity/a.example",
}
TOTP = {"SoftwareTokenMfaConfiguration": {"Enabled": True}}
EVERYTHING = {
    "MfaConfiguration": "OPTIONAL",
    "SmsMfaConfiguration": {"SmsAuthenticationMessage": "Your code: {####}", "SmsConfiguration": SMS},
    **TOTP,
    "EmailMfaConfiguration": {"Message": "Your code: {####}", "Subject": "Your code"},
    "WebAuthnConfiguration": {
        "RelyingPartyId": "auth.example.com",
        "UserVerification": "preferred",
        "FactorConfiguration": "SINGLE_FACTOR",
    },
}
TURNED_OFF = (
    "InvalidParameterException: Invalid MFA configuration given,"
    " can't turn off MFA and configure an MFA together."
)
NONE_LEFT = (
    "InvalidParameterException: Invalid MFA configuration given,"
    " can't disable all MFAs with a required or optional configuration."
)


def set_mfa(tenant: Tenant, **request: Any) -> dict[str, Any]:
    answer = tenant.cognito.set_user_pool_mfa_config(UserPoolId=tenant.pool_id, **request)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def get_mfa(tenant: Tenant) -> dict[str, Any]:
    answer = tenant.cognito.get_user_pool_mfa_config(UserPoolId=tenant.pool_id)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def described(tenant: Tenant) -> dict[str, Any]:
    shown: dict[str, Any] = tenant.cognito.describe_user_pool(UserPoolId=tenant.pool_id)["UserPool"]
    return shown


def test_a_fresh_pool_asks_for_no_second_factor(tenant):
    assert get_mfa(tenant) == {"MfaConfiguration": "OFF"}


def test_what_is_set_is_answered_and_shown(tenants):
    tenant = tenants(pool={"EmailConfiguration": MAIL})
    assert set_mfa(tenant, **EVERYTHING) == EVERYTHING
    assert get_mfa(tenant) == EVERYTHING


def test_a_description_shows_the_settings_of_text_messages(tenant):
    before = described(tenant)
    tenant.house.advance(60)
    set_mfa(tenant, MfaConfiguration="ON", SmsMfaConfiguration=EVERYTHING["SmsMfaConfiguration"])
    after = described(tenant)
    assert after["MfaConfiguration"] == "ON"
    assert after["SmsConfiguration"] == SMS
    assert after["SmsAuthenticationMessage"] == "Your code: {####}"
    assert after["LastModifiedDate"] > before["LastModifiedDate"]


def test_what_is_left_out_is_gone(tenant):
    set_mfa(tenant, MfaConfiguration="ON", **TOTP)
    assert set_mfa(tenant) == {"MfaConfiguration": "OFF"}
    assert get_mfa(tenant) == {"MfaConfiguration": "OFF"}


@pytest.mark.parametrize(
    "block", ["SmsMfaConfiguration", "SoftwareTokenMfaConfiguration", "EmailMfaConfiguration"]
)
def test_mfa_is_not_turned_off_and_configured(tenant, block):
    assert refused(set_mfa, tenant, MfaConfiguration="OFF", **{block: EVERYTHING[block]}) == TURNED_OFF


@pytest.mark.parametrize("mode", ["ON", "OPTIONAL"])
def test_mfa_is_not_turned_on_without_a_factor(tenant, mode):
    assert refused(set_mfa, tenant, MfaConfiguration=mode) == NONE_LEFT
    none = {"SoftwareTokenMfaConfiguration": {"Enabled": False}}
    assert refused(set_mfa, tenant, MfaConfiguration=mode, **none) == NONE_LEFT


def test_mail_as_a_factor_needs_mail_of_ones_own(tenant):
    letter = {"EmailMfaConfiguration": EVERYTHING["EmailMfaConfiguration"]}
    assert refused(set_mfa, tenant, MfaConfiguration="ON", **letter) == (
        "InvalidParameterException: Cannot set EmailMfaConfiguration when user pool EmailConfiguration"
        " contains an EmailSendingAccount of COGNITO_DEFAULT"
    )


def test_mail_as_a_factor_is_outside_the_lite_plan(tenants):
    tenant = tenants(pool={"EmailConfiguration": MAIL, "UserPoolTier": "LITE"})
    letter = {"EmailMfaConfiguration": EVERYTHING["EmailMfaConfiguration"]}
    assert refused(set_mfa, tenant, MfaConfiguration="ON", **letter).startswith(
        "FeatureUnavailableInTierException: "
    )


def test_text_messages_need_a_way_to_be_sent(tenant):
    assert refused(set_mfa, tenant, MfaConfiguration="ON", SmsMfaConfiguration={}) == (
        "InvalidParameterException: SMS configuration and Auto verification for phone_number are required"
        " when MFA is required/optional"
    )


def test_an_update_that_says_mfa_again_leaves_its_factor(tenant):
    set_mfa(tenant, MfaConfiguration="ON", **TOTP)
    before = get_mfa(tenant)
    tenant.cognito.update_user_pool(UserPoolId=tenant.pool_id, MfaConfiguration="ON")
    assert get_mfa(tenant) == before


@pytest.mark.parametrize("request_of_it", [{}, {"MfaConfiguration": "OFF"}])
def test_an_update_that_says_nothing_of_mfa_or_off_turns_it_off_and_its_factors_with_it(
    tenants, request_of_it
):
    tenant = tenants(pool={"EmailConfiguration": MAIL})
    set_mfa(tenant, **EVERYTHING)
    tenant.cognito.update_user_pool(UserPoolId=tenant.pool_id, **request_of_it)
    assert get_mfa(tenant) == {
        "MfaConfiguration": "OFF",
        "WebAuthnConfiguration": EVERYTHING["WebAuthnConfiguration"],
    }
    after = described(tenant)
    assert after["MfaConfiguration"] == "OFF"
    assert "SmsConfiguration" not in after
    assert "SmsAuthenticationMessage" not in after


def test_a_pool_made_with_mfa_has_text_messages_for_its_factor(tenants):
    tenant = tenants(pool={"MfaConfiguration": "ON", "SmsConfiguration": SMS})
    assert get_mfa(tenant) == {
        "MfaConfiguration": "ON",
        "SmsMfaConfiguration": {"SmsConfiguration": SMS},
    }


def test_a_pool_that_is_not_there_is_told_by_its_id(house):
    cognito, nowhere = house.client(), {"UserPoolId": "us-east-1_nonexist1"}
    for call in (cognito.get_user_pool_mfa_config, cognito.set_user_pool_mfa_config):
        assert refused(call, **nowhere) == (
            "ResourceNotFoundException: User pool us-east-1_nonexist1 does not exist."
        )
