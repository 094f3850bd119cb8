"""What is the embedded database's own: one process, group commit, batches that are lost, snapshots."""

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from cenote.domain.sealed import Grave, digest_of
from cenote.errors import CenoteError, UserNotFoundException
from cenote.store.contract import BATCH_BODIES_MAX
from cenote.store.sqlite import DATABASE_FILE, SQLiteStore
from tests.engines import NOW_MS, WAIT_S_MAX, open_sqlite

BROKEN = sqlite3.OperationalError("disk I/O error")


@pytest.fixture
def engine(tmp_path):
    opened = open_sqlite(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def store(engine):
    return engine.store


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2 * BATCH_BODIES_MAX) as running:
        yield running


@contextmanager
def busy(store, threads) -> Iterator[None]:
    """Keep the committer at one body, so that whatever is written meanwhile waits for its next batch."""
    is_busy, may_go = threading.Event(), threading.Event()

    def body(_tx):
        is_busy.set()
        may_go.wait(WAIT_S_MAX)

    holding = threads.submit(store.write, body)
    assert is_busy.wait(WAIT_S_MAX)
    try:
        yield
    finally:
        may_go.set()
        holding.result(WAIT_S_MAX)


def wait_for(condition) -> None:
    until = time.monotonic() + WAIT_S_MAX
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.001)


def batch(store, threads, bodies) -> list[Future[Any]]:
    """Have these bodies run in one batch, in this order."""
    with busy(store, threads):
        futures = []
        for number, body in enumerate(bodies, 1):
            futures.append(threads.submit(store.write, body))
            wait_for(lambda number=number: store._committer._waiting.qsize() == number)
    return futures


def go_on() -> None:
    """At the busy body's own commit."""


def fail() -> None:
    raise BROKEN


def in_turn(*deeds):
    """At a seam: this at the first arrival, that at the next; nothing from then on."""
    waiting = iter(deeds)

    def arrive():
        next(waiting, go_on)()

    return arrive


def putting(name, runs=None):
    """A body that holds a value, and counts how often it was run."""

    def body(tx):
        if runs is not None:
            runs[name] += 1
        tx.meta.put(name, b"held")
        return name

    return body


def refused(tx):
    tx.meta.put("refused", b"held")
    raise UserNotFoundException


def held(store, name):
    return store.read(lambda tx: tx.meta.find(name)) is not None


# Group commit


def test_bodies_that_wait_together_are_committed_together(engine, store, threads):
    futures = batch(store, threads, [putting(f"{number}") for number in range(10)])
    assert [future.result(WAIT_S_MAX) for future in futures] == [f"{number}" for number in range(10)]
    assert engine.seams.met["body.after"] == 1 + 10
    assert engine.seams.met["commit.after"] == 1 + 1


def test_a_batch_has_an_upper_bound(engine, store, threads):
    count = BATCH_BODIES_MAX + 6
    for future in batch(store, threads, [putting(f"{number}") for number in range(count)]):
        future.result(WAIT_S_MAX)
    assert engine.seams.met["commit.after"] == 1 + 2


def test_a_refused_body_leaves_the_others_of_its_batch_alone(engine, store, threads):
    before, refusal, after = batch(store, threads, [putting("before"), refused, putting("after")])
    with pytest.raises(UserNotFoundException):
        refusal.result(WAIT_S_MAX)
    assert (before.result(WAIT_S_MAX), after.result(WAIT_S_MAX)) == ("before", "after")
    assert [held(store, name) for name in ("before", "refused", "after")] == [True, False, True]
    assert engine.seams.met["commit.after"] == 1 + 1


def test_an_erasure_beside_a_refused_body_happens_once(engine, store, threads):
    ann, bea = engine.add_user(b"ann"), engine.add_user(b"bea")

    def refused_late(tx):
        tx.users.erase(bea.sub, NOW_MS)
        raise UserNotFoundException

    erasing, refusal = batch(store, threads, [lambda tx: tx.users.erase(ann.sub, NOW_MS), refused_late])
    assert erasing.result(WAIT_S_MAX) is None
    assert isinstance(refusal.exception(WAIT_S_MAX), UserNotFoundException)
    assert engine.seams.met["tombstone.written"] == 1
    assert ann.slot_now().startswith(b"CENOTE-X")
    assert (ann.is_held(), bea.is_held()) == (False, True)


def test_where_refusals_are_frequent_nobody_runs_twice_for_them(store, threads):
    runs = []

    def counted(tx):
        runs.append(tx)

    def refused(_tx):
        raise UserNotFoundException

    for _batch in range(3):
        first, second = batch(store, threads, [counted, refused])
        assert first.result(WAIT_S_MAX) is None
        assert isinstance(second.exception(WAIT_S_MAX), UserNotFoundException)
    assert len(runs) == 2 + 1 + 1


def test_a_body_sees_what_an_earlier_one_of_its_batch_wrote(store, threads):
    _first, second = batch(store, threads, [putting("first"), lambda tx: tx.meta.find("first")])
    assert second.result(WAIT_S_MAX) == b"held"


def test_no_answer_and_no_refusal_leaves_before_the_commit(engine, store, threads):
    is_there, may_commit = threading.Event(), threading.Event()

    def wait():
        is_there.set()
        may_commit.wait(WAIT_S_MAX)

    with busy(store, threads):
        futures = [threads.submit(store.write, body) for body in (putting("one"), refused)]
        wait_for(lambda: store._committer._waiting.qsize() == 2)
        engine.seams.hung["commit.before"] = in_turn(go_on, wait)
    assert is_there.wait(WAIT_S_MAX)
    was_answered = [future.done() for future in futures]
    may_commit.set()
    assert was_answered == [False, False]
    assert futures[0].result(WAIT_S_MAX) == "one"
    assert isinstance(futures[1].exception(WAIT_S_MAX), UserNotFoundException)


# A batch that is lost


def test_what_a_first_pass_dug_does_not_speak_for_a_second_one_that_is_lost(engine, store, threads):
    """Else a batch would be told as committed because somebody else has erased the same user."""
    ann, runs = engine.add_user(b"ann"), Counter[str]()
    grave = Grave(digest_of(ann.sub), ann.wrapped.slot)
    store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))

    def lost_the_second_time(tx):
        putting("first", runs)(tx)
        if runs["first"] == 2:
            tx.meta._ground.run("rollback", {})
            raise BROKEN

    def refused_once(_tx):
        runs["last"] += 1
        if runs["last"] == 1:
            raise UserNotFoundException

    digs = [lost_the_second_time, lambda tx: tx.users._ground.graves.append(grave), refused_once]
    futures = batch(store, threads, digs)
    assert [future.exception(WAIT_S_MAX) for future in futures] == [None, None, None]
    assert held(store, "first")


def test_each_body_of_a_lost_batch_is_run_again_alone(engine, store, threads):
    runs: Counter[str] = Counter()
    with busy(store, threads):
        names = [f"{number}" for number in range(5)]
        futures = [
            threads.submit(store.write, body) for body in (*[putting(n, runs) for n in names], refused)
        ]
        wait_for(lambda: store._committer._waiting.qsize() == 6)
        engine.seams.hung["commit.before"] = in_turn(go_on, fail)
    assert [future.result(WAIT_S_MAX) for future in futures[:5]] == names
    assert isinstance(futures[5].exception(WAIT_S_MAX), UserNotFoundException)
    assert runs == dict.fromkeys(names, 3)  # beside the refused one, in savepoints, and alone
    assert all(held(store, name) for name in names)
    assert not held(store, "refused")


def test_a_body_whose_commit_fails_is_told_so_and_leaves_nothing(engine, store):
    ann = engine.add_user()
    engine.seams.fail_once("commit.before", BROKEN)
    with pytest.raises(CenoteError, match="could not be written"):
        store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))
    assert ann.is_held()
    assert not ann.slot_now().startswith(b"CENOTE-X")
    store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))


def test_an_erasure_in_a_lost_batch_happens_once(engine, store, threads):
    ann, runs = engine.add_user(), Counter[str]()
    with busy(store, threads):
        erasing = [
            threads.submit(store.write, lambda tx: tx.users.erase(ann.sub, NOW_MS)) for _one in range(2)
        ]
        other = threads.submit(store.write, putting("other", runs))
        wait_for(lambda: store._committer._waiting.qsize() == 3)
        engine.seams.hung["commit.before"] = in_turn(go_on, fail)
    failures = [future.exception(WAIT_S_MAX) for future in erasing]
    assert sorted(type(failure).__name__ for failure in failures) == ["NoneType", "UserNotFoundException"]
    assert other.result(WAIT_S_MAX) == "other"
    assert runs["other"] == 2
    assert ann.slot_now().startswith(b"CENOTE-X")


def test_an_erasure_whose_commit_has_an_unknown_outcome_is_settled_by_the_ledger(engine, store, threads):
    ann, runs = engine.add_user(), Counter[str]()
    with busy(store, threads):
        erasing = threads.submit(store.write, lambda tx: tx.users.erase(ann.sub, NOW_MS))
        other = threads.submit(store.write, putting("other", runs))
        wait_for(lambda: store._committer._waiting.qsize() == 2)
        engine.seams.hung["commit.after"] = in_turn(go_on, fail)
    assert erasing.exception(WAIT_S_MAX) is None
    assert ann.slot_now().startswith(b"CENOTE-X")
    assert other.result(WAIT_S_MAX) == "other"
    assert runs["other"] == 1
    assert store.read(lambda tx: tx.ledger.find(digest_of(ann.sub))) is not None


def test_a_body_may_not_write_in_another_transaction(store):
    with pytest.raises(RuntimeError, match="another transaction"):
        store.write(lambda _tx: store.write(putting("inner")))
    assert store.write(putting("outer")) == "outer"
    assert not held(store, "inner")


# Tombstones


def test_an_answer_does_not_wait_longer_than_a_second_for_its_tombstone(engine, store):
    ann, may_go_on = engine.add_user(), threading.Event()
    engine.seams.hung["tombstone.written"] = lambda: may_go_on.wait(WAIT_S_MAX)
    began_s = time.monotonic()
    store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))
    spent_s = time.monotonic() - began_s
    may_go_on.set()
    assert 0.9 < spent_s < WAIT_S_MAX / 2
    assert store.read(lambda tx: tx.ledger.count_owed()) == 1


def test_the_next_batch_runs_while_tombstones_are_being_written(engine, store, threads):
    ann, is_writing, may_go_on = engine.add_user(), threading.Event(), threading.Event()

    def wait():
        is_writing.set()
        may_go_on.wait(WAIT_S_MAX)

    engine.seams.hung["tombstone.written"] = wait
    erasing = threads.submit(store.write, lambda tx: tx.users.erase(ann.sub, NOW_MS))
    assert is_writing.wait(WAIT_S_MAX)
    assert store.write(putting("meanwhile")) == "meanwhile"
    assert not erasing.done()
    may_go_on.set()
    assert erasing.result(WAIT_S_MAX) is None


def test_an_erasure_whose_tombstone_fails_succeeds_and_is_owed(engine, store):
    ann = engine.add_user()
    engine.seams.fail_once("tombstone.written", OSError(30, "Read-only file system"))
    store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))
    assert not ann.is_held()
    assert engine.vault.tombstones.failures_total == 1
    assert engine.vault.tombstones.take_buried([digest_of(ann.sub)]) == set()
    assert store.read(lambda tx: tx.ledger.count_owed()) == 1


# The folder


def test_a_reader_stays_on_one_snapshot(store, threads):
    def body(tx):
        before = tx.meta.find("later")
        threads.submit(store.write, putting("later")).result(WAIT_S_MAX)
        return before, tx.meta.find("later")

    assert store.read(body) == (None, None)
    assert held(store, "later")


def test_a_reader_who_needs_no_snapshot_sees_what_was_committed_between_two_statements(store, threads):
    def body(tx):
        before = tx.meta.find("later")
        threads.submit(store.write, putting("later")).result(WAIT_S_MAX)
        return before, tx.meta.find("later")

    before, after = store.read(body, at_one_moment=False)
    assert before is None
    assert after is not None


def test_a_second_store_on_the_folder_is_refused_until_the_first_is_closed(tmp_path):
    first = SQLiteStore(tmp_path)
    with pytest.raises(CenoteError, match="Another Cenote is serving the data folder"):
        SQLiteStore(tmp_path)
    first.write(putting("kept"))
    first.close()
    second = SQLiteStore(tmp_path)
    assert held(second, "kept")
    second.close()


def test_a_database_of_a_newer_version_is_refused(tmp_path):
    SQLiteStore(tmp_path).close()
    connection = sqlite3.connect(tmp_path / DATABASE_FILE)
    connection.execute("pragma user_version = 9999")
    connection.close()
    for _attempt in range(2):  # the first refusal lets go of the folder
        with pytest.raises(CenoteError, match="schema 9999, newer than this Cenote's"):
            SQLiteStore(tmp_path)


def test_a_store_that_is_closed_refuses_at_once(tmp_path):
    closed = SQLiteStore(tmp_path)
    closed.close()
    with ThreadPoolExecutor(1) as threads, pytest.raises(CenoteError, match="closed"):
        threads.submit(closed.write, putting("late")).result(5)


def test_the_journal_does_not_grow_with_the_number_of_commits(tmp_path):
    open_store = SQLiteStore(tmp_path)
    value, count = bytes(50_000), 400
    for _one in range(count):
        open_store.write(lambda tx: tx.meta.put("large", value))
    journal_bytes = (tmp_path / f"{DATABASE_FILE}-wal").stat().st_size
    open_store.close()
    assert journal_bytes < count * len(value) / 2
