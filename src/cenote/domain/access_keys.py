"""
Access keys: what an administrator's client signs with.

Owns the look of ids and secrets, and what a rotation and a revocation do to a key.  Leaves out the signature
(`wire/sigv4.py`) and what a key may do (`wire/policy.py`): its policy is text here.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cenote.domain.sealed import Key, Place

KEY_ID = re.compile(r"AKIA[A-Z2-7]{16}")
KEY_ID_ENTROPY_BYTES = 10
SECRET_ENTROPY_BYTES = 30
ENTROPY_BYTES = KEY_ID_ENTROPY_BYTES + SECRET_ENTROPY_BYTES
USE_NOTED_EVERY_MS = 60_000
NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{1,64}")  # as IAM names its users

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

    def sealed_secrets(self, now_ms: int) -> list[bytes]:
        """What a signature of now may be made with, newest first."""
        former = self.former_secret if now_ms < self.former_until_ms else None
        return [sealed for sealed in (self.secret, former) if sealed is not None]

    def revoked(self) -> "AccessKey":
        """The key without its secrets: it is remembered, and nothing can bring it back."""
        return replace(self, secret=None, former_secret=None, former_until_ms=0)

    def rotated(self, sealed: bytes, *, former_until_ms: int) -> "AccessKey":
        """The key with a new secret; the one of now goes on working until then."""
        return replace(self, secret=sealed, former_secret=self.secret, former_until_ms=former_until_ms)


def new_access_key(
    entropy: bytes, sealing_key: SealingKeyOf, *, name: str, policy: str, now_ms: int
) -> tuple[AccessKey, str]:
    """A new key, and its secret, which is told once and can't be read again."""
    key_id = "AKIA" + base64.b32encode(entropy[:KEY_ID_ENTROPY_BYTES]).decode()
    secret = new_secret(entropy[KEY_ID_ENTROPY_BYTES:])
    sealed = seal_secret(sealing_key, key_id, secret)
    return AccessKey(key_id=key_id, name=name, secret=sealed, policy=policy, created_ms=now_ms), secret


def new_secret(entropy: bytes) -> str:
    """A secret in the form of AWS's: 40 letters of base64."""
    return base64.b64encode(entropy[:SECRET_ENTROPY_BYTES]).decode()


def seal_secret(sealing_key: SealingKeyOf, key_id: str, secret: str) -> bytes:
    """The secret as it is held."""
    return sealing_key(key_id).seal(_place(key_id), secret.encode())


def open_secret(sealing_key: SealingKeyOf, key_id: str, sealed: bytes) -> str:
    """The secret as it signs."""
    return sealing_key(key_id).open(_place(key_id), sealed).decode()


def _place(key_id: str) -> Place:
    return Place("access_keys", "secret", key_id)
