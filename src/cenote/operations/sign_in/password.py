"""
USER_PASSWORD_AUTH: the password comes in the call, and is checked by recomputing the verifier.

A client that hides who exists gets one answer, at one price, for a wrong password and for a user who is not
there.
"""

from collections.abc import Mapping

from cenote.domain.clients import hides_user_existence
from cenote.domain.limits import Subject
from cenote.domain.registrations import Client, Pool
from cenote.domain.srp import SALT_BYTES, VERIFIER_BYTES, Verifier, is_password
from cenote.domain.users import Status, User
from cenote.errors import (
    NotAuthorizedException,
    PasswordResetRequiredException,
    UserNotFoundException,
)
from cenote.operations.attempts import subject_of
from cenote.operations.registered import check_hash
from cenote.operations.sign_in.first_factor import after_password
from cenote.operations.sign_in.lockout import counted_failure, require_unlocked
from cenote.operations.sign_in.tokens import Bearer
from cenote.registry import Answer
from cenote.services import Services

DISABLED = "User is disabled."
_NOBODY = Verifier(bytes(SALT_BYTES), bytes(VERIFIER_BYTES))


def user_password_auth(
    services: Services, pool: Pool, client: Client, parameters: Mapping[str, str]
) -> Answer:
    """Sign a user in who knows their password."""
    username = parameters["USERNAME"]
    check_hash(services, client, username, parameters.get("SECRET_HASH"))
    name, nobody = services.pool_secrets.of(pool).blind(username), subject_of(services, pool, None, username)
    user, activity = services.store.read(lambda tx: tx.activity.find_signing_in(pool, name, nobody))
    if user is None:
        require_hiding(services, pool, client)
    else:
        require_usable(user)
    require_unlocked(services, activity)
    if not _knows_password(services, pool, user, parameters["PASSWORD"]) or user is None:
        raise counted_failure(services, nobody if user is None else Subject(user.sub))
    return after_password(services, Bearer(pool, client, user))


def require_hiding(services: Services, pool: Pool, client: Client) -> None:
    """Say that the user is not there, unless the client hides it: then spend what finding one costs."""
    if not hides_user_existence(client.document):
        raise UserNotFoundException
    services.stand_ins.open(pool)


def require_usable(user: User) -> None:
    """What is said whatever the password is: a disabled user, and one whose password no longer counts."""
    if not user.enabled:
        raise NotAuthorizedException(DISABLED)
    if user.status is Status.RESET_REQUIRED:
        raise PasswordResetRequiredException


def _knows_password(services: Services, pool: Pool, user: User | None, password: str) -> bool:
    """Whether the password is the user's; as dear for nobody as for somebody."""
    kept = _NOBODY if user is None or user.password is None else user.password
    username = "" if user is None else user.username
    return is_password(kept, pool.pool_id, username, password, services.blindings.take())
