"""
REFRESH_TOKEN_AUTH: new access and ID tokens for a session that is alive; never a new refresh token.

The order of refusals is proven where it matters: deleted before disabled before revoked.
"""

from collections.abc import Mapping, Sequence

from cenote.domain.groups import Group
from cenote.domain.registrations import Client, Pool, Session
from cenote.domain.users import Status, User
from cenote.errors import (
    NotAuthorizedException,
    PasswordResetRequiredException,
    UnsupportedOperationException,
)
from cenote.operations.registered import check_hash
from cenote.operations.sign_in.refresh_tokens import RefreshClaims, read_refresh_token
from cenote.operations.sign_in.tokens import Bearer, tokens_of
from cenote.registry import Answer
from cenote.services import Services
from cenote.store.transaction import Transaction

INVALID = "Invalid Refresh Token"
OTHER_CLIENT = "Refresh Token has different Client"
REVOKED = "Refresh Token has been revoked"
EXPIRED = "Refresh Token has expired"
DELETED = "The user has been deleted for the associated refresh token"
DISABLED = "User is disabled."
ROTATES = "This API does not support refresh token rotation"


def refresh_token_auth(
    services: Services, pool: Pool, client: Client, parameters: Mapping[str, str]
) -> Answer:
    """Renew the tokens of a session."""
    said = read_refresh_token(services, parameters["REFRESH_TOKEN"])
    if said is None or said.pool_id != pool.pool_id:
        raise NotAuthorizedException(INVALID)
    if said.client_id != client.client_id:
        raise NotAuthorizedException(OTHER_CLIENT)
    user, session, groups = services.store.read(lambda tx: _found(tx, said))
    if user is None:
        raise NotAuthorizedException(DELETED)
    check_hash(services, client, user.username, parameters.get("SECRET_HASH"))
    if not user.enabled:
        raise NotAuthorizedException(DISABLED)
    if said.expires_ms <= services.now_ms():
        raise NotAuthorizedException(EXPIRED)
    if session is None:
        raise NotAuthorizedException(REVOKED)
    if user.status is Status.RESET_REQUIRED:
        raise PasswordResetRequiredException
    result = tokens_of(services, Bearer(pool, client, user, groups), session)
    return {"AuthenticationResult": result, "ChallengeParameters": {}}


def refuse_rotation(client: Client) -> None:
    """
    Refuse a client that rotates; said before anything of the flow, which such a client can't even allow.
    """
    if client.document.get("RefreshTokenRotation", {}).get("Feature") == "ENABLED":
        raise UnsupportedOperationException(ROTATES)


def _found(tx: Transaction, said: RefreshClaims) -> tuple[User | None, Session | None, Sequence[Group]]:
    user, session = tx.users.find(said.sub), tx.sessions.find(said.sub, said.session_id)
    return user, session, () if session is None else tx.groups.list_of_user(said.sub)
