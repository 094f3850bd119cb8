"""
Password policies: what a pool asks of a password, and the one reason why a password is refused.

Leaves out how a password is stored or proved (`srp.py`) and how long a temporary one lives (the operations).
"""

from dataclasses import dataclass
from typing import Final

from cenote.errors import InvalidPasswordException

# Three openings of one sentence: which one a client reads depends on the operation.
USER_PREFIX: Final = "Password did not conform with policy: "  # SignUp, ConfirmForgotPassword, ChangePassword
ADMIN_PREFIX: Final = "Password does not conform to policy: "  # AdminSetUserPassword, NEW_PASSWORD_REQUIRED
ADMIN_CREATE_PREFIX: Final = "Password did not conform with password policy: "  # AdminCreateUser (captured)

SYMBOLS: Final = frozenset("^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+-")


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """The PasswordPolicy of a pool; `history_size` 0 means that old passwords may come back."""

    minimum_length: int
    requires_uppercase: bool
    requires_lowercase: bool
    requires_numbers: bool
    requires_symbols: bool
    history_size: int
    temporary_validity_days: int


def policy_refusal(password: str, policy: PasswordPolicy) -> str | None:
    """
    The first reason against a password, or None: the service names one at a time, the length first.

    A space counts as a symbol, but only between other characters (developer guide).
    """
    if len(password) < policy.minimum_length:
        return "Password not long enough"
    if policy.requires_uppercase and not any(character.isupper() for character in password):
        return "Password must have uppercase characters"
    if policy.requires_lowercase and not any(character.islower() for character in password):
        return "Password must have lowercase characters"
    if policy.requires_numbers and not any(character.isdecimal() for character in password):
        return "Password must have numeric characters"
    if policy.requires_symbols and not _has_symbol(password):
        return "Password must have symbol characters"
    return None


def check(password: str, policy: PasswordPolicy, prefix: str) -> None:
    """Refuse a password that the policy refuses, in the words of the operation whose prefix this is."""
    if refusal := policy_refusal(password, policy):
        raise InvalidPasswordException(prefix + refusal)


def _has_symbol(password: str) -> bool:
    return " " in password.strip(" ") or not SYMBOLS.isdisjoint(password)
