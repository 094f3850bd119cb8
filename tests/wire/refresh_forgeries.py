"""
Forged refresh tokens by name: each a way from what a forger holds to the text that is sent.

Grouped by what they are refused with.  The last groups are sealed with the server's own secret, which nobody
outside has: what the server never says by itself is refused all the same.
"""

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.wire.craft import decoded, encoded

HEADER, SALT, NONCE, TEXT, TAG = range(5)  # the parts of a token
SEALED = {"salt": SALT, "nonce": NONCE, "ciphertext": TEXT, "tag": TAG}
PARTS = {"header": HEADER, **SEALED}
TAG_BYTES, NONCE_BYTES, SALT_BYTES, MARK_BYTES = 16, 12, 32, 4
LONG, MEGABYTE = 100_000, 1_000_000
URL_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True, repr=False)
class Scene:
    """What there is to forge with.  Its repr shows none of it."""

    refresh: str  # the genuine token of Ann's
    access: str
    identity: str
    second: str  # of another session of hers
    another: str  # Bob's, of the same client
    another_sub: str
    other_client: str  # hers, through another client
    foreign: str  # another pool's
    erased: str  # of a user who is gone
    former: str  # of a user who is gone and whose name somebody bears
    challenge: str  # a Session: sealed by the server too, and no refresh token
    secret: bytes  # the server's own

    def __repr__(self) -> str:
        return "Scene(…)"

    def parts(self) -> list[str]:
        """The five parts of the genuine token."""
        return self.refresh.split(".")

    def said(self) -> list[Any]:
        """What the genuine token says."""
        salt, nonce, text, tag = (decoded(part) for part in self.parts()[SALT:])
        header = self.parts()[HEADER].encode()
        said: list[Any] = msgspec.msgpack.decode(
            _cipher(self.secret, salt).decrypt(nonce, text + tag, header)
        )
        return said


Forgery = Callable[[Scene], str]


def sealed(scene: Scene, clear: bytes, *, header: str | None = None, label: bytes = b"refresh token|") -> str:
    """These bytes, sealed as the server seals what a refresh token says."""
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    head = header or scene.parts()[HEADER]
    box = _cipher(scene.secret, salt, label).encrypt(nonce, clear, head.encode())
    return ".".join([head, *(encoded(part) for part in (salt, nonce, box[:-TAG_BYTES], box[-TAG_BYTES:]))])


def genuine_resealed(scene: Scene) -> str:
    """The control: what the genuine token says, sealed anew, is as good as the genuine token."""
    return sealed(scene, msgspec.msgpack.encode(scene.said()))


def _cipher(secret: bytes, salt: bytes, label: bytes = b"refresh token|") -> AESGCM:
    return AESGCM(hmac.digest(secret, label + salt, hashlib.sha256))


def _part(place: int, change: Callable[[str], str]) -> Forgery:
    def forge(scene: Scene) -> str:
        parts = scene.parts()
        parts[place] = change(parts[place])
        return ".".join(parts)

    return forge


def _bytes(place: int, change: Callable[[bytes], bytes]) -> Forgery:
    return _part(place, lambda part: encoded(change(decoded(part))))


def _flipped(place: int, at: float, bit: int) -> Forgery:
    def flip(content: bytes) -> bytes:
        changed = bytearray(content)
        changed[int(at * (len(changed) - 1))] ^= 1 << bit
        return bytes(changed)

    return _bytes(place, flip)


def _loose_bits(part: str) -> str:
    """Another spelling of the same bytes, if their number leaves bits over; else a letter more."""
    if len(part) % 4 == 0:
        return part + "A"
    return part[:-1] + URL_ALPHABET[URL_ALPHABET.index(part[-1]) ^ 1]


def _of(other: Callable[[Scene], str], *places: int) -> Forgery:
    """The genuine token with some parts of another genuine one."""

    def forge(scene: Scene) -> str:
        parts, theirs = scene.parts(), other(scene).split(".")
        for place in places:
            parts[place] = theirs[place]
        return ".".join(parts)

    return forge


def _swapped(one: int, other: int) -> Forgery:
    def forge(scene: Scene) -> str:
        parts = scene.parts()
        parts[one], parts[other] = parts[other], parts[one]
        return ".".join(parts)

    return forge


def _as_token(scene: Scene, box: bytes) -> str:
    """A challenge's mark, nonce and sealed text in the places of a refresh token's."""
    nonce, text = box[MARK_BYTES : MARK_BYTES + NONCE_BYTES], box[MARK_BYTES + NONCE_BYTES :]
    parts = (box[:MARK_BYTES], nonce, text[:-TAG_BYTES], text[-TAG_BYTES:])
    return ".".join([scene.parts()[HEADER], *(encoded(part) for part in parts)])


def _headed(header: dict[str, str]) -> Forgery:
    return _part(HEADER, lambda _part: encoded(msgspec.json.encode(header)))


_OTHERS: dict[str, Callable[[Scene], str]] = {
    "another session": lambda scene: scene.second,
    "another user": lambda scene: scene.another,
    "another pool": lambda scene: scene.foreign,
}

# Refused as no refresh token of this server.
INVALID: dict[str, Forgery] = {
    **{
        f"{name}: bit {bit} flipped at {at:.0%}": _flipped(place, at, bit)
        for name, place in PARTS.items()
        for at, bit in ((0.0, 0), (0.5, 3), (1.0, 7))
    },
    **{f"{name}: cut by a letter": _part(place, lambda part: part[:-1]) for name, place in PARTS.items()},
    **{f"{name}: cut by a byte": _bytes(place, lambda raw: raw[:-1]) for name, place in PARTS.items()},
    **{f"{name}: cut at its start": _bytes(place, lambda raw: raw[1:]) for name, place in PARTS.items()},
    **{f"{name}: a byte more": _bytes(place, lambda raw: raw + b"\0") for name, place in PARTS.items()},
    **{f"{name}: a zero before": _bytes(place, lambda raw: b"\0" + raw) for name, place in PARTS.items()},
    **{f"{name}: zeros": _bytes(place, lambda raw: bytes(len(raw))) for name, place in PARTS.items()},
    **{f"{name}: empty": _part(place, lambda _part: "") for name, place in PARTS.items()},
    **{f"{name}: twice": _part(place, lambda part: part * 2) for name, place in PARTS.items()},
    **{
        f"{name}: padded": _part(place, lambda part: part + "=" * (-len(part) % 4 or 4))
        for name, place in PARTS.items()
    },
    **{f"{name}: loose bits": _part(place, _loose_bits) for name, place in PARTS.items()},
    **{
        f"{name} of {whose}": _of(other, place)
        for name, place in SEALED.items()
        for whose, other in _OTHERS.items()
    },
    **{f"salt and nonce of {whose}": _of(other, SALT, NONCE) for whose, other in _OTHERS.items()},
    **{f"ciphertext and tag of {whose}": _of(other, TEXT, TAG) for whose, other in _OTHERS.items()},
    "salt and nonce swapped": _swapped(SALT, NONCE),
    "nonce and tag swapped": _swapped(NONCE, TAG),
    "ciphertext and tag swapped": _swapped(TEXT, TAG),
    "header behind": lambda scene: ".".join([*scene.parts()[SALT:], scene.parts()[HEADER]]),
    "header without the alg": _headed({"cty": "JWT", "enc": "A256GCM"}),
    "header alg dir": _headed({"cty": "JWT", "enc": "A256GCM", "alg": "dir"}),
    "header alg none": _headed({"cty": "JWT", "enc": "none", "alg": "none"}),
    "header in another order": _headed({"alg": "RSA-OAEP", "enc": "A256GCM", "cty": "JWT"}),
    "header in small letters": _part(HEADER, str.lower),
    "four parts": lambda scene: ".".join(scene.parts()[:TAG]),
    "six parts": lambda scene: f"{scene.refresh}.AAAA",
    "a dot before": lambda scene: f".{scene.refresh}",
    "a dot behind": lambda scene: f"{scene.refresh}.",
    "the token cut at its start": lambda scene: scene.refresh[1:],
    "the token twice": lambda scene: scene.refresh * 2,
    "two tokens with a dot": lambda scene: f"{scene.refresh}.{scene.second}",
    "the token backwards": lambda scene: scene.refresh[::-1],
    "header alone": lambda scene: scene.parts()[HEADER],
    "dots": lambda _scene: "....",
    "a session of a challenge": lambda scene: scene.challenge,
    "a session of a challenge in five parts": lambda scene: _as_token(scene, decoded(scene.challenge)),
    "a hundred thousand letters behind": lambda scene: scene.refresh + "A" * LONG,
    "a hundred thousand letters": lambda _scene: "A" * LONG,
    "a hundred thousand dots": lambda _scene: "." * LONG,
    "a ciphertext of a hundred thousand letters": _part(TEXT, lambda _part: "A" * LONG),
    "a salt of a hundred thousand letters": _part(SALT, lambda _part: "A" * LONG),
}

# The same; InitiateAuth's model knows a bound for what is among its parameters.
ENDLESS: dict[str, Forgery] = {
    "a megabyte behind": lambda scene: scene.refresh + "A" * MEGABYTE,
    "a megabyte of letters": lambda _scene: "A" * MEGABYTE,
    "a megabyte of dots": lambda _scene: "." * MEGABYTE,
    "a ciphertext of a megabyte": _part(TEXT, lambda _part: "A" * MEGABYTE),
    "a salt of a megabyte": _part(SALT, lambda _part: "A" * MEGABYTE),
}

# Refused by the model where the token is a member of its own: letters that no token has.
UNTOKENLIKE: dict[str, Forgery] = {
    "the standard alphabet": lambda scene: scene.refresh.replace("-", "+").replace("_", "/") + "+",
    "a space before": lambda scene: f" {scene.refresh}",
    "a newline behind": lambda scene: f"{scene.refresh}\n",
    "a NUL behind": lambda scene: f"{scene.refresh}\0",
    "a word before": lambda scene: f"Bearer {scene.refresh}",
    "dots in percent": lambda scene: scene.refresh.replace(".", "%2E"),
    "full-width dots": lambda scene: scene.refresh.replace(".", "\uff0e"),
    "full-width letters": lambda scene: scene.refresh.replace("e", "\uff45"),
    "two tokens": lambda scene: f"{scene.refresh},{scene.second}",
}


def saying(**members: Any) -> Forgery:
    """What the genuine token says with other members, truly sealed."""

    def forge(scene: Scene) -> str:
        said = dict(zip(_MEMBERS, scene.said(), strict=True)) | members
        return sealed(scene, msgspec.msgpack.encode(list(said.values())))

    return forge


def _clear(make: Callable[[Scene], bytes]) -> Forgery:
    return lambda scene: sealed(scene, make(scene))


_MEMBERS = ("pool_id", "sub", "session_id", "client_id", "expires_ms", "generation")
_NO_TEXTS: tuple[object, ...] = (None, 1, True, ["a"], {"a": "b"}, b"\xff")
_NO_NUMBERS: tuple[object, ...] = (None, "1", 1.5, [1], {"a": 1})

# Truly sealed, and still no refresh token.
MISSAID: dict[str, Forgery] = {
    **{f"{name} is {value!r}": saying(**{name: value}) for name in _MEMBERS[:4] for value in _NO_TEXTS},
    **{f"{name} is {value!r}": saying(**{name: value}) for name in _MEMBERS[4:] for value in _NO_NUMBERS},
    "nothing": _clear(lambda _scene: b""),
    "no message pack": _clear(lambda _scene: b"\xc1"),
    "JSON": _clear(lambda scene: msgspec.json.encode(scene.said())),
    "a map": _clear(lambda scene: msgspec.msgpack.encode(dict(zip(_MEMBERS, scene.said(), strict=True)))),
    "an empty list": _clear(lambda _scene: msgspec.msgpack.encode([])),
    "something behind": _clear(lambda scene: msgspec.msgpack.encode(scene.said()) + b"\1"),
    "three members": _clear(lambda scene: msgspec.msgpack.encode(scene.said()[:3])),
    "under the key of challenges": lambda scene: sealed(
        scene, msgspec.msgpack.encode(scene.said()), label=b"challenges"
    ),
    "under a header of another algorithm": lambda scene: sealed(
        scene,
        msgspec.msgpack.encode(scene.said()),
        header=encoded(b'{"cty":"JWT","enc":"A256GCM","alg":"dir"}'),
    ),
}
