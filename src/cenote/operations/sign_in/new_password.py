"""
NEW_PASSWORD_REQUIRED: a user with a temporary password sets their own, and the attributes that are missing.

An answer that breaks a rule does not use the session up; one that succeeds does, with everything that hung on
it, in one transaction.
"""

from collections.abc import Mapping

from cenote.domain import attributes, names, passwords
from cenote.domain.clients import writable_attributes
from cenote.domain.pools import password_policy
from cenote.domain.registrations import Client, Pool
from cenote.domain.users import Status, User
from cenote.errors import InvalidParameterException, NotAuthorizedException, UserNotFoundException
from cenote.operations.attribute_changes import save_changed
from cenote.operations.new_passwords import new_verifier, remembered_passwords
from cenote.operations.registered import check_hash
from cenote.operations.sign_in.challenges import INVALID, Challenge
from cenote.operations.sign_in.first_factor import missing_attributes
from cenote.operations.sign_in.tokens import Bearer, Entry, begin_session
from cenote.registry import Answer
from cenote.services import Services
from cenote.store.transaction import Transaction

PREFIX = "userAttributes."


def new_password(
    services: Services, pool: Pool, client: Client, challenge: Challenge, answers: Mapping[str, str]
) -> Answer:
    """Set the password, confirm the user, and sign them in."""
    check_hash(services, client, answers["USERNAME"], answers.get("SECRET_HASH"))
    user = services.store.read(lambda tx: tx.users.find(challenge.sub))
    if user is None:
        raise UserNotFoundException
    if answers["USERNAME"] not in (user.username, challenge.submitted):
        raise NotAuthorizedException(INVALID)
    if user.temporary_since_ms != challenge.temporary_since_ms or not user.enabled:
        raise NotAuthorizedException(INVALID)
    bearer = Bearer(pool, client, user)
    given = _given_attributes(bearer, answers)
    passwords.check(answers["NEW_PASSWORD"], password_policy(pool.document), passwords.ADMIN_PREFIX)
    verifier = new_verifier(services, pool, user, answers["NEW_PASSWORD"])
    now_ms = services.now_ms()

    def change(tx: Transaction) -> User:
        held = tx.users.hold(user.sub)
        if held is None:
            raise UserNotFoundException
        if held.status is not Status.FORCE_CHANGE_PASSWORD or held.version != user.version:
            raise NotAuthorizedException(INVALID)
        after = held.with_password(
            verifier, remembered=remembered_passwords(pool), now_ms=now_ms, status=Status.CONFIRMED
        ).with_attributes(given)
        save_changed(services, tx, pool, (held, after))
        return after

    return begin_session(
        services, bearer, Entry(by_password=True, session_id=challenge.session_id, change=change)
    )


def _given_attributes(bearer: Bearer, answers: Mapping[str, str]) -> dict[str, str]:
    """The attributes that an answer sets: none that the user has already, and all that are missing."""
    given = {
        name.removeprefix(PREFIX): value
        for name, value in answers.items()
        if name.startswith(PREFIX) and value
    }
    for name in given:
        if bearer.user.attributes.get(name):
            raise NotAuthorizedException(f"Cannot modify an already provided {name}")
    missing = [name for name in missing_attributes(bearer) if name not in given]
    if missing:
        raise InvalidParameterException(f"Invalid attributes given, {missing[0]} is missing")
    schema = bearer.pool.schema
    writable = writable_attributes(bearer.client.document, schema)
    names.check_preferred_username(given, bearer.pool.document)
    may_set = writable | set(missing_attributes(bearer))
    attributes.check_sign_up({**_required_ones(bearer), **given}, schema, may_set)
    return given


def _required_ones(bearer: Bearer) -> dict[str, str]:
    """What the user has of what is required, so that only what is new is held against the schema."""
    return {
        name: value
        for name, value in bearer.user.attributes.items()
        if name in bearer.pool.schema and bearer.pool.schema[name].required and name != "sub"
    }
