"""
Blind names and blind marks: a user is found by the HMAC of a name, or of what may be searched for, under a
pool's key, so that neither lies in a table.
"""

import hashlib
import hmac
from collections.abc import Iterable

RUNG_BYTES = 6  # a search opens what it finds, so that two texts with one blind rung do no harm


def blind_name(pool_secret: bytes, name: str) -> bytes:
    """
    The same 32 bytes for the same folded name in one pool, and nothing to learn from them without its key.
    """
    return hmac.digest(pool_secret, b"name|" + name.encode(), hashlib.sha256)


def blind_mark(pool_secret: bytes, rungs: Iterable[str]) -> bytes:
    """The rungs of a mark, each blind, one behind the other: marks that share rungs begin alike."""
    return b"".join(
        hmac.digest(pool_secret, b"mark|" + rung.encode(), hashlib.sha256)[:RUNG_BYTES] for rung in rungs
    )
