"""
User keys and pool keys: made, wrapped under their slots, and opened for the length of one call.

A wrapped key is `header | slot | pool slot | ciphertext`, closed under HKDF(master key, slot, pool slot,
subject).  So one tombstone in the user's slot erases the user, and one in the pool's slot erases everybody in
the pool, in every copy of the database.  Leaves out the files (`slots.py`) and the rows (the store).
"""

import os
import struct
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cenote.domain.sealed import WrappedKey, digest_of
from cenote.vault.master import Master
from cenote.vault.sealing import (
    ENVELOPE_VERSION,
    HEADER_BYTES,
    KEY_BYTES,
    NONCE_BYTES,
    SealingKey,
    Unopenable,
    subject_bytes,
)
from cenote.vault.tombstones import SlotState, is_tombstone, state_of

_SLOTS = struct.Struct(">QQ")
_WRAP_SALT = b"cenote key under slots, 1"
WRAPPED_BYTES = HEADER_BYTES + _SLOTS.size + KEY_BYTES + 16


class SlotReader(Protocol):
    """The part of the keys folder that opening a key needs."""

    def allocate(self) -> int:
        """A slot that was never used and never will be again."""
        ...

    def read(self, slot: int) -> bytes:
        """The 64 bytes of a slot as they are on the disk now."""
        ...


@dataclass(frozen=True, slots=True)
class WrappedHeader:
    """What a wrapped key says of itself in clear."""

    subject: bytes
    slot: int
    pool_slot: int


class Keyring:
    """Makes and opens the keys of users and pools; nothing opened is kept."""

    def __init__(self, master: Master, slots: SlotReader) -> None:
        self._master = master
        self._slots = slots

    def new_key(self, subject: str, pool_slot: int | None) -> tuple[SealingKey, WrappedKey]:
        """A random key for a new user (or, with no pool slot, a new pool) under a slot of its own."""
        slot = self._slots.allocate()
        above = slot if pool_slot is None else pool_slot
        name, secret, nonce = subject_bytes(subject), os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)
        header = bytes([ENVELOPE_VERSION]) + self._master.key_id + name + nonce + _SLOTS.pack(slot, above)
        sealed = AESGCM(self._wrapping(name, *self._contents(slot, above))).encrypt(nonce, secret, header)
        return SealingKey(name, secret), WrappedKey(slot, header + sealed)

    def open_key(self, subject: str, wrapped: bytes) -> SealingKey | None:
        """
        The key of a living subject; None for one that is erased.

        Erased is only what the slot says in so many words (the subject's own tombstone, or the pool's slot
        gone); anything else that does not open is `Unopenable`.
        """
        header = read_header(wrapped)
        own, above = self._contents(header.slot, header.pool_slot)
        if _is_gone(subject, header, own, above):
            return None
        name, clear = subject_bytes(subject), HEADER_BYTES + _SLOTS.size
        nonce = wrapped[HEADER_BYTES - NONCE_BYTES : HEADER_BYTES]
        try:
            secret = AESGCM(self._wrapping(name, own, above)).decrypt(nonce, wrapped[clear:], wrapped[:clear])
        except (InvalidTag, ValueError) as failure:
            # A tombstone may have been half written when the slots were read: it is whole by now.
            if _is_gone(subject, header, *self._contents(header.slot, header.pool_slot)):
                return None
            raise Unopenable(f"the key under slot {header.slot} does not open") from failure
        return SealingKey(name, secret)

    def is_erased(self, subject: str, slot: int) -> bool:
        """True when the slot holds the subject's own tombstone."""
        return state_of(self._slots.read(slot), digest_of(subject)) is SlotState.BURIED

    def _contents(self, slot: int, pool_slot: int) -> tuple[bytes, bytes]:
        """What both slots hold, read once: a tombstone may be written between two looks."""
        own = self._slots.read(slot)
        return own, own if pool_slot == slot else self._slots.read(pool_slot)

    def _wrapping(self, name: bytes, own: bytes, above: bytes) -> bytes:
        kdf = HKDF(hashes.SHA256(), KEY_BYTES, _WRAP_SALT, b"user key|" + name)
        return kdf.derive(self._master.secret + own + above)


def _is_gone(subject: str, header: WrappedHeader, own: bytes, above: bytes) -> bool:
    """True when the slots say in so many words that the subject, or the pool, is erased."""
    if state_of(own, digest_of(subject)) is SlotState.BURIED:
        return True
    return header.pool_slot != header.slot and is_tombstone(above)


def read_header(wrapped: bytes) -> WrappedHeader:
    """The clear part of a wrapped key; `Unopenable` when it is not one."""
    if len(wrapped) != WRAPPED_BYTES or wrapped[0] != ENVELOPE_VERSION:
        raise Unopenable("a wrapped key is damaged")
    slot, pool_slot = _SLOTS.unpack_from(wrapped, HEADER_BYTES)
    return WrappedHeader(wrapped[5:21], slot, pool_slot)
