"""
What a user pool's configuration may not be: one rule a function, each with the service's own sentence.

A rule reads a complete pool document, so that whatever makes or changes a pool is held to the same ones.
Leaves out single schema entries (`schema.py`), feature plans (`tiers.py`) and whatever would need AWS itself:
role trust, regions of functions and mail identities.
"""

from collections.abc import Callable
from typing import Final

from cenote.domain import mfa
from cenote.domain.documents import Document
from cenote.errors import InvalidParameterException


def check(document: Document) -> None:
    """Refuse a pool that breaks a rule, with the sentence of the first one that it breaks."""
    for rule in _RULES:
        if text := rule(document):
            raise InvalidParameterException(text)


def _aliases_or_username_attributes(pool: Document) -> str | None:
    if "AliasAttributes" in pool and "UsernameAttributes" in pool:
        return "Only one of the aliasAttributes or usernameAttributes can be set in a User pool."
    return None


def _no_required_preferred_username_alias(pool: Document) -> str | None:
    required = {entry["Name"] for entry in pool["SchemaAttributes"] if entry["Required"]}
    if "preferred_username" not in required.intersection(pool.get("AliasAttributes", ())):
        return None
    # The rule is the guide's; the live service's sentence is unknown.
    return "preferred_username cannot be both a required attribute and an alias."


def _mfa_needs_sms(pool: Document) -> str | None:
    # A pool with MFA that was given no other factor has this one (`mfa.carried_over`).
    if mfa.SMS in pool and "SmsConfiguration" not in pool:
        return (
            "SMS configuration and Auto verification for phone_number are required"
            " when MFA is required/optional"
        )
    return None


def _phone_verification_needs_sms(pool: Document) -> str | None:
    if "phone_number" in pool.get("AutoVerifiedAttributes", ()) and "SmsConfiguration" not in pool:
        return "SMS configuration is required when phone_number is selected for auto verification"
    return None


def _updates_are_verified_by_auto_verification(pool: Document) -> str | None:
    held_back = pool["UserAttributeUpdateSettings"].get("AttributesRequireVerificationBeforeUpdate", ())
    if set(held_back) <= set(pool.get("AutoVerifiedAttributes", ())):
        return None
    return "All attributes in AttributesRequireVerificationBeforeUpdate must exist in AutoVerifiedAttributes"


def _password_is_a_first_factor(pool: Document) -> str | None:
    if "PASSWORD" in _first_factors(pool):
        return None
    return "Password should be configured as one of the allowed first auth factors."


def _texts_as_a_first_factor_need_sms(pool: Document) -> str | None:
    if "SMS_OTP" in _first_factors(pool) and "SmsConfiguration" not in pool:
        return "SMS_OTP can not be configured as AuthFactor as user pool is missing valid SMS configuration"
    return None


def _required_mfa_excludes_one_time_passwords(pool: Document) -> str | None:
    # Optional MFA does not (measured, go-to-k/cdkd 1975).
    if pool["MfaConfiguration"] == "ON" and not _first_factors(pool) <= {"PASSWORD", "WEB_AUTHN"}:
        return (
            "Only PASSWORD and WEB_AUTHN (if configured) can be enabled as an auth factor if MFA is enabled"
        )
    return None


def _required_mfa_asks_more_of_passkeys(pool: Document) -> str | None:
    is_multi_factor = pool.get(mfa.WEB_AUTHN, {}).get("FactorConfiguration") == mfa.MULTI_FACTOR
    if pool["MfaConfiguration"] == "ON" and "WEB_AUTHN" in _first_factors(pool) and not is_multi_factor:
        return "WEB_AUTHN cannot be used as an auth factor when MFA is enabled if not configured for MFA"
    return None


def _first_factors(pool: Document) -> set[str]:
    return set(pool["Policies"]["SignInPolicy"]["AllowedFirstAuthFactors"])


def _one_pre_token_function(pool: Document) -> str | None:
    config = pool["LambdaConfig"]
    if config.get("PreTokenGeneration") == config.get("PreTokenGenerationConfig", {}).get("LambdaArn"):
        return None
    return "Cannot use PreTokenGenerationLambda and PreTokenGeneration with different Lambda function ARN's"


def _custom_senders_need_a_key(pool: Document) -> str | None:
    config = pool["LambdaConfig"]
    if "KMSKeyID" not in config and ("CustomSMSSender" in config or "CustomEmailSender" in config):
        return "KMSKeyId parameter is required when Custom SMS/Email Lambda trigger is used."
    return None


def _recovery_mechanisms_agree(pool: Document) -> str | None:
    mechanisms = pool["AccountRecoverySetting"].get("RecoveryMechanisms", ())
    names = {mechanism["Name"] for mechanism in mechanisms}
    priorities = {mechanism["Priority"] for mechanism in mechanisms}
    opening = "Invalid account recovery setting parameter. Account Recovery Setting cannot "
    if len(names) < len(mechanisms) or len(priorities) < len(mechanisms):
        return opening + "have duplicate priorities or recovery mechanisms."
    if "admin_only" in names and len(names) > 1:
        return opening + "use admin_only setting with any other recovery mechanisms."
    return None


def _developer_mail_needs_a_source(pool: Document) -> str | None:
    config = pool["EmailConfiguration"]
    if config["EmailSendingAccount"] == "DEVELOPER" and "SourceArn" not in config:
        return "Source ARN is required to use DEVELOPER email sending owner"
    return None


def _mail_as_a_factor_needs_a_developer(pool: Document) -> str | None:
    if mfa.EMAIL in pool and pool["EmailConfiguration"]["EmailSendingAccount"] == "COGNITO_DEFAULT":
        return (
            "Cannot set EmailMfaConfiguration when user pool EmailConfiguration contains"
            " an EmailSendingAccount of COGNITO_DEFAULT"
        )
    return None


def _acr_names_are_distinct(pool: Document) -> str | None:
    values = [level["AcrValue"] for level in pool.get("AcrConfiguration", {}).values()]
    # The rule is the API reference's; the live service's sentence is unknown.
    return "ACR values must be unique across all levels." if len(set(values)) < len(values) else None


_RULES: Final[tuple[Callable[[Document], str | None], ...]] = (
    _aliases_or_username_attributes,
    _no_required_preferred_username_alias,
    _mfa_needs_sms,
    _phone_verification_needs_sms,
    _updates_are_verified_by_auto_verification,
    _password_is_a_first_factor,
    _texts_as_a_first_factor_need_sms,
    _required_mfa_excludes_one_time_passwords,
    _required_mfa_asks_more_of_passkeys,
    _one_pre_token_function,
    _custom_senders_need_a_key,
    _recovery_mechanisms_agree,
    _developer_mail_needs_a_source,
    _mail_as_a_factor_needs_a_developer,
    _acr_names_are_distinct,
)
