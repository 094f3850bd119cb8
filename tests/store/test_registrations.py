"""What every engine promises of pools and clients that are changed: none of two changes is lost."""

from dataclasses import replace

import pytest

from cenote.domain.registrations import ClientSecret
from cenote.domain.sealed import Grave, digest_of
from cenote.errors import ConcurrentModificationException
from cenote.store.copying import sqlite_target
from cenote.store.postgres import PostgresStore
from cenote.store.postgres_copying import postgres_target
from cenote.store.sqlite import SQLiteStore
from tests.engines import NOW_MS, at_once, kinds, new_client
from tests.postgres import drop_database, new_database

MANY = 24
FORMER, LATTER = ClientSecret(1, b"former"), ClientSecret(2, b"latter")


@pytest.fixture
def client(store, pool):
    """A client with one secret."""
    confidential = replace(new_client(pool), secrets=(FORMER,))
    store.write(lambda tx: tx.clients.add(confidential, "app"))
    return confidential


def counted_up(document):
    return {"count": document.get("count", 0) + 1}


def test_no_change_of_a_pool_is_lost(store, pool):
    def count(tx):
        held = tx.pools.hold(pool.pool_id)
        tx.pools.save(held.changed(counted_up(held.document), modified_ms=NOW_MS + 1), "tests")

    outcomes = at_once(*[lambda: store.write(count)] * MANY)
    assert kinds(outcomes) == {"NoneType": MANY}
    after = store.read(lambda tx: tx.pools.find(pool.pool_id))
    assert (after.document, after.version, after.modified_ms) == ({"count": MANY}, MANY + 1, NOW_MS + 1)
    assert replace(after, document={}, version=1, modified_ms=NOW_MS) == pool


def test_no_change_of_a_client_is_lost(store, client):
    def count(tx):
        held = tx.clients.hold(client.pool_id, client.client_id)
        tx.clients.save(held.changed(counted_up(held.document), modified_ms=NOW_MS + 1), "app")

    outcomes = at_once(*[lambda: store.write(count)] * MANY)
    assert kinds(outcomes) == {"NoneType": MANY}
    _pool, after = store.read(lambda tx: tx.clients.find(client.client_id))
    assert (after.document, after.version) == ({"count": MANY}, MANY + 1)
    assert after.secrets == (FORMER,)


def test_whoever_did_not_hold_what_they_save_is_told(store, pool, client):
    for body in (
        lambda tx: tx.pools.save(replace(pool, version=7), "tests"),
        lambda tx: tx.clients.save(replace(client, version=7), "app"),
    ):
        with pytest.raises(ConcurrentModificationException):
            store.write(body)


def test_a_change_is_seen_by_the_next_who_asks(store, pool, client):
    assert store.read(lambda tx: tx.clients.find(client.client_id))[1].document == {}
    store.write(
        lambda tx: tx.clients.save(
            replace(tx.clients.hold(pool.pool_id, client.client_id), document={"a": 1}), "b"
        )
    )
    store.write(lambda tx: tx.pools.save(replace(tx.pools.hold(pool.pool_id), document={"a": 2}), "b"))
    found = store.read(lambda tx: tx.clients.find(client.client_id))
    assert [one.document for one in found] == [{"a": 2}, {"a": 1}]


def test_secrets_come_and_go_with_what_is_saved(store, client):
    def with_secrets(*secrets):
        def body(tx):
            held = tx.clients.hold(client.pool_id, client.client_id)
            tx.clients.save(replace(held, secrets=secrets), "app")

        store.write(body)
        return store.read(lambda tx: tx.clients.find(client.client_id))[1].secrets

    assert with_secrets(LATTER, FORMER) == (FORMER, LATTER)
    assert with_secrets(LATTER) == (LATTER,)


def test_of_many_who_add_a_second_secret_one_does(store, client):
    def add(tx):
        held = tx.clients.hold(client.pool_id, client.client_id)
        if len(held.secrets) > 1:
            raise ValueError
        tx.clients.save(replace(held, secrets=(FORMER, LATTER)), "app")

    outcomes = at_once(*[lambda: store.write(add)] * MANY)
    assert kinds(outcomes) == {"NoneType": 1, "ValueError": MANY - 1}


def test_a_client_takes_its_secrets_with_it(store, pool, client):
    store.write(lambda tx: tx.clients.drop(pool.pool_id, client.client_id))
    assert store.write(lambda tx: tx.clients.hold(pool.pool_id, client.client_id)) is None
    store.write(lambda tx: tx.clients.add(replace(client, secrets=()), "app"))
    assert store.read(lambda tx: tx.clients.find(client.client_id))[1].secrets == ()


def test_a_pool_takes_its_clients_secrets_with_it_and_nobody_elses(engine, store, pool, client):
    other = engine.add_pool()
    theirs = replace(new_client(other), secrets=(LATTER,))
    store.write(lambda tx: tx.clients.add(theirs, "app"))
    store.write(lambda tx: tx.pools.erase(pool.pool_id, NOW_MS))
    assert store.read(lambda tx: tx.clients.find(theirs.client_id))[1].secrets == (LATTER,)
    store.write(lambda tx: tx.clients.add(replace(client, pool_id=other.pool_id, secrets=()), "app"))
    assert store.read(lambda tx: tx.clients.find(client.client_id))[1].secrets == ()


def test_a_page_shows_each_client_once_whatever_it_has(store, pool, client):
    two = replace(new_client(pool), secrets=(FORMER, LATTER))
    public = new_client(pool)
    for one in (two, public):
        store.write(lambda tx, one=one: tx.clients.add(one, "app"))
    page = store.read(lambda tx: tx.clients.list_page(pool.pool_id, "", MANY))
    assert page == sorted([client, two, public], key=lambda one: one.client_id)
    assert store.read(lambda tx: tx.clients.count(pool.pool_id)) == 3


def test_a_client_is_held_in_its_own_pool_only(engine, store, client):
    other = engine.add_pool()
    assert store.write(lambda tx: tx.clients.hold(other.pool_id, client.client_id)) is None


def test_pools_are_counted(engine, store):
    engine.add_pool()
    assert store.read(lambda tx: tx.pools.count()) == 2


def test_pools_that_are_erased_take_nobodys_place_in_a_page(engine, store):
    """Their rows are here again after an older database was put back; their slots say what became of them."""
    pools = sorted([engine.pool, *(engine.add_pool() for _ in range(5))], key=lambda one: one.pool_id)
    erased, living = pools[:4], [one.pool_id for one in pools[4:]]
    engine.vault.folder.bury([Grave(digest_of(one.pool_id), one.slot) for one in erased])
    assert [one.pool_id for one in store.read(lambda tx: tx.pools.list_page("", 2))] == living
    assert [one.pool_id for one in store.read(lambda tx: tx.pools.list_page("", 1))] == living[:1]
    assert store.read(lambda tx: tx.pools.list_page(living[-1], 2)) == []


COLUMNS = ["client_id", "pool_id", "name", "version", "secret", "document", "created_ms", "modified_ms"]
ROWS = [
    ["confidential", "pool", "app", 1, b"sealed", b"{}", NOW_MS, NOW_MS],
    ["public", "pool", "app", 1, None, b"{}", NOW_MS, NOW_MS],
]
BEFORE_SECRETS = 2


def test_the_one_secret_of_before_is_moved(tmp_path):
    with sqlite_target(tmp_path / "data", BEFORE_SECRETS) as target:
        target.insert("clients", COLUMNS, ROWS)
    assert_moved(SQLiteStore(tmp_path / "data"))


def test_the_one_secret_of_before_is_moved_on_postgresql_too():
    url = new_database()
    try:
        with postgres_target(url, BEFORE_SECRETS) as target:
            target.insert("clients", COLUMNS, ROWS)
        assert_moved(PostgresStore(url))
    finally:
        drop_database(url)


def assert_moved(store):
    held = {
        name: store.read(lambda tx, name=name: tx.clients.of_version(name, 1))
        for name in ("confidential", "public")
    }
    store.close()
    assert held["confidential"].secrets == (ClientSecret(NOW_MS, b"sealed"),)
    assert held["public"].secrets == ()
