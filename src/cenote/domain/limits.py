"""
How often an hour a user may ask for a code, or try to be right: the published figures.

Leaves out the lock after wrong passwords (`lockout.py`) and limits on requests a second.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

HOUR_MS = 3_600_000


class Limit(StrEnum):
    """What is limited; ForgotPassword and ConfirmForgotPassword share one."""

    CONFIRM_SIGN_UP = "ConfirmSignUp"
    RESEND_CONFIRMATION_CODE = "ResendConfirmationCode"
    CHANGE_PASSWORD = "ChangePassword"
    GET_VERIFICATION_CODE = "GetUserAttributeVerificationCode"
    VERIFY_ATTRIBUTE = "VerifyUserAttribute"
    RECOVERY = "ForgotPassword"


# The guide gives 5 to 20 for a recovery, by a risk that nobody assesses here: the most is taken.
ATTEMPTS_PER_HOUR_MAX: Final = {
    Limit.CONFIRM_SIGN_UP: 15,
    Limit.RESEND_CONFIRMATION_CODE: 5,
    Limit.CHANGE_PASSWORD: 5,
    Limit.GET_VERIFICATION_CODE: 5,
    Limit.VERIFY_ATTRIBUTE: 15,
    Limit.RECOVERY: 20,
}


@dataclass(frozen=True, slots=True)
class Subject:
    """
    Whom something is counted against: a user, by their `sub`, or a name that nobody bears, by a digest of it.

    Where a client hides who exists, nobody must be shut out just as somebody would be.
    """

    subject_id: str
    is_user: bool = True
