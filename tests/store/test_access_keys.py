"""Access keys in the store, and the embedded database in the hands of a second process."""

import dataclasses
import os
import sqlite3
import threading
from functools import partial

import pytest

from cenote.domain.access_keys import (
    AccessKey,
    Binding,
    allowed,
    binding_of,
    bound,
    legible,
    new_access_key,
    new_secret,
    open_secrets,
    resealed,
    rotated,
    signing_secrets,
    taken_up,
    with_secrets,
)
from cenote.domain.sealed import Grave, Place
from cenote.errors import CenoteError
from cenote.store.beside import SQLiteGuest
from cenote.store.copying import NOT_COPIED, TABLES
from cenote.store.migrations import SQLITE_WORDS, apply, pending
from cenote.store.sqlite import DATABASE_FILE, SQLiteStore, connect
from cenote.vault.master import Master
from tests.engines import NOW_MS, at_once, kinds, open_sqlite

MASTER = Master.of(b"m" * 32)


def new_key(name: str = "ann") -> tuple[AccessKey, str]:
    return new_access_key(os.urandom(40), MASTER.sealing_key, name=name, policy="{}", now_ms=NOW_MS)


@pytest.fixture
def key(store) -> AccessKey:
    made, _secret = new_key()
    store.write(lambda tx: tx.access_keys.add(made))
    return made


def added(key, tx):
    tx.access_keys.add(key)


def found(store, key):
    return store.read(lambda tx: tx.access_keys.find(key.key_id))


def test_a_key_looks_like_one_of_aws_and_its_secret_opens_for_its_own_id_only():
    made, secret = new_key()
    assert (len(made.key_id), made.key_id[:4], len(secret)) == (20, "AKIA", 40)
    assert secret.encode() not in (made.secret or b"")
    assert secret not in repr(made)
    assert open_secrets(made, MASTER.sealing_key) == (secret,)
    with pytest.raises(CenoteError):
        open_secrets(dataclasses.replace(made, key_id=new_key()[0].key_id), MASTER.sealing_key)


ALTERED = [
    {"policy": '{"Version":"2012-10-17"}'},
    {"policy": ""},
    {"name": "root"},
    {"name": "annnothing", "policy": "{}"},
    {"created_ms": NOW_MS + 1},
    {"former_until_ms": NOW_MS + 60_001},
    {"former_secret": None, "former_until_ms": 0},
    {"secret": b"former"},
    {"key_id": "AKIAAAAAAAAAAAAAAAAA"},
]


@pytest.mark.parametrize("changes", ALTERED, ids=str)
def test_a_key_opens_only_beside_what_it_was_sealed_with(changes):
    """Each thing that says what the key may do, and until when; its last use says nothing of that."""
    made, first = new_key()
    second = new_secret(os.urandom(30))
    made = rotated(made, MASTER.sealing_key, second, former_until_ms=NOW_MS + 60_000)
    noted = dataclasses.replace(made, used_ms=NOW_MS)
    assert signing_secrets(noted, MASTER.sealing_key, NOW_MS) == (second, first)
    changes = {name: made.former_secret if value == b"former" else value for name, value in changes.items()}
    altered = dataclasses.replace(made, **changes)
    with pytest.raises(CenoteError):
        signing_secrets(altered, MASTER.sealing_key, NOW_MS)
    assert binding_of(altered, MASTER.sealing_key) is Binding.ALTERED


def by_itself(made: AccessKey, secret: str) -> AccessKey:
    """A key as former versions sealed it."""
    at = Place("access_keys", "secret", made.key_id)
    envelope = MASTER.sealing_key(made.key_id).seal(at, secret.encode())
    return dataclasses.replace(made, secret=envelope, former_secret=envelope, former_until_ms=NOW_MS + 60_000)


def test_a_key_that_was_sealed_by_itself_signs_nothing_until_it_is_bound():
    made, secret = new_key()
    old = by_itself(made, secret)
    assert binding_of(old, MASTER.sealing_key) is Binding.UNBOUND
    with pytest.raises(CenoteError):
        signing_secrets(old, MASTER.sealing_key, NOW_MS)
    with pytest.raises(CenoteError):
        rotated(old, MASTER.sealing_key, "new", former_until_ms=0)
    assert signing_secrets(bound(old, MASTER.sealing_key), MASTER.sealing_key, NOW_MS) == (secret, secret)


def test_a_key_that_was_sealed_by_itself_is_taken_up_with_a_policy_and_a_secret_of_its_own():
    """Whoever writes rows says which of its former secrets is the present one, and when it was made."""
    made, secret = new_key()
    old = dataclasses.replace(by_itself(made, secret), created_ms=0)
    taken = taken_up(old, MASTER.sealing_key, "new", policy="narrow", now_ms=NOW_MS)
    assert (taken.policy, taken.former_secret, taken.former_until_ms) == ("narrow", None, 0)
    assert (taken.name, taken.created_ms) == ("ann", NOW_MS)
    assert signing_secrets(taken, MASTER.sealing_key, NOW_MS) == ("new",)
    with pytest.raises(CenoteError):
        allowed(old, MASTER.sealing_key, "narrow")


def test_a_key_is_not_taken_up_under_a_name_that_no_key_can_have():
    made, secret = new_key()
    old = dataclasses.replace(by_itself(made, secret), name="ann]\n[root")
    with pytest.raises(CenoteError, match="has a name that no key can have"):
        taken_up(old, MASTER.sealing_key, "new", policy="{}", now_ms=NOW_MS)


def test_a_former_secret_whose_time_is_over_says_nothing_of_the_key():
    made, _first = new_key()
    until_ms = NOW_MS + 60_000
    made = rotated(made, MASTER.sealing_key, "second", former_until_ms=until_ms)
    damaged = dataclasses.replace(made, former_secret=b"damaged")
    assert binding_of(damaged.standing(until_ms - 1), MASTER.sealing_key) is Binding.ALTERED
    standing = damaged.standing(until_ms)
    assert binding_of(standing, MASTER.sealing_key) is Binding.BOUND
    assert open_secrets(resealed(standing, MASTER.sealing_key), MASTER.sealing_key) == ("second",)


def test_a_key_that_does_not_open_is_not_sealed_again_whatever_its_id_is_like():
    planted = dataclasses.replace(new_key()[0], key_id="x" * 36)
    assert binding_of(planted, MASTER.sealing_key) is Binding.ALTERED
    with pytest.raises(CenoteError):
        resealed(planted, MASTER.sealing_key)


def test_what_a_name_is_printed_as_steers_no_terminal():
    assert legible("ann+ci@example.com") == "ann+ci@example.com"
    assert legible("a\x1b[2J\nb\u202e") == "a\\x1b[2J\\nb\\u202e"


def test_another_policy_leaves_both_secrets_of_a_rotation():
    made, first = new_key()
    made = rotated(made, MASTER.sealing_key, "second", former_until_ms=NOW_MS + 60_000)
    changed = allowed(made, MASTER.sealing_key, "narrow")
    assert signing_secrets(changed, MASTER.sealing_key, NOW_MS) == ("second", first)
    with pytest.raises(CenoteError):
        open_secrets(dataclasses.replace(changed, policy=made.policy), MASTER.sealing_key)


def test_a_key_is_found_as_it_was_added_and_nobody_elses_is(store, key):
    assert found(store, key) == key
    assert store.read(lambda tx: tx.access_keys.find("AKIAAAAAAAAAAAAAAAAA")) is None


def test_a_revoked_key_is_remembered_without_its_secrets(store, key):
    store.write(lambda tx: tx.access_keys.save(tx.access_keys.hold(key.key_id).revoked()))
    held = found(store, key)
    assert held.is_revoked
    assert dataclasses.replace(held, secret=key.secret) == key


def test_of_a_rotation_both_secrets_work_until_the_grace_is_over(store):
    made, first = new_key()
    store.write(partial(added, made))

    def rotate(tx):
        held = tx.access_keys.hold(made.key_id)
        tx.access_keys.save(rotated(held, MASTER.sealing_key, "new", former_until_ms=NOW_MS + 1000))

    store.write(rotate)
    held = found(store, made)
    assert signing_secrets(held, MASTER.sealing_key, NOW_MS + 999) == ("new", first)
    assert signing_secrets(held, MASTER.sealing_key, NOW_MS + 1000) == ("new",)


def cell_put(column, cell, tx):
    sql = "update access_keys set COLUMN = :cell".replace("COLUMN", column)
    tx.access_keys._ground.run(sql, {"cell": cell})


CELLS: list[dict[str, object]] = [
    {"secret": "text"},
    {"secret": 7},
    {"former_secret": "text", "former_until_ms": 2**60},
    {"former_until_ms": "text"},
    {"created_ms": 1.5},
    {"name": b"blob"},
    {"policy": b"blob"},
]


@pytest.mark.parametrize("cells", CELLS, ids=str)
def test_a_cell_of_another_type_makes_a_key_that_is_refused_and_can_be_revoked(tmp_path, cells):
    """SQLite holds any type in any column."""
    engine = open_sqlite(tmp_path)
    made, _secret = new_key()
    engine.store.write(partial(added, made))
    for column, cell in cells.items():
        engine.store.write(partial(cell_put, column, cell))
    (held,) = engine.store.read(lambda tx: tx.access_keys.list_page("", 10))
    assert not held.is_revoked
    assert binding_of(held.standing(NOW_MS), MASTER.sealing_key) is Binding.ALTERED
    with pytest.raises(CenoteError):
        signing_secrets(held, MASTER.sealing_key, NOW_MS)
    engine.store.write(lambda tx: tx.access_keys.save(held.revoked()))
    assert found(engine.store, made).is_revoked
    engine.close()


def test_a_row_whose_id_is_no_text_is_nobodys(tmp_path):
    engine = open_sqlite(tmp_path)
    made, _secret = new_key()
    engine.store.write(partial(added, made))
    copy = "insert into access_keys select :planted, name, secret, former_secret, former_until_ms, policy,"
    copy += " created_ms, used_ms from access_keys"
    engine.store.write(lambda tx: tx.access_keys._ground.run(copy, {"planted": b"blob"}))
    assert engine.store.read(lambda tx: tx.access_keys.list_page("", 10)) == [made]
    engine.close()


def test_whatever_a_key_is_bound_to_is_held_anew_and_its_last_use_stays(store, key):
    store.write(lambda tx: tx.access_keys.note_use(key.key_id, NOW_MS))
    again = dataclasses.replace(key, name="bob", created_ms=NOW_MS + 1)
    again = with_secrets(again, MASTER.sealing_key, "second")
    store.write(lambda tx: tx.access_keys.save(again))
    assert found(store, key) == dataclasses.replace(again, used_ms=NOW_MS)


def test_another_policy_is_held(store, key):
    store.write(lambda tx: tx.access_keys.save(allowed(key, MASTER.sealing_key, "narrow")))
    assert found(store, key).policy == "narrow"
    assert binding_of(found(store, key), MASTER.sealing_key) is Binding.BOUND


def test_of_rotations_at_once_none_forgets_the_secret_before_it(engine, store):
    """Read in order to write: the one that waits sees what the one before it wrote."""
    made, first = new_key()
    store.write(partial(added, made))

    def rotation(number):
        def body(tx):
            held = tx.access_keys.hold(made.key_id)
            again = rotated(held, MASTER.sealing_key, f"{number}", former_until_ms=NOW_MS)
            tx.access_keys.save(again)
            return open_secrets(again, MASTER.sealing_key)[1]

        return lambda: store.write(body)

    before = at_once(*(rotation(number) for number in range(8)))
    last = open_secrets(found(store, made), MASTER.sealing_key)[0]
    assert sorted([*before, last], key=str) == sorted([first, *(f"{number}" for number in range(8))])


def test_a_use_is_noted_to_the_minute_and_survives_whoever_changes_the_secrets(store, key):
    store.write(lambda tx: tx.access_keys.note_use(key.key_id, NOW_MS))
    store.write(lambda tx: tx.access_keys.note_use(key.key_id, NOW_MS + 59_999))
    assert found(store, key).used_ms == NOW_MS
    store.write(lambda tx: tx.access_keys.save(with_secrets(key, MASTER.sealing_key, "new")))
    assert found(store, key).used_ms == NOW_MS
    store.write(lambda tx: tx.access_keys.note_use(key.key_id, NOW_MS + 60_000))
    assert found(store, key).used_ms == NOW_MS + 60_000


def test_keys_are_paged_by_their_ids(store, key):
    for _ in range(4):
        store.write(partial(added, new_key()[0]))
    pages, after = [], ""
    while page := store.read(lambda tx, after=after: tx.access_keys.list_page(after, 2)):
        pages.append([one.key_id for one in page])
        after = page[-1].key_id
    assert [len(page) for page in pages] == [2, 2, 1]
    ids = [key_id for page in pages for key_id in page]
    assert ids == sorted(ids)


def test_a_backup_takes_every_table(tmp_path):
    SQLiteStore(tmp_path).close()
    connection = sqlite3.connect(tmp_path / DATABASE_FILE)
    held = {row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")}
    connection.close()
    assert held == {*TABLES, *NOT_COPIED}


def test_a_guest_and_the_server_see_what_the_other_wrote(tmp_path):
    engine = open_sqlite(tmp_path)
    guest = SQLiteGuest(tmp_path / "data")
    made, _secret = new_key()
    guest.write(lambda tx: tx.access_keys.add(made))
    assert found(engine.store, made) == made
    engine.store.write(lambda tx: tx.access_keys.note_use(made.key_id, NOW_MS))
    assert found(guest, made).used_ms == NOW_MS
    guest.close()
    engine.close()


def test_a_guest_gets_its_turn_between_the_commits_of_a_busy_server(tmp_path):
    engine = open_sqlite(tmp_path)
    stop, failures = threading.Event(), []

    def hammer(number):
        while not stop.is_set():
            try:
                engine.store.write(lambda tx: tx.meta.put(f"of {number}", b"x"))
            except Exception as failure:  # noqa: BLE001 - whatever it was, there must be none
                failures.append(failure)

    threads = [threading.Thread(target=hammer, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    guest = SQLiteGuest(tmp_path / "data")
    keys = [new_key()[0] for _ in range(50)]
    for one in keys:
        guest.write(partial(added, one))
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(engine.store.read(lambda tx: tx.access_keys.list_page("", 100))) == 50
    guest.close()
    engine.close()


def test_a_guest_whose_body_raises_leaves_nothing_behind_and_holds_nobody_up(tmp_path):
    engine = open_sqlite(tmp_path)
    guest = SQLiteGuest(tmp_path / "data")
    made, _secret = new_key()

    def body(tx):
        tx.access_keys.add(made)
        raise CenoteError("no")

    with pytest.raises(CenoteError, match="no"):
        guest.write(body)
    engine.store.write(lambda tx: tx.meta.put("after", b"x"))
    assert found(engine.store, made) is None
    guest.close()
    engine.close()


def test_a_guest_cannot_reach_what_is_a_persons(tmp_path):
    engine = open_sqlite(tmp_path)
    ann = engine.add_user()
    guest = SQLiteGuest(tmp_path / "data")
    with pytest.raises(CenoteError, match="The vault is not open"):
        guest.read(lambda tx: tx.users.find(ann.sub))
    with pytest.raises(CenoteError, match="The vault is not open"):
        guest._vault.tombstones.submit([Grave(b"x", 1)], lambda: None)
    guest.close()
    engine.close()


def test_two_guests_at_once_take_turns(tmp_path):
    SQLiteStore(tmp_path).close()
    guests = [SQLiteGuest(tmp_path) for _ in range(4)]
    keys = [new_key()[0] for _ in guests]
    works = [partial(guest.write, partial(added, one)) for guest, one in zip(guests, keys, strict=True)]
    assert kinds(at_once(*works)) == {"NoneType": 4}
    for guest in guests:
        guest.close()


def test_a_guest_is_refused_without_a_database_and_on_an_older_schema(tmp_path):
    with pytest.raises(CenoteError, match=r"There is no database at .* first start of a server makes it"):
        SQLiteGuest(tmp_path)
    connection = connect(tmp_path / DATABASE_FILE, mode="rwc")
    connection.execute("begin immediate")
    apply(connection, pending(0)[0][1], SQLITE_WORDS)
    connection.execute("pragma user_version = 1")
    connection.execute("commit")
    connection.close()
    with pytest.raises(CenoteError, match="has an older schema; start this version's server first"):
        SQLiteGuest(tmp_path)
