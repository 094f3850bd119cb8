"""
Codes that prove an address: how they look, how long they live, and how many guesses they bear.

Only a keyed digest of a code is ever kept: six digits need more than a hash.  Leaves out the key and the row.
"""

from dataclasses import dataclass
from enum import StrEnum

CODE_DIGITS = 6
HOUR_MS = 3_600_000
SIGN_UP_LIFETIME_MS = 24 * HOUR_MS
RESET_LIFETIME_MS = HOUR_MS
GUESSES_MAX = 15  # ConfirmSignUp's published limit is 15 an hour; a code that has borne them bears no more


class Purpose(StrEnum):
    """What a code is good for; one code a user and purpose, a new one replaces the old."""

    SIGN_UP = "sign_up"
    FORGOT_PASSWORD = "forgot_password"


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was sent: for whom, for what, by which attribute, and until when."""

    sub: str
    purpose: Purpose
    digest: bytes
    attribute: str | None
    expires_ms: int


def lifetime_ms(purpose: Purpose) -> int:
    """24 hours for a sign-up, one for a reset (the developer guide's figures)."""
    return RESET_LIFETIME_MS if purpose is Purpose.FORGOT_PASSWORD else SIGN_UP_LIFETIME_MS


def digest_input(sub: str, purpose: Purpose, code: str) -> bytes:
    """What is digested: bound to the user and the purpose, so that no code is good for anything else."""
    return f"code|{sub}|{purpose}|{code}".encode()
