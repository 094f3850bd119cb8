"""What UpdateUserPool leaves of a pool."""

from typing import Any

import pytest

from cenote.domain import mfa, pools, tiers
from cenote.errors import (
    CognitoError,
    FeatureUnavailableInTierException,
    InvalidParameterException,
    UserPoolTaggingException,
)

POOL_ID = "us-east-1_SbeSpjvX7"
ARN = f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{POOL_ID}"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
KEY = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-000000000000"
SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms", "SnsRegion": "us-east-1"}
MAIL = {
    "EmailSendingAccount": "DEVELOPER",
    "SourceArn": "arn:aws:ses:us-east-1:000000000000:identity/a.example",
}
# Members of a description that no UpdateUserPool request has (facts/admin.md 1.6).
NO_PART_OF_AN_UPDATE = (
    *("Arn", "CreationDate", "CustomDomain", "Domain", "EmailConfigurationFailure", "EstimatedNumberOfUsers"),
    *("Id", "LastModifiedDate", "Name", "SchemaAttributes", "SmsConfigurationFailure", "Status"),
    *("AliasAttributes", "UsernameAttributes", "UsernameConfiguration"),
)
# Set to something else than the default in every member.
EVERYTHING: dict[str, Any] = {
    "Policies": {
        "PasswordPolicy": {
            "MinimumLength": 12,
            "RequireUppercase": False,
            "RequireLowercase": True,
            "RequireNumbers": True,
            "RequireSymbols": False,
            "PasswordHistorySize": 3,
            "TemporaryPasswordValidityDays": 2,
        },
        "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]},
    },
    "DeletionProtection": "ACTIVE",
    "LambdaConfig": {"PreSignUp": FUNCTION},
    "AutoVerifiedAttributes": ["email"],
    "AliasAttributes": ["email"],
    "UsernameConfiguration": {"CaseSensitive": False},
    "VerificationMessageTemplate": {
        "DefaultEmailOption": "CONFIRM_WITH_LINK",
        "EmailSubjectByLink": "Hello",
        "EmailMessageByLink": "Click {##here##}",
    },
    "SmsAuthenticationMessage": "Code {####}",
    "MfaConfiguration": "OPTIONAL",
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
    "DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True},
    "EmailConfiguration": MAIL,
    "SmsConfiguration": SMS,
    "UserPoolTags": {"team": "red"},
    "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
    "UserPoolAddOns": {"AdvancedSecurityMode": "AUDIT"},
    "AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "admin_only", "Priority": 1}]},
    "UserPoolTier": "PLUS",
    "KeyConfiguration": {"KeyType": "CUSTOMER_MANAGED_KEY", "KmsKeyArn": KEY},
    "IssuerConfiguration": {"Type": "UPDATED"},
    "AcrConfiguration": {"Level1": {"AcrValue": "urn:one"}},
    "DcrConfiguration": {"AllowedScopes": ["a/b"]},
    "Schema": [{"Name": "team", "AttributeDataType": "String"}],
}


def new(**request):
    return pools.new_document({"PoolName": "people", **request}, pool_id=POOL_ID, arn=ARN, region="us-east-1")


def updated(document, **request):
    return pools.updated(document, {"UserPoolId": POOL_ID, **request}, region="us-east-1")


def refusal_of(document, kind=InvalidParameterException, **request):
    with pytest.raises(CognitoError) as refused:
        updated(document, **request)
    assert type(refused.value) is kind
    return refused.value.message


def asked_again(document):
    """What a client sends who changes nothing of what it was shown."""
    shown = pools.described(document, created_ms=0, modified_ms=0, estimated_users=0)
    return {member: value for member, value in shown.items() if member not in NO_PART_OF_AN_UPDATE}


@pytest.mark.parametrize("request_of_it", [{}, EVERYTHING])
def test_a_description_sent_back_changes_nothing(request_of_it):
    document = new(**request_of_it)
    assert updated(document, **asked_again(document)) == document


def test_a_pool_set_back_is_as_it_was_made_but_for_what_is_kept():
    document = new(**EVERYTHING)
    left = updated(document, AutoVerifiedAttributes=["email"])
    kept = (
        *("Id", "Arn", "Name", "SchemaAttributes", "AliasAttributes", "UsernameConfiguration"),
        *("UserPoolTier", "UserPoolTags", "UserAttributeUpdateSettings", "DcrConfiguration"),
    )
    assert left == {
        **new(),
        "AutoVerifiedAttributes": ["email"],
        **{member: document[member] for member in kept},
    }


def test_triggers_that_are_left_out_are_gone():
    assert updated(new(LambdaConfig={"PreSignUp": FUNCTION}))["LambdaConfig"] == {}


def test_deletion_protection_that_is_left_out_is_gone():
    assert updated(new(DeletionProtection="ACTIVE"))["DeletionProtection"] == "INACTIVE"


def test_the_name_stays_unless_there_is_another():
    assert updated(new())["Name"] == "people"
    assert updated(new(), PoolName="persons")["Name"] == "persons"


@pytest.mark.parametrize("request_of_it", [{}, {"Policies": {}}, {"Policies": {"SignInPolicy": {}}}])
def test_policies_that_are_left_out_are_set_back(request_of_it):
    assert updated(new(Policies=EVERYTHING["Policies"]), **request_of_it)["Policies"] == new()["Policies"]


def test_a_password_policy_that_is_left_out_is_set_back_beside_a_sign_in_policy():
    sign_in = {"SignInPolicy": EVERYTHING["Policies"]["SignInPolicy"]}
    left = updated(new(Policies=EVERYTHING["Policies"]), Policies=sign_in)
    assert left["Policies"] == new()["Policies"] | sign_in


def test_a_sign_in_policy_is_set_back_beside_a_password_policy_which_holds_as_it_is_sent():
    left = updated(new(Policies=EVERYTHING["Policies"]), Policies={"PasswordPolicy": {"MinimumLength": 9}})
    assert left["Policies"] == {
        "PasswordPolicy": {
            "MinimumLength": 9,
            "RequireUppercase": False,
            "RequireLowercase": False,
            "RequireNumbers": False,
            "RequireSymbols": False,
            "TemporaryPasswordValidityDays": 7,
        },
        "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD"]},
    }


def test_a_temporary_passwords_life_is_set_back_under_both_of_its_names():
    left = updated(new(Policies={"PasswordPolicy": {"TemporaryPasswordValidityDays": 3}}))
    assert pools.password_policy(left).temporary_validity_days == 7
    assert left["AdminCreateUserConfig"]["UnusedAccountValidityDays"] == 7


def test_the_former_name_of_a_temporary_passwords_life_agrees_with_the_policy_that_is_sent():
    policies = {"PasswordPolicy": {"TemporaryPasswordValidityDays": 3}}
    document = new(Policies=policies)
    assert refusal_of(
        document, Policies=policies, AdminCreateUserConfig={"UnusedAccountValidityDays": 4}
    ) == ("Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays")
    alike = updated(document, Policies=policies, AdminCreateUserConfig={"UnusedAccountValidityDays": 3})
    assert alike == document
    by_former = updated(document, AdminCreateUserConfig={"UnusedAccountValidityDays": 4})
    assert pools.password_policy(by_former).temporary_validity_days == 4


def test_tags_stay_or_are_all_replaced():
    document = new(UserPoolTags={"team": "red"})
    assert updated(document)["UserPoolTags"] == {"team": "red"}
    assert updated(document, UserPoolTags={"crew": "blue"})["UserPoolTags"] == {"crew": "blue"}
    assert "UserPoolTags" not in updated(document, UserPoolTags={})


def test_bad_tags_are_a_failure_of_their_own():
    assert refusal_of(new(), UserPoolTaggingException, UserPoolTags={"aws:team": "red"})
    with pytest.raises(UserPoolTaggingException):
        new(UserPoolTags={"team": "red!"})


def test_an_attribute_that_waits_for_its_code_keeps_another_from_being_left_out():
    document = new(
        AutoVerifiedAttributes=["email"],
        UserAttributeUpdateSettings={"AttributesRequireVerificationBeforeUpdate": ["email"]},
    )
    assert refusal_of(document) == (
        "All attributes in AttributesRequireVerificationBeforeUpdate must exist in AutoVerifiedAttributes"
    )
    settings: dict[str, list[str]] = {"AttributesRequireVerificationBeforeUpdate": []}
    assert updated(document, UserAttributeUpdateSettings=settings)["UserAttributeUpdateSettings"] == settings


def test_what_is_fixed_at_creation_is_passed_over():
    document = new(UsernameAttributes=["email"])
    fixed = {
        "Schema": [{"Name": "team", "AttributeDataType": "String"}],
        "UsernameAttributes": ["phone_number"],
        "UsernameConfiguration": {"CaseSensitive": True},
    }
    assert updated(document, **fixed) == document


def test_a_domain_is_left_where_it_is():
    assert updated(new() | {"Domain": "people"})["Domain"] == "people"


def test_an_update_is_held_to_the_rules_of_creation():
    assert refusal_of(new(), AutoVerifiedAttributes=["phone_number"]) == (
        "SMS configuration is required when phone_number is selected for auto verification"
    )


def test_a_plan_is_lowered_only_below_nothing_that_is_used():
    policies = {"PasswordPolicy": {"MinimumLength": 8, "PasswordHistorySize": 3}}
    document = new(Policies=policies, DcrConfiguration={})
    text = "The following features need to be disabled for the LITE pricing tier configured: "
    assert refusal_of(
        new(Policies=policies), FeatureUnavailableInTierException, UserPoolTier="LITE", Policies=policies
    ) == (text + "Password History")
    # What a request is silent of is in use where it is kept, and in nobody's way where it is set back.
    assert refusal_of(document, FeatureUnavailableInTierException, UserPoolTier="LITE") == (
        text + "Dynamic Client Registration"
    )
    assert updated(new(Policies=policies), UserPoolTier="LITE")["UserPoolTier"] == "LITE"
    lowered = updated(new(), UserPoolTier="LITE")
    assert tiers.is_lowered(new(), lowered)
    assert not tiers.is_lowered(lowered, new())
    assert not tiers.is_lowered(lowered, lowered)


def test_a_plan_that_is_not_named_is_not_raised():
    add_ons = {"AdvancedSecurityMode": "AUDIT"}
    assert refusal_of(new(), FeatureUnavailableInTierException, UserPoolAddOns=add_ons) == (
        "The following features need to be disabled for the ESSENTIALS pricing tier configured:"
        " Threat Protection"
    )


def test_an_update_shares_nothing_with_what_was_before():
    document = new(**EVERYTHING)
    before = repr(document)
    updated(document, AutoVerifiedAttributes=["email"], UserPoolTags={"crew": "blue"})
    assert repr(document) == before


def test_mfa_that_is_left_out_is_off_and_its_text_messages_are_gone():
    left = updated(new(MfaConfiguration="ON", SmsConfiguration=SMS))
    assert left == new()
    assert (left["MfaConfiguration"], mfa.factors(left)) == ("OFF", frozenset())


def test_mfa_that_is_turned_off_leaves_text_messages_that_are_sent_again_to_their_other_uses():
    left = updated(new(MfaConfiguration="ON", SmsConfiguration=SMS), SmsConfiguration=SMS)
    assert (left["MfaConfiguration"], left["SmsConfiguration"]) == ("OFF", SMS)
    assert mfa.factors(left) == frozenset()


def test_mfa_by_text_messages_is_kept_by_sending_both_again():
    document = new(MfaConfiguration="ON", SmsConfiguration=SMS)
    assert updated(document, MfaConfiguration="ON", SmsConfiguration=SMS) == document
    assert refusal_of(document, MfaConfiguration="ON") == (
        "SMS configuration and Auto verification for phone_number are required when MFA is required/optional"
    )


def test_mfa_without_text_messages_is_turned_on_elsewhere():
    assert refusal_of(new(), MfaConfiguration="ON") == (
        "SMS configuration and Auto verification for phone_number are required when MFA is required/optional"
    )
    assert updated(new(), MfaConfiguration="ON", SmsConfiguration=SMS)["MfaConfiguration"] == "ON"
