"""
After the first factor: whoever proved their password goes on to tokens, or to a password of their own.

One place for every flow, so that none forgets a state (`facts/user-api.md` 5.3, 5.11).
"""

import msgspec

from cenote.domain.clients import readable_attributes
from cenote.domain.invitations import is_temporary_over
from cenote.domain.limits import Subject
from cenote.domain.pools import password_policy
from cenote.domain.users import Status
from cenote.errors import NotAuthorizedException, UserNotConfirmedException
from cenote.operations.sign_in.challenges import Challenge, session_text
from cenote.operations.sign_in.lockout import require_unlocked
from cenote.operations.sign_in.tokens import Bearer, Entry, begin_session
from cenote.registry import Answer
from cenote.services import Services

NEW_PASSWORD_REQUIRED = "NEW_PASSWORD_REQUIRED"
TEMPORARY_OVER = "Temporary password has expired and must be reset by an administrator."


def after_password(services: Services, bearer: Bearer, session_id: str | None = None) -> Answer:
    """What a user is given who proved their password; the id is the one that a challenge reserved."""
    user = bearer.user
    if user.status is not Status.CONFIRMED:
        # What only a right password is told, and only if the lock, as it is by now, lets it pass.
        require_unlocked(services, services.store.read(lambda tx: tx.activity.find(Subject(user.sub))))
    if user.status is Status.UNCONFIRMED:
        raise UserNotConfirmedException
    if user.status is Status.FORCE_CHANGE_PASSWORD:
        return _ask_for_a_password(services, bearer, session_id or services.new_id())
    return begin_session(services, bearer, Entry(by_password=True, session_id=session_id))


def missing_attributes(bearer: Bearer) -> list[str]:
    """The attributes that the pool requires and the user does not have."""
    return [
        name
        for name, attribute in bearer.pool.schema.items()
        if attribute.required and name != "sub" and not bearer.user.attributes.get(name)
    ]


def _ask_for_a_password(services: Services, bearer: Bearer, session_id: str) -> Answer:
    user, policy, now_ms = bearer.user, password_policy(bearer.pool.document), services.now_ms()
    if is_temporary_over(user, policy, now_ms=now_ms):
        raise NotAuthorizedException(TEMPORARY_OVER)
    challenge = Challenge(
        name=NEW_PASSWORD_REQUIRED,
        pool_id=bearer.pool.pool_id,
        client_id=bearer.client.client_id,
        sub=user.sub,
        username=user.username,
        submitted=user.username,
        asked_ms=now_ms,
        session_id=session_id,
        by_password=True,
        temporary_since_ms=user.temporary_since_ms,
    )
    readable = readable_attributes(bearer.client.document, bearer.pool.schema)
    shown = {name: value for name, value in user.attributes.items() if name in readable}
    required = [f"userAttributes.{name}" for name in missing_attributes(bearer)]
    return {
        "ChallengeName": NEW_PASSWORD_REQUIRED,
        "ChallengeParameters": {
            "USER_ID_FOR_SRP": user.username,
            "requiredAttributes": msgspec.json.encode(required).decode(),
            "userAttributes": msgspec.json.encode(shown).decode(),
        },
        "Session": session_text(services, challenge),
    }
