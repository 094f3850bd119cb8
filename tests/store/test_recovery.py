"""Users who can still be brought back: what every engine promises of them."""

from functools import partial

import pytest

from cenote.domain.audit import FOR_EVER_MS
from cenote.domain.limits import Limit, Subject
from cenote.domain.registrations import Message
from cenote.domain.sealed import digest_of
from cenote.errors import OperationNotEnabledException, UsernameExistsException, UserNotFoundException
from cenote.lookback import look_back
from cenote.store.transaction import Transaction
from cenote.vault.tombstones import is_tombstone
from tests.engines import NOW_MS, Engine, Newcomer, at_once, kinds

UNTIL_MS = NOW_MS + 1_000
TRIES = 8


def put(engine: Engine, one: Newcomer, until_ms: int = UNTIL_MS) -> None:
    engine.store.write(lambda tx: tx.recoverable.put(one.sub, NOW_MS, until_ms))


def bring_back(engine: Engine, one: Newcomer, now_ms: int = NOW_MS) -> None:
    engine.store.write(lambda tx: tx.recoverable.bring_back(one.user.pool_id, one.sub, now_ms))


def erase_overdue(engine: Engine, one: Newcomer, now_ms: int = UNTIL_MS) -> None:
    engine.store.write(lambda tx: tx.recoverable.erase_overdue(one.sub, now_ms))


def overdue(engine: Engine, now_ms: int = UNTIL_MS) -> list[str]:
    return engine.store.read(lambda tx: tx.recoverable.list_overdue(now_ms, 10))


def named(engine: Engine, name: bytes) -> object:
    return engine.store.read(lambda tx: tx.users.find_named(engine.pool, name))


def test_who_is_put_aside_is_out_of_everybodys_sight_and_keeps_their_key(engine):
    ann = engine.add_user(b"ann", b"ann@example.com")
    engine.store.write(lambda tx: tx.sessions.add(ann.session("one")))
    slot = ann.slot_now()
    put(engine, ann)
    store = engine.store
    assert (ann.is_held(), named(engine, b"ann"), named(engine, b"ann@example.com")) == (False, None, None)
    assert store.read(lambda tx: tx.callers.find_renewing(ann.sub, "one")) == (None, None)
    assert store.read(lambda tx: tx.users.count(engine.pool.pool_id)) == 0
    assert [one.open() for one in store.read(lambda tx: tx.search.list_all(engine.pool.pool_id, "", 9))] == []
    assert not store.write(lambda tx: tx.sessions.add(ann.session("two")))
    assert store.read(lambda tx: tx.users.key_of(ann.sub)) is None
    counted = partial(store.write, lambda tx: tx.attempts.count(Subject(ann.sub), Limit.RECOVERY, NOW_MS))
    assert counted() == 0
    assert (ann.slot_now(), is_tombstone(slot)) == (slot, False)
    assert store.read(lambda tx: tx.ledger.find(digest_of(ann.sub))) is None
    assert store.read(lambda tx: tx.recoverable.find(ann.sub)) == ann.user
    (one,) = store.read(lambda tx: tx.recoverable.list_page(engine.pool.pool_id, "", 9))
    assert (one.sub, one.deleted_ms, one.until_ms) == (ann.sub, NOW_MS, UNTIL_MS)
    assert store.read(lambda tx: tx.recoverable.count()) == 1


def test_no_message_is_promised_to_who_is_put_aside_nor_kept(engine):
    ann = engine.add_user()
    message = Message(
        message_id="m",
        sub=ann.sub,
        pool_id=ann.user.pool_id,
        medium="EMAIL",
        to="ann@example.com",
        subject="s",
        body="b",
        code="c",
        created_ms=NOW_MS,
    )
    engine.store.write(lambda tx: tx.outbox.add(message))
    put(engine, ann)
    assert engine.store.read(lambda tx: tx.outbox.list_newest(9)) == []
    with pytest.raises(UserNotFoundException):
        engine.store.write(lambda tx: tx.outbox.add(message))


def test_who_is_brought_back_is_as_they_were_and_signed_out(engine):
    ann = engine.add_user(b"ann", b"ann@example.com")
    engine.store.write(lambda tx: tx.sessions.add(ann.session("one")))
    put(engine, ann)
    bring_back(engine, ann)
    assert named(engine, b"ann") == named(engine, b"ann@example.com") == ann.user
    assert engine.store.read(lambda tx: tx.callers.find_renewing(ann.sub, "one")) == (ann.user, None)
    assert engine.store.read(lambda tx: tx.sessions.is_spent(ann.sub, "one"))
    assert engine.store.read(lambda tx: tx.recoverable.count()) == 0
    assert overdue(engine) == []
    with pytest.raises(UserNotFoundException):
        bring_back(engine, ann)
    engine.store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))
    assert is_tombstone(ann.slot_now())


def test_their_name_is_free_and_whoever_took_it_keeps_it(engine):
    ann = engine.add_user(b"ann", b"other")
    put(engine, ann)
    newcomer = engine.add_user(b"ann")
    with pytest.raises(UsernameExistsException):
        bring_back(engine, ann)
    assert named(engine, b"ann") == newcomer.user
    assert named(engine, b"other") is None
    engine.store.write(lambda tx: tx.users.erase(newcomer.sub, NOW_MS))
    bring_back(engine, ann)
    assert named(engine, b"ann") == named(engine, b"other") == ann.user


def test_nobody_is_brought_back_to_another_pool_or_too_late(engine):
    ann, other = engine.add_user(), engine.add_pool()
    put(engine, ann)
    with pytest.raises(UserNotFoundException):
        engine.store.write(lambda tx: tx.recoverable.bring_back(other.pool_id, ann.sub, NOW_MS))
    with pytest.raises(UserNotFoundException):
        bring_back(engine, ann, UNTIL_MS)
    bring_back(engine, ann, UNTIL_MS - 1)
    assert ann.is_held()


def test_who_is_overdue_is_erased_as_anybody_is_and_nobody_sooner(engine):
    ann = engine.add_user()
    put(engine, ann)
    assert overdue(engine, UNTIL_MS - 1) == []
    erase_overdue(engine, ann, UNTIL_MS - 1)
    assert not is_tombstone(ann.slot_now())
    assert overdue(engine) == [ann.sub]
    for _ in range(2):
        erase_overdue(engine, ann)
    assert is_tombstone(ann.slot_now())
    assert engine.store.read(lambda tx: tx.ledger.find(digest_of(ann.sub))) is not None
    assert engine.store.read(lambda tx: tx.recoverable.count()) == 0
    assert engine.store.read(lambda tx: tx.inventory.find_recoverable_until_ms(ann.sub)) is None


def test_who_is_held_is_neither_put_aside_nor_erased_when_overdue(engine):
    ann, bob = engine.add_user(b"ann"), engine.add_user(b"bob")
    pool_id = engine.pool.pool_id
    engine.store.write(lambda tx: tx.holds.put(pool_id, ann.sub, FOR_EVER_MS))
    with pytest.raises(OperationNotEnabledException):
        put(engine, ann)
    assert named(engine, b"ann") == ann.user
    put(engine, bob)
    assert engine.store.write(lambda tx: tx.holds.put(pool_id, bob.sub, FOR_EVER_MS)) == FOR_EVER_MS
    assert overdue(engine) == []
    erase_overdue(engine, bob)
    with pytest.raises(OperationNotEnabledException):
        engine.store.write(lambda tx: tx.pools.erase(pool_id, NOW_MS))
    assert engine.store.read(lambda tx: [one.pool_id for one in tx.holds.list_page(NOW_MS, "", 9)]) == [
        pool_id,
        pool_id,
    ]
    assert engine.store.write(lambda tx: tx.holds.take(pool_id, bob.sub, NOW_MS))
    erase_overdue(engine, bob)
    assert is_tombstone(bob.slot_now())


def test_somebody_out_of_sight_can_be_erased_at_once(engine):
    ann = engine.add_user()
    put(engine, ann)
    assert engine.store.read(lambda tx: tx.users.is_in(engine.pool.pool_id, ann.sub))
    engine.store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))
    assert is_tombstone(ann.slot_now())
    assert engine.store.read(lambda tx: (tx.recoverable.count(), tx.recoverable.find(ann.sub))) == (0, None)


def test_the_end_of_the_pool_is_theirs_too(engine):
    ann = engine.add_user()
    put(engine, ann)
    pool_id = engine.pool.pool_id
    engine.store.write(lambda tx: tx.pools.erase(pool_id, NOW_MS))
    assert engine.store.read(lambda tx: tx.recoverable.find(ann.sub)) is None
    with pytest.raises(UserNotFoundException):
        bring_back(engine, ann)
    assert engine.store.read(lambda tx: tx.users.list_subs(pool_id, 9)) == [ann.sub]
    engine.store.write(lambda tx: tx.users.forget([ann.sub]))
    assert engine.store.read(lambda tx: (tx.recoverable.count(), tx.users.list_subs(pool_id, 9))) == (0, [])


def test_an_older_database_brings_no_erased_one_back_out_of_sight_either(engine):
    ann = engine.add_user()
    put(engine, ann)
    rows = engine.store.read(lambda tx: everything(tx, ann.sub))
    erase_overdue(engine, ann)
    engine.store.write(lambda tx: put_back(tx, rows))
    assert engine.store.read(lambda tx: tx.recoverable.find(ann.sub)) is None
    assert look_back(engine.store, engine.vault.keyring, NOW_MS).erased_users == 1
    assert engine.store.read(lambda tx: tx.recoverable.count()) == 0


def everything(tx: Transaction, sub: str) -> dict[str, list[object]]:
    run = tx.users._ground.run
    return {
        table: list(run(f"select * from {table} where sub = :sub", {"sub": sub}).fetchone())  # noqa: S608
        for table in ("keys", "recoverable_users")
    }


def put_back(tx: Transaction, rows: dict[str, list[object]]) -> None:
    for table, row in rows.items():
        values = {f"v_{letter}": one for letter, one in zip("abcdefghij", row, strict=False)}
        marks = ", ".join(f":{name}" for name in values)
        tx.users._ground.run(f"insert into {table} values ({marks})", values)  # noqa: S608


def test_of_many_who_decide_about_one_user_at_once_one_does(engine):
    for number in range(TRIES):
        ann = engine.add_user(f"user{number}".encode())
        put(engine, ann)
        results = at_once(
            partial(bring_back, engine, ann),
            partial(engine.store.write, lambda tx, ann=ann: tx.users.erase(ann.sub, NOW_MS)),
            partial(erase_overdue, engine, ann),
        )
        assert set(kinds(results)) <= {"NoneType", "UserNotFoundException"}
        assert (is_tombstone(ann.slot_now()), ann.is_held()) == (True, False)


def test_of_two_deletions_at_once_one_is_told_that_nobody_is_there(engine):
    ann = engine.add_user()
    outcomes = at_once(*[partial(put, engine, ann)] * 5)
    assert kinds(outcomes) == {"NoneType": 1, "UserNotFoundException": 4}


def test_a_pools_days_are_part_of_the_pool(engine):
    pool_id = engine.pool.pool_id
    assert engine.store.read(lambda tx: tx.pools.find(pool_id)).recovery_days == 0
    assert engine.store.write(lambda tx: tx.pools.set_recovery(pool_id, 7))
    found = engine.store.read(lambda tx: tx.pools.find(pool_id))
    assert (found.recovery_days, found.version) == (7, engine.pool.version + 1)
    assert not engine.store.write(lambda tx: tx.pools.set_recovery("us-east-1_nowhere", 7))
