"""Copies of the rows of a PostgreSQL database: out as one snapshot, and into an empty one."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from cenote.errors import CenoteError
from cenote.store.copying import ROWS_PER_STEP, Rows, without_a_vault
from cenote.store.migrations import POSTGRES_WORDS, apply, pending
from cenote.store.postgres import spelled


class PostgresSource:
    """A snapshot of a database, beside the servers that use it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        row = connection.execute("select max(version) from schema_version").fetchone()
        self.schema = int(row[0]) if row is not None else 0
        self.tables = without_a_vault(lambda sql, values: connection.execute(spelled(sql), values))

    def columns(self, table: str) -> list[str]:
        """The names of a table's columns."""
        rows = self._connection.execute(
            "select column_name from information_schema.columns"
            " where table_schema = current_schema() and table_name = %s order by ordinal_position",
            (table,),
        ).fetchall()
        return [row[0] for row in rows]

    def rows(self, table: str) -> Iterator[Rows]:
        """All rows of a table, some at once."""
        with self._connection.cursor(name=f"copy_{table}") as cursor:
            cursor.execute(f"select * from {table}".encode())
            while found := cursor.fetchmany(ROWS_PER_STEP):
                yield found

    def one(self, sql: str, values: Mapping[str, object]) -> Sequence[Any] | None:
        """The first row of a statement."""
        return self._connection.execute(spelled(sql), values).fetchone()


class PostgresTarget:
    """A new database."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def insert(self, table: str, columns: Sequence[str], rows: Rows) -> None:
        """Add rows to a table."""
        names = ", ".join(columns)
        with self._connection.cursor().copy(f"copy {table} ({names}) from stdin".encode()) as copy:
            for row in rows:
                copy.write_row(row)


@contextmanager
def postgres_source(url: str) -> Iterator[PostgresSource]:
    """The database of this URL, as one snapshot."""
    try:
        with psycopg.connect(url) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            yield PostgresSource(connection)
    except psycopg.Error as failure:
        raise CenoteError(f"The database can't be read ({type(failure).__name__}).") from failure


@contextmanager
def postgres_target(url: str, schema: int) -> Iterator[PostgresTarget]:
    """An empty database with this schema, filled in one transaction."""
    try:
        with psycopg.connect(url) as connection:
            found = connection.execute("select to_regclass('schema_version')").fetchone()
            if found is not None and found[0] is not None:
                raise CenoteError("The database is not empty; a restore needs a new one.")
            connection.execute("create table schema_version (version bigint not null)")
            for number, text in pending(0):
                if number <= schema:
                    apply(connection, text, POSTGRES_WORDS)
                    connection.execute("insert into schema_version (version) values (%s)", (number,))
            yield PostgresTarget(connection)
    except psycopg.Error as failure:
        raise CenoteError(f"The database can't be filled ({type(failure).__name__}).") from failure
