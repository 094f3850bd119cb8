"""Blind names: a user is found by the HMAC of a name under a pool's key, so that no name lies in a table."""

import hashlib
import hmac


def blind_name(pool_secret: bytes, name: str) -> bytes:
    """
    The same 32 bytes for the same folded name in one pool, and nothing to learn from them without its key.
    """
    return hmac.digest(pool_secret, b"name|" + name.encode(), hashlib.sha256)
