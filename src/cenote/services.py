"""
The seams: everything that an operation reaches the outside world through.

Built in `app.py` and nowhere else; an operation is given one `Services` and a request.
"""

import hashlib
import hmac
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from cenote.blindings import Blindings
from cenote.gate import Gate
from cenote.stand_ins import StandIns
from cenote.store.contract import Store
from cenote.vault.keys import Keyring
from cenote.vault.masters import Masters
from cenote.vault.pool_secrets import PoolSecrets
from cenote.verification import PresentedToken, VerificationKeys

_call_id: ContextVar[str] = ContextVar("cenote_call_id")
_Presented = tuple[str, PresentedToken | None]
_presented: ContextVar[_Presented | None] = ContextVar("cenote_presented", default=None)


@dataclass(frozen=True, slots=True)
class Locality:
    """Where this server stands: its region and account, and the issuer of its tokens."""

    region: str
    account: str
    public_url: str
    issuer: str  # "cenote" or "aws"

    def issuer_of(self, pool_id: str) -> str:
        """The `iss` of a pool's tokens, under which its discovery document is found."""
        if self.issuer == "aws":
            return f"https://cognito-idp.{self.region}.amazonaws.com/{pool_id}"
        return f"{self.public_url}/{pool_id}"

    def arn_of(self, pool_id: str) -> str:
        """A pool's ARN, in the partition of the region."""
        return f"arn:{self._partition}:cognito-idp:{self.region}:{self.account}:userpool/{pool_id}"

    def user_arn(self, name: str) -> str:
        """The ARN of an administrator, who is named after their access key."""
        return f"arn:{self._partition}:iam::{self.account}:user/{name}"

    @property
    def _partition(self) -> str:
        for prefix, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
            if self.region.startswith(prefix):
                return partition
        return "aws"


@dataclass(frozen=True, slots=True)
class Services:
    """What an operation may use."""

    locality: Locality
    store: Store
    keyring: Keyring
    pool_secrets: PoolSecrets
    stand_ins: StandIns
    verification: VerificationKeys
    master: Masters
    server_secret: bytes
    gate: Gate
    blindings: Blindings
    now_ms: Callable[[], int]
    wall_ms: Callable[[], int]  # the real time, to which whatever a client signed at a time is held
    random_bytes: Callable[[int], bytes]

    def new_id(self) -> str:
        """A fresh identifier in the form of a random UUID (RFC 9562, version 4)."""
        return uuid_of(self.random_bytes(16))

    def new_code(self, digits: int) -> str:
        """A fresh code of so many digits, each equally likely."""
        return f"{int.from_bytes(self.random_bytes(16), 'big') % 10**digits:0{digits}d}"

    def keyed_digest(self, text: bytes) -> bytes:
        """A digest that only this server can make: six digits need more than a hash."""
        return hmac.digest(self.server_secret, text, hashlib.sha256)

    def presented(self, token: str) -> PresentedToken | None:
        """The token beside the key that it names, or None; asked twice of one text, it is read once."""
        latest = _presented.get()
        if latest is None or latest[0] is not token:
            latest = (token, self.verification.read(token))
            _presented.set(latest)
        return latest[1]

    def call_id(self) -> str:
        """The id of the request being answered, which the client reads in `x-amzn-requestid`."""
        return _call_id.get()


def uuid_of(entropy: bytes) -> str:
    """An identifier in the form of a random UUID (RFC 9562, version 4), of these sixteen random bytes."""
    raw = bytearray(entropy)
    raw[6], raw[8] = raw[6] & 0x0F | 0x40, raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def begin_call(call_id: str) -> None:
    """Name the request that this thread is answering."""
    _call_id.set(call_id)
    _presented.set(None)


def end_call() -> None:
    """Let go of the token that the call came with: a thread may wait long for its next one."""
    _presented.set(None)
