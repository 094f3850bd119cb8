"""
The client's half of SRP, fast: what the generator must send to have a password proven.

Powers are gmpy2's.  Leaves out the wire.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import gmpy2

from cenote.domain.powers import GENERATOR, PRIME

SECRET = 0x5EED  # of one generator, whose passwords are no secret


def _padded(number: int) -> bytes:
    """Java's BigInteger.toByteArray of a positive number."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _hashed(*pieces: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(pieces)).digest(), "big")


_MULTIPLIER = _hashed(_padded(int(PRIME)), _padded(int(GENERATOR)))
_PUBLIC = int(gmpy2.powmod(GENERATOR, SECRET, PRIME))
PUBLIC = f"{_PUBLIC:x}"


@dataclass(frozen=True, slots=True)
class Prover:
    """Somebody who knows the one password of a pool's people."""

    pool_id: str
    password: str

    def answers(self, asked: Mapping[str, str]) -> dict[str, str]:
        """The ChallengeResponses to the question of PASSWORD_VERIFIER."""
        suffix, user_id = self.pool_id.split("_", 1)[1], asked["USER_ID_FOR_SRP"]
        now = datetime.now(UTC)
        said = now.strftime(f"%a %b {now.day} %H:%M:%S UTC %Y")
        message = f"{suffix}{user_id}".encode() + base64.b64decode(asked["SECRET_BLOCK"]) + said.encode()
        proof = hmac.digest(self._key(suffix, user_id, asked), message, "sha256")
        return {
            "USERNAME": asked["USERNAME"],
            "PASSWORD_CLAIM_SECRET_BLOCK": asked["SECRET_BLOCK"],
            "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(proof).decode(),
            "TIMESTAMP": said,
        }

    def _key(self, suffix: str, user_id: str, asked: Mapping[str, str]) -> bytes:
        salt, server_public = int(asked["SALT"], 16), int(asked["SRP_B"], 16)
        inner = hashlib.sha256(f"{suffix}{user_id}:{self.password}".encode()).digest()
        x = _hashed(_padded(salt), inner)
        u = _hashed(_padded(_PUBLIC), _padded(server_public))
        base = (server_public - _MULTIPLIER * gmpy2.powmod(GENERATOR, x, PRIME)) % PRIME
        shared = int(gmpy2.powmod(base, SECRET + u * x, PRIME))
        extracted = hmac.digest(_padded(u), _padded(shared), "sha256")
        return hmac.digest(extracted, b"Caldera Derived Key\x01", "sha256")[:16]
