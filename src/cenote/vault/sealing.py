"""
Envelopes: AES-256-GCM with a raw header that says whose it is and an address that it can't leave.

An envelope is `version | key id | subject | nonce | ciphertext and tag`.  The header is clear on purpose: the
sixteen bytes of the subject let `cenote erasure verify` find every copy of a user in files that nothing can
open any more.  Leaves out where keys come from (`keys.py`, `master.py`).
"""

import hashlib
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cenote.domain.sealed import MASTER_ID_BYTES, Place
from cenote.errors import CenoteError

ENVELOPE_VERSION = 1
KEY_ID_BYTES = MASTER_ID_BYTES
SUBJECT_BYTES = 16
NONCE_BYTES = 12
KEY_BYTES = 32
UUID_CHARACTERS = 36
HEADER_BYTES = 1 + KEY_ID_BYTES + SUBJECT_BYTES + NONCE_BYTES
_VERSION = bytes([ENVELOPE_VERSION])


class Unopenable(CenoteError):
    """
    An envelope or a slot that should open and does not: an alarm for the operator, never a reason to delete.
    """


def subject_bytes(subject: str) -> bytes:
    """The sixteen raw bytes of a `sub`, or, for what is no UUID (a pool id), of its SHA-256."""
    if len(subject) == UUID_CHARACTERS:
        return bytes.fromhex(subject.replace("-", ""))
    return hashlib.sha256(subject.encode()).digest()[:SUBJECT_BYTES]


class SealingKey:
    """A 256-bit key of one subject; it lives as long as the call that opened it and no longer."""

    __slots__ = ("_cipher", "_key_id", "_subject", "_told", "secret")

    def __init__(
        self,
        subject: bytes,
        secret: bytes,
        key_id: bytes = bytes(KEY_ID_BYTES),
        *,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        self.secret = secret
        self._subject = subject
        self._key_id = key_id
        self._told = told  # of whatever does not open
        self._cipher = AESGCM(secret)

    def __repr__(self) -> str:
        return "SealingKey(…)"

    def seal(self, place: Place, plaintext: bytes) -> bytes:
        """Close an envelope that only this key opens, and only at this place."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, plaintext, place.bound_to(self._subject))
        return _VERSION + self._key_id + self._subject + nonce + sealed

    def open(self, place: Place, envelope: bytes) -> bytes:
        """The plaintext, or `Unopenable` when the envelope is another's, moved, or damaged."""
        head, nonce = (
            envelope[: HEADER_BYTES - NONCE_BYTES],
            envelope[HEADER_BYTES - NONCE_BYTES : HEADER_BYTES],
        )
        if head != _VERSION + self._key_id + self._subject:
            self._told()
            raise Unopenable(f"an envelope of {place.table}.{place.column} is another's")
        try:
            return self._cipher.decrypt(nonce, envelope[HEADER_BYTES:], place.bound_to(self._subject))
        except (InvalidTag, ValueError) as failure:
            self._told()
            raise Unopenable(f"an envelope of {place.table}.{place.column} does not open") from failure
