"""The factors of a pool: what SetUserPoolMfaConfig sets, shows and refuses."""

import pytest

from cenote.domain import mfa, pools
from cenote.errors import CognitoError, FeatureUnavailableInTierException, InvalidParameterException
from tests.domain.test_pool_updates import MAIL, POOL_ID, SMS, asked_again, new, updated

TOTP = {"SoftwareTokenMfaConfiguration": {"Enabled": True}}
NO_TOTP = {"SoftwareTokenMfaConfiguration": {"Enabled": False}}
TEXTS = {"SmsMfaConfiguration": {"SmsAuthenticationMessage": "Your code: {####}", "SmsConfiguration": SMS}}
LETTER = {"EmailMfaConfiguration": {"Message": "Your code: {####}", "Subject": "Your code"}}
PASSKEYS = {"WebAuthnConfiguration": {"RelyingPartyId": "a.example", "UserVerification": "required"}}
MULTI = {"FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION"}
TURNED_OFF = "Invalid MFA configuration given, can't turn off MFA and configure an MFA together."
NONE_LEFT = (
    "Invalid MFA configuration given, can't disable all MFAs with a required or optional configuration."
)


def configured(document, **request):
    return pools.with_mfa(document, {"UserPoolId": POOL_ID, **request}, region="us-east-1")


def refusal_of(document, kind=InvalidParameterException, **request):
    with pytest.raises(CognitoError) as refused:
        configured(document, **request)
    assert type(refused.value) is kind
    return refused.value.message


def with_first_factors(*factors, **request):
    return new(Policies={"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", *factors]}}, **request)


def test_a_fresh_pool_has_no_factor():
    assert mfa.shown(new()) == {"MfaConfiguration": "OFF"}
    assert mfa.factors(new()) == frozenset()


def test_what_is_set_is_shown():
    document = configured(
        new(EmailConfiguration=MAIL), MfaConfiguration="OPTIONAL", **TOTP, **TEXTS, **LETTER, **PASSKEYS
    )
    assert mfa.shown(document) == {
        "MfaConfiguration": "OPTIONAL",
        **TOTP,
        **TEXTS,
        **LETTER,
        "WebAuthnConfiguration": {
            "FactorConfiguration": "SINGLE_FACTOR",
            **PASSKEYS["WebAuthnConfiguration"],
        },
    }
    assert mfa.factors(document) == {"SOFTWARE_TOKEN_MFA", "SMS_MFA", "EMAIL_OTP"}


def test_a_token_alone_is_shown_with_what_passkeys_then_are():
    assert mfa.shown(configured(new(), MfaConfiguration="ON", **TOTP)) == {
        "MfaConfiguration": "ON",
        **TOTP,
        "WebAuthnConfiguration": {"FactorConfiguration": "SINGLE_FACTOR"},
    }


def test_a_description_shows_no_factor_but_the_settings_of_text_messages():
    document = configured(new(), MfaConfiguration="ON", **TEXTS, **TOTP)
    shown = pools.described(document, created_ms=0, modified_ms=0, estimated_users=0)
    assert not set(mfa.MEMBERS) & set(shown)
    assert not set(mfa.MEMBERS) & set(pools.created(document, created_ms=0))
    assert (shown["MfaConfiguration"], shown["SmsConfiguration"]) == ("ON", SMS)
    assert shown["SmsAuthenticationMessage"] == "Your code: {####}"


def test_text_messages_go_through_the_pools_own_region():
    role = {"SnsCallerArn": SMS["SnsCallerArn"]}
    document = configured(new(), MfaConfiguration="ON", SmsMfaConfiguration={"SmsConfiguration": role})
    assert document["SmsConfiguration"] == SMS


def test_text_messages_may_use_the_role_that_the_pool_has():
    document = configured(new(SmsConfiguration=SMS), MfaConfiguration="ON", SmsMfaConfiguration={})
    assert mfa.shown(document)["SmsMfaConfiguration"] == {"SmsConfiguration": SMS}
    assert refusal_of(new(), MfaConfiguration="ON", SmsMfaConfiguration={}, **TOTP) == (
        "SMS configuration and Auto verification for phone_number are required when MFA is required/optional"
    )


@pytest.mark.parametrize("block", [TOTP, NO_TOTP, TEXTS, LETTER])
@pytest.mark.parametrize("mode", [{"MfaConfiguration": "OFF"}, {}])
def test_mfa_is_not_off_and_configured(mode, block):
    assert refusal_of(new(), **mode, **block) == TURNED_OFF


@pytest.mark.parametrize("mode", ["ON", "OPTIONAL"])
@pytest.mark.parametrize("block", [{}, NO_TOTP, PASSKEYS])
def test_mfa_is_not_on_without_a_factor(mode, block):
    assert refusal_of(new(), MfaConfiguration=mode, **block) == NONE_LEFT


def test_passkeys_may_be_configured_without_mfa():
    document = configured(new(), **PASSKEYS)
    assert document["MfaConfiguration"] == "OFF"
    assert mfa.shown(document)["WebAuthnConfiguration"]["RelyingPartyId"] == "a.example"


def test_all_that_is_left_out_is_gone():
    document = configured(new(), MfaConfiguration="ON", **TOTP, **PASSKEYS)
    assert mfa.shown(configured(document)) == {"MfaConfiguration": "OFF"}
    again = mfa.shown(configured(document, MfaConfiguration="ON", **TEXTS))
    assert "SoftwareTokenMfaConfiguration" not in again
    assert again["WebAuthnConfiguration"] == {"FactorConfiguration": "SINGLE_FACTOR"}


def test_mail_as_a_factor_needs_mail_of_ones_own():
    assert refusal_of(new(), MfaConfiguration="ON", **LETTER) == (
        "Cannot set EmailMfaConfiguration when user pool EmailConfiguration contains"
        " an EmailSendingAccount of COGNITO_DEFAULT"
    )


@pytest.mark.parametrize(
    "block,feature", [(LETTER, "Email MFA"), ({"WebAuthnConfiguration": MULTI}, "Passkey MFA")]
)
def test_the_lite_plan_lacks_these_factors(block, feature):
    lite = new(UserPoolTier="LITE", EmailConfiguration=MAIL)
    text = f"The following features need to be disabled for the LITE pricing tier configured: {feature}"
    assert refusal_of(lite, FeatureUnavailableInTierException, MfaConfiguration="ON", **TOTP, **block) == text


@pytest.mark.parametrize("first", ["EMAIL_OTP", "SMS_OTP"])
def test_required_mfa_leaves_no_one_time_password_for_a_first_factor(first):
    pool = with_first_factors(first, SmsConfiguration=SMS)
    text = "Only PASSWORD and WEB_AUTHN (if configured) can be enabled as an auth factor if MFA is enabled"
    assert refusal_of(pool, MfaConfiguration="ON", **TOTP) == text
    optional = configured(pool, MfaConfiguration="OPTIONAL", **TOTP)
    with pytest.raises(InvalidParameterException) as refused:
        updated(optional, **asked_again(optional) | {"MfaConfiguration": "ON"})
    assert refused.value.message == text
    required = updated(optional, MfaConfiguration="ON")  # the first factors are left out, and set back
    assert required["Policies"]["SignInPolicy"] == {"AllowedFirstAuthFactors": ["PASSWORD"]}


def test_texts_as_a_first_factor_need_a_way_to_send_them():
    text = "SMS_OTP can not be configured as AuthFactor as user pool is missing valid SMS configuration"
    with pytest.raises(InvalidParameterException) as refused:
        with_first_factors("SMS_OTP")
    assert refused.value.message == text
    pool = with_first_factors("SMS_OTP", SmsConfiguration=SMS)
    with pytest.raises(InvalidParameterException) as refused:
        updated(pool, Policies=pool["Policies"])
    assert refused.value.message == text


def test_required_mfa_and_passkeys_need_passkeys_that_are_both_factors():
    pool = with_first_factors("WEB_AUTHN")
    assert refusal_of(pool, MfaConfiguration="ON", **TOTP, **PASSKEYS) == (
        "Cannot set WebAuthn factor configuration to SINGLE_FACTOR if MFA is required"
        " and WebAuthn is an allowed first auth factor"
    )
    assert configured(pool, MfaConfiguration="OPTIONAL", **TOTP)
    assert configured(pool, MfaConfiguration="ON", **TOTP, WebAuthnConfiguration=MULTI)


def test_passkeys_become_a_first_factor_beside_required_mfa_only_as_both():
    policies = {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}}
    with pytest.raises(InvalidParameterException) as refused:
        updated(configured(new(), MfaConfiguration="ON", **TOTP), MfaConfiguration="ON", Policies=policies)
    assert refused.value.message == (
        "WEB_AUTHN cannot be used as an auth factor when MFA is enabled if not configured for MFA"
    )
    both = configured(new(), MfaConfiguration="ON", **TOTP, WebAuthnConfiguration=MULTI)
    assert updated(both, MfaConfiguration="ON", Policies=policies)


@pytest.mark.parametrize("mode", ["ON", "OPTIONAL"])
def test_a_pool_with_a_token_alone_is_updated_without_text_messages(mode):
    document = configured(new(), MfaConfiguration=mode, **TOTP)
    assert updated(document, **asked_again(document)) == document
    assert updated(document, MfaConfiguration=mode) == document


@pytest.mark.parametrize("request_of_it", [{}, {"MfaConfiguration": "OFF"}])
def test_an_update_that_turns_mfa_off_takes_every_factor_and_leaves_passkeys_alone(request_of_it):
    document = configured(
        new(EmailConfiguration=MAIL), MfaConfiguration="ON", **TOTP, **TEXTS, **LETTER, **PASSKEYS
    )
    off = updated(document, **request_of_it)
    assert mfa.factors(off) == frozenset()
    assert mfa.shown(off) == {
        "MfaConfiguration": "OFF",
        "WebAuthnConfiguration": document["WebAuthnConfiguration"],
    }


def test_mfa_that_was_turned_off_comes_back_without_its_former_factors():
    off = updated(configured(new(), MfaConfiguration="ON", **TOTP))
    again = updated(off, MfaConfiguration="ON", SmsConfiguration=SMS)
    assert mfa.factors(again) == {"SMS_MFA"}


def test_text_messages_that_serve_verification_are_no_factor_beside_another():
    document = configured(new(SmsConfiguration=SMS), MfaConfiguration="ON", **TOTP)
    assert mfa.factors(document) == {"SOFTWARE_TOKEN_MFA"}
    assert updated(document, MfaConfiguration="ON", SmsConfiguration=SMS) == document


def test_text_messages_whose_role_is_left_out_are_gone_beside_another_factor():
    document = configured(new(), MfaConfiguration="ON", **TOTP, **TEXTS)
    assert mfa.factors(document) == {"SOFTWARE_TOKEN_MFA", "SMS_MFA"}
    assert mfa.factors(updated(document, MfaConfiguration="ON")) == {"SOFTWARE_TOKEN_MFA"}


def test_mail_as_a_factor_keeps_mail_of_ones_own_from_being_left_out():
    document = configured(new(EmailConfiguration=MAIL), MfaConfiguration="ON", **TOTP, **LETTER)
    with pytest.raises(InvalidParameterException) as refused:
        updated(document, MfaConfiguration="ON")
    assert refused.value.message == (
        "Cannot set EmailMfaConfiguration when user pool EmailConfiguration contains"
        " an EmailSendingAccount of COGNITO_DEFAULT"
    )
    assert updated(document, MfaConfiguration="ON", EmailConfiguration=MAIL) == document


def test_a_pool_made_with_mfa_has_text_messages_for_its_factor():
    document = new(MfaConfiguration="ON", SmsConfiguration=SMS, SmsAuthenticationMessage="Code {####}")
    assert mfa.shown(document) == {
        "MfaConfiguration": "ON",
        "SmsMfaConfiguration": {"SmsConfiguration": SMS, "SmsAuthenticationMessage": "Code {####}"},
    }
