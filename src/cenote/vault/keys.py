"""
User keys and pool keys: made, wrapped under their slots, and opened for the length of one call.

A wrapped key is `header | slot | pool slot | ciphertext`, closed under HKDF(master key, slot, pool slot,
subject).  So one tombstone in the user's slot erases the user, and one in the pool's slot erases everybody in
the pool, in every copy of the database.  Leaves out the files (`slots.py`) and the rows (the store).
"""

import os
import struct
import threading
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cenote.domain.sealed import WrappedKey, digest_of, master_id_of
from cenote.errors import CenoteError
from cenote.vault.master import Master
from cenote.vault.masters import Masters
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
    master_id: bytes


class Keyring:
    """Makes and opens the keys of users and pools; nothing opened is kept."""

    def __init__(self, masters: Master | Masters, slots: SlotReader) -> None:
        self._masters = masters
        self._slots = slots
        self._counting = threading.Lock()
        self.unopenable_total = 0  # keys and values, and access keys, that should have opened and did not

    def new_key(
        self, subject: str, pool_slot: int | None, *, like: bytes | None = None
    ) -> tuple[SealingKey, WrappedKey]:
        """
        A random key for a new user (or, with no pool slot, a new pool) under a slot of its own.

        `like` is the pool's own wrapped key: the same master key closes both.
        """
        master = None if like is None else self._masters.sought(read_header(like).master_id)
        slot = self._slots.allocate()
        return self._new(subject, slot, slot if pool_slot is None else pool_slot, master)

    def stand_in_key(self, subject: str, pool_slot: int) -> tuple[SealingKey, WrappedKey]:
        """
        A key of nobody's, under the pool's own slot; it opens as dearly as a user's, and is never held.
        """
        return self._new(subject, pool_slot, pool_slot)

    def _new(
        self, subject: str, slot: int, above: int, master: Master | None = None
    ) -> tuple[SealingKey, WrappedKey]:
        secret, contents = os.urandom(KEY_BYTES), self._contents(slot, above)
        lock = _Lock(master or self._masters.current, subject_bytes(subject), slot, above)
        key = SealingKey(lock.name, secret, told=self.note_unopenable)
        return key, WrappedKey(slot, lock.close(secret, *contents))

    def is_closed_as_now(self, wrapped: bytes) -> bool:
        """Whether the master key that closes now closed this wrapped key: another one may be forgotten."""
        return master_id_of(wrapped) == self._masters.current.key_id

    def rewrapped(self, subject: str, wrapped: bytes, like: bytes) -> bytes | None:
        """
        The same key under the same slots, closed by the master key that closed `like`; None for one who is
        erased.

        The slots are read once: what was opened under a secret is never closed under its tombstone.
        """
        header = read_header(wrapped)
        contents = self._contents(header.slot, header.pool_slot)
        master = self._masters.sought(master_id_of(like))
        if master is None:
            raise Unopenable("a key is to be closed by a master key that is not known here")
        key = self._opened(subject, wrapped, header, contents)
        if key is None:
            return None
        return _Lock(master, header.subject, header.slot, header.pool_slot).close(key.secret, *contents)

    def open_key(self, subject: str, wrapped: bytes) -> SealingKey | None:
        """
        The key of a living subject; None for one that is erased.

        Erased is only what the slot says in so many words (the subject's own tombstone, or the pool's slot
        gone); anything else that does not open is `Unopenable`, and counted.
        """
        try:
            header = read_header(wrapped)
            return self._opened(subject, wrapped, header, self._contents(header.slot, header.pool_slot))
        except (CenoteError, OSError):
            self.note_unopenable()
            raise

    def _opened(
        self, subject: str, wrapped: bytes, header: "WrappedHeader", contents: tuple[bytes, bytes]
    ) -> SealingKey | None:
        if _is_gone(subject, header, *contents):
            return None
        name, master = subject_bytes(subject), self._masters.sought(header.master_id)
        if master is None:
            raise Unopenable(f"the key under slot {header.slot} is wrapped under another master key")
        try:
            secret = _Lock(master, name, header.slot, header.pool_slot).open(wrapped, *contents)
        except (InvalidTag, ValueError) as failure:
            # A tombstone may have been half written when the slots were read: it is whole by now.
            if _is_gone(subject, header, *self._contents(header.slot, header.pool_slot)):
                return None
            raise Unopenable(f"the key under slot {header.slot} does not open") from failure
        return SealingKey(name, secret, told=self.note_unopenable)

    def is_erased(self, subject: str, slot: int) -> bool:
        """True when the slot holds the subject's own tombstone."""
        return _is_buried(subject, self._slots.read(slot))

    def state(self, subject: str, slot: int) -> SlotState:
        """What the slot says of the subject now."""
        return state_of(self._slots.read(slot), digest_of(subject))

    def note_unopenable(self) -> None:
        """Count one more thing that should have opened and did not."""
        with self._counting:
            self.unopenable_total += 1

    def _contents(self, slot: int, pool_slot: int) -> tuple[bytes, bytes]:
        """What both slots hold, read once: a tombstone may be written between two looks."""
        own = self._slots.read(slot)
        return own, own if pool_slot == slot else self._slots.read(pool_slot)


@dataclass(frozen=True, slots=True)
class _Lock:
    """What closes one wrapped key: a master key, the subject, its slot and the pool's."""

    master: Master
    name: bytes
    slot: int
    above: int

    def close(self, secret: bytes, own: bytes, above: bytes) -> bytes:
        """The key as its row holds it, under what the two slots hold."""
        nonce = os.urandom(NONCE_BYTES)
        header = bytes([ENVELOPE_VERSION]) + self.master.key_id + self.name + nonce
        header += _SLOTS.pack(self.slot, self.above)
        return header + AESGCM(self._key(own, above)).encrypt(nonce, secret, header)

    def open(self, wrapped: bytes, own: bytes, above: bytes) -> bytes:
        """The key that its row holds."""
        clear, nonce = HEADER_BYTES + _SLOTS.size, wrapped[HEADER_BYTES - NONCE_BYTES : HEADER_BYTES]
        return AESGCM(self._key(own, above)).decrypt(nonce, wrapped[clear:], wrapped[:clear])

    def _key(self, own: bytes, above: bytes) -> bytes:
        kdf = HKDF(hashes.SHA256(), KEY_BYTES, _WRAP_SALT, b"user key|" + self.name)
        return kdf.derive(self.master.secret + own + above)


def _is_gone(subject: str, header: WrappedHeader, own: bytes, above: bytes) -> bool:
    """True when the slots say in so many words that the subject, or the pool, is erased."""
    return _is_buried(subject, own) or (header.pool_slot != header.slot and is_tombstone(above))


def _is_buried(subject: str, content: bytes) -> bool:
    """True for the subject's own tombstone; of a secret, which most slots hold, no digest is asked."""
    return is_tombstone(content) and state_of(content, digest_of(subject)) is SlotState.BURIED


def read_header(wrapped: bytes) -> WrappedHeader:
    """The clear part of a wrapped key; `Unopenable` when it is not one."""
    if len(wrapped) != WRAPPED_BYTES or wrapped[0] != ENVELOPE_VERSION:
        raise Unopenable("a wrapped key is damaged")
    slot, pool_slot = _SLOTS.unpack_from(wrapped, HEADER_BYTES)
    return WrappedHeader(wrapped[5:21], slot, pool_slot, master_id_of(wrapped))
