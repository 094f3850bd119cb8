"""
AdminCreateUser: a user made, or invited again, by an administrator.

Their password is temporary: it is good for setting one of their own, and for no longer than the pool says.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cenote.delivery.invitations import invitation_words
from cenote.delivery.messages import Words
from cenote.domain import attributes, invitations, names, passwords, pools
from cenote.domain.attribute_changes import ADDRESSES
from cenote.domain.documents import without_nulls
from cenote.domain.listed_users import user_type
from cenote.domain.registrations import Message, Pool
from cenote.domain.users import Status, User
from cenote.errors import (
    AliasExistsException,
    InvalidParameterException,
    UnsupportedUserStateException,
    UsernameExistsException,
    UserNotFoundException,
)
from cenote.operations.attribute_changes import attribute_of, take_alias
from cenote.operations.codes import Channel
from cenote.operations.new_passwords import new_verifier, remembered_passwords
from cenote.operations.newcomers import newcomer
from cenote.operations.registered import pool_of, user_of
from cenote.registry import Answer, operation
from cenote.services import Services
from cenote.store.transaction import Transaction

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import AdminCreateUserRequestTypeDef

ACCOUNT_EXISTS = "User account already exists"
ADDRESS_EXISTS = "An account with the given {} already exists."
NO_RESEND = "Resend not possible. {} status is not FORCE_CHANGE_PASSWORD"
FLAG_ALONE = "{0}_verified needs {0} in the same request."
NO_ADDRESS = "A user without a password needs an email or a phone_number."


@operation("AdminCreateUser")
def admin_create_user(services: Services, request: "AdminCreateUserRequestTypeDef") -> Answer:
    """Make a user who has to set a password of their own, and invite them; or invite one again."""
    pool = pool_of(services, request["UserPoolId"])
    asked = _Asked.of(request)
    user = _invite_again(services, pool, asked) if asked.is_resend else _create(services, pool, asked)
    return {"User": user_type(user)}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the request asks for, its defaults filled in; an empty password is none."""

    username: str
    pairs: list[dict[str, str]]
    password: str | None
    takes_aliases: bool
    is_resend: bool
    is_silent: bool
    mediums: list[str]

    @classmethod
    def of(cls, request: "AdminCreateUserRequestTypeDef") -> "_Asked":
        given = without_nulls(request)
        action = given.get("MessageAction")
        return cls(
            username=given["Username"],
            pairs=given.get("UserAttributes", []),
            password=given.get("TemporaryPassword") or None,
            takes_aliases=given.get("ForceAliasCreation", False),
            is_resend=action == "RESEND",
            is_silent=action == "SUPPRESS",
            mediums=given.get("DesiredDeliveryMediums", []),
        )


def _create(services: Services, pool: Pool, asked: _Asked) -> User:
    """Of two creations the unique names decide, not the earlier look, which only spares the power."""
    names.check_username(asked.username, pool.document)
    user = _new_user(services, pool, asked)
    claims = _claims(services, pool, user)
    services.store.read(lambda tx: _refuse_taken(tx, pool, claims, asked))
    password = _password(services, pool, user, asked)
    if password is not None:
        user = user.with_temporary_password(
            new_verifier(services, pool, user, password), remembered=0, now_ms=user.created_ms
        )
    messages = _invitations(services, pool, user, asked, password)
    new = newcomer(services, pool, user)

    def body(tx: Transaction) -> None:
        _refuse_taken(tx, pool, claims, asked)
        _take_aliases(tx, pool, claims)
        try:
            new.hold(tx)
        except UsernameExistsException as failure:
            raise UsernameExistsException(ACCOUNT_EXISTS) from failure
        for message in messages:
            tx.outbox.add(message)

    services.store.write(body)
    return user


def _invite_again(services: Services, pool: Pool, asked: _Asked) -> User:
    """Give a user who has not come yet a new temporary password; its days begin anew."""
    user = user_of(services, pool, asked.username)
    _require_invited(user)
    password = _temporary(services, pool, asked)
    verifier = new_verifier(services, pool, user, password)
    messages = _invitations(services, pool, user, asked, password)

    def body(tx: Transaction) -> User:
        held = tx.users.hold(user.sub)
        if held is None:
            raise UserNotFoundException
        _require_invited(held)
        renewed = held.with_temporary_password(
            verifier, remembered=remembered_passwords(pool), now_ms=services.now_ms()
        )
        tx.users.save(renewed)
        for message in messages:
            tx.outbox.add(message)
        return renewed

    return services.store.write(body)


def _new_user(services: Services, pool: Pool, asked: _Asked) -> User:
    """The user before they have a password: confirmed, which they stay where the pool asks for none."""
    sub, now_ms = services.new_id(), services.now_ms()
    real = sub if pools.username_attributes(pool.document) else asked.username
    return User(
        sub=sub,
        pool_id=pool.pool_id,
        username=names.fold(real, pools.is_case_sensitive(pool.document)),
        status=Status.CONFIRMED,
        attributes=_attributes(pool, asked),
        password=None,
        created_ms=now_ms,
        modified_ms=now_ms,
    )


def _attributes(pool: Pool, asked: _Asked) -> dict[str, str]:
    """The attributes that were given; required ones may be missing (they are due at the first sign-in)."""
    given = attributes.with_plain_flags(attributes.from_wire(asked.pairs))
    if "sub" in given:
        raise InvalidParameterException("Cannot modify the non-mutable attribute sub")
    named = names.attribute_of_username(asked.username, pool.document)
    if named is not None:
        given[named] = asked.username
    attributes.check_known(given, pool.schema)
    attributes.check_values(given, pool.schema)
    names.check_preferred_username(given, pool.document)
    for address in ADDRESSES:
        if given.get(f"{address}_verified") == "true" and address not in given:
            raise InvalidParameterException(FLAG_ALONE.format(address))
    return given


def _password(services: Services, pool: Pool, user: User, asked: _Asked) -> str | None:
    """The temporary password; none for a user who was given none, in a pool that can do without."""
    if asked.password is not None or not pools.is_passwordless(pool.document):
        return _temporary(services, pool, asked)
    if not user.attributes.keys() & set(ADDRESSES):
        raise InvalidParameterException(NO_ADDRESS)
    return None


def _temporary(services: Services, pool: Pool, asked: _Asked) -> str:
    policy = pools.password_policy(pool.document)
    if asked.password is None:
        return invitations.generated_password(policy, services.random_bytes(invitations.ENTROPY_BYTES))
    passwords.check(asked.password, policy, passwords.ADMIN_CREATE_PREFIX)
    return asked.password


def _require_invited(user: User) -> None:
    if user.status is not Status.FORCE_CHANGE_PASSWORD:
        raise UnsupportedUserStateException(NO_RESEND.format(user.username))


def _claims(services: Services, pool: Pool, user: User) -> list[tuple[bytes, str]]:
    """The names that the user is to be found by, and what each is the value of."""
    blind = services.pool_secrets.of(pool).blind
    found_by = sorted(names.names_of(user.username, user.attributes, pool.document))
    return [(blind(name), attribute_of(name, user)) for name in found_by]


def _refuse_taken(tx: Transaction, pool: Pool, claims: list[tuple[bytes, str]], asked: _Asked) -> None:
    """Refuse names that somebody else is found by, but for aliases that may be taken from them."""
    for name, attribute in claims:
        if tx.users.find_named(pool, name) is None:
            continue
        if attribute in pools.username_attributes(pool.document):
            raise UsernameExistsException(ADDRESS_EXISTS.format(attribute))
        if attribute not in pools.alias_attributes(pool.document):
            raise UsernameExistsException(ACCOUNT_EXISTS)
        if attribute not in ADDRESSES or not asked.takes_aliases:
            raise AliasExistsException(ADDRESS_EXISTS.format(attribute))


def _take_aliases(tx: Transaction, pool: Pool, claims: list[tuple[bytes, str]]) -> None:
    for name, attribute in claims:
        if attribute in pools.alias_attributes(pool.document) and attribute in ADDRESSES:
            take_alias(tx, pool, name, attribute)


def _invitations(
    services: Services, pool: Pool, user: User, asked: _Asked, password: str | None
) -> list[Message]:
    """The messages with the name that the administrator used, and the password; none where none is wanted."""
    if asked.is_silent:
        return []
    messages = []
    for attribute in invitations.invited_at(asked.mediums, user.attributes):
        channel = Channel(attribute, user.attributes[attribute])
        words = invitation_words(
            pool.document, medium=channel.medium, password=password, username=asked.username
        )
        if words is not None:
            messages.append(_message(services, pool, channel, words, (user.sub, password or "")))
    return messages


def _message(
    services: Services, pool: Pool, channel: Channel, words: Words, what: tuple[str, str]
) -> Message:
    """The message, for a `sub`, with a password; it is worth nothing once the password is not."""
    (sub, password), now_ms = what, services.now_ms()
    return Message(
        message_id=services.new_id(),
        sub=sub,
        pool_id=pool.pool_id,
        medium=channel.medium,
        to=channel.address,
        subject=words.subject,
        body=words.body,
        code=password,
        created_ms=now_ms,
        expires_ms=now_ms + invitations.temporary_life_ms(pools.password_policy(pool.document)),
        is_html=words.is_html,
    )
