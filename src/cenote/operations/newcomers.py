"""
New users: all that is held with one, whoever makes them, in one transaction.

Leaves out what a new user may be like (`sign_up.py`, `admin_create_user.py`).
"""

from dataclasses import dataclass

from cenote.domain.filters import marks_of
from cenote.domain.names import names_of
from cenote.domain.registrations import Pool
from cenote.domain.sealed import Key, WrappedKey
from cenote.domain.users import User
from cenote.services import Services
from cenote.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A user who is not held yet, with the key that seals them and what they are found and searched by."""

    user: User
    key: Key
    wrapped: WrappedKey
    names: tuple[bytes, ...]
    marks: tuple[bytes, ...]

    def hold(self, tx: Transaction) -> None:
        """Hold all of it, or nothing: `UsernameExistsException` when another is found by one of the names."""
        tx.users.add(self.user, self.key, self.wrapped, self.names)
        tx.search.add(self.user.sub, self.marks)


def newcomer(services: Services, pool: Pool, user: User) -> Newcomer:
    """The user with a fresh key."""
    opened = services.pool_secrets.of(pool)
    names = {opened.blind(name) for name in names_of(user.username, user.attributes, pool.document)}
    key, wrapped = services.keyring.new_key(user.sub, pool.slot, like=pool.wrapped)
    marks = tuple(opened.mark(rungs) for rungs in marks_of(user))
    return Newcomer(user, key, wrapped, tuple(sorted(names)), marks)
