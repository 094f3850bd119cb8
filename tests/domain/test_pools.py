"""User pools: what CreateUserPool answers, and what it refuses."""

from typing import Any

import pytest

from cenote.domain import pools
from cenote.domain.passwords import PasswordPolicy
from cenote.domain.schema import STANDARD_NAMES
from cenote.errors import FeatureUnavailableInTierException, InvalidParameterException

POOL_ID = "us-east-1_SbeSpjvX7"
ARN = f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{POOL_ID}"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
OTHER_FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:g"
KEY = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-000000000000"
SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms"}
SENDER = {"LambdaVersion": "V1_0", "LambdaArn": FUNCTION}


def new(**request):
    return pools.new_document({"PoolName": "people", **request}, pool_id=POOL_ID, arn=ARN, region="us-east-1")


def refusal_of(**request):
    with pytest.raises(InvalidParameterException) as refused:
        new(**request)
    return refused.value.message


def tier_refusal_of(**request):
    with pytest.raises(FeatureUnavailableInTierException) as refused:
        new(**request)
    return refused.value.message


def test_a_pool_of_which_only_the_name_is_given_is_as_the_service_makes_it():
    document = pools.created(new(), created_ms=1_790_257_791_224)
    names = [entry["Name"] for entry in document.pop("SchemaAttributes")]
    assert (tuple(names), len(names)) == (STANDARD_NAMES, 20)
    assert document == {
        "AccountRecoverySetting": {
            "RecoveryMechanisms": [
                {"Name": "verified_email", "Priority": 1},
                {"Name": "verified_phone_number", "Priority": 2},
            ]
        },
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False, "UnusedAccountValidityDays": 7},
        "Arn": ARN,
        "CreationDate": 1790257791.224,
        "DeletionProtection": "INACTIVE",
        "EmailConfiguration": {"EmailSendingAccount": "COGNITO_DEFAULT"},
        "EstimatedNumberOfUsers": 0,
        "Id": POOL_ID,
        "IssuerConfiguration": {"Type": "ORIGINAL"},
        "KeyConfiguration": {"KeyType": "AWS_OWNED_KEY"},
        "LambdaConfig": {},
        "LastModifiedDate": 1790257791.224,
        "MfaConfiguration": "OFF",
        "Name": "people",
        "Policies": {
            "PasswordPolicy": {
                "MinimumLength": 8,
                "RequireLowercase": True,
                "RequireNumbers": True,
                "RequireSymbols": True,
                "RequireUppercase": True,
                "TemporaryPasswordValidityDays": 7,
            },
            "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD"]},
        },
        "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": []},
        "UserPoolTags": {},
        "UserPoolTier": "ESSENTIALS",
        "VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_CODE"},
    }


@pytest.mark.parametrize(
    "request_of_it",
    [{}, {"UserPoolTags": {"team": "red"}, "Schema": [{"Name": "team", "AttributeDataType": "String"}]}],
)
def test_a_description_is_what_creation_answered_with_the_dates_and_users_of_now(request_of_it):
    document = new(**request_of_it)
    made = pools.created(document, created_ms=1000)
    assert pools.described(document, created_ms=1000, modified_ms=1000, estimated_users=0) == made
    assert pools.described(document, created_ms=1000, modified_ms=2500, estimated_users=3) == {
        **made,
        "LastModifiedDate": 2.5,
        "EstimatedNumberOfUsers": 3,
    }


def test_custom_attributes_are_shown_behind_the_standard_ones():
    document = new(Schema=[{"Name": name, "AttributeDataType": "String"} for name in ("team", "level")])
    shown = pools.described(document, created_ms=0, modified_ms=0, estimated_users=0)
    names = tuple(entry["Name"] for entry in shown["SchemaAttributes"])
    assert names == (*STANDARD_NAMES, "custom:team", "custom:level")


def test_a_description_leaves_the_document_as_it_was():
    document = new(Schema=[{"Name": "team", "AttributeDataType": "String"}])
    before = repr(document)
    pools.described(document, created_ms=0, modified_ms=0, estimated_users=0)
    pools.created(document, created_ms=0)
    assert repr(document) == before


def test_tags_given_are_tags_shown():
    document = new(UserPoolTags={"team": "red"})
    assert document["UserPoolTags"] == {"team": "red"}
    shown = pools.described(document, created_ms=0, modified_ms=0, estimated_users=0)
    assert shown["UserPoolTags"] == {"team": "red"}


def test_a_list_shows_names_triggers_and_dates():
    assert pools.summary(new(), created_ms=1000, modified_ms=1500) == {
        "Id": POOL_ID,
        "Name": "people",
        "LambdaConfig": {},
        "CreationDate": 1,
        "LastModifiedDate": 1.5,
    }


def test_null_members_count_as_absent():
    nulls = dict.fromkeys(
        ["Policies", "LambdaConfig", "Schema", "UserPoolAddOns", "UserPoolTier", "UserPoolTags"]
    )
    assert new(**nulls, EmailConfiguration={"SourceArn": None}) == new()


def test_two_pools_share_nothing():
    first, second = new(), new()
    first["Policies"]["SignInPolicy"]["AllowedFirstAuthFactors"].append("WEB_AUTHN")
    first["SchemaAttributes"][0]["StringAttributeConstraints"]["MinLength"] = "9"
    assert second == new()


def test_sets_that_are_empty_are_not_shown():
    assert new(AutoVerifiedAttributes=[], AliasAttributes=[], UsernameAttributes=[], UserPoolTags={}) == new()


def test_what_was_sent_is_shown():
    sent = {
        "AutoVerifiedAttributes": ["email"],
        "AliasAttributes": ["email", "preferred_username"],
        "UsernameConfiguration": {"CaseSensitive": False},
        "SmsAuthenticationMessage": "Code {####}",
        "DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True},
        "UserPoolAddOns": {"AdvancedSecurityMode": "OFF"},
        "DeletionProtection": "ACTIVE",
        "IssuerConfiguration": {"Type": "UPDATED"},
        "UserPoolTier": "LITE",
    }
    document = new(**sent)
    assert {member: document[member] for member in sent} == sent


def test_a_policy_that_is_sent_says_no_where_it_says_nothing():
    policy = new(Policies={"PasswordPolicy": {"MinimumLength": 12, "RequireNumbers": True}})["Policies"]
    assert policy["PasswordPolicy"] == {
        "MinimumLength": 12,
        "RequireUppercase": False,
        "RequireLowercase": False,
        "RequireNumbers": True,
        "RequireSymbols": False,
        "TemporaryPasswordValidityDays": 7,
    }


def test_the_former_name_of_a_temporary_passwords_life_is_the_same_clock():
    by_former = new(AdminCreateUserConfig={"UnusedAccountValidityDays": 3})
    by_present = new(Policies={"PasswordPolicy": {"TemporaryPasswordValidityDays": 3}})
    for document in (by_former, by_present):
        assert pools.password_policy(document).temporary_validity_days == 3
        assert document["AdminCreateUserConfig"]["UnusedAccountValidityDays"] == 3


def test_no_days_are_seven_days():
    policies = {"PasswordPolicy": {"TemporaryPasswordValidityDays": 0}}
    document = new(Policies=policies, AdminCreateUserConfig={"UnusedAccountValidityDays": 0})
    assert pools.password_policy(document).temporary_validity_days == 7


def test_two_lives_of_a_temporary_password_must_not_differ():
    policies = {"PasswordPolicy": {"TemporaryPasswordValidityDays": 7}}
    assert refusal_of(Policies=policies, AdminCreateUserConfig={"UnusedAccountValidityDays": 8}) == (
        "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays"
    )
    assert new(Policies=policies, AdminCreateUserConfig={"UnusedAccountValidityDays": 7})


def test_messages_have_two_names():
    messages = {"SmsMessage": "sms {####}", "EmailMessage": "mail {####}", "EmailSubject": "subject"}
    legacy = {
        "SmsVerificationMessage": "sms {####}",
        "EmailVerificationMessage": "mail {####}",
        "EmailVerificationSubject": "subject",
    }
    by_template, by_legacy = new(VerificationMessageTemplate=messages), new(**legacy)
    assert by_template == by_legacy
    assert by_template["VerificationMessageTemplate"] == {
        "DefaultEmailOption": "CONFIRM_WITH_CODE",
        **messages,
    }
    assert {member: by_template[member] for member in legacy} == legacy


def test_of_two_messages_that_of_the_template_holds():
    document = new(VerificationMessageTemplate={"EmailSubject": "new"}, EmailVerificationSubject="old")
    assert document["EmailVerificationSubject"] == "new"


def test_each_name_of_the_pre_token_trigger_shows_what_the_other_set():
    successor = {"LambdaVersion": "V2_0", "LambdaArn": FUNCTION}
    assert new(LambdaConfig={"PreTokenGeneration": FUNCTION})["LambdaConfig"] == {
        "PreTokenGeneration": FUNCTION,
        "PreTokenGenerationConfig": {"LambdaVersion": "V1_0", "LambdaArn": FUNCTION},
    }
    assert new(LambdaConfig={"PreTokenGenerationConfig": successor})["LambdaConfig"] == {
        "PreTokenGeneration": FUNCTION,
        "PreTokenGenerationConfig": successor,
    }


def test_the_pre_token_trigger_is_one_function():
    config = {
        "PreTokenGeneration": FUNCTION,
        "PreTokenGenerationConfig": {"LambdaVersion": "V1_0", "LambdaArn": OTHER_FUNCTION},
    }
    assert refusal_of(LambdaConfig=config) == (
        "Cannot use PreTokenGenerationLambda and PreTokenGeneration with different Lambda function ARN's"
    )


@pytest.mark.parametrize("sender", ["CustomSMSSender", "CustomEmailSender"])
def test_a_custom_sender_needs_a_key(sender):
    assert refusal_of(LambdaConfig={sender: SENDER}) == (
        "KMSKeyId parameter is required when Custom SMS/Email Lambda trigger is used."
    )
    assert new(LambdaConfig={sender: SENDER, "KMSKeyID": KEY})


def test_text_messages_go_through_the_pools_own_region():
    assert new(SmsConfiguration=SMS)["SmsConfiguration"] == {"SnsRegion": "us-east-1", **SMS}
    elsewhere = {**SMS, "SnsRegion": "eu-west-1"}
    assert new(SmsConfiguration=elsewhere)["SmsConfiguration"] == elsewhere


def test_naming_one_acr_level_shows_all_four():
    assert new(AcrConfiguration={"Level2": {"AcrValue": "urn:two"}})["AcrConfiguration"] == {
        "Level1": {"AcrValue": "urn:cognito:loa:1"},
        "Level2": {"AcrValue": "urn:two"},
        "Level3": {"AcrValue": "urn:cognito:loa:3"},
        "Level4": {"AcrValue": "urn:cognito:loa:4"},
    }


def test_no_two_acr_levels_share_a_name():
    assert refusal_of(AcrConfiguration={"Level1": {"AcrValue": "urn:cognito:loa:2"}}) == (
        "ACR values must be unique across all levels."
    )


def test_sending_anything_about_registration_turns_it_on():
    assert new(DcrConfiguration={"AllowedScopes": ["a/b"]})["DcrConfiguration"] == {
        "EnableStatus": "Enabled",
        "OpenDcrEnabled": False,
        "AllowedScopes": ["a/b"],
    }


def test_aliases_and_username_attributes_exclude_each_other():
    assert refusal_of(AliasAttributes=["email"], UsernameAttributes=["email"]) == (
        "Only one of the aliasAttributes or usernameAttributes can be set in a User pool."
    )


def test_a_preferred_username_is_not_both_required_and_an_alias():
    schema = [{"Name": "preferred_username", "Required": True}]
    assert refusal_of(AliasAttributes=["preferred_username"], Schema=schema)
    assert new(AliasAttributes=["email"], Schema=schema)


@pytest.mark.parametrize("mfa", ["ON", "OPTIONAL"])
def test_mfa_needs_a_way_to_send_text_messages(mfa):
    assert refusal_of(MfaConfiguration=mfa) == (
        "SMS configuration and Auto verification for phone_number are required when MFA is required/optional"
    )
    assert new(MfaConfiguration=mfa, SmsConfiguration=SMS)["MfaConfiguration"] == mfa


def test_verifying_phones_needs_a_way_to_send_text_messages():
    assert refusal_of(AutoVerifiedAttributes=["phone_number"]) == (
        "SMS configuration is required when phone_number is selected for auto verification"
    )
    assert new(AutoVerifiedAttributes=["phone_number"], SmsConfiguration=SMS)


def test_an_update_that_waits_for_a_code_needs_an_attribute_that_gets_one():
    settings = {"AttributesRequireVerificationBeforeUpdate": ["email"]}
    assert refusal_of(UserAttributeUpdateSettings=settings) == (
        "All attributes in AttributesRequireVerificationBeforeUpdate must exist in AutoVerifiedAttributes"
    )
    document = new(UserAttributeUpdateSettings=settings, AutoVerifiedAttributes=["email"])
    assert document["UserAttributeUpdateSettings"] == settings


def test_a_password_is_always_among_the_first_factors():
    policies = {"SignInPolicy": {"AllowedFirstAuthFactors": ["EMAIL_OTP"]}}
    assert refusal_of(Policies=policies) == (
        "Password should be configured as one of the allowed first auth factors."
    )


def test_recovery_by_administrators_stands_alone():
    both = [{"Name": "admin_only", "Priority": 1}, {"Name": "verified_email", "Priority": 2}]
    assert refusal_of(AccountRecoverySetting={"RecoveryMechanisms": both}) == (
        "Invalid account recovery setting parameter. Account Recovery Setting cannot use admin_only setting"
        " with any other recovery mechanisms."
    )
    assert new(AccountRecoverySetting={"RecoveryMechanisms": both[:1]})


@pytest.mark.parametrize("second", [("verified_email", 2), ("verified_phone_number", 1)])
def test_ways_of_recovery_differ_in_name_and_rank(second):
    mechanisms = [{"Name": name, "Priority": rank} for name, rank in (("verified_email", 1), second)]
    assert refusal_of(AccountRecoverySetting={"RecoveryMechanisms": mechanisms}) == (
        "Invalid account recovery setting parameter. Account Recovery Setting cannot have duplicate"
        " priorities or recovery mechanisms."
    )


def test_mail_of_ones_own_needs_a_source():
    assert refusal_of(EmailConfiguration={"EmailSendingAccount": "DEVELOPER"}) == (
        "Source ARN is required to use DEVELOPER email sending owner"
    )


@pytest.mark.parametrize("mode", ["AUDIT", "ENFORCED"])
def test_threat_protection_belongs_to_the_plus_plan(mode):
    add_ons = {"AdvancedSecurityMode": mode}
    assert new(UserPoolAddOns=add_ons)["UserPoolTier"] == "PLUS"
    assert tier_refusal_of(UserPoolAddOns=add_ons, UserPoolTier="ESSENTIALS") == (
        "The following features need to be disabled for the ESSENTIALS pricing tier configured:"
        " Threat Protection"
    )


def test_threat_protection_turned_off_belongs_to_every_plan():
    add_ons = {"AdvancedSecurityMode": "OFF"}
    assert new(UserPoolAddOns=add_ons)["UserPoolTier"] == "ESSENTIALS"
    assert new(UserPoolAddOns=add_ons, UserPoolTier="LITE")["UserPoolTier"] == "LITE"


BEYOND_LITE: dict[str, dict[str, Any]] = {
    "Passwordless Sign-In": {
        "Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}}
    },
    "Token Customization with Pre-Token Generation Lambda V2_0": {
        "LambdaConfig": {"PreTokenGenerationConfig": {"LambdaVersion": "V2_0", "LambdaArn": FUNCTION}}
    },
    "Password History": {"Policies": {"PasswordPolicy": {"MinimumLength": 8, "PasswordHistorySize": 3}}},
    "Dynamic Client Registration": {"DcrConfiguration": {}},
    "Custom ACR Level Names": {"AcrConfiguration": {"Level1": {"AcrValue": "one"}}},
}


@pytest.mark.parametrize("feature,request_of_it", BEYOND_LITE.items())
def test_the_lite_plan_lacks_what_the_essentials_add(feature, request_of_it):
    assert new(**request_of_it)
    assert tier_refusal_of(**request_of_it, UserPoolTier="LITE") == (
        f"The following features need to be disabled for the LITE pricing tier configured: {feature}"
    )


def test_all_features_outside_the_plan_are_named():
    passwordless = BEYOND_LITE["Passwordless Sign-In"]
    text = tier_refusal_of(
        **passwordless, UserPoolAddOns={"AdvancedSecurityMode": "AUDIT"}, UserPoolTier="LITE"
    )
    assert text.endswith("for the LITE pricing tier configured: Threat Protection, Passwordless Sign-In")


def test_deletion_is_refused_for_protection_before_domains():
    document = new(DeletionProtection="ACTIVE") | {"Domain": "people"}
    refusal = pools.deletion_refusal(document)
    assert isinstance(refusal, InvalidParameterException)
    assert refusal.message == (
        "The user pool cannot be deleted because deletion protection is activated."
        " Deletion protection must be inactivated first."
    )


@pytest.mark.parametrize("member", ["Domain", "CustomDomain"])
def test_a_pool_with_a_domain_is_not_deleted(member):
    refusal = pools.deletion_refusal(new() | {member: "people"})
    assert refusal is not None
    assert refusal.message == (
        "User pool cannot be deleted. It has a domain configured that should be deleted first."
    )


def test_a_plain_pool_may_be_deleted():
    assert pools.deletion_refusal(new()) is None


def test_a_pool_answers_what_it_wants():
    plain = new()
    assert pools.password_policy(plain) == PasswordPolicy(8, True, True, True, True, 0, 7)
    assert pools.is_case_sensitive(plain)
    assert pools.username_attributes(plain) == ()
    assert pools.alias_attributes(plain) == ()
    assert pools.auto_verified_attributes(plain) == ()
    assert pools.is_self_sign_up_open(plain)
    assert pools.recovery_mechanisms(plain) == ("verified_email", "verified_phone_number")


def test_a_pool_answers_what_it_was_told():
    document = new(
        UsernameConfiguration={"CaseSensitive": False},
        UsernameAttributes=["email"],
        AutoVerifiedAttributes=["email"],
        AdminCreateUserConfig={"AllowAdminCreateUserOnly": True},
        AccountRecoverySetting={
            "RecoveryMechanisms": [
                {"Name": "verified_email", "Priority": 2},
                {"Name": "verified_phone_number", "Priority": 1},
            ]
        },
    )
    assert not pools.is_case_sensitive(document)
    assert pools.username_attributes(document) == ("email",)
    assert pools.auto_verified_attributes(document) == ("email",)
    assert not pools.is_self_sign_up_open(document)
    assert pools.recovery_mechanisms(document) == ("verified_phone_number", "verified_email")
    assert pools.alias_attributes(new(AliasAttributes=["phone_number"])) == ("phone_number",)


def test_the_schema_of_a_pool_holds_all_its_users_attributes():
    schema = pools.schema(new(Schema=[{"Name": "team", "AttributeDataType": "String", "Mutable": False}]))
    assert list(schema)[19:] == ["updated_at", "identities", "custom:team"]
    assert not schema["custom:team"].mutable
    assert schema["sub"].required
