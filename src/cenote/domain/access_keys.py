"""
Access keys: what an administrator's client signs with.

Owns the look of ids and secrets, what a rotation and a revocation do to a key, and what its secrets are bound
to: they open only beside the policy, the name and the times that they were sealed with.  Leaves out the
signature (`wire/sigv4.py`) and what a key may do (`wire/policy.py`): its policy is text here.
"""

import base64
import contextlib
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from cenote.domain.sealed import Key, Place
from cenote.errors import CenoteError

KEY_ID = re.compile(r"AKIA[A-Z2-7]{16}")
KEY_ID_ENTROPY_BYTES = 10
SECRET_ENTROPY_BYTES = 30
ENTROPY_BYTES = KEY_ID_ENTROPY_BYTES + SECRET_ENTROPY_BYTES
USE_NOTED_EVERY_MS = 60_000
NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{1,64}")  # as IAM names its users
COLUMNS = ("secret", "former_secret")

SealingKeyOf = Callable[[str], Key]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """An access key as it is held; secrets are sealed under the master key, and gone once it is revoked."""

    key_id: str
    name: str
    secret: bytes | None = field(repr=False)
    former_secret: bytes | None = field(
        default=None, repr=False
    )  # of before a rotation, while it still works
    former_until_ms: int = 0
    policy: str
    created_ms: int
    used_ms: int | None = None  # to the minute

    @property
    def is_revoked(self) -> bool:
        """Whether nobody can sign with it any more."""
        return self.secret is None

    def terms(self) -> bytes:
        """
        A digest of everything that says what the key may do, and until when its former secret works.

        Each piece is told with its length, so that nothing can be pushed from one into the next.
        """
        said = (self.key_id, self.name, self.policy, self.created_ms, self.former_until_ms)
        pieces = [str(one).encode() for one in said]
        return hashlib.sha256(b"".join(len(one).to_bytes(8) + one for one in pieces)).digest()

    def standing(self, now_ms: int) -> "AccessKey":
        """The key without a former secret whose time is over: nothing hangs on that one any more."""
        return self if now_ms < self.former_until_ms else replace(self, former_secret=None)

    def revoked(self) -> "AccessKey":
        """The key without its secrets: it is remembered, and nothing can bring it back."""
        return replace(self, secret=None, former_secret=None, former_until_ms=0)


PlaceOf = Callable[[AccessKey, str], Place]


class Binding(Enum):
    """Whether a key's secrets open, and beside what."""

    BOUND = "bound"
    UNBOUND = "unbound"  # as they were sealed before decision 37: they open whatever the row says
    ALTERED = "altered"  # changed by somebody without the master key, or damaged


def legible(text: str) -> str:
    """An id or a name as it can be printed: whoever writes rows could steer a terminal with others."""
    return text.encode("unicode_escape").decode()


def new_access_key(
    entropy: bytes, sealing_key: SealingKeyOf, *, name: str, policy: str, now_ms: int
) -> tuple[AccessKey, str]:
    """A new key, and its secret, which is told once and can't be read again."""
    key_id = "AKIA" + base64.b32encode(entropy[:KEY_ID_ENTROPY_BYTES]).decode()
    secret = new_secret(entropy[KEY_ID_ENTROPY_BYTES:])
    key = AccessKey(key_id=key_id, name=name, secret=None, policy=policy, created_ms=now_ms)
    return with_secrets(key, sealing_key, secret), secret


def new_secret(entropy: bytes) -> str:
    """A secret in the form of AWS's: 40 letters of base64."""
    return base64.b64encode(entropy[:SECRET_ENTROPY_BYTES]).decode()


def with_secrets(
    key: AccessKey, sealing_key: SealingKeyOf, secret: str, former: str | None = None
) -> AccessKey:
    """The key with these secrets, which open only as long as its row says what it says now."""
    return _sealed(key, sealing_key, _bound, (secret, former))


def open_secrets(key: AccessKey, sealing_key: SealingKeyOf) -> tuple[str, ...]:
    """The key's secrets, the newest first; `CenoteError` when its row is not as it was sealed."""
    return _opened(key, sealing_key, _bound)


def open_unbound(key: AccessKey, sealing_key: SealingKeyOf) -> tuple[str, ...]:
    """The secrets of a key that was sealed by itself; nothing vouches for what its row says."""
    return _opened(key, sealing_key, _unbound)


def signing_secrets(key: AccessKey, sealing_key: SealingKeyOf, now_ms: int) -> tuple[str, ...]:
    """What a signature of now may be made with, newest first; `CenoteError` as with `open_secrets`."""
    return open_secrets(key.standing(now_ms), sealing_key)


def rotated(key: AccessKey, sealing_key: SealingKeyOf, secret: str, *, former_until_ms: int) -> AccessKey:
    """The key with a new secret; the one of now goes on working until then."""
    former = open_secrets(key, sealing_key)[0]
    return with_secrets(replace(key, former_until_ms=former_until_ms), sealing_key, secret, former)


def allowed(key: AccessKey, sealing_key: SealingKeyOf, policy: str) -> AccessKey:
    """The key with another policy, and the same secrets; `CenoteError` for one that is not bound."""
    return with_secrets(replace(key, policy=policy), sealing_key, *open_secrets(key, sealing_key))


def taken_up(
    key: AccessKey, sealing_key: SealingKeyOf, secret: str, *, policy: str, now_ms: int
) -> AccessKey:
    """
    A key that was sealed by itself, bound from now on: its id and its name with a new secret and a policy.

    Nothing vouches for what its row says, and not for which of its secrets is the present one: it may be one
    that leaked and was rotated away.  So none of them stays.  `CenoteError` where the name is none.
    """
    if not NAME.fullmatch(key.name):
        raise CenoteError(f"The access key {key.key_id} has a name that no key can have: revoke it.")
    anew = replace(key, policy=policy, created_ms=now_ms, former_until_ms=0)
    return with_secrets(anew, sealing_key, secret)


def bound(key: AccessKey, sealing_key: SealingKeyOf) -> AccessKey:
    """A key that was sealed by itself, bound to what its row says: only where that is known to be true."""
    return with_secrets(key, sealing_key, *open_unbound(key, sealing_key))


def resealed(key: AccessKey, sealing_key: SealingKeyOf) -> AccessKey:
    """
    The same key closed with the master key of now; one that is not bound does not become so by it.

    `CenoteError` when its row was changed.
    """
    found = binding_of(key, sealing_key)
    if found is Binding.ALTERED:  # before it is opened: of a planted id there may be no envelope at all
        raise CenoteError("an access key does not open")
    place_of = _unbound if found is Binding.UNBOUND else _bound
    return _sealed(key, sealing_key, place_of, _opened(key, sealing_key, place_of))


def binding_of(key: AccessKey, sealing_key: SealingKeyOf) -> Binding:
    """Whether a key that is not revoked opens, and beside what."""
    if KEY_ID.fullmatch(key.key_id):  # others are nobody's: no call can name them
        for binding, place_of in ((Binding.BOUND, _bound), (Binding.UNBOUND, _unbound)):
            with contextlib.suppress(CenoteError):
                _opened(key, sealing_key, place_of)
                return binding
    return Binding.ALTERED


def _sealed(
    key: AccessKey, sealing_key: SealingKeyOf, place_of: PlaceOf, secrets: Sequence[str | None]
) -> AccessKey:
    closing, of_column = sealing_key(key.key_id), dict(zip(COLUMNS, secrets, strict=False))
    closed = {
        column: closing.seal(place_of(key, column), secret.encode())
        for column, secret in of_column.items()
        if secret is not None
    }
    return replace(key, secret=closed["secret"], former_secret=closed.get("former_secret"))


def _opened(key: AccessKey, sealing_key: SealingKeyOf, place_of: PlaceOf) -> tuple[str, ...]:
    opening, held = sealing_key(key.key_id), zip(COLUMNS, (key.secret, key.former_secret), strict=True)
    return tuple(
        opening.open(place_of(key, column), envelope).decode()
        for column, envelope in held
        if envelope is not None
    )


def _bound(key: AccessKey, column: str) -> Place:
    return Place("access_keys", column, key.key_id, besides=key.terms())


def _unbound(key: AccessKey, _column: str) -> Place:
    """Where both secrets were sealed before they were bound to anything."""
    return Place("access_keys", "secret", key.key_id)
