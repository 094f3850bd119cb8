"""
The client's half of SRP as Cognito's own clients compute it, over Python's integers: nothing of the server's.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from typing import Any

N = int(
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
G = 2


def padded(number: int) -> bytes:
    """Java's BigInteger.toByteArray of a positive number."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def digest(*pieces: bytes) -> bytes:
    return hashlib.sha256(b"".join(pieces)).digest()


K = int.from_bytes(digest(padded(N), padded(G)), "big")


def timestamp(moment: datetime | None = None) -> str:
    """The time as clients write it: the day of the month without a leading zero."""
    now = moment or datetime.now(UTC)
    return now.strftime(f"%a %b {now.day} %H:%M:%S UTC %Y")


class SrpClient:
    """One sign-in of somebody who knows a password."""

    def __init__(self, pool_id: str, password: str) -> None:
        self._suffix = pool_id.split("_", 1)[1]
        self._password = password
        self._secret = secrets.randbits(1024)
        self.public = f"{pow(G, self._secret, N):x}"

    def answers(self, parameters: dict[str, str], said: str | None = None) -> dict[str, str]:
        """The ChallengeResponses to PASSWORD_VERIFIER."""
        user_id, said = parameters["USER_ID_FOR_SRP"], said or timestamp()
        block = base64.b64decode(parameters["SECRET_BLOCK"])
        signed = hmac.digest(
            self._key(parameters, user_id),
            f"{self._suffix}{user_id}".encode() + block + said.encode(),
            "sha256",
        )
        return {
            "USERNAME": parameters["USERNAME"],
            "PASSWORD_CLAIM_SECRET_BLOCK": parameters["SECRET_BLOCK"],
            "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(signed).decode(),
            "TIMESTAMP": said,
        }

    def _key(self, parameters: dict[str, str], user_id: str) -> bytes:
        salt, server_public = int(parameters["SALT"], 16), int(parameters["SRP_B"], 16)
        inner = digest(f"{self._suffix}{user_id}:{self._password}".encode())
        x = int.from_bytes(digest(padded(salt), inner), "big")
        u = int.from_bytes(digest(padded(int(self.public, 16)), padded(server_public)), "big")
        shared = pow(server_public - K * pow(G, x, N), self._secret + u * x, N)
        extracted = hmac.digest(padded(u), padded(shared), "sha256")
        return hmac.digest(extracted, b"Caldera Derived Key\x01", "sha256")[:16]


def sign_in_by_srp(
    cognito: Any, client_id: str, pool_id: str, username: str, password: str, **more: Any
) -> Any:
    """Both legs through boto3; what the second one answered."""
    client = SrpClient(pool_id, password)
    asked = cognito.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": username, "SRP_A": client.public} | more,
    )
    assert asked["ChallengeName"] == "PASSWORD_VERIFIER"
    return cognito.respond_to_auth_challenge(
        ClientId=client_id,
        ChallengeName="PASSWORD_VERIFIER",
        ChallengeResponses=client.answers(asked["ChallengeParameters"]) | more,
    )
