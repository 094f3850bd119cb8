"""
What is counted against guessing: attempts by the hour, and wrong passwords.

A user's counts go with the user; those of a name that nobody bears end by themselves.
"""

from typing import Any

from cenote.domain.limits import HOUR_MS, Limit, Subject
from cenote.domain.lockout import QUIET_MS, Activity
from cenote.domain.registrations import Pool
from cenote.domain.users import User
from cenote.store.ground import Ground
from cenote.store.users import IN_SIGHT, USER_COLUMNS, opened


class AttemptTable:
    """Attempts of the present hour, which begins with the first of them; every node counts the same."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def count(self, subject: Subject, limit: Limit, now_ms: int) -> int:
        """Count one more attempt; how many there were, none for a user who was erased."""
        row = self._ground.run(
            "insert into belongings (sub, kind, id, count, created_ms, expires_ms)"
            " select s.sub, 'attempts', :limit, 1, :now_ms, :ends_ms"
            f" from {_source(self._ground, subject)} where true"
            " on conflict (sub, kind, id) do update set"
            " count = case when belongings.expires_ms <= excluded.created_ms"
            " then 1 else belongings.count + 1 end,"
            " created_ms = case when belongings.expires_ms <= excluded.created_ms"
            " then excluded.created_ms else belongings.created_ms end,"
            " expires_ms = case when belongings.expires_ms <= excluded.created_ms"
            " then excluded.expires_ms else belongings.expires_ms end"
            " returning count",
            {
                "subject": subject.subject_id,
                "limit": limit.value,
                "now_ms": now_ms,
                "ends_ms": now_ms + HOUR_MS,
            },
        ).fetchone()
        return 0 if row is None else int(row[0])


class ActivityTable:
    """What sign-in notes: one small row a subject, written only when there is something to note."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def find_signing_in(self, pool: Pool, name: bytes, nobody: Subject) -> tuple[User | None, Activity]:
        """
        Whoever bears this name, with what is held against them; else what is held against the name of nobody.

        One statement, so that both cost the same.
        """
        row = self._ground.run(
            f"select {USER_COLUMNS}, a.failures, a.failed_ms from (select 1 as one) o"
            " left join names n on n.pool_id = :pool_id and n.name = :name"
            " left join users u on u.sub = n.sub left join keys k on k.sub = u.sub"
            " left join activity a on a.sub = coalesce(u.sub, :nobody)",
            {"pool_id": pool.pool_id, "name": name, "nobody": nobody.subject_id},
        ).fetchone()
        user = None if row[8] is None else opened(row, self._ground.sealer)
        subject_id = nobody.subject_id if user is None else user.sub
        return user, Activity(subject_id, row[9] or 0, row[10] or 0)

    def find(self, subject: Subject) -> Activity:
        """The activity as it was; to refuse early, never to count."""
        row = self._ground.run(
            "select sub, failures, failed_ms from activity where sub = :subject",
            {"subject": subject.subject_id},
        ).fetchone()
        return _activity(subject, row)

    def hold(self, subject: Subject) -> Activity:
        """
        The activity as it is and, if there is any, will stay until this transaction ends.

        Whoever holds it comes after every failure that was counted before.
        """
        row = self._ground.run(
            f"select sub, failures, failed_ms from activity where sub = :subject{self._ground.hold_row}",
            {"subject": subject.subject_id},
        ).fetchone()
        return _activity(subject, row)

    def begin(self, subject: Subject, now_ms: int) -> None:
        """See that there is a row to be held, unless the user was erased."""
        self._ground.run(
            "insert into activity (sub, failures, failed_ms, locked_until_ms, expires_ms)"
            f" select s.sub, 0, 0, 0, :expires_ms from {_source(self._ground, subject)} where true"
            " on conflict (sub) do nothing",
            {"subject": subject.subject_id, "expires_ms": None if subject.is_user else now_ms + QUIET_MS},
        )

    def save(self, activity: Activity) -> None:
        """Write what was held; for a name that nobody bears it is kept until its quiet time is over."""
        self._ground.run(
            "update activity set failures = :failures, failed_ms = :failed_ms,"
            " locked_until_ms = :locked_until_ms,"
            " expires_ms = case when expires_ms is null then null else :quiet_ms end where sub = :subject",
            {
                "subject": activity.subject,
                "failures": activity.failures,
                "failed_ms": activity.failed_ms,
                "locked_until_ms": activity.locked_until_ms,
                "quiet_ms": activity.failed_ms + QUIET_MS,
            },
        )

    def forgive(self, sub: str, now_ms: int) -> None:
        """Forget a user's failures, unless the door is shut now; whatever is being counted comes first."""
        self._ground.run(
            "update activity set failures = 0, failed_ms = 0, locked_until_ms = 0"
            " where sub = :sub and failures > 0 and locked_until_ms <= :now_ms",
            {"sub": sub, "now_ms": now_ms},
        )

    def drop_expired(self, now_ms: int, limit: int) -> int:
        """Forget names that nobody bears once their quiet time is over, some at once; how many."""
        rows = self._ground.run(
            "delete from activity where sub in (select sub from activity where expires_ms <= :now_ms"
            " limit :limit) returning sub",
            {"now_ms": now_ms, "limit": limit},
        ).fetchall()
        return len(rows)


def _source(ground: Ground, subject: Subject) -> str:
    """The subject as a table of one row, or of none for a user who was erased."""
    if subject.is_user:
        return f"(select k.sub from keys k where k.sub = :subject and k.{IN_SIGHT}{ground.share}) s"
    return "(select :subject as sub) s"


def _activity(subject: Subject, row: Any) -> Activity:
    return Activity(subject.subject_id) if row is None else Activity(row[0], row[1], row[2])
