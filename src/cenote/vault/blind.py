"""
Blind names and blind marks: a user is found by the HMAC of a name, or of what may be searched for, under a
pool's key, so that neither lies in a table.
"""

import hashlib
import hmac

TOKEN_BYTES = 12  # a search opens what it finds, so that two marks with one token do no harm


def blind_name(pool_secret: bytes, name: str) -> bytes:
    """
    The same 32 bytes for the same folded name in one pool, and nothing to learn from them without its key.
    """
    return hmac.digest(pool_secret, b"name|" + name.encode(), hashlib.sha256)


def search_token(pool_secret: bytes, mark: str) -> bytes:
    """The token of a mark: the same for all users of a pool who share it."""
    return hmac.digest(pool_secret, b"mark|" + mark.encode(), hashlib.sha256)[:TOKEN_BYTES]
