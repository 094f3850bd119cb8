"""A serving process knows the orders of half a second ago, and keeps them while the database is away."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from cenote.domain.rules import Kind, Rule
from cenote.errors import CenoteError
from cenote.orders import LOOK_EVERY_S, Orders
from cenote.store.contract import Store
from tests.engines import NOW_MS, Engine, open_sqlite
from tests.lines import caught_lines

WAIT_S_MAX = 20


@pytest.fixture
def engine(tmp_path) -> Iterator[Engine]:
    opened = open_sqlite(tmp_path)
    yield opened
    opened.close()


class Counted:
    """A store whose readings are counted, and that may be away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.readings = 0
        self.is_away = False

    def read(self, body: Any) -> Any:
        self.readings += 1
        if self.is_away:
            raise CenoteError("The database is away.")
        return self._engine.store.read(body)


@pytest.fixture
def store(engine: Engine) -> Counted:
    return Counted(engine)


@pytest.fixture
def known(store: Counted) -> Iterator[Callable[[], Orders]]:
    """The orders as a process knows them that reads from this store."""
    opened: list[Orders] = []

    def start() -> Orders:
        opened.append(Orders(cast("Store", store)))
        return opened[-1]

    yield start
    for orders in opened:
        orders.close()


def close_pool(engine: Engine, mark: bytes) -> None:
    engine.store.write(lambda tx: tx.orders.set_read_only(engine.pool.pool_id, NOW_MS))
    engine.store.write(lambda tx: tx.orders.renew_mark(mark))


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_S_MAX
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_orders_are_known_at_the_start(engine, known):
    close_pool(engine, b"one")
    assert known().standing.read_only == {engine.pool.pool_id}


def test_a_change_is_noticed_and_so_is_the_next(engine, known):
    orders = known()
    assert orders.standing.read_only == set()
    close_pool(engine, b"one")
    wait_until(lambda: orders.standing.read_only == {engine.pool.pool_id})
    engine.store.write(lambda tx: tx.orders.take_read_only(engine.pool.pool_id))
    engine.store.write(lambda tx: tx.orders.renew_mark(b"two"))
    wait_until(lambda: orders.standing.read_only == set())


def test_a_look_without_a_change_reads_one_row_and_keeps_what_is_known(store, known):
    orders = known()
    first, before = orders.standing, store.readings
    wait_until(lambda: store.readings >= before + 3)
    assert orders.standing is first


def test_while_the_database_is_away_the_last_orders_hold_and_then_the_new_ones(engine, store, known):
    rule = Rule(rule_id="a", kind=Kind.BLOCK, network="10.0.0.0/8", created_ms=NOW_MS)
    engine.store.write(lambda tx: tx.orders.add_rule(rule))
    orders = known()
    with caught_lines() as lines:
        store.is_away = True
        close_pool(engine, b"one")
        wait_until(lambda: len(lines) > 1)
        assert {line["event"] for line in lines} == {"orders not read"}
    assert orders.standing.book.is_about_everybody
    assert orders.standing.read_only == set()
    store.is_away = False
    wait_until(lambda: orders.standing.read_only == {engine.pool.pool_id})


def test_a_start_without_a_database_is_no_start(store, known):
    store.is_away = True
    with pytest.raises(CenoteError, match="away"):
        known()


def test_once_it_is_closed_nobody_looks(store, known):
    orders = known()
    orders.close()
    readings = store.readings
    time.sleep(2 * LOOK_EVERY_S)
    assert store.readings == readings
    assert "cenote-orders" not in {thread.name for thread in threading.enumerate()}
