"""
Changing a user's attributes: the one way, whoever asks, and whatever it is that changes them.

Owns what follows from a change: the names by which the user is found, what a search finds them by, codes
that were sent to an old address, and codes promised to a new one.  Leaves out who asks, and what may be asked
(`domain/attribute_changes.py`).
"""

from collections.abc import Mapping

from cenote.domain import pools
from cenote.domain.attribute_changes import (
    ADDRESSES,
    AttributeChange,
    changed,
    moved_addresses,
    unproven_addresses,
)
from cenote.domain.codes import verification_of
from cenote.domain.filters import marks_of
from cenote.domain.names import check_preferred_username, names_of
from cenote.domain.registrations import Pool
from cenote.domain.users import User
from cenote.errors import AliasExistsException, UsernameExistsException, UserNotFoundException
from cenote.operations.codes import Channel, Promise, new_promise
from cenote.services import Services
from cenote.store.transaction import Transaction


def change_attributes(
    services: Services, pool: Pool, user: User, change: AttributeChange
) -> tuple[Channel, ...]:
    """
    Change the attributes of this user, and promise codes to new addresses that the pool verifies.

    Returns where the codes go.  One write: all of it happens, or nothing (`AliasExistsException` when another
    user is found by the new value; `UserNotFoundException` when the user was erased meanwhile).
    """
    check_preferred_username(change.values, pool.document)
    promises = _promises(services, pool, user, change)
    held_back = pools.held_back_attributes(pool.document)

    def body(tx: Transaction) -> tuple[Channel, ...]:
        held = tx.users.hold(user.sub)
        if held is None:
            raise UserNotFoundException
        after = changed(held, change, held_back, now_ms=services.now_ms())
        save_changed(services, tx, pool, (held, after))
        owed = [promises[name] for name in unproven_addresses(held, after) if name in promises]
        for promise, _channel in owed:
            promise.hold(tx)
        return tuple(channel for _promise, channel in owed)

    return services.store.write(body)


def save_proven(services: Services, tx: Transaction, pool: Pool, user: User, attribute: str) -> User:
    """
    Save the held user as the proven owner of the address of this attribute, the one that waited for its proof
    if there is one; `AliasExistsException` when another user is found by it.
    """
    after = user.proven(attribute, now_ms=services.now_ms())
    save_changed(services, tx, pool, (user, after))
    return after


def save_changed(
    services: Services, tx: Transaction, pool: Pool, change: tuple[User, User], *, force: bool = False
) -> None:
    """
    Save a held user whose attributes changed: the way for every change of them (`change` is before, after).

    Their names and search marks follow, and codes that were sent to an address that moved are worth nothing.
    With `force` an alias is taken from another user, whose address is then theirs no more.
    """
    before, after = change
    for address in moved_addresses(before, after):
        tx.codes.drop_sent_to(after.sub, address)
        if not force:
            _refuse_taken(services, tx, pool, after, address)
    _move_names(services, tx, pool, change, force=force)
    tx.users.save(after)
    if marks_of(before) != marks_of(after):
        blind = services.pool_secrets.of(pool).mark
        tx.search.put(after.sub, [blind(rungs) for rungs in marks_of(after)])


def _move_names(
    services: Services, tx: Transaction, pool: Pool, change: tuple[User, User], *, force: bool
) -> None:
    """Give the user the names of their new attributes, and take those of the old ones from them."""
    blind = services.pool_secrets.of(pool).blind
    before, after = (names_of(user.username, user.attributes, pool.document) for user in change)
    sub, old, new = change[1].sub, {blind(name) for name in before}, {blind(name): name for name in after}
    for name in sorted(old - new.keys()):
        tx.users.give_up_name(pool.pool_id, name, sub)
    for name in sorted(new.keys() - old):
        attribute = attribute_of(new[name], change[1])
        is_given = change[0].attributes.get(attribute) != new[name]
        if force:
            take_alias(tx, pool, name, attribute)
        try:
            tx.users.add_name(pool.pool_id, name, sub, now_ms=services.now_ms())
        except UsernameExistsException as failure:
            raise _already_exists(attribute, is_given=is_given) from failure


def _refuse_taken(services: Services, tx: Transaction, pool: Pool, user: User, address: str) -> None:
    """
    Refuse an address by which another user is found, even if it is not to be a name before it is proven.
    """
    value, signs_in = user.address_to_prove(address), pools.sign_in_attributes(pool.document)
    if value is None or address not in signs_in:
        return
    holder = tx.users.find_named(pool, services.pool_secrets.of(pool).blind(value))
    if holder is not None and holder.sub != user.sub:
        raise _already_exists(address, is_given=True)


def take_alias(tx: Transaction, pool: Pool, name: bytes, attribute: str) -> None:
    """Take an alias from whoever is found by it, and mark their address as not theirs."""
    holder = tx.users.hold_named(pool, name)
    if holder is not None and holder.attributes.get(attribute) is not None:
        tx.users.save(holder.unverified(attribute))
        tx.users.give_up_name(pool.pool_id, name, holder.sub)


def _already_exists(attribute: str, *, is_given: bool) -> AliasExistsException:
    """The refusal of a value by which somebody else is found: one just given, or one just proven."""
    return AliasExistsException(
        f"An account with the {'given ' if is_given else ''}{attribute} already exists."
    )


def attribute_of(name: str, user: User) -> str:
    """Of what a name of the user's is the value: an attribute, or the user name."""
    for attribute in (*ADDRESSES, "preferred_username"):
        if user.attributes.get(attribute) == name:
            return attribute
    return "username"


def _promises(
    services: Services, pool: Pool, user: User, change: AttributeChange
) -> Mapping[str, tuple[Promise, Channel]]:
    """A code for each address that the change may bring and the pool verifies; held only if it is needed."""
    verifies = pools.auto_verified_attributes(pool.document)
    channels = [Channel(name, change.values[name]) for name in ADDRESSES if name in change.values]
    return {
        channel.attribute: (
            new_promise(services, pool, user, channel, verification_of(channel.attribute)),
            channel,
        )
        for channel in channels
        if channel.attribute in verifies
    }
