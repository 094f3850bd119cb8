"""A store with its vault, as a server opens them, for tests that ask the store itself."""

import atexit
import secrets
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from cenote.domain.registrations import Client, Pool, Session
from cenote.domain.users import Status, User
from cenote.opening import Vault, open_vault
from cenote.settings import Settings
from cenote.store.contract import Store
from cenote.store.postgres import PostgresStore
from cenote.store.sqlite import SQLiteStore
from tests.postgres import drop_database, new_database

T = TypeVar("T")

NOW_MS = 1_800_000_000_000
WAIT_S_MAX = 20


@dataclass
class Seams:
    """What happens at the store's seams: counted, and whatever a test hangs there."""

    met: Counter[str] = field(default_factory=Counter)
    hung: dict[str, Callable[[], None]] = field(default_factory=dict)

    def reach(self, name: str) -> None:
        self.met[name] += 1
        self.hung.get(name, lambda: None)()

    def fail_once(self, name: str, failure: Exception) -> None:
        """Raise at the next arrival there, and never again."""

        def fail() -> None:
            del self.hung[name]
            raise failure

        self.hung[name] = fail


@dataclass
class Engine:
    """An open store with its vault and one pool, and the people that tests make in it."""

    store: Store
    vault: Vault
    seams: Seams
    pool: Pool
    url: str | None = None

    def close(self) -> None:
        self.store.close()
        self.vault.close()
        if self.url is not None:
            drop_database(self.url)

    def new_user(self, pool: Pool | None = None, **changes: Any) -> "Newcomer":
        """A user who is not held yet, with their key."""
        pool = pool or self.pool
        values: dict[str, Any] = {
            "sub": str(uuid.uuid4()),
            "pool_id": pool.pool_id,
            "username": "ann",
            "status": Status.CONFIRMED,
            "attributes": {"email": "ann@example.com"},
            "password": None,
            "created_ms": NOW_MS,
            "modified_ms": NOW_MS,
        }
        user = User(**values | changes)
        return Newcomer(self, user, *self.vault.keyring.new_key(user.sub, pool.slot))

    def add_user(self, *names: bytes, **changes: Any) -> "Newcomer":
        """A user who is held, found by these names (by the one name `ann` if none is given)."""
        newcomer = self.new_user(**changes)
        newcomer.add(*names)
        return newcomer

    def add_pool(self, **document: Any) -> Pool:
        pool = new_pool(self.vault, **document)
        self.store.write(lambda tx: tx.pools.add(pool, "tests", []))
        return pool


@dataclass(frozen=True)
class Newcomer:
    """A user and what is needed to hold them."""

    engine: Engine
    user: User
    key: Any
    wrapped: Any

    @property
    def sub(self) -> str:
        return self.user.sub

    def add(self, *names: bytes) -> None:
        found_by = names or (b"ann",)
        self.engine.store.write(lambda tx: tx.users.add(self.user, self.key, self.wrapped, found_by))

    def session(self, session_id: str | None = None, expires_ms: int = NOW_MS + 1000) -> Session:
        session_id = session_id or str(uuid.uuid4())
        return Session(self.sub, session_id, f"event of {session_id}", "client", NOW_MS, expires_ms)

    def is_held(self) -> bool:
        return self.engine.store.read(lambda tx: tx.users.find(self.sub)) is not None

    def slot_now(self) -> bytes:
        return self.engine.vault.folder.read(self.wrapped.slot)


def open_sqlite(place: Path) -> Engine:
    """The embedded database, with its keys beside it."""
    return open_store_at(
        Settings(data=place / "data"), lambda seams: SQLiteStore(place / "data", reach=seams.reach)
    )


def open_postgres(place: Path) -> Engine:
    """A database of its own on a real server, with the keys in a folder here."""
    url = new_database(like=_with_tables())
    settings = Settings(data=place / "data", database_url=url)
    engine = open_store_at(settings, lambda seams: PostgresStore(url, reach=seams.reach))
    engine.url = url
    return engine


@cache
def _with_tables() -> str:
    """A database in which nothing is but its tables: to make them is most of what a new one costs."""
    url = new_database()
    PostgresStore(url).close()
    atexit.register(drop_database, url)
    return url


def new_pool(vault: Vault, pool_id: str | None = None, **document: Any) -> Pool:
    """A pool that is not held yet."""
    pool_id = pool_id or f"us-east-1_{secrets.token_hex(5)}"
    _key, wrapped = vault.keyring.new_key(pool_id, None)
    return Pool(
        pool_id=pool_id,
        slot=wrapped.slot,
        wrapped=wrapped.wrapped,
        secrets=b"sealed",
        document=document,
        created_ms=NOW_MS,
        modified_ms=NOW_MS,
    )


def new_client(pool: Pool) -> Client:
    """A client that is not held yet."""
    return Client(
        client_id=secrets.token_hex(13),
        pool_id=pool.pool_id,
        document={},
        created_ms=NOW_MS,
        modified_ms=NOW_MS,
    )


def open_store_at(settings: Settings, open_store: Callable[[Seams], Store]) -> Engine:
    """A store with its vault, and a pool in it."""
    seams = Seams()
    store = open_store(seams)
    vault = open_vault(settings, store, seams.reach)
    pool = new_pool(vault)
    store.write(lambda tx: tx.pools.add(pool, "tests", []))
    seams.met.clear()
    return Engine(store, vault, seams, pool)


def at_once(*works: Callable[[], T]) -> list[T | Exception]:
    """Do all of these at the same moment, each on a thread of its own; what each returned or raised."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T | Exception:
        start.wait(WAIT_S_MAX)
        try:
            return work()
        except Exception as failure:  # noqa: BLE001 - told to the test, whatever it was
            return failure

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


def kinds(outcomes: Iterable[object]) -> Counter[str]:
    """How often each kind of outcome came."""
    return Counter(type(outcome).__name__ for outcome in outcomes)
