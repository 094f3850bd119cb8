"""
What there is of one user: the rows that hang on them, of whatever kind, and the numbers of their marks.

For showing everything that is held; no rule reads it.  Leaves out what is sealed.
"""

from dataclasses import dataclass

from cenote.store.ground import Ground


@dataclass(frozen=True, slots=True)
class Belonging:
    """One row that hangs on a user: what it is, and what of it lies in clear."""

    kind: str
    row_id: str
    tag: str | None
    count: int
    created_ms: int
    expires_ms: int | None
    body: bytes | None


class InventoryTable:
    """Everything of one user."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def list_belongings(self, sub: str) -> list[Belonging]:
        """The rows that hang on the user, in the order of their kinds and times."""
        rows = self._ground.run(
            "select kind, id, tag, count, created_ms, expires_ms, body from belongings where sub = :sub"
            " order by kind, created_ms, id",
            {"sub": sub},
        ).fetchall()
        return [
            Belonging(
                row[0], row[1], row[2], row[3], row[4], row[5], None if row[6] is None else bytes(row[6])
            )
            for row in rows
        ]

    def count_names(self, sub: str) -> int:
        """How many names the user is found by."""
        return self._count("names", sub)

    def count_marks(self, sub: str) -> int:
        """How many marks the user is searched by."""
        return self._count("search_marks", sub)

    def find_held_until_ms(self, sub: str) -> int | None:
        """Until when the user was held last."""
        row = self._ground.run("select held_until_ms from keys where sub = :sub", {"sub": sub}).fetchone()
        return None if row is None else row[0]

    def find_recoverable_until_ms(self, sub: str) -> int | None:
        """Until when the user can be brought back; None for one who is there."""
        row = self._ground.run(
            "select recoverable_until_ms from keys where sub = :sub", {"sub": sub}
        ).fetchone()
        return None if row is None else row[0]

    def _count(self, table: str, sub: str) -> int:
        row = self._ground.run(f"select count(*) from {table} where sub = :sub", {"sub": sub}).fetchone()
        return int(row[0])
