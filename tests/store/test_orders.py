"""What operators order: rules and read-only pools, on every engine, without a vault."""

from functools import partial

import pytest

from cenote.domain.rules import Kind, Rule
from cenote.store.beside import SQLiteGuest
from tests.engines import NOW_MS, at_once, kinds, open_sqlite


def rule(name: str, pool_id: str | None = None, **more) -> Rule:
    return Rule(rule_id=name, kind=Kind.BLOCK, network="10.0.0.0/8", pool_id=pool_id, **more)


def test_rules_are_listed_as_they_were_given_the_oldest_first(store, pool):
    rate = Rule(rule_id="r", kind=Kind.RATE, requests=9, window_s=60, operation="DeleteUser", created_ms=2)
    given = [rule("b", created_ms=1), rate, rule("a", pool.pool_id, created_ms=3)]
    for one in reversed(given):
        assert store.write(lambda tx, one=one: tx.orders.add_rule(one))
    assert store.read(lambda tx: (tx.orders.list_rules(), tx.orders.count_rules())) == (given, 3)


def test_a_rule_is_taken_once(store):
    store.write(lambda tx: tx.orders.add_rule(rule("a", created_ms=1)))
    outcomes = at_once(*[partial(store.write, lambda tx: tx.orders.take_rule("a"))] * 8)
    assert (outcomes.count(False), outcomes.count(True)) == (7, 1)
    assert store.read(lambda tx: tx.orders.list_rules()) == []


def test_a_pool_that_is_not_there_gets_no_orders(store):
    assert not store.write(lambda tx: tx.orders.add_rule(rule("a", "us-east-1_nowhere", created_ms=1)))
    assert not store.write(lambda tx: tx.orders.set_read_only("us-east-1_nowhere", NOW_MS))
    assert store.read(lambda tx: (tx.orders.list_rules(), tx.orders.list_read_only())) == ([], [])


def test_a_pool_is_read_only_until_it_is_taken_back_however_often_it_was_said(store, pool):
    closing = partial(store.write, lambda tx: tx.orders.set_read_only(pool.pool_id, NOW_MS))
    assert kinds(at_once(closing, closing, closing)) == {"bool": 3}
    assert store.read(lambda tx: tx.orders.list_read_only()) == [pool.pool_id]
    assert store.write(lambda tx: tx.orders.take_read_only(pool.pool_id))
    assert not store.write(lambda tx: tx.orders.take_read_only(pool.pool_id))
    assert store.read(lambda tx: tx.orders.list_read_only()) == []


def test_the_mark_is_the_last_one_that_was_set(store):
    assert store.read(lambda tx: tx.orders.find_mark()) is None
    for mark in (b"one", b"two"):
        store.write(lambda tx, mark=mark: tx.orders.renew_mark(mark))
    assert store.read(lambda tx: tx.orders.find_mark()) == b"two"


def test_the_orders_of_a_pool_go_with_it(store, pool):
    store.write(lambda tx: tx.orders.add_rule(rule("its", pool.pool_id, created_ms=1)))
    store.write(lambda tx: tx.orders.add_rule(rule("everybody's", created_ms=2)))
    store.write(lambda tx: tx.orders.set_read_only(pool.pool_id, NOW_MS))
    store.write(lambda tx: tx.pools.erase(pool.pool_id, NOW_MS))
    left = store.read(
        lambda tx: ([one.rule_id for one in tx.orders.list_rules()], tx.orders.list_read_only())
    )
    assert left == (["everybody's"], [])


def test_a_guest_gives_orders_beside_the_server(tmp_path):
    engine = open_sqlite(tmp_path)
    guest = SQLiteGuest(tmp_path / "data")
    assert guest.write(lambda tx: tx.orders.add_rule(rule("a", engine.pool.pool_id, created_ms=1)))
    assert guest.write(lambda tx: tx.orders.set_read_only(engine.pool.pool_id, NOW_MS))
    assert engine.store.read(lambda tx: tx.orders.list_read_only()) == [engine.pool.pool_id]
    assert engine.store.read(lambda tx: [one.rule_id for one in tx.orders.list_rules()]) == ["a"]
    guest.close()
    engine.close()


def test_two_rules_of_one_name_are_refused(store):
    store.write(lambda tx: tx.orders.add_rule(rule("a", created_ms=1)))
    with pytest.raises(Exception, match=r"(?i)unique|write"):
        store.write(lambda tx: tx.orders.add_rule(rule("a", created_ms=2)))
