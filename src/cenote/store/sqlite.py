"""
SQLite: one process, a committer thread with group commit, and readers on snapshots of their own.

Owns connections and transactions.  Leaves out every statement (the tables) and the tombstones of a commit,
which it hands to the vault and waits for.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar, cast

from cenote.domain.sealed import Sealer
from cenote.errors import CenoteError
from cenote.folders import make_folder
from cenote.log import logger
from cenote.store.committer import Committer
from cenote.store.documents import DocumentCache
from cenote.store.ground import Buries, Ground, Run, Unattached, VaultSeam
from cenote.store.migrations import SQLITE_WORDS, apply, pending
from cenote.store.transaction import Transaction

T = TypeVar("T")

log = logger("cenote.store")

DATABASE_FILE = "cenote.db"
LOCK_FILE = "lock"
BUSY_WAIT_MS = 5_000
STATEMENTS_KEPT = 512


class SQLiteStore:
    """A database in one file.  A second process on the same folder is refused: it would ruin every p99."""

    def __init__(
        self,
        folder: Path,
        *,
        reach: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._path = folder / DATABASE_FILE
        self._vault = VaultSeam(Unattached(), Unattached())
        self._documents = DocumentCache()
        self._lock = _lock_folder(folder)
        self._idle: list[tuple[sqlite3.Connection, Transaction]] = []
        self._every_reader: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        try:
            self._writer = connect(self._path, mode="rwc")
            _migrate(self._writer)
        except (sqlite3.Error, CenoteError) as failure:
            os.close(self._lock)
            if isinstance(failure, CenoteError):
                raise
            raise CenoteError(f"The database {self._path} can't be used: {failure}.") from failure
        # What a body writes and reads again may be rolled back: the writer's documents are nobody else's.
        transaction = self._transaction(self._writer, DocumentCache(0))
        self._committer = Committer(self._writer, transaction, self._vault, self._checkpoint, reach)

    @property
    def calls_at_once(self) -> int:
        """One: its answers are function calls, and who waits for a commit steps aside."""
        return 1

    def attach(self, sealer: Sealer, tombstones: Buries) -> None:
        """Give the store its vault."""
        self._vault.sealer, self._vault.tombstones = sealer, tombstones

    def read(self, body: Callable[[Transaction], T], *, at_one_moment: bool = True) -> T:
        """Run the body on one snapshot of what is committed, or on what is when each statement begins."""
        try:
            with self._reader() as (connection, transaction):
                if not at_one_moment:
                    return body(transaction)
                connection.execute("begin")
                try:
                    return body(transaction)
                finally:
                    connection.execute("rollback")
        except sqlite3.OperationalError as failure:
            raise CenoteError(f"The database could not be read ({failure}).") from failure

    def write(self, body: Callable[[Transaction], T]) -> T:
        """Run the body in the committer's next batch; return once it is durable, tombstones included."""
        return self._committer.run(body)

    def close(self) -> None:
        """Commit what is waiting, fold the journal into the file, and give the folder back."""
        self._committer.close()
        with self._guard:
            for connection in self._every_reader:
                connection.close()
            self._every_reader.clear()
        try:
            self._checkpoint()
        except sqlite3.Error as failure:  # the journal stays beside the file, and the next start folds it
            log.warning("journal not folded", failure=str(failure))
        self._writer.close()
        os.close(self._lock)

    @contextmanager
    def _reader(self) -> Iterator[tuple[sqlite3.Connection, Transaction]]:
        """A connection for reading that nobody else has: as many as are in use at once, not one a thread."""
        with self._guard:
            held = self._idle.pop() if self._idle else None
        if held is None:
            connection = connect(self._path)
            held = (connection, self._transaction(connection, self._documents))
            with self._guard:
                self._every_reader.append(connection)
        try:
            yield held
        finally:
            with self._guard:
                self._idle.append(held)

    def _transaction(self, connection: sqlite3.Connection, documents: DocumentCache) -> Transaction:
        run = cast("Run", connection.execute)
        return Transaction(Ground(run, self._vault, documents, many=connection.executemany))

    def _checkpoint(self) -> None:
        """Copy the journal into the file, off the commit path and without waiting for any reader."""
        connection = connect(self._path)
        try:
            connection.execute("pragma wal_checkpoint(passive)")
        finally:
            connection.close()


def connect(path: Path, *, mode: Literal["ro", "rw", "rwc"] = "rw") -> sqlite3.Connection:
    """
    A connection as this store wants it: WAL, a commit that is on the disk, no implicit transactions.

    Only a start may make the file (`rwc`): made anew while the real one is away for a moment, it would take
    that one's journal for its own and empty it.
    """
    connection = sqlite3.connect(
        f"file:{path}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS_KEPT,
        timeout=BUSY_WAIT_MS / 1000,
    )
    if mode != "ro":
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma wal_autocheckpoint = 0")
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("begin immediate")
    try:
        version = connection.execute("pragma user_version").fetchone()[0]
        for number, text in pending(version):
            apply(connection, text, SQLITE_WORDS)
            connection.execute(f"pragma user_version = {number}")
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def _lock_folder(folder: Path) -> int:
    try:
        make_folder(folder)
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as failure:
        raise CenoteError(f"The data folder {folder} can't be used: {failure.strerror}.") from failure
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as failure:
        os.close(descriptor)
        raise CenoteError(f"Another Cenote is serving the data folder {folder}.") from failure
    return descriptor
