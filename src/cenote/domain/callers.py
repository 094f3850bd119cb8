"""
Who an access token speaks for, and why it may not: the refusals of a token-authorised call, in their order.

Pure: it is told what the store holds.  The order and the words are those of `facts/user-api.md` 2.2, proven
by captures where they matter: a deleted user is "not found" before anything is "revoked", an unconfirmed
namesake is "not confirmed" before it is somebody else, a disabled user is "disabled" before "revoked".
"""

from dataclasses import dataclass

from cenote.domain.registrations import Client, Pool
from cenote.domain.users import Status, User
from cenote.errors import (
    CognitoError,
    NotAuthorizedException,
    PasswordResetRequiredException,
    ResourceNotFoundException,
    UserNotConfirmedException,
    UserNotFoundException,
)

INVALID_TOKEN = "Invalid Access Token"
BAD_SIGNATURE = "Could not verify signature for Access Token"
EXPIRED = "Access Token has expired"
NO_SCOPE = "Access Token does not have required scopes"
REVOKED = "Access Token has been revoked"
SOMEBODY_ELSE = "Invalid access token."
DISABLED = "User is disabled."


@dataclass(frozen=True, slots=True)
class Presence:
    """What is there of everything that a token names, read in one statement."""

    pool: Pool | None
    client: Client | None
    user: User | None  # whoever bears the user name now
    is_session_alive: bool


@dataclass(frozen=True, slots=True)
class Caller:
    """The user who asks, with the present documents of their pool and client."""

    pool: Pool
    client: Client
    user: User


def refusal(presence: Presence, *, pool_id: str, client_id: str, sub: str) -> CognitoError | None:
    """The first reason not to act for this token, or None."""
    if presence.pool is None:
        return ResourceNotFoundException(f"User pool {pool_id} does not exist.")
    if presence.client is None:
        return ResourceNotFoundException(f"User pool client {client_id} does not exist.")
    user = presence.user
    if user is None:
        return UserNotFoundException()
    if user.status is Status.UNCONFIRMED:
        return UserNotConfirmedException()
    if user.sub != sub:
        return NotAuthorizedException(SOMEBODY_ELSE)
    if not user.enabled:
        return NotAuthorizedException(DISABLED)
    if not presence.is_session_alive:
        return NotAuthorizedException(REVOKED)
    if user.status is Status.RESET_REQUIRED:
        return PasswordResetRequiredException()
    return None
