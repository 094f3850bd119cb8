"""
Filling a stopped house with users, through the vault's and the store's own code, as fast as two cores let it.

Every row is what a sign-up and a confirmation would have left: a key under a slot of its own, a sealed
profile, a verifier of the one password that all share, a blind name.  The store's verbs write to a ground
that only records what they would run; the statements then go in by the thousand, or by COPY.  What is spared
is the waiting: one commit for all, and no sync before the end (a crash ruins the house: it is made anew).
The last step is a start and a stop, so that a measured start finds the house in order.
"""

import os
import re
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from itertools import chain, repeat
from multiprocessing import get_context
from typing import Any, Protocol

import msgspec
import psycopg
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.people import PASSWORD, People, email_of, name_of, some_of
from cenote.app import build, load_operations
from cenote.domain import srp
from cenote.domain.access_keys import ENTROPY_BYTES, new_access_key
from cenote.domain.powers import BLINDING_BYTES, blinding_of
from cenote.domain.registrations import Pool, Session
from cenote.domain.tokens import Grant, access_claims
from cenote.domain.users import Status, User
from cenote.services import Services
from cenote.settings import Settings
from cenote.store.documents import DocumentCache
from cenote.store.ground import Cursor, Ground, VaultSeam
from cenote.store.sqlite import DATABASE_FILE, connect
from cenote.store.transaction import Transaction
from cenote.vault.keys import Keyring
from cenote.vault.master import load_master
from cenote.vault.pool_secrets import PoolSecrets
from cenote.vault.slots import KeysFolder
from cenote.wire.policy import ALL

POOL = {"PoolName": "benchmark", "AutoVerifiedAttributes": ["email"]}
TOKEN_HOURS = 24  # a filled house may wait for its turn
CLIENT = {
    "ClientName": "benchmark",
    "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    "AccessTokenValidity": TOKEN_HOURS,
}
USERS_PER_TASK = 500
_UNBLINDED = blinding_of(bytes(BLINDING_BYTES))  # the one password is public
TASKS_AHEAD = 8  # per process: what is sealed and not yet written is held in memory
CACHE_KIB = 512 * 1024
REFRESH_MS = 30 * 24 * 3_600_000
_INSERT = re.compile(r"insert into (\w+) \(([^)]*)\)")

Rows = dict[str, list[Mapping[str, object]]]  # by statement
_Batch = tuple[int, Rows, dict[int, str]]  # how many users, their rows, the access tokens of some by number


def fill(settings: Settings, users: int, signed_in: int, progress: Progress | None = None) -> People:
    """
    Make a house of one pool with so many users, of whom so many are signed in.

    The folders, or the database, must be new, and nothing may be serving them.
    """
    plan = _found(settings, frozenset(some_of(users, signed_in)))
    spawn, cores = get_context("spawn"), os.cpu_count() or 1
    tokens: dict[int, str] = {}
    shown: AbstractContextManager[Any] = nullcontext(progress) if progress is not None else _progress()
    with shown as bar, closing(_writer(settings)) as writer:
        task = bar.add_task(f"filling with {users:,} users", total=users)
        with ProcessPoolExecutor(cores, mp_context=spawn, initializer=_move_in, initargs=(plan,)) as sealers:
            for count, rows, fresh in _in_order(sealers, users, cores * TASKS_AHEAD):
                writer.write(rows)
                tokens |= fresh
                bar.advance(task, count)
        writer.finish()
    build(settings).close()
    in_no_order = [tokens[number] for number in some_of(users, signed_in)]
    return People(plan.pool.pool_id, plan.client_id, users, in_no_order, plan.access_key)


def _progress() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a sealing process must know."""

    settings: Settings
    pair: bytes
    pool: Pool
    client_id: str
    issuer: str
    signed_in: frozenset[int]
    now_ms: int
    access_key: tuple[str, str]


def _found(settings: Settings, signed_in: frozenset[int]) -> _Plan:
    """A new house with a pool and a client, made by the operations themselves."""
    house = build(settings)
    with closing(house):
        services, operations = house.services, load_operations()
        pool_id = _made(operations["CreateUserPool"], services, POOL, "UserPool")["Id"]
        wanted = CLIENT | {"UserPoolId": pool_id}
        client_id = _made(operations["CreateUserPoolClient"], services, wanted, "UserPoolClient")["ClientId"]
        pool = services.store.read(lambda tx: tx.pools.find(pool_id))
        pair = services.store.read(lambda tx: tx.meta.find("pair"))
        if pool is None or pair is None:
            raise RuntimeError("a pool that was just made is not there")
        issuer, now_ms = services.locality.issuer_of(pool_id), services.now_ms()
        entropy, seals = os.urandom(ENTROPY_BYTES), services.master.sealing_key
        key, secret = new_access_key(entropy, seals, name="benchmark", policy=ALL, now_ms=now_ms)
        services.store.write(lambda tx: tx.access_keys.add(key))
    return _Plan(settings, pair, pool, client_id, issuer, signed_in, now_ms, (key.key_id, secret))


def _made(operation: Any, services: Services, request: Mapping[str, object], member: str) -> dict[str, Any]:
    made: dict[str, Any] = operation(services, request)[member]
    return made


def _in_order(sealers: ProcessPoolExecutor, users: int, ahead_max: int) -> Iterator[_Batch]:
    """The sealed users, batch after batch, with no more than so many batches on their way."""
    starts = range(0, users, USERS_PER_TASK)
    waiting = []
    for start in chain(starts, repeat(None, ahead_max)):
        if start is not None:
            waiting.append(sealers.submit(_seal, start, min(start + USERS_PER_TASK, users)))
        if waiting and (start is None or len(waiting) >= ahead_max):
            yield waiting.pop(0).result()


class _Sealer:
    """One process with slots of its own, which makes rows and hands them over."""

    def __init__(self, plan: _Plan) -> None:
        settings = plan.settings
        master = load_master(
            text=settings.master_key,
            command=settings.master_key_command,
            file=settings.master_key_file,
            may_create=False,
        )
        self._plan = plan
        self._folder = KeysFolder(settings.keys, plan.pair, settings.keys_mirror)
        self._keyring = Keyring(master, self._folder)
        self._secrets = PoolSecrets(self._keyring).of(plan.pool)

    def seal(self, numbers: range) -> _Batch:
        """The rows of these users, and the access tokens of those who are signed in."""
        record = _Record()
        tx = Transaction(Ground(record.run, VaultSeam(self._keyring, _nobody_dies), DocumentCache()))
        tokens = {}
        for number in numbers:
            user = self._user(number)
            key, wrapped = self._keyring.new_key(user.sub, self._plan.pool.slot)
            tx.users.add(user, key, wrapped, [self._secrets.blind(user.username)])
            if number in self._plan.signed_in:
                tokens[number] = self._sign_in(tx, user)
        return len(numbers), dict(record.rows), tokens

    def _user(self, number: int) -> User:
        name, pool_id = name_of(number), self._plan.pool.pool_id
        return User(
            sub=str(uuid.uuid4()),
            pool_id=pool_id,
            username=name,
            status=Status.CONFIRMED,
            attributes={"email": email_of(number), "email_verified": "true"},
            password=srp.verifier_of(pool_id, name, PASSWORD, os.urandom(srp.SALT_BYTES), _UNBLINDED),
            created_ms=self._plan.now_ms,
            modified_ms=self._plan.now_ms,
        )

    def _sign_in(self, tx: Transaction, user: User) -> str:
        now_ms, client_id = self._plan.now_ms, self._plan.client_id
        session_id, event_id = str(uuid.uuid4()), str(uuid.uuid4())
        tx.sessions.add(Session(user.sub, session_id, event_id, client_id, now_ms, now_ms + REFRESH_MS))
        grant = Grant(
            sub=user.sub,
            username=user.username,
            issuer=self._plan.issuer,
            client_id=client_id,
            origin_jti=session_id,
            event_id=event_id,
            auth_time_s=now_ms // 1000,
            issued_s=now_ms // 1000,
        )
        claims = access_claims(grant, jti=str(uuid.uuid4()), lifetime_s=TOKEN_HOURS * 3600)
        return self._secrets.access.sign(msgspec.json.encode(claims))


_moved_in: list[_Sealer] = []


def _move_in(plan: _Plan) -> None:
    """In a sealing process: open the vault."""
    _moved_in.append(_Sealer(plan))


def _seal(start: int, stop: int) -> _Batch:
    return _moved_in[0].seal(range(start, stop))


class _Record:
    """A connection that runs nothing, keeps what it was asked, and says that all went well."""

    def __init__(self) -> None:
        self.rows: defaultdict[str, list[Mapping[str, object]]] = defaultdict(list)

    def run(self, sql: str, values: Mapping[str, object]) -> Cursor:
        """Keep the statement."""
        self.rows[sql].append(values)
        return self

    def fetchone(self) -> tuple[object, ...]:
        """A row, as each `returning` of a new user gives one."""
        return (None,)

    def fetchall(self) -> Sequence[object]:
        """Nothing: no verb of a new user lists."""
        return []


class _NobodyDies:
    def submit(self, _graves: object, _done: object) -> None:
        """Refuse: whoever fills a house erases nobody."""
        raise RuntimeError("a fill erases nobody")


_nobody_dies = _NobodyDies()


class _Writer(Protocol):
    def write(self, rows: Rows) -> None: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...


def _writer(settings: Settings) -> _Writer:
    if settings.database_url is None:
        return _SQLiteWriter(settings)
    return _PostgresWriter(settings.database_url)


class _SQLiteWriter:
    """One transaction without a journal, in a cache that holds the whole of most houses."""

    def __init__(self, settings: Settings) -> None:
        self._connection = connect(settings.data / DATABASE_FILE)
        for pragma in ("journal_mode = off", "synchronous = off", f"cache_size = -{CACHE_KIB}"):
            self._connection.execute(f"pragma {pragma}")
        self._connection.execute("begin")

    def write(self, rows: Rows) -> None:
        """Run each statement for all of its rows."""
        for sql, values in rows.items():
            self._connection.executemany(sql, values)

    def finish(self) -> None:
        """Commit, and be durable from now on."""
        self._connection.execute("commit")
        self._connection.execute("pragma synchronous = full")
        self._connection.execute("pragma journal_mode = wal")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


class _PostgresWriter:
    """COPY where a statement only inserts what it was given, and the statement itself elsewhere."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url)

    def write(self, rows: Rows) -> None:
        """Copy or run."""
        with self._connection.cursor() as cursor:
            for sql, values in rows.items():
                into = _INSERT.match(sql)
                columns = [] if into is None else into[2].split(", ")
                if into is None or not set(columns) <= values[0].keys():
                    cursor.executemany(re.sub(":([a-z_]+)", r"%(\1)s", sql).encode(), values)
                    continue
                with cursor.copy(f"copy {into[1]} ({into[2]}) from stdin".encode()) as copy:
                    for row in values:
                        copy.write_row([row[column] for column in columns])

    def finish(self) -> None:
        """Commit, and let the planner and the first checkpoint have their turn before anybody measures."""
        self._connection.commit()
        self._connection.autocommit = True
        for statement in (b"vacuum analyze", b"checkpoint"):
            self._connection.execute(statement)

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()
