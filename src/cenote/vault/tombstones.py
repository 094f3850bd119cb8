"""
What a slot of the keys folder may hold: a secret, or the tombstone of the one it belonged to.

Owns the 64 bytes and their meaning.  Leaves out where slots lie on the disk (`slots.py`) and who is erased
when (the store).
"""

from enum import Enum

SLOT_BYTES = 64
TOMBSTONE_MARK = b"CENOTE-X"
DIGEST_BYTES = 32
_PADDING = bytes(SLOT_BYTES - len(TOMBSTONE_MARK) - DIGEST_BYTES)


class SlotState(Enum):
    """What a slot says of one subject."""

    SECRET = "secret"
    BURIED = "buried"  # its own tombstone: the subject is erased, an explicit record
    FOREIGN = "foreign"  # the tombstone of another: an alarm, nothing may be deleted because of it


def tombstone(digest: bytes) -> bytes:
    """The 64 bytes that replace a secret for good."""
    return TOMBSTONE_MARK + digest + _PADDING


def is_tombstone(content: bytes) -> bool:
    """True for anybody's tombstone: whatever was wrapped under this slot is gone."""
    return content.startswith(TOMBSTONE_MARK)


def state_of(content: bytes, digest: bytes) -> SlotState:
    """
    Read a slot as the subject with this digest would.

    A secret is random: one that begins like a tombstone would come up once in 2^64 slots, and `slots.py`
    never writes such a one.
    """
    if not is_tombstone(content):
        return SlotState.SECRET
    return SlotState.BURIED if content == tombstone(digest) else SlotState.FOREIGN
