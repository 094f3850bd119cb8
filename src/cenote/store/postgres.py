"""
PostgreSQL: many processes and machines on one database, read committed, row locks, retries.

Owns connections, transactions and what is done when one is lost.  Leaves out every statement (the tables).
A write is pipelined: statements whose answers nobody waits for travel with the next one that is waited for.
"""

import random
import re
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar, cast

import psycopg
from psycopg import errors
from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests

from cenote.domain.sealed import Grave, Sealer
from cenote.errors import CenoteError, InternalErrorException, TooManyRequestsException
from cenote.log import logger
from cenote.store.documents import DocumentCache
from cenote.store.ground import Buries, Cursor, Ground, Unattached, VaultSeam
from cenote.store.migrations import POSTGRES_WORDS, apply, pending
from cenote.store.postgres_servers import Server, habits, server_of
from cenote.store.transaction import Transaction
from cenote.turns import aside

T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]

CONNECTIONS_MAX = 16
CALLS_WAITING_MAX = 256
CONNECTION_WAIT_S_MAX = 5.0
RECONNECT_S_MAX = 5.0  # then the next call begins anew: pauses that grow on would outlast a fail-over
ATTEMPTS_MAX = 8
BACKOFF_S = 0.005
OUTCOME_WAIT_S_MAX = 20.0
OUTCOME_POLL_S = 0.2
TOMBSTONE_WAIT_S_MAX = 1.0  # then the answer leaves all the same: the redo owes the tombstone
CALLS_AT_ONCE = 4  # beside a database on the same machine
ROUND_TRIP_S_PER_CALL = 0.000_1  # one call more for so much of a round trip
ROUND_TRIPS = 5
MIGRATION_LOCK = 0x43454E4F  # one number for every node: "CENO"
# A statement that was prepared in a pipeline which then broke off is not known to the server: seen after a
# deadlock, in whatever came next.  The transaction is rolled back whole, so it may be run again.
_LOST_RACE = (errors.SerializationFailure, errors.DeadlockDetected, errors.InvalidSqlStatementName)
_NAMED = re.compile(r"(?<!:):([a-z_]+)")

log = logger("cenote.store")


@dataclass(slots=True)
class _Attempt:
    """One run of a body, as far as it came."""

    result: Any = None
    graves: Sequence[Grave] = ()
    transaction_id: str | None = None
    server: Server | None = None
    is_committing: bool = False


@dataclass(frozen=True, slots=True)
class _Line:
    """
    A connection: whom it reached, and its two faces.

    What a write reads again may be rolled back, and is kept for nobody.
    """

    server: Server
    reading: Transaction
    writing: Transaction


class PostgresStore:
    """A database on a server of its own; the URL may name several hosts, as libpq's do."""

    def __init__(
        self,
        url: str,
        *,
        connections_max: int = CONNECTIONS_MAX,
        calls_waiting_max: int = CALLS_WAITING_MAX,
        reach: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._vault = VaultSeam(Unattached(), Unattached())
        self._documents = DocumentCache()
        self._known = ("", 0)
        self._greeting = threading.Lock()
        self._reach = reach
        self._lines: weakref.WeakKeyDictionary[Connection, _Line] = weakref.WeakKeyDictionary()
        self._answered_s = self._lost_s = time.monotonic()
        self._pool = ConnectionPool(
            url,
            min_size=1,
            max_size=connections_max,
            max_waiting=calls_waiting_max,
            timeout=CONNECTION_WAIT_S_MAX,
            reconnect_timeout=RECONNECT_S_MAX,
            kwargs={"autocommit": True, **habits(url)},
            configure=self._greet,
            open=False,
        )
        try:
            self._pool.open(wait=True, timeout=CONNECTION_WAIT_S_MAX)
            with self._pool.connection() as connection:
                _migrate(connection)
                self._round_trip_s = min(_round_trip_s(connection) for _time in range(ROUND_TRIPS))
        except (psycopg.Error, PoolTimeout) as failure:
            self._pool.close()
            raise CenoteError(f"The database can't be used ({type(failure).__name__}).") from failure

    @property
    def calls_at_once(self) -> int:
        """More, the longer an answer takes to come: else the machine would idle while all wait for one."""
        return min(CALLS_AT_ONCE + round(self._round_trip_s / ROUND_TRIP_S_PER_CALL), CONNECTIONS_MAX)

    def attach(self, sealer: Sealer, tombstones: Buries) -> None:
        """Give the store its vault."""
        self._vault.sealer, self._vault.tombstones = sealer, tombstones

    def close(self) -> None:
        """Give every connection back."""
        self._pool.close()

    def read(self, body: Callable[[Transaction], T], *, at_one_moment: bool = True) -> T:  # noqa: ARG002
        """Run the body; each of its statements sees what is committed when it begins."""
        for attempt in range(ATTEMPTS_MAX):
            try:
                with self._connection() as connection:
                    return body(self._lines[connection].reading)
            except psycopg.OperationalError as failure:
                self._pause(attempt, failure)
        raise InternalErrorException(detail="the database is away")

    def write(self, body: Callable[[Transaction], T]) -> T:
        """Run the body in a transaction, again if it lost to another; return once all of it is durable."""
        for number in range(ATTEMPTS_MAX):
            attempt = _Attempt()
            with ExitStack() as waiting:  # aside, from the commit on
                try:
                    with self._connection() as connection:
                        self._run(connection, body, attempt, waiting)
                except _LOST_RACE as failure:
                    self._pause(number, failure)
                    continue
                except psycopg.OperationalError as failure:
                    if not (attempt.is_committing and self._was_committed(attempt)):
                        self._pause(number, failure)
                        continue
                self._bury(attempt.graves)
            return cast("T", attempt.result)
        raise InternalErrorException(detail="the database is away, or the transaction kept losing")

    def _run(
        self,
        connection: Connection,
        body: Callable[[Transaction], Any],
        attempt: _Attempt,
        waiting: ExitStack,
    ) -> None:
        line = self._lines[connection]
        attempt.server, transaction = line.server, line.writing
        try:
            with connection.pipeline():
                connection.execute("begin")
                mark = connection.execute("select pg_current_xact_id()::text")
                attempt.result = body(transaction)
                attempt.graves = transaction.take_graves()
                attempt.transaction_id = (mark.fetchone() or (None,))[0]
                self._reach("commit.before")
                attempt.is_committing = True
                waiting.enter_context(aside())
                connection.execute("commit")
            self._reach("commit.after")
        except BaseException:
            transaction.take_graves()
            if not connection.closed:
                connection.execute("rollback")
            raise

    def _was_committed(self, attempt: _Attempt) -> bool:
        """
        Ask the database what became of a transaction whose end was not heard; never guess.

        A server that took over, or started anew, gives the numbers of transactions that it has no record of
        to others: "committed" may be said of one of those there, and everything else is a no.
        """
        until = time.monotonic() + OUTCOME_WAIT_S_MAX
        while attempt.transaction_id is not None and time.monotonic() < until:
            status, server = self._status_of(attempt.transaction_id)
            is_same = server == attempt.server
            log.warning("outcome of a lost commit", status=status, is_same_server=is_same)
            if status == "committed" and is_same:
                return True
            if status == "aborted" or (status in {"in progress", "in the future"} and not is_same):
                return False
            if status == "committed":
                break
            time.sleep(OUTCOME_POLL_S)
        raise InternalErrorException(detail="the outcome of a commit could not be found out")

    def _status_of(self, transaction_id: str) -> tuple[str | None, Server | None]:
        """What the database says of a transaction, and which server says so; None when there is no answer."""
        try:
            with self._connection() as connection:
                server = self._lines[connection].server
                try:
                    found = connection.execute(
                        "select pg_xact_status(%s::xid8)", (transaction_id,)
                    ).fetchone()
                except errors.InvalidParameterValue:
                    return "in the future", server
        except (psycopg.OperationalError, InternalErrorException, TooManyRequestsException):
            return None, None
        return (None if found is None else found[0]), server

    def _bury(self, graves: Sequence[Grave]) -> None:
        """Have the tombstones written before the answer, as far as a second suffices."""
        if not graves:
            return
        written = threading.Event()
        self._vault.tombstones.submit(graves, written.set)
        if not written.wait(TOMBSTONE_WAIT_S_MAX):
            log.error("tombstones late", count=len(graves))

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A connection of the pool; a pool that is all in use is a full house, a silent one is a fault."""
        try:
            connection = self._pool.getconn()
        except (TooManyRequests, PoolTimeout) as failure:
            if self._is_away():
                raise InternalErrorException(detail="the database is away") from failure
            raise TooManyRequestsException(detail="too many calls wait for the database") from failure
        try:
            yield connection
            self._answered_s = time.monotonic()
        finally:
            self._pool.putconn(connection)

    def _is_away(self) -> bool:
        """Whether nothing was heard of the database since it was lost, or for long."""
        silence_s = time.monotonic() - self._answered_s
        return self._lost_s > self._answered_s or silence_s >= CONNECTION_WAIT_S_MAX

    def _greet(self, connection: Connection) -> None:
        """
        Learn whom a new connection has reached.

        Another history may give a document another content under the same version: it begins with none.
        """
        server = server_of(connection)
        with self._greeting:
            if self._known != (server.history, server.database):
                self._known, self._documents = (server.history, server.database), DocumentCache()
            documents = self._documents
        self._lines[connection] = _Line(
            server,
            self._transaction(connection, documents, server),
            self._transaction(connection, DocumentCache(0), server),
        )

    def _transaction(self, connection: Connection, documents: DocumentCache, server: Server) -> Transaction:
        def run(sql: str, values: Mapping[str, object]) -> Cursor:
            return connection.execute(spelled(sql), values)

        ground = Ground(
            run,
            self._vault,
            documents,
            hold=" for update of u",
            hold_row=" for no key update",
            hold_alone=" for update",
            share=" for key share",
            history=server.history,
        )
        return Transaction(ground)

    def _pause(self, attempt: int, failure: Exception) -> None:
        """Step back for a moment, longer each time; connections that are dead are let go."""
        if not isinstance(failure, _LOST_RACE):
            log.warning("database connection lost", attempt=attempt, kind=type(failure).__name__)
            self._lost_s = time.monotonic()
        with aside():
            if not isinstance(failure, _LOST_RACE):
                self._pool.check()
            time.sleep(random.uniform(0.5, 1.5) * BACKOFF_S * 2**attempt)  # noqa: S311 - it spreads, no more


@lru_cache(maxsize=1024)
def spelled(sql: str) -> bytes:
    """The statement with its parameters as psycopg spells them."""
    return _NAMED.sub(r"%(\1)s", sql).encode()


def _round_trip_s(connection: Connection) -> float:
    began = time.perf_counter()
    connection.execute("select 1")
    return time.perf_counter() - began


def _migrate(connection: Connection) -> None:
    """Bring the schema up to date; of several nodes that start at once, one does it."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        connection.execute("create table if not exists schema_version (version bigint not null)")
        row = connection.execute("select max(version) from schema_version").fetchone()
        version = row[0] if row is not None and row[0] is not None else 0
        for number, text in pending(version):
            apply(connection, text, POSTGRES_WORDS)
            connection.execute("insert into schema_version (version) values (%s)", (number,))
