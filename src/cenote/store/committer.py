"""
Group commit: one thread runs the bodies that are waiting and commits them together.

No answer, a refusal included, leaves before the commit of the batch that it read from.  The tombstones of a
batch are written by the vault while the next batch is already running.
"""

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from cenote.domain.sealed import Grave
from cenote.errors import CenoteError
from cenote.log import logger
from cenote.store.contract import BATCH_BODIES_MAX
from cenote.store.ground import VaultSeam
from cenote.store.transaction import Transaction
from cenote.turns import aside

T = TypeVar("T")

TOMBSTONE_WAIT_S_MAX = 1.0  # then the answer leaves all the same: the redo owes the tombstone
BATCHES_PER_CHECKPOINT = 64
CAREFUL_BATCHES = 50  # after one with a refusal: so many have savepoints from the beginning

log = logger("cenote.store")


class Ticket:
    """One body on its way, and what came of it."""

    __slots__ = ("_done", "body", "committed_s", "failure", "graves", "result")

    def __init__(self, body: Callable[[Transaction], Any]) -> None:
        self.body = body
        self.result: Any = None
        self.failure: BaseException | None = None
        self.graves: Sequence[Grave] = ()
        self.committed_s: float | None = None  # since when only tombstones are waited for
        self._done = threading.Lock()
        self._done.acquire()

    def settle(self) -> None:
        """All is durable, tombstones included, or owed to the redo; or this body is refused for good."""
        self._done.release()

    def wait(self) -> Any:
        """What the body returned or raised, once it may be told."""
        while not self._done.acquire(timeout=TOMBSTONE_WAIT_S_MAX):
            since = self.committed_s
            if since is not None and time.monotonic() - since >= TOMBSTONE_WAIT_S_MAX:
                log.error("tombstones late", count=len(self.graves))
                break
        if self.failure is not None:
            raise _told(self.failure)
        return self.result


def _told(failure: BaseException) -> BaseException:
    """A failure as it may be told: the engine's own become an alarm, which holds no value of a person's."""
    if isinstance(failure, sqlite3.OperationalError):
        return CenoteError(f"The database could not be written ({failure}).")
    return failure


def _settle(tickets: Iterable[Ticket]) -> None:
    for ticket in tickets:
        ticket.settle()


class Committer:
    """The only writer."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        transaction: Transaction,
        vault: VaultSeam,
        checkpoint: Callable[[], None],
        reach: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._transaction = transaction
        self._vault = vault
        self._checkpoint = checkpoint
        self._reach = reach
        self._waiting: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._folding = threading.Event()
        self._careful_batches = 0
        self._closed = False
        self._closing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="cenote-committer", daemon=True)
        self._folder = threading.Thread(target=self._fold, name="cenote-checkpoint", daemon=True)
        self._thread.start()
        self._folder.start()

    def run(self, body: Callable[[Transaction], T]) -> T:
        """Queue the body and wait for its end."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a body may not write in another transaction")
        ticket = Ticket(body)
        with self._closing:
            if self._closed:
                raise CenoteError("The store is closed.")
            self._waiting.put(ticket)
        with aside():
            result: T = ticket.wait()
        return result

    def close(self) -> None:
        """Finish what is queued and end the threads; whoever comes later is refused."""
        with self._closing:
            self._closed = True
            self._waiting.put(None)
        self._thread.join()
        self._folding.set()
        self._folder.join()

    def _run(self) -> None:
        batches = 0
        while (first := self._waiting.get()) is not None:
            batch, ends = [first], False
            while len(batch) < BATCH_BODIES_MAX and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    ends = True
                    break
                batch.append(following)
            self._commit(batch)
            batches += 1
            if batches % BATCHES_PER_CHECKPOINT == 0:
                self._folding.set()
            if ends:
                return

    def _commit(self, batch: list[Ticket]) -> None:
        """Commit the batch, or, when the whole of it is lost, each of its bodies alone."""
        try:
            self._attempt(batch)
        except Exception as failure:  # noqa: BLE001 - it is told to whoever asked for the body
            self._roll_back()
            if not self._is_committed(batch):
                self._begin_again(batch, failure)
                return
        self._hand_over(batch)

    def _begin_again(self, batch: list[Ticket], failure: Exception) -> None:
        if len(batch) == 1:
            batch[0].failure = failure
            batch[0].settle()
            return
        for ticket in batch:
            ticket.failure, ticket.graves = None, ()
            self._commit([ticket])

    def _is_committed(self, batch: list[Ticket]) -> bool:
        """
        After a failed commit, ask the ledger whether it happened all the same; never guess.

        Only an erasure matters here: anything else may be told that it failed, or be run again, and an
        erasure that did happen must be buried and answered as one.
        """
        digests = [grave.digest for ticket in batch for grave in ticket.graves]
        try:
            return any(self._transaction.ledger.find(digest) is not None for digest in digests)
        except sqlite3.Error:
            return False

    def _attempt(self, batch: list[Ticket]) -> None:
        """
        Run all bodies and commit them; if one is refused, run all of them anew, each in a savepoint.

        A savepoint keeps each page as it was (a tenth of an erasure), for somebody who is seldom there.
        Where refusals are frequent, batches begin with savepoints: nobody makes others run twice for long.
        """
        self._connection.execute("begin immediate")
        self._careful_batches = max(0, self._careful_batches - 1)
        if self._careful_batches or not self._have_run(batch):
            if not self._careful_batches:
                self._careful_batches = CAREFUL_BATCHES
                self._roll_back()
                self._connection.execute("begin immediate")
            for ticket in batch:  # of a first pass there are none: what it dug is rolled back
                ticket.graves = ()
            for ticket in batch:
                self._run_body(ticket)
        self._reach("commit.before")
        self._connection.execute("commit")
        self._reach("commit.after")

    def _have_run(self, batch: list[Ticket]) -> bool:
        """Run the bodies; False as soon as one is refused, who may have written something."""
        for ticket in batch:
            try:
                ticket.result = ticket.body(self._transaction)
            except Exception:  # it is met again, in its savepoint
                if not self._connection.in_transaction:
                    raise
                return False
            if not self._connection.in_transaction:  # lost, and the body kept silent about it
                raise sqlite3.OperationalError("the transaction was rolled back")
            ticket.graves = self._transaction.take_graves()
            self._reach("body.after")
        return True

    def _run_body(self, ticket: Ticket) -> None:
        """Run one body in its savepoint; its refusal is its own, a broken transaction is everybody's."""
        self._connection.execute("savepoint body")
        try:
            ticket.result = ticket.body(self._transaction)
        except Exception as failure:
            self._transaction.take_graves()
            if not self._connection.in_transaction:
                raise
            self._connection.execute("rollback to body")
            ticket.failure = failure
        else:
            ticket.graves = self._transaction.take_graves()
        self._connection.execute("release body")
        self._reach("body.after")

    def _hand_over(self, batch: list[Ticket]) -> None:
        """Tell whoever may be told, and hand all tombstones of the batch over at once for the others."""
        burying = [ticket for ticket in batch if ticket.failure is None and ticket.graves]
        for ticket in burying:
            ticket.committed_s = time.monotonic()
        if burying:
            graves = [grave for ticket in burying for grave in ticket.graves]
            self._vault.tombstones.submit(graves, lambda: _settle(burying))
        _settle([ticket for ticket in batch if ticket not in burying])

    def _roll_back(self) -> None:
        self._transaction.take_graves()
        if self._connection.in_transaction:
            self._connection.execute("rollback")

    def _fold(self) -> None:
        while True:
            self._folding.wait()
            self._folding.clear()
            if self._closed:
                return
            try:
                self._checkpoint()
            except sqlite3.Error as failure:
                log.warning("checkpoint failed", failure=repr(failure))
