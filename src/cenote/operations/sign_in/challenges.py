"""
Challenges on their way: what the server must remember between two calls travels with the client, sealed.

A challenge reserves the id of the session that it will begin; since that id is a primary key, of all the
answers to one challenge only one begins a session.  Leaves out what each challenge asks.
"""

import base64
import binascii

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cenote.domain.clients import auth_session_validity_ms
from cenote.domain.registrations import Client, Pool
from cenote.errors import NotAuthorizedException
from cenote.services import Services

INVALID = "Invalid session for the user."
EXPIRED = "Invalid session for the user, session is expired."
USED = "Invalid session for the user, session can only be used once."
# The live service's sessions are envelopes of its encryption library, and begin with these bytes.
_MARK = b"\x01\x80\x01\x78"
_NONCE_BYTES = 12


class Challenge(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """One question that was asked: of whom, by which client, when, and what its answer needs."""

    name: str
    pool_id: str
    client_id: str
    sub: str  # of nobody a random one: they must look like somebody
    username: str  # USER_ID_FOR_SRP
    submitted: str  # the name that was typed in
    asked_ms: int
    session_id: str
    by_password: bool = False
    temporary_since_ms: int | None = None  # which temporary password it was that asked for another
    secret: bytes = b""
    client_public: bytes = b""
    server_public: bytes = b""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Challenge)


def sealed(services: Services, challenge: Challenge) -> bytes:
    """The challenge as only this server can read it."""
    nonce = services.random_bytes(_NONCE_BYTES)
    return _MARK + nonce + _cipher(services).encrypt(nonce, _encoder.encode(challenge), _MARK)


def session_text(services: Services, challenge: Challenge) -> str:
    """The challenge as the `Session` of an answer."""
    return _text_of(sealed(services, challenge))


def opened_session(services: Services, pool: Pool, client: Client, text: str) -> Challenge:
    """The challenge of a `Session` that this client was given and that is not over."""
    challenge = _of_text(services, text)
    if challenge is None or (challenge.pool_id, challenge.client_id) != (pool.pool_id, client.client_id):
        raise NotAuthorizedException(INVALID)
    if is_over(services, client, challenge):
        raise NotAuthorizedException(EXPIRED)
    return challenge


def pool_of_session(services: Services, text: str) -> str | None:
    """The pool whose sign-in a `Session` is of, over or not; None for what this server did not seal."""
    challenge = _of_text(services, text)
    return None if challenge is None else challenge.pool_id


def opened(services: Services, raw: bytes) -> Challenge | None:
    """The challenge in these bytes, or None for anything that this server did not seal."""
    nonce, text = raw[len(_MARK) : len(_MARK) + _NONCE_BYTES], raw[len(_MARK) + _NONCE_BYTES :]
    if not raw.startswith(_MARK):
        return None
    try:
        return _decoder.decode(_cipher(services).decrypt(nonce, text, _MARK))
    except (InvalidTag, ValueError):
        return None


def is_over(services: Services, client: Client, challenge: Challenge) -> bool:
    """Whether the client's AuthSessionValidity has passed since the question."""
    return services.now_ms() >= challenge.asked_ms + auth_session_validity_ms(client.document)


def _of_text(services: Services, text: str) -> Challenge | None:
    try:
        raw = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return opened(services, raw) if _text_of(raw) == text else None  # one session has one spelling


def _text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _cipher(services: Services) -> AESGCM:
    return AESGCM(services.keyed_digest(b"challenges"))
