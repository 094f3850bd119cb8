"""
The finder: whatever is left of somebody in some bytes, and what somebody can do with it.

It shares nothing with `cenote erasure verify`.  An envelope is read as a thief would read it, without its
tag: a key that is right shows its words however little of the envelope is left.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from cenote.domain.sealed import digest_of
from cenote.errors import CenoteError
from cenote.vault.keys import WRAPPED_BYTES, Keyring, SlotReader
from cenote.vault.master import Master

LOOK_BYTES = 1_024  # of an envelope: a name stands near its beginning
HEAD_BYTES, NONCE_AT, BODY_AT = 5, 21, 33
_PIECE_MAX = BODY_AT + LOOK_BYTES
_HEX = re.compile(rb"\\x([0-9a-f]{66,})")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes, and where they lie."""

    name: str
    content: bytes = field(repr=False)


@dataclass(slots=True)
class Remains:
    """What is left of one subject."""

    keys: set[bytes] = field(default_factory=set)
    envelopes: set[bytes] = field(default_factory=set)
    identities: int = 0  # the `sub` as text
    digests: int = 0  # its SHA-256, which names nobody

    @property
    def kinds(self) -> set[str]:
        """What there is."""
        counted = {"key": self.keys, "envelope": self.envelopes, "sub": self.identities}
        return {kind for kind, there in (counted | {"digest": self.digests}).items() if there}


def remains_of(sub: str, pieces: Iterable[Piece]) -> Remains:
    """Every wrapped key, every envelope and every mention of the subject in these bytes."""
    found, raw, text, digest = Remains(), bytes.fromhex(sub.replace("-", "")), sub.encode(), digest_of(sub)
    for piece in pieces:
        for content in (piece.content, *_unhexed(piece.content)):
            for at in _positions(raw, content):
                _note(found, content[max(0, at - HEAD_BYTES) : at - HEAD_BYTES + _PIECE_MAX])
            found.identities += content.count(text)
            found.digests += content.count(digest)
    return found


def _note(found: Remains, piece: bytes) -> None:
    if len(piece) <= BODY_AT or piece[0] != 1:
        return
    if piece[1:HEAD_BYTES] == bytes(4):
        found.envelopes.add(piece)
    elif len(piece) >= WRAPPED_BYTES:
        found.keys.add(piece[:WRAPPED_BYTES])


def _positions(wanted: bytes, content: bytes) -> Iterator[int]:
    at = content.find(wanted)
    while at >= 0:
        yield at
        at = content.find(wanted, at + 1)


def _unhexed(content: bytes) -> Iterator[bytes]:
    """What stands in hex as PostgreSQL writes bytes into its log."""
    if b"\\x" in content:
        yield from (bytes.fromhex(found[: len(found) // 2 * 2].decode()) for found in _HEX.findall(content))


def spellings(value: str) -> Iterator[bytes]:
    """A value as it might lie in clear: text, wide text, hex, base64 at each of its offsets, a URL's form."""
    text = value.encode()
    yield from {text, value.upper().encode(), value.title().encode()}
    yield from (value.encode("utf-16-le"), value.encode("utf-16-be"))
    yield from {text.hex().encode(), text.hex().upper().encode()}
    for hexed in (text.hex(), text.hex().upper()):
        yield "".join(f"%{hexed[at : at + 2]}" for at in range(0, len(hexed), 2)).encode()
    for offset in range(3):
        whole = base64.b64encode(bytes(offset) + text)
        inner = whole[(8 * offset + 5) // 6 : (8 * (offset + len(text))) // 6]  # what no neighbour touches
        yield from {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}


def in_clear(
    values: Iterable[str], pieces: Iterable[Piece], secrets: Iterable[str] = ()
) -> list[tuple[str, str]]:
    """Which of these values lie in clear in any spelling, or which secrets as they are, and where."""
    wanted = [(value, spelling) for value in values for spelling in spellings(value)]
    wanted += [(secret, secret.encode()) for secret in secrets]
    return sorted(
        {(piece.name, value) for piece in pieces for value, spelling in wanted if spelling in piece.content}
    )


@dataclass(frozen=True, slots=True)
class Hand:
    """What somebody holds who tries to open: a master key, slots by way of readers, and opened keys."""

    master: Master
    readers: Sequence[SlotReader]
    loose: Sequence[bytes] = ()

    def secrets_of(self, sub: str, wrapped: Iterable[bytes]) -> set[bytes]:
        """The subject's own keys, as far as any of the wrapped ones opens."""
        found = set()
        for reader in self.readers:
            for key in wrapped:
                try:
                    opened = Keyring(self.master, reader).open_key(sub, key)
                except (CenoteError, OSError):
                    continue
                if opened is not None:
                    found.add(opened.secret)
        return found


@dataclass(frozen=True, slots=True)
class Sought:
    """Whom to look for, and all that is known of them from when they lived."""

    sub: str
    mark: str
    values: Sequence[str]
    secrets: Sequence[str]
    wrapped: bytes  # their key as its row held it
    slot: bytes  # what their slot held


def found_of(sought: Sought, hand: Hand, pieces: Sequence[Piece]) -> set[str]:
    """
    What of somebody is in these bytes, and whether whoever has this hand can open any of it.

    Closed: "key", "envelope", "sub" and "digest".  An alarm: "clear", "slot" (the secret that was in their
    slot) and "opens".
    """
    remains = remains_of(sought.sub, pieces)
    found = remains.kinds
    own = hand.secrets_of(sought.sub, remains.keys | {sought.wrapped})
    words = [opened_by(secret, remains.envelopes, sought.mark) for secret in (*own, *hand.loose)]
    if any(words) or hand.secrets_of(sought.sub, remains.keys):
        found.add("opens")
    if in_clear(sought.values, pieces, sought.secrets):
        found.add("clear")
    if any(sought.slot in piece.content for piece in pieces):
        found.add("slot")
    return found


ALARMS = {"clear", "slot", "opens"}


@dataclass(frozen=True, slots=True)
class InPlaceOf:
    """Slots in which one holds what another one does."""

    slots: SlotReader
    slot: int
    other: int

    def allocate(self) -> int:
        raise CenoteError("Whoever searches makes no users.")

    def read(self, slot: int) -> bytes:
        return self.slots.read(self.other if slot == self.slot else slot)


def opened_by(secret: bytes, envelopes: Iterable[bytes], mark: str) -> set[bytes]:
    """Those of the envelopes that show the mark under this key."""
    return {one for one in envelopes if mark.encode() in deciphered(one, secret)}


def deciphered(envelope: bytes, secret: bytes) -> bytes:
    """What stands in an envelope, or in the beginning of one, if the key is right."""
    counter = envelope[NONCE_AT:BODY_AT] + (2).to_bytes(4, "big")
    cipher: Cipher[CTR] = Cipher(AES256(secret), CTR(counter))
    return cipher.decryptor().update(envelope[BODY_AT:])
