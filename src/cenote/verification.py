"""
The public keys that tokens name, found by `kid` and kept parsed.

A key that is not known is looked up each time: a pool that another process has just made must be known at
once, and a forger gains nothing but one read of an index.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from cenote.store.contract import Store
from cenote.vault.signing import VerificationKey

KEYS_KEPT_MAX = 2_048
KID_CHARACTERS = 44


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A public key, the pool whose tokens it checks, and which kind of token that is."""

    pool_id: str
    use: str
    key: VerificationKey


class VerificationKeys:
    """Every pool's public keys, as far as tokens have named them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[str, KnownKey] = OrderedDict()
        self._guard = threading.Lock()

    def find(self, kid: str) -> KnownKey | None:
        """The key of this id, or None."""
        with self._guard:
            if kid in self._kept:
                self._kept.move_to_end(kid)
                return self._kept[kid]
        if len(kid) != KID_CHARACTERS:
            return None
        entry = self._store.read(lambda tx: tx.pools.find_verification_key(kid))
        if entry is None:
            return None
        known = KnownKey(entry.pool_id, entry.use, VerificationKey(entry.kid, entry.public_der))
        with self._guard:
            self._kept[kid] = known
            while len(self._kept) > KEYS_KEPT_MAX:
                self._kept.popitem(last=False)
        return known
