"""What is counted against guessing, on every engine, with real threads: no attempt goes uncounted."""

from functools import partial
from typing import Any

from cenote.domain.limits import HOUR_MS, Limit, Subject
from cenote.domain.lockout import QUIET_MS
from tests.engines import NOW_MS, at_once

MANY = 24
NOBODY = Subject("nobody-0123", is_user=False)


def counted(store, subject, limit=Limit.RECOVERY, now_ms=NOW_MS):
    return store.write(lambda tx: tx.attempts.count(subject, limit, now_ms))


def failed(store, subject, now_ms=NOW_MS):
    """One more wrong password; how many there are now."""

    def body(tx):
        tx.activity.begin(subject, now_ms)
        activity = tx.activity.hold(subject).failed(now_ms=now_ms)
        tx.activity.save(activity)
        return activity.failures

    return store.write(body)


# Attempts by the hour


def test_no_attempt_goes_uncounted(engine, store):
    for subject in (Subject(engine.add_user().sub), NOBODY):
        counts: list[Any] = at_once(*[partial(counted, store, subject)] * MANY)
        assert sorted(counts) == list(range(1, MANY + 1))


def test_an_hour_begins_with_its_first_attempt_and_then_all_begins_anew(engine, store):
    ann = Subject(engine.add_user().sub)
    moments = (0, 1, HOUR_MS - 1, HOUR_MS, 2 * HOUR_MS - 1, 2 * HOUR_MS)
    assert [counted(store, ann, now_ms=NOW_MS + moment) for moment in moments] == [1, 2, 3, 1, 2, 1]


def test_each_limit_and_each_subject_has_a_count_of_its_own(engine, store):
    ann, bob = Subject(engine.add_user(b"ann").sub), Subject(engine.add_user(b"bob").sub)
    for subject in (ann, bob, NOBODY):
        assert [counted(store, subject, limit) for limit in Limit] == [1] * len(Limit)


def test_nothing_is_counted_against_the_erased(engine, store):
    ann = engine.add_user()
    counted(store, Subject(ann.sub))
    failed(store, Subject(ann.sub))
    store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))
    assert counted(store, Subject(ann.sub)) == 0
    failed(store, Subject(ann.sub))
    assert store.read(lambda tx: tx.activity.find(Subject(ann.sub))).failures == 0


def test_counts_of_an_hour_that_is_over_are_cleared_away(engine, store):
    ann = Subject(engine.add_user().sub)
    for subject in (ann, NOBODY):
        counted(store, subject)
    assert store.write(lambda tx: tx.sessions.drop_expired(NOW_MS + HOUR_MS - 1, MANY)) == 0
    assert store.write(lambda tx: tx.sessions.drop_expired(NOW_MS + HOUR_MS, MANY)) == 2


# Wrong passwords


def test_no_failure_goes_uncounted(engine, store):
    for subject in (Subject(engine.add_user().sub), NOBODY):
        counts: list[Any] = at_once(*[partial(failed, store, subject)] * MANY)
        assert sorted(counts) == list(range(1, MANY + 1))


def test_who_has_failed_at_nothing_has_nothing_held_against_them(engine, store):
    ann = Subject(engine.add_user().sub)
    assert store.read(lambda tx: tx.activity.find(ann)).failures == 0
    assert store.write(lambda tx: tx.activity.hold(ann)).failures == 0


def test_a_user_s_failures_are_kept_and_those_of_nobody_end_with_the_quiet_time(engine, store):
    ann = Subject(engine.add_user().sub)
    for subject in (ann, NOBODY):
        failed(store, subject)
    assert store.write(lambda tx: tx.activity.drop_expired(NOW_MS + QUIET_MS - 1, MANY)) == 0
    assert store.write(lambda tx: tx.activity.drop_expired(NOW_MS + QUIET_MS, MANY)) == 1
    found = [store.read(lambda tx, one=one: tx.activity.find(one)).failures for one in (ann, NOBODY)]
    assert found == [1, 0]
