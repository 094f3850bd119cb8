"""
The client's half of a sign-in by SRP (`USER_SRP_AUTH`), over Python's integers and any boto3 client.

boto3 has none: whoever signs in with it must bring the arithmetic.  It shares nothing with the server's half
(`domain/srp.py`), so that each shows what the other gets wrong.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

SECRET_BITS = 256  # twice what the group of 3072 bits is worth; a longer exponent would only take longer
KEY_BYTES = 16
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_GENERATOR = 2
# RFC 3526, group 15, as the RFC prints it.
_PRIME = int.from_bytes(
    bytes.fromhex(
        """
    FFFFFFFF FFFFFFFF C90FDAA2 2168C234 C4C6628B 80DC1CD1 29024E08 8A67CC74
    020BBEA6 3B139B22 514A0879 8E3404DD EF9519B3 CD3A431B 302B0A6D F25F1437
    4FE1356D 6D51C245 E485B576 625E7EC6 F44C42E9 A637ED6B 0BFF5CB6 F406B7ED
    EE386BFB 5A899FA5 AE9F2411 7C4B1FE6 49286651 ECE45B3D C2007CB8 A163BF05
    98DA4836 1C55D39A 69163FA8 FD24CF5F 83655D23 DCA3AD96 1C62F356 208552BB
    9ED52907 7096966D 670C354E 4ABC9804 F1746C08 CA18217C 32905E46 2E36CE3B
    E39E772C 180E8603 9B2783A2 EC07A28F B5C55DF0 6F4C52C9 DE2BCBF6 95581718
    3995497C EA956AE5 15D22618 98FA0510 15728E5A 8AAAC42D AD33170D 04507A33
    A85521AB DF1CBA64 ECFB8504 58DBEF0A 8AEA7157 5D060C7D B3970F85 A6E1E4C7
    ABF5AE8C DB0933D7 1E8C94E0 4A25619D CEE3D226 1AD2EE6B F12FFA06 D98A0864
    D8760273 3EC86A64 521F2B18 177B200C BBE11757 7A615D6C 770988C0 BAD946E2
    08E24FA0 74E5AB31 43DB5BFC E0FD108E 4B82D120 A93AD2CA FFFFFFFF FFFFFFFF
    """
    ),
    "big",
)


def sign_in(
    client: Any,
    *,
    client_id: str,
    pool_id: str,
    username: str,
    password: str,
    client_secret: str | None = None,
) -> dict[str, Any]:
    """
    Sign in by both legs of SRP; the answer of the second is what boto3 returned.

    It holds the tokens in `AuthenticationResult`, or a further challenge (`ChallengeName`, `Session`), such
    as NEW_PASSWORD_REQUIRED.  Refusals are the client's own exceptions.  ValueError for a server that cheats.
    """
    secret = secrets.randbits(SECRET_BITS)
    public = pow(_GENERATOR, secret, _PRIME)
    first = client.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": username, "SRP_A": f"{public:x}"}
        | _secret_hash(username, client_id, client_secret),
    )
    if first.get("ChallengeName") != "PASSWORD_VERIFIER":
        challenge: dict[str, Any] = first
        return challenge
    asked = first["ChallengeParameters"]
    key = _shared_key(asked, pool_id, password, secret)
    second: dict[str, Any] = client.respond_to_auth_challenge(
        ClientId=client_id,
        ChallengeName="PASSWORD_VERIFIER",
        ChallengeResponses=_proof(asked, pool_id, key)
        | _secret_hash(asked["USERNAME"], client_id, client_secret),
    )
    return second


def _shared_key(asked: Mapping[str, str], pool_id: str, password: str, secret: int) -> bytes:
    """What both sides can reckon if the password is the right one."""
    theirs, salt = int(asked["SRP_B"], 16), int(asked["SALT"], 16)
    scrambler = _number(_bytes(pow(_GENERATOR, secret, _PRIME)) + _bytes(theirs))
    if theirs % _PRIME == 0 or scrambler == 0:  # RFC 5054, 2.5.3: such a server would know the key anyhow
        raise ValueError("The server's half of SRP proves nothing.")
    identity = f"{_suffix(pool_id)}{asked['USER_ID_FOR_SRP']}:{password}".encode()
    exponent = _number(_bytes(salt) + hashlib.sha256(identity).digest())
    multiplier = _number(_bytes(_PRIME) + _bytes(_GENERATOR))
    base = theirs - multiplier * pow(_GENERATOR, exponent, _PRIME)
    shared = pow(base, secret + scrambler * exponent, _PRIME)
    extracted = hmac.digest(_bytes(scrambler), _bytes(shared), "sha256")  # HKDF (RFC 5869)
    return hmac.digest(extracted, b"Caldera Derived Key\x01", "sha256")[:KEY_BYTES]


def _proof(asked: Mapping[str, str], pool_id: str, key: bytes) -> dict[str, str]:
    """The answer to PASSWORD_VERIFIER: what was asked and the time, signed with the key."""
    said = _timestamp(datetime.now(UTC))
    block = base64.b64decode(asked["SECRET_BLOCK"])
    signed = f"{_suffix(pool_id)}{asked['USER_ID_FOR_SRP']}".encode() + block + said.encode()
    return {
        "USERNAME": asked["USERNAME"],
        "PASSWORD_CLAIM_SECRET_BLOCK": asked["SECRET_BLOCK"],
        "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(hmac.digest(key, signed, "sha256")).decode(),
        "TIMESTAMP": said,
    }


def _timestamp(now: datetime) -> str:
    """The time as Cognito's clients write it: in English, and the day without a leading zero."""
    day, month = _DAYS[now.weekday()], _MONTHS[now.month - 1]
    return f"{day} {month} {now.day} {now:%H:%M:%S} UTC {now.year}"


def _secret_hash(username: str, client_id: str, client_secret: str | None) -> dict[str, str]:
    """The parameter that an app client with a secret wants."""
    if client_secret is None:
        return {}
    digest = hmac.digest(client_secret.encode(), f"{username}{client_id}".encode(), "sha256")
    return {"SECRET_HASH": base64.b64encode(digest).decode()}


def _suffix(pool_id: str) -> str:
    return pool_id.partition("_")[2]


def _number(text: bytes) -> int:
    return int.from_bytes(hashlib.sha256(text).digest(), "big")


def _bytes(number: int) -> bytes:
    """As Java writes a positive number: with a zero byte before a set top bit."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")
