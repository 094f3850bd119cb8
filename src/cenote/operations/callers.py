"""
Whom an access token speaks for: the common path of every token-authorised operation.

The checks of `facts/user-api.md` 2.2 in their order: form, kind, issuer and key; signature; expiry; scope;
and then, from one read, what the store says of pool, client, user and session (`domain/callers.py`).
"""

import msgspec

from cenote.domain import callers as refusals
from cenote.domain.callers import Caller, Presence
from cenote.domain.tokens import USER_SCOPE
from cenote.errors import NotAuthorizedException
from cenote.services import Services
from cenote.verification import PresentedToken


class AccessClaims(msgspec.Struct):
    """What a token must say to be an access token of this server."""

    sub: str
    iss: str
    client_id: str
    token_use: str
    exp: int
    username: str
    event_id: str
    scope: str = ""
    origin_jti: str | None = None


_claims_decoder = msgspec.json.Decoder(AccessClaims)


def caller(services: Services, token: str) -> Caller:
    """
    The user whom the token speaks for, with the pool and client as they are now.

    Raises the first refusal in the documented order.  Only the token decides who that is.
    """
    presented, claims = _read(services, token)
    if not presented.is_genuine():
        raise NotAuthorizedException(refusals.BAD_SIGNATURE)
    if claims.exp * 1000 <= services.now_ms():
        raise NotAuthorizedException(refusals.EXPIRED)
    if USER_SCOPE not in claims.scope.split(" "):
        raise NotAuthorizedException(refusals.NO_SCOPE)
    pool_id = presented.known.pool_id
    presence = _presence(services, pool_id, claims)
    refusal = refusals.refusal(presence, pool_id=pool_id, client_id=claims.client_id, sub=claims.sub)
    if refusal is not None:
        raise refusal
    if presence.pool is None or presence.client is None or presence.user is None:
        raise NotAuthorizedException(refusals.INVALID_TOKEN)
    return Caller(presence.pool, presence.client, presence.user)


def _read(services: Services, token: str) -> tuple[PresentedToken, AccessClaims]:
    """The token with the key that it names, and its claims; nothing in it is believed yet."""
    presented = services.presented(token)
    if presented is None:
        raise NotAuthorizedException(refusals.INVALID_TOKEN)
    try:
        claims = _claims_decoder.decode(presented.parts.payload)
    except (msgspec.MsgspecError, ValueError, RecursionError) as failure:
        raise NotAuthorizedException(refusals.INVALID_TOKEN) from failure
    if presented.known.use != "access" or claims.token_use != "access":
        raise NotAuthorizedException(refusals.INVALID_TOKEN)
    if claims.iss != services.locality.issuer_of(presented.known.pool_id):
        raise NotAuthorizedException(refusals.INVALID_TOKEN)
    return presented, claims


def _presence(services: Services, pool_id: str, claims: AccessClaims) -> Presence:
    """What is there of the token's pool, client, user name and session, in one read."""
    opened = services.pool_secrets.kept(pool_id)
    if opened is None:
        pool = services.store.read(lambda tx: tx.pools.find(pool_id))
        if pool is None:
            return Presence(None, None, None, is_session_alive=False)
        opened = services.pool_secrets.of(pool)
    name, session = opened.blind(claims.username), (claims.origin_jti, claims.event_id)
    return services.store.read(
        lambda tx: tx.callers.find(pool_id, claims.client_id, name, session), at_one_moment=False
    )
