"""Finding users on every engine: each source in its order, page by page, and no erased user among them."""

import sqlite3
from collections.abc import Callable
from functools import partial

import pytest

from cenote.domain.sealed import Grave, digest_of
from cenote.domain.users import Status
from cenote.store.search import Candidate
from cenote.store.transaction import Transaction
from cenote.vault.sealing import subject_bytes
from tests.engines import NOW_MS, Engine, open_sqlite

Page = Callable[[Transaction, str, int], list[Candidate]]


def everybody(engine: Engine, page: Page, size: int = 3) -> list[str]:
    """The subs that a source gives, page by page."""
    seen: list[str] = []
    found = engine.store.read(partial(asked, page, "", size))
    while found:
        assert len(found) <= size
        seen += [candidate.sub for candidate in found]
        found = engine.store.read(partial(asked, page, found[-1].place, size))
    return seen


def asked(page: Page, after: str, size: int, tx: Transaction) -> list[Candidate]:
    return page(tx, after, size)


def marked(engine: Engine, beginning: bytes) -> Page:
    return lambda tx, after, size: tx.search.list_marked(engine.pool.pool_id, beginning, (after, size))


def add_marks(sub: str, marks: list[bytes], tx: Transaction) -> None:
    tx.search.add(sub, marks)


@pytest.fixture
def crowd(engine: Engine) -> list[str]:
    """Eight users, each with a mark of their own and one that all share; their subs in order."""
    subs = []
    for number in range(8):
        newcomer = engine.add_user(b"%d" % number)
        mark = [b"shared" + b"%d" % (number % 2), b"own" + b"%d" % number]
        engine.store.write(partial(add_marks, newcomer.sub, mark))
        subs.append(newcomer.sub)
    return subs


def test_everybody_comes_in_the_order_of_their_subs_and_no_other_pool_s(engine, crowd):
    other = engine.add_pool()
    engine.new_user(other).add(b"stranger")
    walk = lambda tx, after, size: tx.search.list_all(engine.pool.pool_id, after, size)  # noqa: E731
    assert everybody(engine, walk) == sorted(crowd)


def test_marks_find_those_who_bear_them_whole_or_in_part(engine, crowd):
    assert sorted(everybody(engine, marked(engine, b"shared0"))) == sorted(crowd[0::2])
    found = everybody(engine, marked(engine, b"shared"))
    assert (set(found[:4]), set(found[4:])) == (set(crowd[0::2]), set(crowd[1::2]))
    assert everybody(engine, marked(engine, b"own3")) == [crowd[3]]
    assert everybody(engine, marked(engine, b"nobody")) == []


def test_a_mark_finds_nobody_of_another_pool(engine, store, crowd):
    other = engine.add_pool()
    stranger = engine.new_user(other)
    stranger.add(b"stranger")
    store.write(lambda tx: tx.search.add(stranger.sub, [b"own3"]))
    found = store.read(lambda tx: tx.search.list_marked(engine.pool.pool_id, b"own3", ("", 10)))
    assert {candidate.sub for candidate in found if candidate.open() is not None} == {crowd[3]}


def test_new_marks_take_the_place_of_the_old(engine, store, crowd):
    store.write(lambda tx: tx.search.put(crowd[0], [b"new"]))
    assert everybody(engine, marked(engine, b"new")) == [crowd[0]]
    assert everybody(engine, marked(engine, b"own0")) == []
    store.write(lambda tx: tx.search.put(crowd[0], []))
    assert everybody(engine, marked(engine, b"new")) == []


def test_subs_are_found_by_how_they_begin(engine, crowd):
    for length in (0, 1, 2, 36):
        prefix = crowd[4][:length]
        page = lambda tx, after, size, prefix=prefix: tx.search.list_by_sub(  # noqa: E731
            engine.pool.pool_id, prefix, (after, size)
        )
        assert everybody(engine, page) == sorted(sub for sub in crowd if sub.startswith(prefix))


def test_the_few_are_found_by_their_status_and_the_many_among_all(engine, store, crowd):
    pool_id = engine.pool.pool_id
    unconfirmed = engine.add_user(b"u", status=Status.UNCONFIRMED, enabled=False)
    few = lambda tx, after, size: tx.search.list_by_status(  # noqa: E731
        pool_id, [Status.UNCONFIRMED], (after, size)
    )
    assert everybody(engine, few) == [unconfirmed.sub]
    disabled = lambda tx, after, size: tx.search.list_disabled(pool_id, after, size)  # noqa: E731
    assert everybody(engine, disabled) == [unconfirmed.sub]
    many = store.read(lambda tx: tx.search.list_by_status(pool_id, [Status.CONFIRMED], ("", 100)))
    assert {one.sub for one in many if one.status == "CONFIRMED"} == set(crowd)
    assert store.read(lambda tx: tx.search.list_by_status(pool_id, [], ("", 100))) == []
    (candidate,) = store.read(lambda tx: tx.search.list_disabled(pool_id, "", 9))
    assert (candidate.status, candidate.enabling) == ("UNCONFIRMED", "Disabled")


def test_a_mark_holds_nothing_that_a_search_of_files_takes_for_a_user(engine, store, crowd):
    rows = store.read(lambda tx: tx._ground.run("select mark, sub from search_marks", {}).fetchall())
    assert len(rows) == 16
    assert all(subject_bytes(row[1]) not in bytes(row[0]) for row in rows)


def test_an_erased_user_has_no_mark_left_and_is_in_no_page(engine, store, crowd):
    store.write(lambda tx: tx.users.erase(crowd[0], NOW_MS))
    assert everybody(engine, marked(engine, b"own0")) == []
    count = "select count(*) from search_marks where sub = :sub"
    assert store.read(lambda tx: tx._ground.run(count, {"sub": crowd[0]}).fetchone()[0]) == 0


def test_a_user_whose_slot_is_a_tombstone_is_a_candidate_that_does_not_open(engine, store, crowd):
    """As after a rollback of the database: the rows are there again."""
    slot = store.read(lambda tx: dict(tx.users.list_slots("", 100)))[crowd[3]]
    engine.vault.folder.bury([Grave(digest_of(crowd[3]), slot)])
    (candidate,) = store.read(lambda tx: tx.search.list_marked(engine.pool.pool_id, b"own3", ("", 9)))
    assert candidate.open() is None


def test_a_user_without_any_mark_is_saved_all_the_same(engine, store):
    ann = engine.add_user()
    store.write(lambda tx: tx.search.add(ann.sub, []))
    assert store.read(lambda tx: tx.search.list_all(engine.pool.pool_id, "", 9))[0].sub == ann.sub


def steps_of(engine: Engine, page: Page) -> int:
    """The steps of SQLite's machine for one page in the middle of a listing."""
    with engine.store._reader() as (reader, _transaction):  # type: ignore[attr-defined]
        connection: sqlite3.Connection = reader  # the last one given back is the next one taken
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    engine.store.read(lambda tx: page(tx, "", 20))
    connection.set_progress_handler(step, 1)
    engine.store.read(lambda tx: page(tx, "", 20))
    connection.set_progress_handler(None, 1)
    return steps


def test_a_page_takes_as_many_steps_among_3000_users_as_among_30(tmp_path):
    engine = open_sqlite(tmp_path)
    pool_id = engine.pool.pool_id
    sources: dict[str, Page] = {
        "everybody": lambda tx, after, size: tx.search.list_all(pool_id, after, size),
        "marked": marked(engine, b"shared"),
        "by sub": lambda tx, after, size: tx.search.list_by_sub(pool_id, "", (after, size)),
        "disabled": lambda tx, after, size: tx.search.list_disabled(pool_id, after, size),
        "by status": lambda tx, after, size: tx.search.list_by_status(
            pool_id, [Status.UNCONFIRMED], (after, size)
        ),
    }

    def fill(first: int, last: int) -> None:
        def body(tx: Transaction) -> None:
            for number in range(first, last):
                new = engine.new_user(status=Status.UNCONFIRMED, enabled=False)
                tx.users.add(new.user, new.key, new.wrapped, [b"%d" % number])
                tx.search.add(new.sub, [b"shared"])

        engine.store.write(body)

    fill(0, 30)
    few = {name: steps_of(engine, page) for name, page in sources.items()}
    fill(30, 3_000)
    many = {name: steps_of(engine, page) for name, page in sources.items()}
    engine.close()
    assert all(many[name] <= few[name] * 1.1 for name in sources), (few, many)
