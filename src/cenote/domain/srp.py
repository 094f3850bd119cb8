"""
The arithmetic of passwords: SRP-6a over RFC 3526's group 15, as Cognito's clients compute it.

A password is kept as salt and verifier only.  `USER_PASSWORD_AUTH` recomputes the verifier: there is no
second hash.  The powers are constant-time and let other threads run; the caller holds the gate
(`services.gate`). Leaves out randomness: salts come in as arguments.
"""

import hashlib
import hmac
from dataclasses import dataclass

import gmpy2

SALT_BYTES = 16
GENERATOR = gmpy2.mpz(2)
PRIME = gmpy2.mpz(
    int(
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
        "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
        "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
        "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
        "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
        "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
        "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
        "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
        16,
    )
)
VERIFIER_BYTES = 384
SECRET_BYTES = 32
SHARED_KEY_BYTES = 16
PUBLIC_HEX_DIGITS_MAX = 2 * VERIFIER_BYTES + 2
_KEY_INFO = b"Caldera Derived Key"


@dataclass(frozen=True, slots=True, repr=False)
class Verifier:
    """What is kept of a password: enough to check it, and to speak SRP with who knows it."""

    salt: bytes
    value: bytes


def verifier_of(pool_id: str, username: str, password: str, salt: bytes) -> Verifier:
    """
    The verifier of a password (about 1.2 ms of one core, with the GIL released).

    `username` is the name that clients are told as USER_ID_FOR_SRP.
    """
    identity = f"{pool_id.partition('_')[2]}{username}:{password}".encode()
    inner = hashlib.sha256(identity).digest()
    x = int.from_bytes(hashlib.sha256(_pad(salt) + inner).digest(), "big")
    return Verifier(salt, int(_power(GENERATOR, gmpy2.mpz(x))).to_bytes(VERIFIER_BYTES, "big"))


def is_password(kept: Verifier, pool_id: str, username: str, password: str) -> bool:
    """True for the one password; as dear for a wrong one, and compared in constant time."""
    given = verifier_of(pool_id, username, password, kept.salt)
    return hmac.compare_digest(given.value, kept.value)


def _power(generator: gmpy2.mpz, exponent: gmpy2.mpz) -> gmpy2.mpz:
    with gmpy2.context(gmpy2.get_context(), allow_release_gil=True):
        return gmpy2.powmod_sec(generator, exponent, PRIME)


def _pad(number: bytes) -> bytes:
    """Java's BigInteger.toByteArray of a positive number: minimal, with a zero byte before a set top bit."""
    number = number.lstrip(b"\0") or b"\0"
    return b"\0" + number if number[0] & 0x80 else number


def public_value(kept: Verifier, secret: bytes) -> bytes:
    """The server's public value B of one sign-in (one power); the secret is 32 random bytes."""
    blinded = _MULTIPLIER * gmpy2.mpz(int.from_bytes(kept.value, "big"))
    return _bytes((blinded + _power(GENERATOR, _number(secret))) % PRIME)


def shared_key(kept: Verifier, secret: bytes, *, client_public: bytes, server_public: bytes) -> bytes | None:
    """
    The key that a client has too who knows the password (two powers); None for a value that proves nothing.

    A multiple of the prime, or a zero hash, would make the key known to anybody (RFC 5054, 2.5.4).
    """
    theirs = _number(client_public)
    scrambling = hashlib.sha256(_pad(client_public) + _pad(server_public)).digest()
    if theirs % PRIME == 0 or not any(scrambling):
        return None
    verifier = gmpy2.mpz(int.from_bytes(kept.value, "big"))
    base = theirs * _power(verifier, _number(scrambling)) % PRIME
    shared = _bytes(_power(base, _number(secret)))
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
