"""
The embedded database as a second process may use it, beside a running server or without one.

Owns small writes of an operator's command, one at a time: the server's committer is the only steady writer.
It has no vault, so whatever is a person's is out of its reach, and it brings no schema up to date.  Why it is
allowed at all: `docs/decisions/0015-keys-beside-a-running-server.md`.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, cast

from cenote.domain.sealed import Sealer
from cenote.errors import CenoteError
from cenote.store.documents import DocumentCache
from cenote.store.ground import Buries, Ground, Run, Unattached, VaultSeam
from cenote.store.migrations import pending
from cenote.store.sqlite import DATABASE_FILE, LOCK_FILE, connect
from cenote.store.transaction import Transaction

T = TypeVar("T")

TURN_WAIT_S_MAX = 20.0
TURN_POLL_S = 0.000_3  # a busy server lets go between two commits for a fraction of a millisecond only


def is_served(folder: Path) -> bool:
    """Whether a process serves this data folder at the moment."""
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


class SQLiteGuest:
    """A database in one file that somebody else may be serving."""

    def __init__(self, folder: Path) -> None:
        path = folder / DATABASE_FILE
        if not path.exists():
            raise CenoteError(f"There is no database at {path}; the first start of a server makes it.")
        self._vault = VaultSeam(Unattached(), Unattached())
        with _told(path):
            self._connection = connect(path)
            self._connection.execute("pragma busy_timeout = 0")
            version = self._connection.execute("pragma user_version").fetchone()[0]
        self._path = path
        run = cast("Run", self._connection.execute)
        self._transaction = Transaction(Ground(run, self._vault, DocumentCache(0)))
        if pending(version):
            self.close()
            raise CenoteError(f"The database {path} has an older schema; start this version's server first.")

    def attach(self, sealer: Sealer, tombstones: Buries) -> None:
        """Give it a vault, which no command does."""
        self._vault.sealer, self._vault.tombstones = sealer, tombstones

    def read(self, body: Callable[[Transaction], T], *, at_one_moment: bool = True) -> T:  # noqa: ARG002
        """Run the body on one snapshot of what is committed."""
        with _told(self._path):
            self._connection.execute("begin")
            try:
                return body(self._transaction)
            finally:
                self._connection.execute("rollback")

    def write(self, body: Callable[[Transaction], T]) -> T:
        """Run the body between two commits of the server; return once it is durable."""
        with _told(self._path):
            self._take_turn()
            try:
                result = body(self._transaction)
                self._connection.execute("commit")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise
        return result

    def fold(self) -> None:
        """Copy the journal into the file, as far as nobody reads it; a server may be doing the same."""
        with _told(self._path):
            self._connection.execute("pragma wal_checkpoint(passive)").fetchall()

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def _take_turn(self) -> None:
        """SQLite's own waiting asks ever more seldom, and would miss each gap of a busy server."""
        until = time.monotonic() + TURN_WAIT_S_MAX
        while True:
            try:
                self._connection.execute("begin immediate")
            except sqlite3.OperationalError as failure:
                if failure.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(TURN_POLL_S)
            else:
                return


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """A failure of the engine's as a sentence for the operator."""
    try:
        yield
    except sqlite3.Error as failure:
        raise CenoteError(f"The database {path} can't be used: {failure}.") from failure
