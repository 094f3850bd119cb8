"""
What a forger holds, and the handicraft: parts put together, signed with this key or under that secret.

Leaves out what is worth trying (`forgeries.py`).
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from cenote.vault.pool_secrets import OpenedPool
from cenote.vault.signing import SigningKey
from tests.wire.craft import claims_of, decoded, encoded, header_of


@dataclass(frozen=True, repr=False)
class Scene:
    """What there is to forge with.  Its repr shows none of it."""

    access: str
    identity: str
    refresh: str
    another: str  # another user's genuine access token, of the same pool
    own: SigningKey  # the forger's
    foreign: OpenedPool  # another pool
    foreign_access: str
    pool: OpenedPool

    def __repr__(self) -> str:
        return "Scene(…)"

    @property
    def kid(self) -> str:
        """The id of the key that signs the pool's access tokens."""
        return self.pool.access.kid

    def head(self, **changes: Any) -> bytes:
        """The genuine header with changes; a member that is None is left out."""
        return json_of(header_of(self.access) | changes)

    def body(self, **changes: Any) -> bytes:
        """The genuine payload with changes; a member that is None is left out."""
        return json_of(claims_of(self.access) | changes)

    def parts(self) -> list[str]:
        """The three parts of the genuine token."""
        return self.access.split(".")


Forgery = Callable[[Scene], str]


def json_of(members: Mapping[str, Any]) -> bytes:
    """Compact JSON of these members in their order; one that is None is left out."""
    return msgspec.json.encode({name: value for name, value in members.items() if value is not None})


def token(header: bytes, payload: bytes, signature: bytes) -> str:
    """The compact form of these three parts."""
    return f"{encoded(header)}.{encoded(payload)}.{encoded(signature)}"


def rs256(
    header: bytes, payload: bytes, key: SigningKey, algorithm: hashes.HashAlgorithm | None = None
) -> str:
    """A token signed with this key, whatever its header says."""
    return token(
        header,
        payload,
        private_of(key).sign(
            signing_input(header, payload), padding.PKCS1v15(), algorithm or hashes.SHA256()
        ),
    )


def hs256(header: bytes, payload: bytes, secret: bytes) -> str:
    """A token whose signature is a digest under a secret."""
    return token(header, payload, hmac.digest(secret, signing_input(header, payload), hashlib.sha256))


def signing_input(header: bytes, payload: bytes) -> bytes:
    """What a signature is of."""
    return f"{encoded(header)}.{encoded(payload)}".encode()


def private_of(key: SigningKey) -> rsa.RSAPrivateKey:
    """The key as the library takes it."""
    private = load_der_private_key(key.private_der, None)
    assert isinstance(private, rsa.RSAPrivateKey)
    return private


def public_of(key: SigningKey, encoding: Encoding, form: PublicFormat) -> bytes:
    """The public half in one of its forms."""
    return private_of(key).public_key().public_bytes(encoding, form)


SECRETS: dict[str, Callable[[SigningKey], bytes]] = {
    "PEM": lambda key: public_of(key, Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "PEM without its last newline": lambda key: public_of(
        key, Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    ).rstrip(b"\n"),
    "PEM of PKCS 1": lambda key: public_of(key, Encoding.PEM, PublicFormat.PKCS1),
    "DER": lambda key: public_of(key, Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "DER of PKCS 1": lambda key: public_of(key, Encoding.DER, PublicFormat.PKCS1),
    "JWK": lambda key: msgspec.json.encode(key.verification_key().as_jwk()),
    "modulus": lambda key: decoded(key.verification_key().as_jwk()["n"]),
    "modulus in base64": lambda key: str(key.verification_key().as_jwk()["n"]).encode(),
    "nothing": lambda _key: b"",
}


def genuine_respelled(scene: Scene) -> str:
    """The control: put together from its decoded parts the genuine token is the genuine token."""
    return token(scene.head(), scene.body(), decoded(scene.parts()[2]))
