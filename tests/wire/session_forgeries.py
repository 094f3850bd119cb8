"""
Forged challenges by name: what a sign-in carries between two calls, as `Session` and as SECRET_BLOCK.

Both are one form, `mark | nonce | ciphertext | tag`, in two spellings.  The last group is sealed with the
server's own secret, which nobody outside has: what the server never says by itself is refused all the same.
"""

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK_BYTES, NONCE_BYTES, TAG_BYTES = 4, 12, 16
PARTS = {
    "mark": slice(0, MARK_BYTES),
    "nonce": slice(MARK_BYTES, MARK_BYTES + NONCE_BYTES),
    "ciphertext": slice(MARK_BYTES + NONCE_BYTES, -TAG_BYTES),
    "tag": slice(-TAG_BYTES, None),
}
LABEL = b"challenges"
MEMBERS = (
    *("name", "pool_id", "client_id", "sub", "username", "submitted", "asked_ms", "session_id"),
    *("by_password", "temporary_since_ms", "secret", "client_public", "server_public"),
)


@dataclass(frozen=True, repr=False)
class Scene:
    """What there is to forge with, as bytes.  Its repr shows none of it."""

    genuine: bytes
    others: dict[str, bytes]  # genuine too, and none of this user's, this client's, or of this challenge
    secret: bytes  # the server's own

    def __repr__(self) -> str:
        return "Scene(…)"

    def said(self) -> list[Any]:
        """What the genuine challenge says."""
        nonce, text = self.genuine[PARTS["nonce"]], self.genuine[MARK_BYTES + NONCE_BYTES :]
        said: list[Any] = msgspec.msgpack.decode(
            _cipher(self.secret).decrypt(nonce, text, self.genuine[:MARK_BYTES])
        )
        return said


Forgery = Callable[[Scene], bytes]


def sealed(scene: Scene, clear: bytes, *, mark: bytes | None = None, label: bytes = LABEL) -> bytes:
    """These bytes, sealed as the server seals a challenge."""
    nonce, head = os.urandom(NONCE_BYTES), scene.genuine[:MARK_BYTES] if mark is None else mark
    return head + nonce + _cipher(scene.secret, label).encrypt(nonce, clear, head)


def saying(**members: Any) -> Forgery:
    """What the genuine challenge says with other members, truly sealed."""

    def forge(scene: Scene) -> bytes:
        said = dict(zip(MEMBERS, scene.said(), strict=True)) | members
        return sealed(scene, msgspec.msgpack.encode(list(said.values())))

    return forge


def _cipher(secret: bytes, label: bytes = LABEL) -> AESGCM:
    return AESGCM(hmac.digest(secret, label, hashlib.sha256))


def _part(name: str, change: Callable[[bytes], bytes]) -> Forgery:
    def forge(scene: Scene) -> bytes:
        parts = {other: scene.genuine[place] for other, place in PARTS.items()}
        return b"".join((parts | {name: change(parts[name])}).values())

    return forge


def _flipped(at: float, bit: int) -> Callable[[bytes], bytes]:
    def flip(content: bytes) -> bytes:
        changed = bytearray(content)
        changed[int(at * (len(changed) - 1))] ^= 1 << bit
        return bytes(changed)

    return flip


def _of_another(name: str, whose: str) -> Forgery:
    return lambda scene: _part(name, lambda _part: scene.others[whose][PARTS[name]])(scene)


def _clear(make: Callable[[Scene], bytes]) -> Forgery:
    return lambda scene: sealed(scene, make(scene))


WHOSE = ("user", "client", "pool", "kind")

# Refused as nothing that this server sealed.
BROKEN: dict[str, Forgery] = {
    **{
        f"{name}: bit {bit} flipped at {at:.0%}": _part(name, _flipped(at, bit))
        for name in PARTS
        for at, bit in ((0.0, 0), (0.0, 7), (0.5, 3), (1.0, 0), (1.0, 7))
    },
    **{f"{name}: cut by a byte": _part(name, lambda raw: raw[:-1]) for name in PARTS},
    **{f"{name}: cut at its start": _part(name, lambda raw: raw[1:]) for name in PARTS},
    **{f"{name}: a byte more": _part(name, lambda raw: raw + b"\0") for name in PARTS},
    **{f"{name}: zeros": _part(name, lambda raw: bytes(len(raw))) for name in PARTS},
    **{f"{name}: left out": _part(name, lambda _raw: b"") for name in PARTS},
    **{f"{name}: twice": _part(name, lambda raw: raw * 2) for name in PARTS},
    **{
        f"{name} of another {whose}": _of_another(name, whose) for name in ("nonce", "tag") for whose in WHOSE
    },
    **{f"ciphertext of another {whose}": _of_another("ciphertext", whose) for whose in WHOSE},
    "backwards": lambda scene: scene.genuine[::-1],
    "twice": lambda scene: scene.genuine * 2,
    "random bytes": lambda scene: os.urandom(len(scene.genuine)),
    "random bytes behind the mark": lambda scene: (
        scene.genuine[:MARK_BYTES] + os.urandom(len(scene.genuine) - MARK_BYTES)
    ),
    "the beginning alone": lambda scene: scene.genuine[: MARK_BYTES + NONCE_BYTES + TAG_BYTES],
}

_NO_TEXTS: tuple[object, ...] = (None, 1, True, ["a"], b"\xff")
_NO_NUMBERS: tuple[object, ...] = (None, "1", 1.5, [1])

# Truly sealed, and still no challenge.
MISSAID: dict[str, Forgery] = {
    **{f"{name} is {value!r}": saying(**{name: value}) for name in MEMBERS[:6] for value in _NO_TEXTS[:3]},
    **{f"session_id is {value!r}": saying(session_id=value) for value in _NO_TEXTS},
    **{f"asked_ms is {value!r}": saying(asked_ms=value) for value in _NO_NUMBERS},
    "nothing": _clear(lambda _scene: b""),
    "no message pack": _clear(lambda _scene: b"\xc1"),
    "JSON": _clear(lambda _scene: b'{"name":"NEW_PASSWORD_REQUIRED"}'),
    "an empty list": _clear(lambda _scene: msgspec.msgpack.encode([])),
    "three members": _clear(lambda scene: msgspec.msgpack.encode(scene.said()[:3])),
    "something behind": _clear(lambda scene: msgspec.msgpack.encode(scene.said()) + b"\1"),
    "of another kind": saying(name="SOFTWARE_TOKEN_MFA"),
    "of no kind": saying(name=""),
    "of another pool": saying(pool_id="us-east-1_nobodyxxx"),
    "of another client": saying(client_id="0" * 26),
    "under the key of refresh tokens": lambda scene: sealed(
        scene, msgspec.msgpack.encode(scene.said()), label=b"refresh token|"
    ),
    "under another mark": lambda scene: sealed(
        scene, msgspec.msgpack.encode(scene.said()), mark=b"\1\x80\1\x79"
    ),
}


def genuine_resealed(scene: Scene) -> bytes:
    """The control: what the genuine challenge says, sealed anew, is as good as the genuine one."""
    return sealed(scene, msgspec.msgpack.encode(scene.said()))
