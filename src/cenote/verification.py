"""
The public keys that tokens name, found by `kid` and kept parsed.

A key that is not known is looked up each time: a pool that another process has just made must be known at
once, and a forger gains nothing but one read of an index.  The table lies in clear, so a key of it is held
against the sealed secrets of its pool: whoever can write to the database makes no tokens by that.
"""

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

import msgspec

from cenote.domain.registrations import Pool, VerificationEntry
from cenote.domain.tokens import Parts, parts_of
from cenote.errors import ResourceNotFoundException
from cenote.log import logger
from cenote.store.contract import Store
from cenote.store.transaction import Transaction
from cenote.vault.pool_secrets import OpenedPool, PoolSecrets
from cenote.vault.signing import ALGORITHM, VerificationKey

KEYS_KEPT_MAX = 2_048
_KID = re.compile(r"[A-Za-z0-9+/]{43}=")  # 32 bytes in base64: nothing else is worth a question

log = logger("cenote.verification")


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    """All that a header of this server's says; `jwk`, `crit` or `b64` would ask for what nobody here does."""

    kid: str
    alg: str


_header_decoder = msgspec.json.Decoder(_Header)


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A public key, the pool whose tokens it checks, and which kind of token that is."""

    pool_id: str
    use: str
    key: VerificationKey


class PresentedToken:
    """A token of the present call, taken apart, with the key that it names; nothing in it is believed yet."""

    __slots__ = ("_is_genuine", "known", "parts")

    def __init__(self, parts: Parts, known: KnownKey) -> None:
        self.parts = parts
        self.known = known
        self._is_genuine: bool | None = None

    def is_genuine(self) -> bool:
        """Whether it bears the signature of that key; however often it is asked, it is calculated once."""
        if self._is_genuine is None:
            self._is_genuine = self.known.key.verifies(self.parts)
        return self._is_genuine


class VerificationKeys:
    """Every pool's public keys, as far as tokens have named them."""

    def __init__(self, store: Store, pool_secrets: PoolSecrets) -> None:
        self._store = store
        self._pool_secrets = pool_secrets
        self._kept: OrderedDict[str, KnownKey] = OrderedDict()
        self._guard = threading.Lock()

    def read(self, token: str) -> PresentedToken | None:
        """A token beside the key that its header names; None for what no key of this server has signed."""
        parts = parts_of(token)
        known = None if parts is None else self._named_by(parts.header)
        return None if parts is None or known is None else PresentedToken(parts, known)

    def _named_by(self, header: bytes) -> KnownKey | None:
        """The key that a token's header names; None when it isn't a header of this server's."""
        try:
            read = _header_decoder.decode(header)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        return self.find(read.kid) if read.alg == ALGORITHM else None

    def find(self, kid: str) -> KnownKey | None:
        """The key of this id, or None."""
        with self._guard:
            if kid in self._kept:
                self._kept.move_to_end(kid)
                return self._kept[kid]
        if not _KID.fullmatch(kid):
            return None
        entry, pool = self._store.read(partial(_looked_up, kid))
        if entry is None:
            return None
        known = KnownKey(entry.pool_id, entry.use, VerificationKey(entry.kid, entry.public_der))
        secrets = self._secrets_of(pool)
        if secrets is None:  # its tokens are refused by name, and nothing vouches for the key any more
            return known
        own = secrets.access if entry.use == "access" else secrets.id
        if (own.kid, own.public_der) != (entry.kid, entry.public_der):
            log.error("foreign verification key", pool=entry.pool_id)
            return None
        with self._guard:
            self._kept[kid] = known
            while len(self._kept) > KEYS_KEPT_MAX:
                self._kept.popitem(last=False)
        return known

    def _secrets_of(self, pool: Pool | None) -> OpenedPool | None:
        """What the pool signs with; None of one that is gone."""
        try:
            return None if pool is None else self._pool_secrets.of(pool)
        except ResourceNotFoundException:  # erased since it was read
            return None


def _looked_up(kid: str, tx: Transaction) -> tuple[VerificationEntry | None, Pool | None]:
    entry = tx.pools.find_verification_key(kid)
    return entry, None if entry is None else tx.pools.find(entry.pool_id)
