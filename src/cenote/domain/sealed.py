"""
Sealed values as everybody above the vault sees them: an address to seal at, and a key that opens.

Owns the words that the store and the vault share, so that neither imports the other.
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

MASTER_ID_BYTES = 4
MASTER_CHECK = "master_check"  # the name of the value by which data knows its master key


@dataclass(frozen=True, slots=True)
class Place:
    """
    The address an envelope is bound to: moved to another row, column or version, it does not open.

    `besides` is a digest of what else of the row must be as it was.
    """

    table: str
    column: str
    row_id: str = ""
    version: int = 0
    besides: bytes = b""

    def bound_to(self, subject: bytes) -> bytes:
        """The associated data of an envelope of this subject at this place."""
        address = b"%b|%b|%b|%b|%d" % (
            self.table.encode(),
            self.column.encode(),
            subject,
            self.row_id.encode(),
            self.version,
        )
        return address + b"|" + self.besides if self.besides else address


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A subject's key as its row holds it: closed under the master key and a slot of the keys folder."""

    slot: int
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class Grave:
    """An erasure that is owed to the keys folder: overwrite `slot` with the tombstone of `digest`."""

    digest: bytes
    slot: int


def master_id_of(envelope: bytes) -> bytes:
    """Which master key closed an envelope, or a wrapped key; it stands in clear behind the first byte."""
    return envelope[1 : 1 + MASTER_ID_BYTES]


def digest_of(subject: str) -> bytes:
    """The name under which an erased user or pool is remembered: SHA-256 of its id, which names nobody."""
    return hashlib.sha256(subject.encode()).digest()


class Key(Protocol):
    """The opened key of one subject, good for the length of one call."""

    def seal(self, place: Place, plaintext: bytes) -> bytes:
        """Close an envelope that only this key opens, and only at this place."""
        ...

    def open(self, place: Place, envelope: bytes) -> bytes:
        """The plaintext of an envelope of this key and place; anything else is an operator's alarm."""
        ...


class Sealer(Protocol):
    """What the store asks of the vault."""

    def open_key(self, subject: str, wrapped: bytes) -> Key | None:
        """The key of a living subject; None for one whose slot says in so many words that it is erased."""
        ...

    def rewrapped(self, subject: str, wrapped: bytes, like: bytes) -> bytes | None:
        """A subject's key closed by the master key that closed `like`; None for one who is erased."""
        ...

    def is_erased(self, subject: str, slot: int) -> bool:
        """True when the slot holds the subject's own tombstone."""
        ...
