"""
A store that keeps the turns: a call that waits for it lets the next call run, and a body takes its own turn.

Leaves out what a turn is for (`cenote.turn`).
"""

from collections.abc import Callable
from typing import TypeVar

from cenote.domain.sealed import Sealer
from cenote.store.contract import Store
from cenote.store.ground import Buries
from cenote.store.transaction import Transaction
from cenote.turn import Turn

T = TypeVar("T")


class EmbeddedInTurns:
    """Over an embedded database: a read is quick and keeps the turn; a write is run by another thread."""

    def __init__(self, store: Store, turn: Turn) -> None:
        self._store = store
        self._turn = turn

    def attach(self, sealer: Sealer, tombstones: Buries) -> None:
        """Give the store its vault."""
        self._store.attach(sealer, tombstones)

    def close(self) -> None:
        """Let go of the database."""
        self._store.close()

    def read(self, body: Callable[[Transaction], T]) -> T:
        """Run the body on one snapshot of what is committed."""
        return self._store.read(body)

    def write(self, body: Callable[[Transaction], T]) -> T:
        """Run the body in the next batch, in a turn of its own; return once it is durable."""

        def in_turn(tx: Transaction) -> T:
            with self._turn:
                return body(tx)

        with self._turn.given_up():
            return self._store.write(in_turn)


class RemoteInTurns(EmbeddedInTurns):
    """Over a database on the wire: every statement waits, so the turn is given up for all of it."""

    def read(self, body: Callable[[Transaction], T]) -> T:
        """Run the body; each of its statements sees what is committed when it begins."""
        with self._turn.given_up():
            return self._store.read(body)

    def write(self, body: Callable[[Transaction], T]) -> T:
        """Run the body in a transaction; return once all of it is durable."""
        with self._turn.given_up():
            return self._store.write(body)
