"""
Renewing a session by its refresh token: what every way to do it refuses, and the one by InitiateAuth.

The order of refusals is proven where it matters: deleted before disabled before revoked.  REFRESH_TOKEN_AUTH
gives new access and ID tokens and never a new refresh token; the way that rotates is in `renewal.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cenote.domain.clients import rotates_refresh_tokens
from cenote.domain.registrations import Client, Pool, Session
from cenote.domain.users import Status, User
from cenote.errors import (
    CognitoError,
    NotAuthorizedException,
    PasswordResetRequiredException,
    UnsupportedOperationException,
)
from cenote.operations.registered import check_hash
from cenote.operations.sign_in.refresh_tokens import RefreshClaims, read_refresh_token
from cenote.operations.sign_in.tokens import Bearer, tokens_of
from cenote.registry import Answer
from cenote.services import Services

INVALID = "Invalid Refresh Token"
OTHER_CLIENT = "Refresh Token has different Client"
REVOKED = "Refresh Token has been revoked"
EXPIRED = "Refresh Token has expired"
DELETED = "The user has been deleted for the associated refresh token"
DISABLED = "User is disabled."
ROTATES = "This API does not support refresh token rotation"


@dataclass(frozen=True, slots=True)
class Refusals:
    """How an operation refuses the token of a session that has ended, and one that was retired."""

    revoked: CognitoError
    retired: CognitoError


def refresh_token_auth(
    services: Services, pool: Pool, client: Client, parameters: Mapping[str, str]
) -> Answer:
    """Renew the tokens of a session."""
    said = presented(services, pool, client, parameters["REFRESH_TOKEN"])
    user, session = services.store.read(lambda tx: tx.callers.find_renewing(said.sub, said.session_id))
    if user is not None:
        check_hash(services, client, user.username, parameters.get("SECRET_HASH"))
    # This operation does not list the exception for reuse; a retired token is none of its tokens any more.
    refusals = Refusals(revoked=NotAuthorizedException(REVOKED), retired=NotAuthorizedException(INVALID))
    user, session = standing(said, (user, session), refusals, now_ms=services.now_ms())
    groups = services.store.read(lambda tx: tx.groups.list_of_user(user.sub))
    result = tokens_of(services, Bearer(pool, client, user, groups), session)
    return {"AuthenticationResult": result, "ChallengeParameters": {}}


def refuse_rotation(client: Client) -> None:
    """
    Refuse a client that rotates; said before anything of the flow, which such a client can't even allow.
    """
    if rotates_refresh_tokens(client.document):
        raise UnsupportedOperationException(ROTATES)


def presented(services: Services, pool: Pool, client: Client, token: str) -> RefreshClaims:
    """What the refresh token says, if it is one of this client's."""
    said = read_refresh_token(services, token)
    if said is None or said.pool_id != pool.pool_id:
        raise NotAuthorizedException(INVALID)
    if said.client_id != client.client_id:
        raise NotAuthorizedException(OTHER_CLIENT)
    return said


def standing(
    said: RefreshClaims, found: tuple[User | None, Session | None], refusals: Refusals, *, now_ms: int
) -> tuple[User, Session]:
    """The user and the session behind a token that may renew it, or the first refusal in order."""
    user, session = found
    if user is None:
        raise NotAuthorizedException(DELETED)
    if not user.enabled:
        raise NotAuthorizedException(DISABLED)
    if said.expires_ms <= now_ms:
        raise NotAuthorizedException(EXPIRED)
    if session is None:
        raise refusals.revoked
    if not session.accepts(said.generation, now_ms=now_ms):
        raise refusals.retired
    if user.status is Status.RESET_REQUIRED:
        raise PasswordResetRequiredException
    return user, session
