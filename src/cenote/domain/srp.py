"""
The arithmetic of passwords: SRP-6a over RFC 3526's group 15, as Cognito's clients compute it.

A password is kept as salt and verifier only.  `USER_PASSWORD_AUTH` recomputes the verifier: there is no
second hash.  The generator's powers come from a table, blinded (`powers.py`); those of a client's public
value are constant-time and let other threads run: their caller holds the gate (`services.gate`).  Leaves out
randomness: salts and blindings come in as arguments.
"""

import hashlib
import hmac
from dataclasses import dataclass

import gmpy2

from cenote.domain.powers import EXPONENT_BYTES, GENERATOR, PRIME, Blinding, power_of_generator

SALT_BYTES = 16
VERIFIER_BYTES = 384
SECRET_BYTES = EXPONENT_BYTES
SHARED_KEY_BYTES = 16
PUBLIC_HEX_DIGITS_MAX = 2 * VERIFIER_BYTES + 2
_KEY_INFO = b"Caldera Derived Key"


@dataclass(frozen=True, slots=True, repr=False)
class Verifier:
    """What is kept of a password: enough to check it, and to speak SRP with who knows it."""

    salt: bytes
    value: bytes


def verifier_of(pool_id: str, username: str, password: str, salt: bytes, blinding: Blinding) -> Verifier:
    """
    The verifier of a password; the blinding leaves no trace in it, and is used for nothing else.

    `username` is the name that clients are told as USER_ID_FOR_SRP.
    """
    identity = f"{pool_id.partition('_')[2]}{username}:{password}".encode()
    inner = hashlib.sha256(identity).digest()
    power = power_of_generator(hashlib.sha256(_pad(salt) + inner).digest(), blinding)
    return Verifier(salt, int(power).to_bytes(VERIFIER_BYTES, "big"))


def is_password(kept: Verifier, pool_id: str, username: str, password: str, blinding: Blinding) -> bool:
    """True for the one password; as dear for a wrong one, and compared in constant time."""
    given = verifier_of(pool_id, username, password, kept.salt, blinding)
    return hmac.compare_digest(given.value, kept.value)


def _pad(number: bytes) -> bytes:
    """Java's BigInteger.toByteArray of a positive number: minimal, with a zero byte before a set top bit."""
    number = number.lstrip(b"\0") or b"\0"
    return b"\0" + number if number[0] & 0x80 else number


def public_value(kept: Verifier, secret: bytes, blinding: Blinding) -> bytes:
    """The server's public value B of one sign-in; the secret is SECRET_BYTES of chance."""
    blinded = _MULTIPLIER * _number(kept.value)
    return _bytes((blinded + power_of_generator(secret, blinding)) % PRIME)


def shared_key(kept: Verifier, secret: bytes, *, client_public: bytes, server_public: bytes) -> bytes | None:
    """
    The key that a client has too who knows the password (two powers); None for a value that proves nothing.

    A multiple of the prime, or a zero hash, would make the key known to anybody (RFC 5054, 2.5.4).
    """
    theirs = _number(client_public)
    scrambling = hashlib.sha256(_pad(client_public) + _pad(server_public)).digest()
    if theirs % PRIME == 0 or not any(scrambling):
        return None
    with gmpy2.context(gmpy2.get_context(), allow_release_gil=True):
        known_power = gmpy2.powmod(_number(kept.value), _number(scrambling), PRIME)  # its exponent is public
        shared = _bytes(gmpy2.powmod_sec(theirs * known_power % PRIME, _number(secret), PRIME))
    extracted = hmac.digest(_pad(scrambling), _pad(shared), hashlib.sha256)
    return hmac.digest(extracted, _KEY_INFO + b"\x01", hashlib.sha256)[:SHARED_KEY_BYTES]


def proof(key: bytes, pool_id: str, username: str, secret_block: bytes, timestamp: str) -> bytes:
    """What a client signs to show that it has the key; the time counts as it was written."""
    said = f"{pool_id.partition('_')[2]}{username}".encode() + secret_block + timestamp.encode()
    return hmac.digest(key, said, hashlib.sha256)


def _number(raw: bytes) -> gmpy2.mpz:
    return gmpy2.mpz(int.from_bytes(raw, "big"))


def _bytes(number: gmpy2.mpz) -> bytes:
    whole = int(number)
    return whole.to_bytes((whole.bit_length() + 7) // 8 or 1, "big")


_MULTIPLIER = _number(hashlib.sha256(_pad(_bytes(PRIME)) + _pad(_bytes(GENERATOR))).digest())
