"""
What a command asks of a serving process: a row that the command leaves, and takes back with the answer.

The database is the one place that both can reach.  Leaves out what is asked, which lies sealed
(`cenote/errands.py`).
"""

from cenote.store.ground import Ground


class ErrandTable:
    """Errands that somebody is waiting for."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def add(self, errand_id: str, body: bytes, now_ms: int) -> None:
        """Ask."""
        self._ground.run(
            "insert into errands (errand_id, body, created_ms) values (:errand_id, :body, :now_ms)",
            {"errand_id": errand_id, "body": body, "now_ms": now_ms},
        )

    def list_open(self, since_ms: int, limit: int) -> list[tuple[str, bytes]]:
        """What was asked since then and is not answered: ids and bodies, the oldest first."""
        rows = self._ground.run(
            "select errand_id, body from errands where answer is null and created_ms >= :since_ms"
            " order by created_ms, errand_id limit :limit",
            {"since_ms": since_ms, "limit": limit},
        ).fetchall()
        return [(row[0], bytes(row[1])) for row in rows]

    def begin(self, errand_id: str, answer: str) -> bool:
        """
        Take an errand on, with what is true of it once this is committed; False when it was taken on, or
        taken back.  It stands until the transaction ends.
        """
        row = self._ground.run(
            "update errands set answer = :answer where errand_id = :errand_id and answer is null"
            " returning errand_id",
            {"errand_id": errand_id, "answer": answer},
        ).fetchone()
        return row is not None

    def settle(self, errand_id: str, answer: str) -> None:
        """Tell what came of it in the end."""
        self._ground.run(
            "update errands set answer = :answer where errand_id = :errand_id",
            {"errand_id": errand_id, "answer": answer},
        )

    def find_answer(self, errand_id: str) -> str | None:
        """What came of it, if anybody has told."""
        row = self._ground.run(
            "select answer from errands where errand_id = :errand_id", {"errand_id": errand_id}
        ).fetchone()
        return None if row is None else row[0]

    def take(self, errand_id: str) -> str | None:
        """Take the errand back and return its answer; without one, nobody has begun with it or will."""
        row = self._ground.run(
            "delete from errands where errand_id = :errand_id returning answer", {"errand_id": errand_id}
        ).fetchone()
        return None if row is None else row[0]

    def drop_older(self, before_ms: int) -> None:
        """Forget errands whose command must have ended."""
        self._ground.run("delete from errands where created_ms < :before_ms", {"before_ms": before_ms})
