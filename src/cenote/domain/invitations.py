"""
Users whom an administrator invites: their temporary password, how long it is good, and how they are told.

Leaves out the words (`delivery/invitations.py`) and what a new user's attributes may be (`attributes.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from cenote.domain.passwords import PasswordPolicy
from cenote.domain.users import User
from cenote.errors import InvalidParameterException

GENERATED_LENGTH_MIN = 8
ENTROPY_BYTES = 256  # for the letters and their order, at the longest length that a policy may ask for
DAY_MS = 86_400_000
ADDRESS_OF_MEDIUM: Final = {"SMS": "phone_number", "EMAIL": "email"}

# Whoever reads it types it: it has no sign that HTML or JSON would spell otherwise.
_CLASSES: Final = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789",
    "^$*.[]{}()?!@#%/,:;|_~=+-",
)


def generated_password(policy: PasswordPolicy, entropy: bytes) -> str:
    """A temporary password that every policy of this length accepts: each class of signs is in it."""
    number = int.from_bytes(entropy, "big")

    def draw(choices: int) -> int:
        nonlocal number
        number, drawn = divmod(number, choices)
        return drawn

    length = max(policy.minimum_length, GENERATED_LENGTH_MIN)
    alphabets = [*_CLASSES, *["".join(_CLASSES)] * (length - len(_CLASSES))]
    left = [alphabet[draw(len(alphabet))] for alphabet in alphabets]
    return "".join(left.pop(draw(len(left))) for _place in range(length))


def is_temporary_over(user: User, policy: PasswordPolicy, *, now_ms: int) -> bool:
    """Whether the time is over in which a temporary password may be replaced by the user's own."""
    since_ms = user.temporary_since_ms
    return since_ms is not None and now_ms >= since_ms + temporary_life_ms(policy)


def temporary_life_ms(policy: PasswordPolicy) -> int:
    """How long a temporary password is good, from its making."""
    return policy.temporary_validity_days * DAY_MS


def invited_at(asked: Sequence[str], attributes: Mapping[str, str]) -> tuple[str, ...]:
    """
    The attributes whose addresses an invitation goes to.

    Where no medium is named it is SMS, or e-mail for somebody without a phone; a medium that is named needs
    its address.
    """
    wanted = [ADDRESS_OF_MEDIUM[medium] for medium in dict.fromkeys(asked)]
    for attribute in wanted:
        if attribute not in attributes:
            raise InvalidParameterException(f"The user has no {attribute} to deliver a message to.")
    if asked:
        return tuple(wanted)
    return tuple(attribute for attribute in ADDRESS_OF_MEDIUM.values() if attribute in attributes)[:1]
