"""
The ledger of erasures: what is owed to the keys folder, what is paid, and which pools are still to be swept.

A line names nobody: the SHA-256 of an id, a slot number and a time.
"""

from collections.abc import Iterable
from typing import Any

from cenote.domain.registrations import LedgerLine
from cenote.store.ground import Ground

_COLUMNS = "digest, kind, slot, erased_ms, done"


class LedgerTable:
    """Every erasure that this database knows of."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def find(self, digest: bytes) -> LedgerLine | None:
        """The line of one erased user or pool."""
        row = self._ground.run(
            f"select {_COLUMNS} from ledger where digest = :digest", {"digest": digest}
        ).fetchone()
        return None if row is None else _line(row)

    def list_owed(self, after: bytes, limit: int) -> list[LedgerLine]:
        """A page of the lines whose tombstones are not known to be written, in the order of digests."""
        rows = self._ground.run(
            f"select {_COLUMNS} from ledger where done = 0 and digest > :after order by digest limit :limit",
            {"after": after, "limit": limit},
        ).fetchall()
        return [_line(row) for row in rows]

    def list_page(self, after: bytes, limit: int) -> list[LedgerLine]:
        """A page of all lines in the order of digests, beginning behind `after`."""
        rows = self._ground.run(
            f"select {_COLUMNS} from ledger where digest > :after order by digest limit :limit",
            {"after": after, "limit": limit},
        ).fetchall()
        return [_line(row) for row in rows]

    def mark_done(self, digests: Iterable[bytes]) -> None:
        """Note that these tombstones are durable."""
        for digest in digests:
            self._ground.run("update ledger set done = 1 where digest = :digest", {"digest": digest})

    def count_owed(self) -> int:
        """How many tombstones are not known to be written."""
        return int(self._ground.run("select count(*) from ledger where done = 0", {}).fetchone()[0])


class FallenTable:
    """Pools whose users' rows are still to be cleared away."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def list_page(self, limit: int) -> list[str]:
        """Some of them."""
        rows = self._ground.run(
            "select pool_id from fallen_pools order by fallen_ms limit :limit", {"limit": limit}
        ).fetchall()
        return [row[0] for row in rows]

    def drop(self, pool_id: str) -> None:
        """Note that nothing of the pool is left."""
        self._ground.run("delete from fallen_pools where pool_id = :pool_id", {"pool_id": pool_id})


def _line(row: Any) -> LedgerLine:
    return LedgerLine(bytes(row[0]), row[1], row[2], row[3], bool(row[4]))
