"""
What tokens say: the claims of access and ID tokens in the live service's order, and how they are read back.

Pure text and values.  Leaves out keys and signatures (`vault/signing.py`) and whether the user still stands
behind a token (`callers.py`).
"""

import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

USER_SCOPE = "aws.cognito.signin.user.admin"
TOKEN_CHARACTERS_MAX = 131_072  # the longest that is signed here: 100 groups of 128 letters, any script
PARTS = 3  # of a compact JWS
# From the alphabet of URLs to the one that is decoded here; what only the other one has stands for nothing.
_TO_DECODE = bytes.maketrans(b"-_+/=", b"+/   ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One sign-in, or one refresh of it: what both tokens have in common.  Times are seconds, as in JWTs."""

    sub: str
    username: str
    issuer: str
    client_id: str
    origin_jti: str | None  # None where the client has revocation switched off
    event_id: str
    auth_time_s: int
    issued_s: int
    groups: Sequence[str] = ()
    roles: Sequence[str] = ()
    preferred_role: str | None = None


def access_claims(grant: Grant, *, jti: str, lifetime_s: int, scope: str = USER_SCOPE) -> dict[str, Any]:
    """The claims of an access token, in the order that captures show."""
    claims: dict[str, Any] = {"sub": grant.sub}
    if grant.groups:
        claims["cognito:groups"] = list(grant.groups)
    claims |= {"iss": grant.issuer, "client_id": grant.client_id}
    if grant.origin_jti is not None:
        claims["origin_jti"] = grant.origin_jti
    return claims | {
        "event_id": grant.event_id,
        "token_use": "access",
        "scope": scope,
        "auth_time": grant.auth_time_s,
        "exp": grant.issued_s + lifetime_s,
        "iat": grant.issued_s,
        "jti": jti,
        "username": grant.username,
    }


def id_claims(grant: Grant, profile: Mapping[str, Any], *, jti: str, lifetime_s: int) -> dict[str, Any]:
    """
    The claims of an ID token: `sub` first, then the minimal user's order, then the profile.

    The live order of attributes is that of a hash; no client can depend on it.
    """
    claims: dict[str, Any] = {"sub": grant.sub}
    if grant.groups:
        claims["cognito:groups"] = list(grant.groups)
    if grant.roles:
        claims["cognito:roles"] = list(grant.roles)
    if grant.preferred_role is not None:
        claims["cognito:preferred_role"] = grant.preferred_role
    claims |= {"iss": grant.issuer, "cognito:username": grant.username}
    if grant.origin_jti is not None:
        claims["origin_jti"] = grant.origin_jti
    claims |= {
        "aud": grant.client_id,
        "event_id": grant.event_id,
        "token_use": "id",
        "auth_time": grant.auth_time_s,
        "exp": grant.issued_s + lifetime_s,
        "iat": grant.issued_s,
    }
    if grant.origin_jti is not None:
        claims["jti"] = jti
    return claims | {name: value for name, value in profile.items() if name not in claims}


@dataclass(frozen=True, slots=True)
class Parts:
    """A compact JWS taken apart and decoded; the signature of what was signed is still to be checked."""

    header: bytes
    payload: bytes
    signed: bytes
    signature: bytes


def parts_of(token: str) -> Parts | None:
    """
    The parts of a canonical compact JWS, or None.

    One token has one spelling: padding, loose trailing bits or a fourth part would make a second text that
    passes for the first.
    """
    if len(token) > TOKEN_CHARACTERS_MAX or not token.isascii():
        return None
    text = token.encode()
    pieces = text.translate(_TO_DECODE).split(b".")
    if len(pieces) != PARTS:
        return None
    try:
        header, payload, signature = map(_decoded, pieces)
    except ValueError:
        return None
    return Parts(header, payload, text.rpartition(b".")[0], signature)


def _decoded(piece: bytes) -> bytes:
    """What a piece spells; `ValueError` for any other spelling than the one that encoding gives."""
    content = binascii.a2b_base64(piece + b"=" * (-len(piece) % 4), strict_mode=True)
    groups = len(piece) // 4  # each of one spelling; only the letters behind them may have loose bits
    if binascii.b2a_base64(content[groups * 3 :], newline=False).rstrip(b"=") != piece[groups * 4 :]:
        raise ValueError("another spelling")
    return content
