"""
The factors of a pool: what SetUserPoolMfaConfig sets, what it answers, and what other changes leave of it.

Owns the four members of a pool's document that DescribeUserPool does not show.  Leaves out MfaConfiguration
itself and the settings of text messages, which are the pool's own, the rules between factors and other
settings (`pool_rules.py`, `tiers.py`), and what a factor means at sign-in.
"""

from collections.abc import Mapping
from typing import Any, Final

from cenote.domain.documents import Document, without_nulls
from cenote.errors import InvalidParameterException

SMS: Final = "SmsMfaConfiguration"  # held empty: what it shows is the pool's own
SOFTWARE_TOKEN: Final = "SoftwareTokenMfaConfiguration"
EMAIL: Final = "EmailMfaConfiguration"
WEB_AUTHN: Final = "WebAuthnConfiguration"
FACTORS: Final[tuple[str, ...]] = (SMS, SOFTWARE_TOKEN, EMAIL)
MEMBERS: Final[tuple[str, ...]] = (*FACTORS, WEB_AUTHN)
MULTI_FACTOR: Final = "MULTI_FACTOR_WITH_USER_VERIFICATION"


def with_mfa(pool: Document, request: Mapping[str, Any], *, region: str) -> Document:
    """
    The pool as a SetUserPoolMfaConfig request wants it, or the request's refusal.

    The request replaces all that there was: MfaConfiguration left out means OFF, a block left out means that
    there is none (measured on the live service, go-to-k/cdkd 1968 and 2064).
    """
    given = without_nulls(request)
    mode = given.get("MfaConfiguration", "OFF")
    blocks = {member: given[member] for member in FACTORS if member in given}
    _check_blocks(mode, blocks)
    passkeys = _passkeys(given, is_on=mode != "OFF")
    _check_passkeys(pool, mode, passkeys)
    texts = blocks.get(SMS)
    kept = {member: value for member, value in pool.items() if member not in MEMBERS}
    if texts is not None:
        blocks[SMS] = {}
        kept = _with_texts(kept, texts, region)
    return kept | {"MfaConfiguration": mode} | blocks | passkeys


def shown(pool: Document) -> Document:
    """The answer of both operations; a pool without factors shows its MfaConfiguration alone."""
    texts = {name: pool[name] for name in ("SmsAuthenticationMessage", "SmsConfiguration") if name in pool}
    members = {member: pool[member] for member in MEMBERS if member in pool}
    if SMS in members:
        members[SMS] = texts
    return {"MfaConfiguration": pool["MfaConfiguration"], **members}


def hidden(pool: Document) -> Document:
    """The pool without the members that only these operations show."""
    return {member: value for member, value in pool.items() if member not in MEMBERS}


def factors(pool: Document) -> frozenset[str]:
    """The factors that the pool's users may have, by the names under which users list them."""
    names = {
        "SMS_MFA": SMS in pool and "SmsConfiguration" in pool,
        "SOFTWARE_TOKEN_MFA": bool(pool.get(SOFTWARE_TOKEN, {}).get("Enabled")),
        "EMAIL_OTP": EMAIL in pool,
    }
    return frozenset(name for name, is_there in names.items() if is_there)


def carried_over(former: Mapping[str, Any], pool: Document) -> Document:
    """
    The members for a pool that was configured otherwise than by SetUserPoolMfaConfig.

    CreateUserPool and UpdateUserPool know text messages as the only factor: where MFA is on and there is no
    other, it is this one.  Where MFA is off, no factor is left.
    """
    passkeys = {WEB_AUTHN: former[WEB_AUTHN]} if WEB_AUTHN in former else {}
    if pool["MfaConfiguration"] == "OFF":
        return passkeys
    kept = {member: former[member] for member in FACTORS if member in former}
    if "SmsConfiguration" not in pool:
        kept.pop(SMS, None)
    return passkeys | kept | ({} if factors(pool | kept) else {SMS: {}})


def sms_configuration(given: Mapping[str, Any], region: str) -> Document:
    """The SmsConfiguration of a request, or nothing; by default messages go through the pool's region."""
    config = given.get("SmsConfiguration")
    return {"SmsConfiguration": {"SnsRegion": region, **config}} if config else {}


def _check_blocks(mode: str, blocks: Document) -> None:
    if mode == "OFF" and blocks:
        raise InvalidParameterException(
            "Invalid MFA configuration given, can't turn off MFA and configure an MFA together."
        )
    is_any_on = SMS in blocks or EMAIL in blocks or blocks.get(SOFTWARE_TOKEN, {}).get("Enabled")
    if mode != "OFF" and not is_any_on:
        raise InvalidParameterException(
            "Invalid MFA configuration given,"
            " can't disable all MFAs with a required or optional configuration."
        )


def _passkeys(given: Document, *, is_on: bool) -> Document:
    """Passkeys are no factor unless told so; with MFA on that is shown unasked (captured in August 2026)."""
    if WEB_AUTHN not in given and not is_on:
        return {}
    return {WEB_AUTHN: {"FactorConfiguration": "SINGLE_FACTOR", **given.get(WEB_AUTHN, {})}}


def _check_passkeys(pool: Document, mode: str, passkeys: Document) -> None:
    is_first_factor = "WEB_AUTHN" in pool["Policies"]["SignInPolicy"]["AllowedFirstAuthFactors"]
    if mode == "ON" and is_first_factor and passkeys[WEB_AUTHN]["FactorConfiguration"] != MULTI_FACTOR:
        raise InvalidParameterException(
            "Cannot set WebAuthn factor configuration to SINGLE_FACTOR if MFA is required"
            " and WebAuthn is an allowed first auth factor"
        )


def _with_texts(pool: Document, texts: Document, region: str) -> Document:
    """The pool with these settings of text messages; a role that is left out stays, a message does not."""
    kept = {member: value for member, value in pool.items() if member != "SmsAuthenticationMessage"}
    message = {name: texts[name] for name in ("SmsAuthenticationMessage",) if name in texts}
    return kept | message | sms_configuration(texts, region)
