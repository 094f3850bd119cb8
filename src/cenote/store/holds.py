"""
Legal holds: users who may not be erased until a time.

A hold lies in the row of the user's key, whose delete decides an erasure: so the erasing statement itself
meets it, and no erasure slips past one that was committed before.  Leaves out why there is one (`audit.py`).
"""

from dataclasses import dataclass

from cenote.store.ground import Ground
from cenote.store.users import EVERY_USER

# They are few of all users, and have an index of their own.
_HELD = (
    "from keys k left join users u on u.sub = k.sub left join recoverable_users r on r.sub = k.sub"
    " where k.held_until_ms > :now_ms"
)
_POOL = "coalesce(u.pool_id, r.pool_id)"


@dataclass(frozen=True, slots=True)
class Hold:
    """A user who is held, and until when."""

    sub: str
    pool_id: str
    until_ms: int


class HoldTable:
    """Who is held."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def put(self, pool_id: str, sub: str, until_ms: int) -> int | None:
        """
        Hold a user of the pool, and never for a shorter time than they are held already.

        Returns until when they are held now; None when the pool has no such user.  The pool can't end before
        this is committed.
        """
        pool = self._ground.run(
            f"select pool_id from pools where pool_id = :pool_id{self._ground.share}", {"pool_id": pool_id}
        ).fetchone()
        if pool is None:
            return None
        row = self._ground.run(
            "update keys set held_until_ms ="
            " case when held_until_ms > :until_ms then held_until_ms else :until_ms end"
            " where sub = :sub"
            f" and exists (select 1 from ({EVERY_USER}) u where u.sub = :sub and u.pool_id = :pool_id)"
            " returning held_until_ms",
            {"sub": sub, "pool_id": pool_id, "until_ms": until_ms},
        ).fetchone()
        return None if row is None else int(row[0])

    def take(self, pool_id: str, sub: str, now_ms: int) -> bool:
        """End the hold of a user of the pool; False when they are not held."""
        row = self._ground.run(
            "update keys set held_until_ms = null where sub = :sub and held_until_ms > :now_ms"
            f" and exists (select 1 from ({EVERY_USER}) u where u.sub = :sub and u.pool_id = :pool_id)"
            " returning sub",
            {"sub": sub, "pool_id": pool_id, "now_ms": now_ms},
        ).fetchone()
        return row is not None

    def list_page(self, now_ms: int, after: str, limit: int) -> list[Hold]:
        """A page of who is held, in the order of their subs, beginning behind `after`."""
        rows = self._ground.run(
            f"select k.sub, {_POOL}, k.held_until_ms {_HELD} and k.sub > :after order by k.sub limit :limit",
            {"now_ms": now_ms, "after": after, "limit": limit},
        ).fetchall()
        return [Hold(row[0], row[1], row[2]) for row in rows]

    def count(self, now_ms: int) -> int:
        """How many are held."""
        return int(self._ground.run(f"select count(*) {_HELD}", {"now_ms": now_ms}).fetchone()[0])

    def is_any_in(self, pool_id: str, now_ms: int) -> bool:
        """Whether a user of the pool is held."""
        row = self._ground.run(
            f"select 1 {_HELD} and {_POOL} = :pool_id limit 1", {"now_ms": now_ms, "pool_id": pool_id}
        ).fetchone()
        return row is not None
