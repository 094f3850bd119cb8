"""Legal holds and the record of operators' acts: what every engine promises of them."""

import secrets
import sqlite3
from functools import partial

import psycopg
import pytest

from cenote.domain.audit import FOR_EVER_MS, Act, AuditLine
from cenote.domain.sealed import Grave, digest_of
from cenote.errors import OperationNotEnabledException, ResourceNotFoundException, UserNotFoundException
from cenote.lookback import look_back
from cenote.store.holds import Hold
from cenote.vault.tombstones import is_tombstone
from tests.engines import NOW_MS, Engine, Newcomer, at_once, kinds

TRIES = 12


def hold(engine: Engine, ann: Newcomer, until_ms: int = FOR_EVER_MS) -> int | None:
    return engine.store.write(lambda tx: tx.holds.put(ann.user.pool_id, ann.sub, until_ms))


def release(engine: Engine, ann: Newcomer, now_ms: int = NOW_MS) -> bool:
    return engine.store.write(lambda tx: tx.holds.take(ann.user.pool_id, ann.sub, now_ms))


def erase(engine: Engine, ann: Newcomer, now_ms: int = NOW_MS) -> None:
    engine.store.write(lambda tx: tx.users.erase(ann.sub, now_ms))


def line(ann: Newcomer, act: Act = Act.HOLD, at_ms: int = NOW_MS) -> AuditLine:
    return AuditLine(
        line_id=secrets.token_hex(8),
        act=act,
        pool_id=ann.user.pool_id,
        digest=digest_of(ann.sub),
        at_ms=at_ms,
        who="an auditor",
        reason="a dispute",
        until_ms=FOR_EVER_MS,
    )


def test_who_is_held_is_not_erased_and_keeps_everything(engine):
    ann = engine.add_user(b"ann", b"ann@example.com")
    engine.store.write(lambda tx: tx.sessions.add(ann.session("one")))
    assert hold(engine, ann) == FOR_EVER_MS
    slot = ann.slot_now()
    with pytest.raises(OperationNotEnabledException):
        erase(engine, ann)
    found, session = engine.store.read(lambda tx: tx.callers.find_renewing(ann.sub, "one"))
    assert (found, session is not None) == (ann.user, True)
    for name in (b"ann", b"ann@example.com"):
        assert engine.store.read(lambda tx, name=name: tx.users.find_named(engine.pool, name)) == ann.user
    assert (ann.slot_now() == slot, is_tombstone(slot)) == (True, False)
    assert engine.store.read(lambda tx: tx.ledger.find(digest_of(ann.sub))) is None


def test_who_is_released_is_erased_as_ever(engine):
    ann = engine.add_user()
    hold(engine, ann)
    assert release(engine, ann)
    assert not release(engine, ann)
    erase(engine, ann)
    assert (ann.is_held(), is_tombstone(ann.slot_now())) == (False, True)
    assert not release(engine, ann)
    assert hold(engine, ann) is None


def test_a_hold_ends_by_itself_at_its_end(engine):
    ann = engine.add_user()
    hold(engine, ann, NOW_MS + 1_000)
    with pytest.raises(OperationNotEnabledException):
        erase(engine, ann, NOW_MS + 999)
    assert engine.store.read(lambda tx: tx.holds.count(NOW_MS + 1_000)) == 0
    assert not release(engine, ann, NOW_MS + 1_000)
    erase(engine, ann, NOW_MS + 1_000)
    assert not ann.is_held()


def test_a_second_hold_never_shortens_the_first(engine):
    ann = engine.add_user()
    assert hold(engine, ann, NOW_MS + 2_000) == NOW_MS + 2_000
    assert hold(engine, ann, NOW_MS + 1_000) == NOW_MS + 2_000
    assert hold(engine, ann) == FOR_EVER_MS


def test_only_a_user_of_the_pool_is_held_or_released_there(engine):
    ann, other = engine.add_user(), engine.add_pool()
    for pool_id in (other.pool_id, "us-east-1_nowhere"):
        put = partial(lambda tx, pool_id: tx.holds.put(pool_id, ann.sub, FOR_EVER_MS), pool_id=pool_id)
        assert engine.store.write(put) is None
    hold(engine, ann)
    assert not engine.store.write(lambda tx: tx.holds.take(other.pool_id, ann.sub, NOW_MS))
    assert engine.store.read(lambda tx: tx.holds.count(NOW_MS)) == 1


def test_who_is_held_is_listed_page_by_page_and_counted(engine):
    people = sorted((engine.add_user(f"user{n}".encode()) for n in range(4)), key=lambda one: one.sub)
    for number, one in enumerate(people[:3]):
        hold(engine, one, NOW_MS + 1_000 + number)
    pages, after = [], ""
    while page := engine.store.read(lambda tx, after=after: tx.holds.list_page(NOW_MS, after, 2)):
        pages.append(page)
        after = page[-1].sub
    expected = [Hold(one.sub, engine.pool.pool_id, NOW_MS + 1_000 + n) for n, one in enumerate(people[:3])]
    assert pages == [expected[:2], expected[2:]]
    assert engine.store.read(lambda tx: tx.holds.count(NOW_MS)) == 3


def test_a_pool_with_somebody_who_is_held_does_not_end(engine):
    ann, other = engine.add_user(), engine.add_pool()
    hold(engine, ann)
    with pytest.raises(OperationNotEnabledException):
        engine.store.write(lambda tx: tx.pools.erase(engine.pool.pool_id, NOW_MS))
    assert ann.is_held()
    engine.store.write(lambda tx: tx.pools.erase(other.pool_id, NOW_MS))
    release(engine, ann)
    engine.store.write(lambda tx: tx.pools.erase(engine.pool.pool_id, NOW_MS))
    assert not ann.is_held()


def test_of_a_hold_and_an_erasure_at_once_one_is_refused(engine):
    outcomes = set()
    for number in range(TRIES):
        ann = engine.add_user(f"user{number}".encode())
        held, erased = at_once(partial(hold, engine, ann), partial(erase, engine, ann))
        outcomes.add((held, type(erased).__name__, ann.is_held(), is_tombstone(ann.slot_now())))
    assert outcomes <= {
        (FOR_EVER_MS, "OperationNotEnabledException", True, False),
        (None, "NoneType", False, True),
    }


def test_of_a_hold_and_the_end_of_the_pool_at_once_one_is_refused(engine):
    outcomes = set()
    for _ in range(TRIES):
        pool = engine.add_pool()
        ann = engine.add_user(pool=pool, pool_id=pool.pool_id)
        end = partial(engine.store.write, lambda tx, pool=pool: tx.pools.erase(pool.pool_id, NOW_MS))
        held, ended = at_once(partial(hold, engine, ann), end)
        outcomes.add((held, type(ended).__name__, ann.is_held()))
    assert outcomes <= {
        (FOR_EVER_MS, "OperationNotEnabledException", True),
        (None, "NoneType", False),
    }


def test_many_who_erase_somebody_who_is_held_are_all_refused(engine):
    ann = engine.add_user()
    hold(engine, ann)
    outcomes = at_once(*[partial(erase, engine, ann)] * 6)
    assert kinds(outcomes) == {"OperationNotEnabledException": 6}
    release(engine, ann)
    assert kinds(at_once(*[partial(erase, engine, ann)] * 6)) == {"NoneType": 1, "UserNotFoundException": 5}


def test_a_hold_in_an_older_database_keeps_no_erased_one_in_it(engine):
    """An older database that is put back may hold somebody who was erased since: their slot says more."""
    ann, pool = engine.add_user(), engine.add_pool()
    bob = engine.add_user(b"bob", pool=pool, pool_id=pool.pool_id)
    for one in (ann, bob):
        hold(engine, one)
    engine.vault.folder.bury(
        [Grave(digest_of(ann.sub), ann.wrapped.slot), Grave(digest_of(pool.pool_id), pool.slot)]
    )
    with pytest.raises(UserNotFoundException):
        erase(engine, ann)
    seen = look_back(engine.store, engine.vault.keyring, NOW_MS)
    assert (seen.erased_users, seen.erased_pools) == (2, 1)
    assert not bob.is_held()
    with pytest.raises(ResourceNotFoundException):
        engine.store.write(lambda tx: tx.pools.erase(pool.pool_id, NOW_MS))


def test_the_record_is_read_in_the_order_of_its_times_page_by_page_and_user_by_user(engine):
    ann, bob = engine.add_user(b"ann"), engine.add_user(b"bob")
    lines = [line(ann, at_ms=NOW_MS + 1), line(bob, at_ms=NOW_MS + 2), line(ann, Act.RELEASE, NOW_MS + 3)]
    for one in reversed(lines):
        engine.store.write(lambda tx, one=one: tx.audit.add(one))
    pages, after = [], (0, "")
    while page := engine.store.read(lambda tx, after=after: tx.audit.list_page(after, 2)):
        pages.append(page)
        after = (page[-1].at_ms, page[-1].line_id)
    assert pages == [lines[:2], lines[2:]]
    erase(engine, ann)
    assert engine.store.read(lambda tx: tx.audit.list_of_user(digest_of(ann.sub))) == [lines[0], lines[2]]


@pytest.mark.parametrize(
    "statement", ["delete from audit", "update audit set reason = 'another'", "update audit set at_ms = 0"]
)
def test_a_line_of_the_record_is_never_changed_or_deleted(engine, statement):
    kept = line(engine.add_user())
    engine.store.write(lambda tx: tx.audit.add(kept))
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.RaiseException), match="append-only"):
        engine.store.write(lambda tx: tx.audit._ground.run(statement, {}))  # no verb does that
    assert engine.store.read(lambda tx: tx.audit.list_page((0, ""), 9)) == [kept]
