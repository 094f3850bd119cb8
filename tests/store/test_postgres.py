"""What PostgreSQL alone can do to a server: go away, at the worst moment, and be full."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from cenote.errors import CenoteError, InternalErrorException, TooManyRequestsException, UserNotFoundException
from cenote.settings import Settings
from cenote.store.postgres import PostgresStore
from cenote.store.postgres_servers import SILENCE_MS_MAX, habits
from cenote.store.transaction import Transaction
from tests.cut_wire import Wire
from tests.engines import NOW_MS, WAIT_S_MAX, Engine, at_once, kinds, open_postgres, open_store_at
from tests.postgres import drop_database, new_database

MANY = 12


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A wire to an empty database."""
    url = new_database()
    between = Wire(url)
    yield between
    between.close()
    drop_database(url)


@pytest.fixture
def wired(wire: Wire, tmp_path: Path) -> Iterator[Engine]:
    """An engine at the near end of the wire."""
    settings = Settings(data=tmp_path / "data", database_url=wire.url)
    engine = open_store_at(settings, lambda seams: PostgresStore(wire.url, reach=seams.reach))
    yield engine
    wire.is_dead = False
    engine.close()


def erase(engine: Engine, sub: str) -> None:
    engine.store.write(lambda tx: tx.users.erase(sub, NOW_MS))


def test_a_commit_that_was_lost_before_it_arrived_is_run_again(wire: Wire, wired: Engine) -> None:
    ann = wired.add_user()
    wire.cut_before_commit = 1
    erase(wired, ann.sub)
    assert wire.cut_before_commit == 0
    assert not ann.is_held()
    assert ann.slot_now().startswith(b"CENOTE-X")


def test_a_commit_whose_answer_was_lost_is_found_out_and_not_run_twice(wire: Wire, wired: Engine) -> None:
    ann = wired.add_user()
    wire.cut_after_commit = 1
    erase(wired, ann.sub)  # a second run would say that there is nobody
    assert wire.cut_after_commit == 0
    assert not ann.is_held()
    assert ann.slot_now().startswith(b"CENOTE-X")
    with pytest.raises(UserNotFoundException):
        erase(wired, ann.sub)


def test_a_sign_up_whose_answer_was_lost_happened_once(wire: Wire, wired: Engine) -> None:
    wire.cut_after_commit = 1
    ann = wired.add_user()
    assert ann.is_held()
    assert wired.store.read(lambda tx: tx.users.count(wired.pool.pool_id)) == 1


def test_a_database_that_is_away_is_an_internal_error_and_is_found_again(wire: Wire, wired: Engine) -> None:
    ann = wired.add_user()
    wire.is_dead = True
    time.sleep(0.1)
    with pytest.raises(InternalErrorException):
        wired.store.read(lambda tx: tx.users.find(ann.sub))
    wire.is_dead = False
    until = time.monotonic() + WAIT_S_MAX
    while time.monotonic() < until:
        try:
            assert ann.is_held()
        except InternalErrorException:
            continue
        return
    raise AssertionError("the database was not found again")


def test_a_machine_that_says_nothing_any_more_is_given_up_within_seconds(wired: Engine) -> None:
    with connection_of(wired) as connection, socket.socket(fileno=os.dup(connection.fileno())) as near:
        assert near.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert near.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == SILENCE_MS_MAX
        idle, every, times = (
            near.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        assert (idle + every * times) * 1000 <= 2 * SILENCE_MS_MAX


def test_what_a_url_says_itself_is_not_overruled() -> None:
    kept = habits("postgresql://one,two/cenote?connect_timeout=9&target_session_attrs=any")
    assert kept.keys() == habits("postgresql://one/cenote").keys() - {
        "connect_timeout",
        "target_session_attrs",
    }


@pytest.mark.parametrize("found, used", [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")])
def test_commits_are_durable_also_on_a_server_that_would_rather_be_fast(
    wire: Wire, tmp_path: Path, found: str, used: str
) -> None:
    with psycopg.connect(wire.url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"alter database {name} set synchronous_commit = {found}".encode())
    settings = Settings(data=tmp_path / "data", database_url=wire.url)
    engine = open_store_at(settings, lambda seams: PostgresStore(wire.url, reach=seams.reach))
    with connection_of(engine) as connection:
        assert connection.execute("show synchronous_commit").fetchone() == (used,)
    engine.close()


def connection_of(engine: Engine) -> AbstractContextManager["psycopg.Connection[tuple[Any, ...]]"]:
    """One of the connections that a store works with."""
    assert isinstance(engine.store, PostgresStore)
    return engine.store._connection()


def test_a_pool_that_is_exhausted_answers_too_many_requests(tmp_path: Path) -> None:
    url = new_database()
    settings = Settings(data=tmp_path / "data", database_url=url)
    engine = open_store_at(
        settings, lambda seams: PostgresStore(url, connections_max=1, calls_waiting_max=1, reach=seams.reach)
    )
    free = threading.Event()
    holding = threading.Event()

    def hold(_tx: object) -> None:
        holding.set()
        assert free.wait(WAIT_S_MAX)

    holder = threading.Thread(target=lambda: engine.store.read(hold))
    holder.start()
    assert holding.wait(WAIT_S_MAX)
    waiter = threading.Thread(target=lambda: engine.store.read(lambda tx: tx.meta.find("pair")))
    waiter.start()
    time.sleep(0.2)
    began = time.monotonic()
    with pytest.raises(TooManyRequestsException):
        engine.store.read(lambda tx: tx.meta.find("pair"))
    assert time.monotonic() - began < WAIT_S_MAX
    free.set()
    holder.join()
    waiter.join()
    engine.close()
    drop_database(url)


def test_bodies_that_block_each_other_both_end_and_nobody_is_lost(tmp_path: Path) -> None:
    engine = open_postgres(tmp_path)
    names = [b"ann", b"bob"]
    for name in names:
        engine.add_user(name, attributes={"count": "0"})
    both = threading.Barrier(2)

    def crossed(first: bytes, second: bytes) -> None:
        met = False

        def body(tx: Transaction) -> None:
            nonlocal met
            tx.users.hold_named(engine.pool, first)
            if not met:
                met = True
                both.wait(WAIT_S_MAX)
            tx.users.hold_named(engine.pool, second)

        engine.store.write(body)

    ends = at_once(lambda: crossed(b"ann", b"bob"), lambda: crossed(b"bob", b"ann"))
    assert kinds(ends) == {"NoneType": 2}
    engine.close()


def test_two_nodes_bury_on_one_keys_folder_and_no_tombstone_is_lost(tmp_path: Path) -> None:
    near = open_postgres(tmp_path)
    assert near.url is not None
    url = near.url
    settings = Settings(data=tmp_path / "data", database_url=url)
    far = open_store_at(settings, lambda seams: PostgresStore(url, reach=seams.reach))
    users = [near.add_user(b"user %d" % number) for number in range(MANY)]
    ends = at_once(
        *(
            lambda engine=engine, user=user: erase(engine, user.sub)
            for user in users
            for engine in (near, far)
        )
    )
    assert kinds(ends) == {"NoneType": MANY, "UserNotFoundException": MANY}
    assert all(user.slot_now().startswith(b"CENOTE-X") for user in users)
    far.close()
    near.close()


def test_several_hosts_may_be_named_and_the_one_that_answers_is_used(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        dead = nobody.getsockname()[1]
    url = new_database()
    between = Wire(url)
    alive = urlsplit(between.url)
    hosts = f"postgresql://postgres@127.0.0.1:{dead},127.0.0.1:{alive.port}{alive.path}?{alive.query}"
    settings = Settings(data=tmp_path / "data", database_url=hosts)
    engine = open_store_at(settings, lambda seams: PostgresStore(hosts, reach=seams.reach))
    assert engine.add_user().is_held()
    engine.close()
    between.close()
    drop_database(url)


def test_a_database_that_is_not_there_stops_the_start_with_a_sentence() -> None:
    nowhere = "postgresql://postgres@127.0.0.1:1/nothing?connect_timeout=1"
    with pytest.raises(CenoteError, match="The database can't be used"):
        PostgresStore(nowhere)
