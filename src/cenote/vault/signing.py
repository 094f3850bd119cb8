"""
A pool's two RSA keys: made, kept sealed under the pool's key, used to sign, published as a JWK set.

One signs access tokens, the other ID tokens, so neither kind passes for the other.  Leaves out what a token
says (`domain/tokens.py`) and who may act on one (`operations/callers.py`).
"""

import base64
import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from joserfc import jws
from joserfc.jwk import RSAKey

from cenote.domain.tokens import Parts

ALGORITHM = "RS256"
KEY_BITS = 2048
KID_BYTES = 32
_PADDING, _HASH = padding.PKCS1v15(), hashes.SHA256()  # RS256 (RFC 7518, 3.3)


@dataclass(frozen=True, eq=False)
class SigningKey:
    """A private key and the id that its tokens name.  Its repr shows neither."""

    kid: str
    private_der: bytes

    @staticmethod
    def new() -> "SigningKey":
        """A fresh RSA-2048 key; its `kid` is 32 random bytes in standard base64, as the live service's."""
        private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        der = private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return SigningKey(base64.b64encode(os.urandom(KID_BYTES)).decode(), der)

    def __repr__(self) -> str:
        return "SigningKey(…)"

    @cached_property
    def _key(self) -> RSAKey:
        private = serialization.load_der_private_key(
            self.private_der, password=None, unsafe_skip_rsa_key_validation=True
        )
        if not isinstance(private, rsa.RSAPrivateKey):
            raise TypeError("a signing key is RSA")
        return RSAKey.import_key(private)

    @cached_property
    def public_der(self) -> bytes:
        """The public half, which outlives the pool by a day so that its tokens are refused by name."""
        return self._key.public_key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, payload: bytes) -> str:
        """A compact JWS whose header is exactly `{"kid":…,"alg":"RS256"}`, without a `typ`."""
        return jws.serialize_compact({"kid": self.kid, "alg": ALGORITHM}, payload, self._key, [ALGORITHM])

    def verification_key(self) -> "VerificationKey":
        """The key that checks what this one signs."""
        return VerificationKey(self.kid, self.public_der)


@dataclass(frozen=True)
class VerificationKey:
    """A public key and its id."""

    kid: str
    public_der: bytes

    @cached_property
    def _key(self) -> rsa.RSAPublicKey:
        public = serialization.load_der_public_key(self.public_der)
        if not isinstance(public, rsa.RSAPublicKey):
            raise TypeError("a verification key is RSA")
        return public

    def verifies(self, parts: Parts) -> bool:
        """
        True when the compact JWS was signed with the private half, by RS256 and nothing else.

        The header is not asked which algorithm to use, and was read before; so one line of RFC 7515 (5.2) is
        left of the library's work, which would decode all three parts again (measured: a tenth of a GetUser).
        """
        try:
            self._key.verify(parts.signature, parts.signed, _PADDING, _HASH)
        except (InvalidSignature, ValueError):
            return False
        return True

    def as_jwk(self) -> dict[str, Any]:
        """The member of a JWK set (RFC 7517), its members in the live service's order."""
        public = RSAKey.import_key(self._key).as_dict(private=False)
        return {
            "alg": ALGORITHM,
            "e": public["e"],
            "kid": self.kid,
            "kty": "RSA",
            "n": public["n"],
            "use": "sig",
        }
