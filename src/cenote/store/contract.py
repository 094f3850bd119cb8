"""
What every engine promises.

A body is a pure function of its transaction: it may be run again.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from cenote.domain.sealed import Sealer
from cenote.store.ground import Buries
from cenote.store.transaction import Transaction

T = TypeVar("T")

BATCH_BODIES_MAX = 64


class Store(Protocol):
    """One engine."""

    def read(self, body: Callable[[Transaction], T], *, at_one_moment: bool = True) -> T:
        """
        Run the body on what is committed.

        On SQLite that is one snapshot, unless the body says that it needs none; on PostgreSQL each statement
        sees what is committed when it begins, since a snapshot would cost two more round trips.  Who must see
        one moment on both asks in one statement.
        """
        ...

    def write(self, body: Callable[[Transaction], T]) -> T:
        """
        Run the body in a transaction and return once it is durable, tombstones included.

        Whatever the body raises leaves nothing behind, and reaches the caller only after the commit of what
        it may have read.
        """
        ...

    def attach(self, sealer: Sealer, tombstones: Buries) -> None:
        """Give the store its vault; until then only `meta` may be read and written."""
        ...

    def close(self) -> None:
        """Finish what is under way and let go of the database."""
        ...


class Engine(Store, Protocol):
    """A store that serves calls."""

    @property
    def calls_at_once(self) -> int:
        """How many of them should run at once, those that wait for an answer of the database included."""
        ...
