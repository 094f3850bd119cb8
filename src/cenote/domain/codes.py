"""
Codes that prove an address: how they look, how long they live, and what limits guessing at them.

Only a keyed digest of a code is ever kept: six digits need more than a hash.  Leaves out the key and the row.
"""

from dataclasses import dataclass
from enum import StrEnum

from cenote.domain.limits import HOUR_MS, Limit

CODE_DIGITS = 6
SIGN_UP_LIFETIME_MS = 24 * HOUR_MS
RESET_LIFETIME_MS = HOUR_MS


class Purpose(StrEnum):
    """What a code is good for; one code a user and purpose, a new one replaces the old."""

    SIGN_UP = "sign_up"
    FORGOT_PASSWORD = "forgot_password"
    VERIFY_EMAIL = "verify_email"
    VERIFY_PHONE_NUMBER = "verify_phone_number"


def verification_of(attribute: str) -> Purpose:
    """What a code is good for that proves this address; the two addresses may be proved side by side."""
    return Purpose.VERIFY_EMAIL if attribute == "email" else Purpose.VERIFY_PHONE_NUMBER


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was sent: for whom, for what, by which attribute, and until when."""

    sub: str
    purpose: Purpose
    digest: bytes
    attribute: str | None
    expires_ms: int


def lifetime_ms(purpose: Purpose) -> int:
    """24 hours for an address, one for a reset (the developer guide's figures)."""
    return RESET_LIFETIME_MS if purpose is Purpose.FORGOT_PASSWORD else SIGN_UP_LIFETIME_MS


def guessing_limit(purpose: Purpose) -> Limit:
    """
    What limits guesses at such a code: an hour's number of them, however many codes are asked for meanwhile.
    """
    if purpose is Purpose.SIGN_UP:
        return Limit.CONFIRM_SIGN_UP
    return Limit.RECOVERY if purpose is Purpose.FORGOT_PASSWORD else Limit.VERIFY_ATTRIBUTE


def sending_limit(purpose: Purpose) -> Limit:
    """What limits asking for such a code."""
    if purpose is Purpose.SIGN_UP:
        return Limit.RESEND_CONFIRMATION_CODE
    return Limit.RECOVERY if purpose is Purpose.FORGOT_PASSWORD else Limit.GET_VERIFICATION_CODE


def digest_input(sub: str, purpose: Purpose, code: str, address: str) -> bytes:
    """
    What is digested: bound to user, purpose and address, so that no code is good for anything else.

    A code that went to an address which the user has given up proves nothing of the one that they have now.
    """
    return f"code|{sub}|{purpose}|{code}|{address}".encode()
