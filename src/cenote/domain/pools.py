"""
User pools: the document of a pool, from the request that creates it to the answers that show it.

Owns the defaults of every member, what an update leaves of them, and the small readers by which other
operations ask a pool what it wants.  Leaves out the dates, the count of users and the id, which come in as
arguments; the rules that refuse a configuration (`pool_rules.py`, `schema.py`, `tiers.py`); the factors
(`mfa.py`); and domains, whose members others put in.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cenote.domain import mfa, pool_rules, tags, tiers
from cenote.domain.documents import Document, without_nulls
from cenote.domain.passwords import PasswordPolicy
from cenote.domain.schema import (
    Attribute,
    added_attributes,
    identities_attribute,
    read_schema,
    schema_attributes,
)
from cenote.domain.times import wire_time
from cenote.errors import CognitoError, InvalidParameterException, UserPoolTaggingException

TEMPORARY_VALIDITY_DAYS = 7
PASSWORD_LENGTH_MIN = 8

# Shown as they were sent, and absent when they were not (or sent empty: the service keeps no empty sets).
_FIXED_AT_CREATION: Final = ("AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
_SHOWN_WHEN_SET: Final = (
    "AutoVerifiedAttributes",
    "SmsAuthenticationMessage",
    "DeviceConfiguration",
    "UserPoolAddOns",
    "UserPoolTags",
)
# What UpdateUserPool leaves alone when a request says nothing of it; all else falls back to its default.  The
# reference names the tier and DcrConfiguration, terraform UserAttributeUpdateSettings; tags are changed by
# their own operations, so a request that is silent of them keeps them.
_KEPT_WHEN_LEFT_OUT: Final[tuple[str, ...]] = (
    "UserPoolTier",
    "DcrConfiguration",
    "UserAttributeUpdateSettings",
    "UserPoolTags",
)
# What no change of the configuration touches.
_LASTING: Final[tuple[str, ...]] = (
    "Id",
    "Arn",
    "SchemaAttributes",
    *_FIXED_AT_CREATION,
    "Domain",
    "CustomDomain",
)
# The legacy member of a message, and the member of VerificationMessageTemplate that is the same message.
_MESSAGES: Final = {
    "SmsVerificationMessage": "SmsMessage",
    "EmailVerificationMessage": "EmailMessage",
    "EmailVerificationSubject": "EmailSubject",
}
_ACR_LEVELS: Final = range(1, 5)
_DEFAULT_RECOVERY: Final = (("verified_email", 1), ("verified_phone_number", 2))


def new_document(request: Mapping[str, Any], *, pool_id: str, arn: str, region: str) -> Document:
    """
    The UserPoolType document of the pool that a CreateUserPool request asks for, or the request's refusal.

    Members the request leaves out get the defaults of an API-created pool (captured in September 2026), which
    are not those of the console.  Dates and EstimatedNumberOfUsers are no part of it: see `described`.
    """
    given = without_nulls(request)
    document = {
        "Id": pool_id,
        "Arn": arn,
        "Name": given["PoolName"],
        "SchemaAttributes": schema_attributes(given.get("Schema", ())),
        **{member: given[member] for member in _FIXED_AT_CREATION if given.get(member)},
        **_configuration(given, region),
    }
    return _checked(document | mfa.carried_over({}, document))


def updated(document: Document, request: Mapping[str, Any], *, region: str) -> Document:
    """
    The pool as an UpdateUserPool request leaves it, or the request's refusal.

    What the request leaves out is set back to its default, but for the name and `_KEPT_WHEN_LEFT_OUT`.
    Members that are fixed for a pool's life are no part of the operation; whoever sends them is not told.
    """
    given = without_nulls(request)
    kept = {member: document[member] for member in _KEPT_WHEN_LEFT_OUT if member in document}
    wanted = kept | given
    changed = {member: document[member] for member in _LASTING if member in document} | {
        "Name": given.get("PoolName", document["Name"]),
        **_configuration(wanted, region),
    }
    return _checked(changed | mfa.carried_over(document, changed))


def with_mfa(document: Document, request: Mapping[str, Any], *, region: str) -> Document:
    """The pool as a SetUserPoolMfaConfig request leaves it, or the request's refusal."""
    return _checked(mfa.with_mfa(document, request, region=region))


def with_custom_attributes(document: Document, requested: Sequence[Mapping[str, Any]]) -> Document:
    """The pool with more attributes for its users: all that an AddCustomAttributes request names, or none."""
    return document | {"SchemaAttributes": added_attributes(document["SchemaAttributes"], requested)}


def created(document: Document, *, created_ms: int) -> Document:
    """The answer of CreateUserPool: the pool as it is now, both dates alike, and nobody in it."""
    return described(document, created_ms=created_ms, modified_ms=created_ms, estimated_users=0)


def described(document: Document, *, created_ms: int, modified_ms: int, estimated_users: int) -> Document:
    """The answer of DescribeUserPool, the same object as that of CreateUserPool."""
    return {
        "UserPoolTags": {},
        **mfa.hidden(document),
        "CreationDate": wire_time(created_ms),
        "LastModifiedDate": wire_time(modified_ms),
        "EstimatedNumberOfUsers": estimated_users,
    }


def summary(document: Document, *, created_ms: int, modified_ms: int) -> Document:
    """The item of this pool in ListUserPools: no ARN and no tags, but always a LambdaConfig."""
    return {
        "Id": document["Id"],
        "Name": document["Name"],
        "LambdaConfig": document["LambdaConfig"],
        "CreationDate": wire_time(created_ms),
        "LastModifiedDate": wire_time(modified_ms),
    }


def deletion_refusal(document: Document) -> CognitoError | None:
    """Why DeleteUserPool may not delete this pool, or None; of two reasons, deletion protection is named."""
    if document["DeletionProtection"] == "ACTIVE":
        return InvalidParameterException(
            "The user pool cannot be deleted because deletion protection is activated."
            " Deletion protection must be inactivated first."
        )
    if "Domain" in document or "CustomDomain" in document:
        return InvalidParameterException(
            "User pool cannot be deleted. It has a domain configured that should be deleted first."
        )
    return None


def password_policy(document: Document) -> PasswordPolicy:
    """What the pool asks of a password."""
    policy = document["Policies"]["PasswordPolicy"]
    return PasswordPolicy(
        minimum_length=policy["MinimumLength"],
        requires_uppercase=policy["RequireUppercase"],
        requires_lowercase=policy["RequireLowercase"],
        requires_numbers=policy["RequireNumbers"],
        requires_symbols=policy["RequireSymbols"],
        history_size=policy.get("PasswordHistorySize", 0),
        temporary_validity_days=policy["TemporaryPasswordValidityDays"],
    )


def is_passwordless(document: Document) -> bool:
    """Whether somebody without a password may sign in here, by a code or a passkey."""
    return bool(set(document["Policies"]["SignInPolicy"]["AllowedFirstAuthFactors"]) - {"PASSWORD"})


def is_case_sensitive(document: Document) -> bool:
    """Whether `Ann` and `ann` are two users; an API-created pool that never said so tells them apart."""
    return bool(document.get("UsernameConfiguration", {}).get("CaseSensitive", True))


def username_attributes(document: Document) -> tuple[str, ...]:
    """The attributes (email, phone_number) that stand in the place of a user name; mostly none."""
    return tuple(document.get("UsernameAttributes", ()))


def alias_attributes(document: Document) -> tuple[str, ...]:
    """The attributes by which a user may sign in beside the user name; mostly none."""
    return tuple(document.get("AliasAttributes", ()))


def sign_in_attributes(document: Document) -> tuple[str, ...]:
    """The attributes by which a user may sign in, whether beside a user name or in the place of one."""
    return (*username_attributes(document), *alias_attributes(document))


def auto_verified_attributes(document: Document) -> tuple[str, ...]:
    """The attributes to which a code is sent at once when they are given or changed."""
    return tuple(document.get("AutoVerifiedAttributes", ()))


def held_back_attributes(document: Document) -> tuple[str, ...]:
    """The attributes whose new value does not count before it is verified; mostly none."""
    return tuple(document["UserAttributeUpdateSettings"].get("AttributesRequireVerificationBeforeUpdate", ()))


def recovery_mechanisms(document: Document) -> tuple[str, ...]:
    """The ways to recover an account (verified_email, ..., or admin_only alone), the preferred one first."""
    mechanisms = document["AccountRecoverySetting"]["RecoveryMechanisms"]
    return tuple(one["Name"] for one in sorted(mechanisms, key=lambda one: int(one["Priority"])))


def is_self_sign_up_open(document: Document) -> bool:
    """Whether SignUp is allowed, and not administrators alone may create users."""
    return not document["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"]


def schema(document: Document) -> dict[str, Attribute]:
    """Every attribute of the pool's users by its full name, `identities` and custom ones included."""
    return read_schema(_with_identities(document["SchemaAttributes"]))


def _checked(document: Document) -> Document:
    """The document, once no rule stands against it."""
    if text := tags.refusal(tags.of(document)):
        raise UserPoolTaggingException(text)
    pool_rules.check(document)
    tiers.check_pool_tier(document)
    return document


def _with_identities(entries: list[Document]) -> list[Document]:
    after_the_standard_ones = 1 + [entry["Name"] for entry in entries].index("updated_at")
    return [*entries[:after_the_standard_ones], identities_attribute(), *entries[after_the_standard_ones:]]


def _configuration(given: Document, region: str) -> Document:
    """The members that UpdateUserPool can set, every one that is left out at its default."""
    return {
        "Policies": _policies(given),
        "DeletionProtection": given.get("DeletionProtection", "INACTIVE"),
        "LambdaConfig": _lambda_config(given.get("LambdaConfig", {})),
        "MfaConfiguration": given.get("MfaConfiguration", "OFF"),
        "UserAttributeUpdateSettings": _member(
            given, "UserAttributeUpdateSettings", AttributesRequireVerificationBeforeUpdate=[]
        ),
        "EmailConfiguration": _member(given, "EmailConfiguration", EmailSendingAccount="COGNITO_DEFAULT"),
        "AdminCreateUserConfig": _admin_create_user_config(given),
        "AccountRecoverySetting": _recovery(given),
        "UserPoolTier": given.get("UserPoolTier", _default_tier(given)),
        "IssuerConfiguration": _member(given, "IssuerConfiguration", Type="ORIGINAL"),
        "KeyConfiguration": _member(given, "KeyConfiguration", KeyType="AWS_OWNED_KEY"),
        **_messages(given),
        **mfa.sms_configuration(given, region),
        **_dcr_configuration(given),
        **_acr_configuration(given),
        **{member: given[member] for member in _SHOWN_WHEN_SET if given.get(member)},
    }


def _member(given: Document, name: str, **defaults: Any) -> Document:
    """A structure of the request, or none, over the defaults of its own members."""
    return {**defaults, **given.get(name, {})}


def _policies(given: Document) -> Document:
    policies = given.get("Policies", {})
    return {
        "PasswordPolicy": _password_policy(policies.get("PasswordPolicy"))
        | {"TemporaryPasswordValidityDays": _temporary_validity_days(given)},
        "SignInPolicy": _member(policies, "SignInPolicy", AllowedFirstAuthFactors=["PASSWORD"]),
    }


def _password_policy(given: Document | None) -> Document:
    """What a password needs: all of it by default, and of a policy that is sent only what it names."""
    needs = dict.fromkeys(
        ("RequireUppercase", "RequireLowercase", "RequireNumbers", "RequireSymbols"), given is None
    )
    return {"MinimumLength": PASSWORD_LENGTH_MIN} | needs | (given or {})


def _temporary_validity_days(given: Document) -> int:
    """
    The days a temporary password lives.

    UnusedAccountValidityDays is the former name of the same clock; the service refuses two that differ, and
    must accept two alike, since what it describes is sent back to UpdateUserPool.  Zero counts as absent.
    """
    policy = given.get("Policies", {}).get("PasswordPolicy", {})
    present: int = policy.get("TemporaryPasswordValidityDays", 0)
    former: int = given.get("AdminCreateUserConfig", {}).get("UnusedAccountValidityDays", 0)
    if present and former and present != former:
        raise InvalidParameterException(
            "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays"
        )
    return present or former or TEMPORARY_VALIDITY_DAYS


def _admin_create_user_config(given: Document) -> Document:
    config = _member(given, "AdminCreateUserConfig", AllowAdminCreateUserOnly=False)
    return config | {"UnusedAccountValidityDays": _temporary_validity_days(given)}


def _lambda_config(given: Document) -> Document:
    """The triggers; the legacy pre-token member and its successor each show what the other one set."""
    legacy, successor = given.get("PreTokenGeneration"), given.get("PreTokenGenerationConfig")
    if legacy and not successor:
        return given | {"PreTokenGenerationConfig": {"LambdaVersion": "V1_0", "LambdaArn": legacy}}
    if successor and not legacy:
        return given | {"PreTokenGeneration": successor["LambdaArn"]}
    return given


def _messages(given: Document) -> Document:
    """The verification messages under both of their names; where two are sent, that of the template wins."""
    template = {"DefaultEmailOption": "CONFIRM_WITH_CODE"}
    template |= {now: given[legacy] for legacy, now in _MESSAGES.items() if legacy in given}
    template |= given.get("VerificationMessageTemplate", {})
    mirrors = {legacy: template[now] for legacy, now in _MESSAGES.items() if now in template}
    return {"VerificationMessageTemplate": template, **mirrors}


def _recovery(given: Document) -> Document:
    default = [{"Name": name, "Priority": priority} for name, priority in _DEFAULT_RECOVERY]
    return _member(given, "AccountRecoverySetting", RecoveryMechanisms=default)


def _default_tier(given: Document) -> str:
    mode = given.get("UserPoolAddOns", {}).get("AdvancedSecurityMode")
    return "PLUS" if mode in tiers.ACTIVE_SECURITY_MODES else "ESSENTIALS"


def _dcr_configuration(given: Document) -> Document:
    """Registration of clients by applications: sending anything of it turns it on (API reference)."""
    if "DcrConfiguration" not in given:
        return {}
    config = _member(given, "DcrConfiguration", EnableStatus="Enabled", OpenDcrEnabled=False)
    return {"DcrConfiguration": config}


def _acr_configuration(given: Document) -> Document:
    """All four levels once one was named, and none before: so the reference and the captures both hold."""
    if not given.get("AcrConfiguration"):
        return {}
    defaults = {f"Level{level}": {"AcrValue": f"urn:cognito:loa:{level}"} for level in _ACR_LEVELS}
    return {"AcrConfiguration": defaults | given["AcrConfiguration"]}
