"""What every engine promises of a session whose refresh tokens rotate, and of the end of one session."""

import random
from functools import partial

import pytest

from cenote.domain.registrations import Session
from cenote.store.copying import sqlite_target
from cenote.store.postgres import PostgresStore
from cenote.store.postgres_copying import postgres_target
from cenote.store.sqlite import SQLiteStore
from tests.engines import NOW_MS, at_once
from tests.postgres import drop_database, new_database

MANY = 24
GRACE_MS = 10_000


@pytest.fixture
def ann(engine):
    """A user who is held."""
    return engine.add_user()


@pytest.fixture
def session(store, ann):
    """A session of hers."""
    begun = ann.session(expires_ms=NOW_MS + 1_000_000)
    store.write(lambda tx: tx.sessions.add(begun))
    return begun


def rotate(store, session, generation, now_ms=NOW_MS, grace_ms=GRACE_MS):
    """Present a refresh token of this generation."""
    return store.write(
        lambda tx: tx.sessions.rotate(
            session.sub, session.session_id, generation, now_ms=now_ms, grace_ms=grace_ms
        )
    )


def rotate_at_once(*works):
    """The sessions that rotations at the same moment gave; who was refused got None."""
    outcomes = at_once(*works)
    assert all(one is None or isinstance(one, Session) for one in outcomes), outcomes
    return [one for one in outcomes if isinstance(one, Session)]


def found(store, session):
    """The session as it is now, if it is alive."""
    return store.read(lambda tx: tx.callers.find_renewing(session.sub, session.session_id))[1]


def test_a_rotation_makes_the_next_generation_and_changes_nothing_else_of_the_session(store, session):
    rotated = rotate(store, session, 0)
    assert rotated == found(store, session)
    assert rotated == Session(
        sub=session.sub,
        session_id=session.session_id,
        event_id=session.event_id,
        client_id=session.client_id,
        created_ms=session.created_ms,
        expires_ms=session.expires_ms,
        generation=1,
        retired=0,
        retry_until_ms=NOW_MS + GRACE_MS,
    )


def test_of_many_with_one_token_and_no_grace_one_gets_the_next(store, session):
    winners = rotate_at_once(*[partial(rotate, store, session, 0, grace_ms=0)] * MANY)
    assert [one.generation for one in winners] == [1]
    assert found(store, session) == winners[0]


@pytest.mark.parametrize("behind_ms", [0, 1, 60_000])
def test_where_there_is_no_grace_a_clock_that_is_behind_gives_none(store, session, behind_ms):
    rotated = rotate(store, session, 0, grace_ms=0)
    assert rotate(store, session, 0, now_ms=NOW_MS - behind_ms, grace_ms=0) is None
    assert not rotated.accepts(0, now_ms=NOW_MS - behind_ms)


def test_of_many_with_one_token_within_the_grace_each_gets_another_and_the_last_one_counts(store, session):
    outcomes = rotate_at_once(*[partial(rotate, store, session, 0)] * MANY)
    assert sorted(one.generation for one in outcomes) == list(range(1, MANY + 1))
    assert {(one.retired, one.retry_until_ms) for one in outcomes} == {(0, NOW_MS + GRACE_MS)}
    assert found(store, session).generation == MANY
    assert [rotate(store, session, generation) for generation in range(1, MANY)] == [None] * (MANY - 1)
    assert rotate(store, session, MANY).retired == MANY


def test_of_the_present_token_and_the_one_before_it_at_once_the_first_to_come_rules_out_the_other(
    store, session
):
    rotate(store, session, 0)
    for _round in range(MANY):
        before = found(store, session)
        winners = rotate_at_once(
            partial(rotate, store, session, before.generation),
            partial(rotate, store, session, before.retired),
        )
        assert winners == [found(store, session)]


def test_the_deadline_of_a_retired_token_is_its_own(store, session):
    rotate(store, session, 0)
    last_moment = NOW_MS + GRACE_MS - 1
    assert rotate(store, session, 0, now_ms=last_moment).retry_until_ms == NOW_MS + GRACE_MS
    assert rotate(store, session, 0, now_ms=last_moment + 1) is None
    assert rotate(store, session, 2, now_ms=last_moment + 1).generation == 3


def test_the_statement_and_the_rule_say_the_same_whatever_comes(store, session):
    chance, now_ms = random.Random(20_260_924), NOW_MS
    seen = {True: 0, False: 0}
    for _step in range(300):
        before = found(store, session)
        now_ms += chance.choice([0, 1, GRACE_MS // 3, GRACE_MS])
        presented = chance.choice([before.generation, before.retired or 0, *range(before.generation + 2)])
        accepted = before.accepts(presented, now_ms=now_ms)
        rotated = rotate(store, session, presented, now_ms=now_ms, grace_ms=chance.choice([0, GRACE_MS]))
        assert (rotated is not None) == accepted, (before, presented, now_ms)
        assert found(store, session) == (rotated or before)
        seen[accepted] += 1
    assert min(seen.values()) > 30


def test_a_session_ends_alone_for_good_and_its_id_stays_used(store, ann, session):
    other = ann.session()
    store.write(lambda tx: tx.sessions.add(other))
    for _twice in range(2):
        store.write(lambda tx: tx.sessions.drop(ann.sub, session.session_id))
        assert found(store, session) is None
    assert found(store, other) == other
    assert rotate(store, session, 0) is None
    assert store.write(lambda tx: tx.sessions.add(session)) is False


def test_an_end_among_rotations_is_the_end(store, ann, session):
    end = lambda: store.write(lambda tx: tx.sessions.drop(ann.sub, session.session_id))  # noqa: E731
    rotate_at_once(*[partial(rotate, store, session, 0)] * MANY, end)
    assert found(store, session) is None
    assert rotate(store, session, 0) is None


def test_nobody_ends_or_rotates_a_session_by_somebody_else_s_sub(engine, store, session):
    bob = engine.add_user(b"bob")
    mistaken = bob.session(session.session_id)
    store.write(lambda tx: tx.sessions.drop(bob.sub, session.session_id))
    assert rotate(store, mistaken, 0) is None
    assert found(store, session) == session


def test_no_session_of_somebody_who_is_gone_rotates(store, ann, session):
    store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))
    assert rotate(store, session, 0) is None
    assert store.read(lambda tx: tx.callers.find_renewing(ann.sub, session.session_id)) == (None, None)


COLUMNS = ["sub", "kind", "id", "tag", "created_ms", "expires_ms", "body"]
ROWS = [["sub", "session", "its id", "its event", NOW_MS, NOW_MS + 1000, b"client"]]
BEFORE_ROTATION = 8


def test_a_session_of_before_rotates(tmp_path):
    with sqlite_target(tmp_path / "data", BEFORE_ROTATION) as target:
        target.insert("belongings", COLUMNS, ROWS)
    assert_rotates(SQLiteStore(tmp_path / "data"))


def test_a_session_of_before_rotates_on_postgresql_too():
    url = new_database()
    try:
        with postgres_target(url, BEFORE_ROTATION) as target:
            target.insert("belongings", COLUMNS, ROWS)
        assert_rotates(PostgresStore(url))
    finally:
        drop_database(url)


def assert_rotates(store):
    before = Session("sub", "its id", "its event", "client", NOW_MS, NOW_MS + 1000)
    rotated = rotate(store, before, 0)
    store.close()
    assert (rotated.generation, rotated.retired, rotated.client_id) == (1, 0, "client")
