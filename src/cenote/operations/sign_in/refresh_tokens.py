"""
Refresh tokens: opaque to clients, in the five parts of a compact JWE, sealed under a key of this server
alone.

The first part is the live service's header to the letter, since clients look at it; what follows is not RSA:
one server writes and reads the token, so a symmetric key and a random salt say all that is needed.
"""

import base64
import binascii

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cenote.services import Services

HEADER = "eyJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBLU9BRVAifQ"
SALT_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
TOKEN_CHARACTERS_MAX = 4_096
PARTS = 5  # of a compact JWE


class RefreshClaims(msgspec.Struct, array_like=True, frozen=True):
    """
    What a refresh token says: whose it is, of which session, for which client, until when, and which of the
    session's generations it is.

    It knows its own end, since the session's row is cleared away soon after it.
    """

    pool_id: str
    sub: str
    session_id: str
    client_id: str
    expires_ms: int
    generation: int = 0


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(RefreshClaims)


def new_refresh_token(services: Services, said: RefreshClaims) -> str:
    """A token that says this, to this server only."""
    salt, nonce = services.random_bytes(SALT_BYTES), services.random_bytes(NONCE_BYTES)
    sealed = _cipher(services, salt).encrypt(nonce, _encoder.encode(said), HEADER.encode())
    parts = (salt, nonce, sealed[:-TAG_BYTES], sealed[-TAG_BYTES:])
    return ".".join([HEADER, *(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)])


def read_refresh_token(services: Services, token: str) -> RefreshClaims | None:
    """What the token says, or None for anything that this server did not write in just this spelling."""
    if len(token) > TOKEN_CHARACTERS_MAX:
        return None
    pieces = token.split(".")
    if len(pieces) != PARTS or pieces[0] != HEADER:
        return None
    try:
        salt, nonce, text, tag = (_decoded(piece) for piece in pieces[1:])
        if len(tag) != TAG_BYTES:
            return None
        clear = _cipher(services, salt).decrypt(nonce, text + tag, HEADER.encode())
        return _decoder.decode(clear)
    except (binascii.Error, ValueError, InvalidTag):
        return None


def _cipher(services: Services, salt: bytes) -> AESGCM:
    return AESGCM(services.keyed_digest(b"refresh token|" + salt))


def _decoded(piece: str) -> bytes:
    content = base64.b64decode(piece.encode() + b"=" * (-len(piece) % 4), altchars=b"-_", validate=True)
    if base64.urlsafe_b64encode(content).rstrip(b"=") != piece.encode():
        raise ValueError("not the one spelling of these bytes")
    return content
