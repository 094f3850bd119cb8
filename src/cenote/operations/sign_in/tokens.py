"""
What every sign-in ends in: a session row, an access token, an ID token, and a refresh token.

The tokens live as long as the session's row: whatever deletes the row (GlobalSignOut, disabling, erasure) has
revoked them all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec

from cenote.domain import clients
from cenote.domain.attributes import claims
from cenote.domain.callers import DISABLED
from cenote.domain.groups import Group, preferred_role, roles
from cenote.domain.registrations import Client, Pool, Session
from cenote.domain.tokens import Grant, access_claims, id_claims
from cenote.domain.users import User
from cenote.errors import CognitoError, NotAuthorizedException, UserNotFoundException
from cenote.operations.sign_in.challenges import USED
from cenote.operations.sign_in.lockout import LOCKED
from cenote.operations.sign_in.refresh_tokens import RefreshClaims, new_refresh_token
from cenote.registry import Answer
from cenote.services import Services
from cenote.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom tokens are for: a user with their groups, the strongest first, through a client of their pool."""

    pool: Pool
    client: Client
    user: User
    groups: Sequence[Group] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """How a sign-in came to its end: by a password, by a challenge, and with what change of the user."""

    by_password: bool
    session_id: str | None = None  # what a challenge reserved: it begins one session and no second
    change: Callable[[Transaction], User] | None = None


def begin_session(services: Services, bearer: Bearer, entry: Entry) -> Answer:
    """
    Begin a session and give its three tokens.

    The row is written before any token leaves; whoever was erased or disabled since the password was
    checked gets none, and neither does a right password that comes while the lock after wrong ones holds.
    """
    pool, client, user = bearer.pool, bearer.client, bearer.user
    now_ms = services.now_ms()
    lifetime_ms = clients.refresh_token_lifetime_s(client.document) * 1000
    session = Session(
        sub=user.sub,
        session_id=entry.session_id or services.new_id(),
        event_id=services.call_id(),
        client_id=client.client_id,
        created_ms=now_ms,
        expires_ms=now_ms + lifetime_ms,
    )

    def body(tx: Transaction) -> tuple[User, list[Group]]:
        groups = tx.groups.ask_of_user(user.sub)
        if entry.by_password:
            tx.activity.forgive(user.sub, now_ms)
        if not tx.sessions.add(session, unless_locked_at_ms=now_ms if entry.by_password else None):
            raise _refusal(tx, session)
        changed = user if entry.change is None else entry.change(tx)
        return changed, groups()

    changed, groups = services.store.write(body)
    result = tokens_of(services, replace(bearer, user=changed, groups=groups), session)
    result["RefreshToken"] = refresh_token_of(services, pool, session)
    return {"AuthenticationResult": result, "ChallengeParameters": {}}


def _refusal(tx: Transaction, session: Session) -> CognitoError:
    """Why this session did not begin."""
    user = tx.users.find(session.sub)
    if user is None:
        return UserNotFoundException()
    if tx.sessions.is_spent(session.sub, session.session_id):
        return NotAuthorizedException(USED)
    return NotAuthorizedException(LOCKED if user.enabled else DISABLED)


def refresh_token_of(services: Services, pool: Pool, session: Session) -> str:
    """The refresh token of the session's present generation; its end is the session's, whichever it is."""
    return new_refresh_token(
        services,
        RefreshClaims(
            pool_id=pool.pool_id,
            sub=session.sub,
            session_id=session.session_id,
            client_id=session.client_id,
            expires_ms=session.expires_ms,
            generation=session.generation,
        ),
    )


def tokens_of(services: Services, bearer: Bearer, session: Session) -> dict[str, object]:
    """A fresh access token and ID token of a session, by the user's and the client's present settings."""
    client = bearer.client.document
    grant = Grant(
        sub=bearer.user.sub,
        username=bearer.user.username,
        issuer=services.locality.issuer_of(bearer.pool.pool_id),
        client_id=bearer.client.client_id,
        origin_jti=session.session_id if clients.shows_origin(client) else None,
        event_id=session.event_id,
        auth_time_s=session.created_ms // 1000,
        issued_s=services.now_ms() // 1000,
        groups=[group.name for group in bearer.groups],
        roles=roles(bearer.groups),
        preferred_role=preferred_role(bearer.groups),
    )
    lifetime_s = clients.access_token_lifetime_s(client)
    shows_origin = clients.shows_origin_of_access(client, session.generation)
    granted = grant if shows_origin else replace(grant, origin_jti=None)
    access = access_claims(granted, jti=services.new_id(), lifetime_s=lifetime_s)
    readable = clients.readable_attributes(client, bearer.pool.schema)
    profile = claims(bearer.user.attributes, readable)
    identity = id_claims(
        grant, profile, jti=services.new_id(), lifetime_s=clients.id_token_lifetime_s(client)
    )
    keys = services.pool_secrets.of(bearer.pool)
    signed = services.gate.run(
        lambda: (keys.access.sign(msgspec.json.encode(access)), keys.id.sign(msgspec.json.encode(identity)))
    )
    return {"AccessToken": signed[0], "ExpiresIn": lifetime_s, "IdToken": signed[1], "TokenType": "Bearer"}
