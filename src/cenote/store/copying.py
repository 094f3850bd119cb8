"""
Copies of the rows, whichever engine holds them: out of a database as one snapshot, and into an empty one.

Owns which tables there are and how a snapshot is read and written.  Leaves out the file's format
(`cli/backup.py`) and every key: a copy without its keys folder opens nobody.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, cast

from cenote.errors import CenoteError
from cenote.folders import make_folder
from cenote.store.documents import DocumentCache
from cenote.store.ground import Ground, Run, Unattached, VaultSeam
from cenote.store.migrations import SQLITE_WORDS, apply, pending
from cenote.store.sqlite import DATABASE_FILE, LOCK_FILE, connect
from cenote.store.transaction import Transaction

TABLES = (
    "meta",
    "pools",
    "clients",
    "client_secrets",
    "verification_keys",
    "users",
    "keys",
    "names",
    "search_marks",
    "user_groups",
    "belongings",
    "outbox",
    "ledger",
    "ledger_gaps",
    "fallen_pools",
    "fallen_groups",
    "activity",
    "access_keys",
    "rules",
    "read_only_pools",
    "audit",
    "recoverable_users",
)
# What is asked of a serving process at the moment is nothing to be asked again of a copy.
NOT_COPIED = ("errands", "master_acks")
ROWS_PER_STEP = 1_000
Rows = Sequence[Sequence[Any]]


class Source(Protocol):
    """A database as it was at one moment."""

    schema: int
    tables: Transaction  # the tables' verbs, for reading; nothing that is a person's opens

    def columns(self, table: str) -> list[str]:
        """The names of a table's columns."""
        ...

    def rows(self, table: str) -> Iterator[Rows]:
        """All rows of a table, some at once."""
        ...

    def one(self, sql: str, values: Mapping[str, object]) -> Sequence[Any] | None:
        """The first row of a statement of the tables' own."""
        ...


class Target(Protocol):
    """An empty database that is being filled; nothing of it counts before the end."""

    def insert(self, table: str, columns: Sequence[str], rows: Rows) -> None:
        """Add rows to a table."""
        ...


class SQLiteSource:
    """A snapshot of an embedded database, beside its running server or without one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.schema = int(connection.execute("pragma user_version").fetchone()[0])
        self.tables = without_a_vault(cast("Run", connection.execute))

    def columns(self, table: str) -> list[str]:
        """The names of a table's columns."""
        return [row[1] for row in self._connection.execute(f"pragma table_info({table})")]

    def rows(self, table: str) -> Iterator[Rows]:
        """All rows of a table, some at once."""
        cursor = self._connection.execute(f"select * from {table}")
        while found := cursor.fetchmany(ROWS_PER_STEP):
            yield found

    def one(self, sql: str, values: Mapping[str, object]) -> Sequence[Any] | None:
        """The first row of a statement."""
        row: Sequence[Any] | None = self._connection.execute(sql, values).fetchone()
        return row


def without_a_vault(run: Run) -> Transaction:
    """The tables' verbs on a connection that nobody gave a vault."""
    return Transaction(Ground(run, VaultSeam(Unattached(), Unattached()), DocumentCache(0)))


@contextmanager
def sqlite_source(folder: Path) -> Iterator[SQLiteSource]:
    """The embedded database of a data folder, as one snapshot."""
    database = folder / DATABASE_FILE
    if not database.exists():
        raise CenoteError(f"There is no database at {database}.")
    connection = connect(database, mode="ro")
    try:
        connection.execute("begin")
        yield SQLiteSource(connection)
    except sqlite3.Error as failure:
        raise CenoteError(f"The database {database} can't be read: {failure}.") from failure
    finally:
        connection.close()


class SQLiteTarget:
    """A new embedded database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def insert(self, table: str, columns: Sequence[str], rows: Rows) -> None:
        """Add rows to a table."""
        marks = ", ".join("?" * len(columns))
        names = ", ".join(columns)
        self._connection.executemany(f"insert into {table} ({names}) values ({marks})", rows)


@contextmanager
def sqlite_target(folder: Path, schema: int) -> Iterator[SQLiteTarget]:
    """A new data folder with a database of this schema; whole at the end, or not there at all."""
    if folder.exists() and any(entry.name != LOCK_FILE for entry in folder.iterdir()):
        raise CenoteError(f"The data folder {folder} is not empty; a restore needs a new one.")
    make_folder(folder)
    database = folder / DATABASE_FILE
    connection = connect(database, mode="rwc")
    try:
        connection.execute("begin immediate")
        for number, text in pending(0):
            if number <= schema:
                apply(connection, text, SQLITE_WORDS)
                connection.execute(f"pragma user_version = {number}")
        yield SQLiteTarget(connection)
        connection.execute("commit")
        connection.execute("pragma wal_checkpoint(truncate)")
    except BaseException:
        connection.close()
        for leftover in folder.glob(f"{DATABASE_FILE}*"):
            leftover.unlink()
        raise
    connection.close()
