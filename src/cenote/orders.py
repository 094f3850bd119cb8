"""
The operator's standing orders as a serving process knows them: rules about addresses, read-only pools.

A thread reads twice a second whether anything has changed, which is one row, and reads all of it when it has:
so a command beside the server holds within a second, and no call waits or pays for it.  While the database is
away the last orders hold.  Leaves out who gives them (`cli/`) and whom they meet (`wire/admission.py`).
"""

import threading
from dataclasses import dataclass

from cenote.domain.rules import RuleBook
from cenote.log import logger
from cenote.store.contract import Store
from cenote.store.transaction import Transaction

LOOK_EVERY_S = 0.5

log = logger("cenote.orders")


@dataclass(frozen=True, slots=True)
class Standing:
    """The orders as of one reading."""

    mark: bytes | None
    book: RuleBook
    read_only: frozenset[str]


class Orders:
    """What is ordered now, give or take half a second."""

    def __init__(self, store: Store, *, all_read_only: bool = False) -> None:
        self.all_read_only = all_read_only
        self.standing = store.read(_standing)
        self._store = store
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cenote-orders", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            try:
                self._look()
            except Exception as failure:  # noqa: BLE001 - whatever it was, the next look may go well
                log.warning("orders not read", kind=type(failure).__name__)

    def _look(self) -> None:
        if self._store.read(lambda tx: tx.orders.find_mark()) != self.standing.mark:
            self.standing = self._store.read(_standing)


def _standing(tx: Transaction) -> Standing:
    """The mark first: whatever is newer than the mark is only read once more."""
    mark = tx.orders.find_mark()
    return Standing(mark, RuleBook(tx.orders.list_rules()), frozenset(tx.orders.list_read_only()))
