"""
The ledger of erasures: what is owed to the keys folder, what is paid, and which pools are still to be swept.

A line names nobody: the SHA-256 of an id, a slot number and a time.  It is written by the erasing commit, and
gets its place in the chain behind it, so that no erasure waits for another's.  What the chain says is
`domain/ledger.py`.
"""

from collections.abc import Container, Iterable
from typing import Any

from cenote.domain.ledger import Entry, Gap, Head, Link
from cenote.domain.registrations import LedgerLine
from cenote.store.ground import Ground
from cenote.store.meta import MetaTable

_COLUMNS = "digest, kind, slot, erased_ms, done"
_GAP_COLUMNS = "number, vouched_number, vouched_hash, present_number, present_hash, noticed_ms, hash"
_HEAD = "ledger_head"
_NUMBER_BYTES = 8


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
        """Note that these tombstones are durable; in one order, so that no two deadlock over it."""
        rows = [(digest,) for digest in sorted(digests)]
        self._ground.run_many("update ledger set done = 1 where digest = :digest", rows)

    def count_owed(self) -> int:
        """How many tombstones are not known to be written."""
        return int(self._ground.run("select count(*) from ledger where done = 0", {}).fetchone()[0])

    def count_owed_before(self, before_ms: int) -> int:
        """How many tombstones of erasures before then are not known to be written."""
        row = self._ground.run(
            "select count(*) from ledger where done = 0 and erased_ms < :before_ms", {"before_ms": before_ms}
        ).fetchone()
        return int(row[0])

    def find_head(self) -> Head | None:
        """How far the chain has come; None before its first entry."""
        value = MetaTable(self._ground).find(_HEAD)
        return None if value is None else _head(value)

    def hold_head(self, first: Head) -> Head:
        """How far the chain has come, and nobody else lengthens it until this transaction ends."""
        return _head(MetaTable(self._ground).hold(_HEAD, _packed(first)))

    def save_head(self, head: Head) -> None:
        """Note how far the chain has come."""
        MetaTable(self._ground).put(_HEAD, _packed(head))

    def has_unchained(self) -> bool:
        """Whether a line has no place in the chain yet."""
        row = self._ground.run("select 1 from ledger where number is null limit 1", {}).fetchone()
        return row is not None

    def list_unchained(self, limit: int) -> list[LedgerLine]:
        """Some of the lines that have no place in the chain yet, by the time of their erasure."""
        rows = self._ground.run(
            f"select {_COLUMNS} from ledger where number is null order by done, digest limit :limit",
            {"limit": limit},
        ).fetchall()
        return sorted(map(_line, rows), key=lambda line: (line.erased_ms, line.digest))

    def save_links(self, links: Iterable[Link], buried: Container[bytes] = ()) -> None:
        """Give lines their place in the chain, and note with it whose tombstones are durable."""
        placed = sorted(
            (link.line.digest, link.number, link.hash, int(link.line.digest in buried)) for link in links
        )
        self._ground.run_many(
            "update ledger set number = :number, hash = :hash,"
            " done = case when done = 1 then 1 else :done end where digest = :digest",
            [(number, place, done, digest) for digest, number, place, done in placed],
        )

    def add_gap(self, gap: Gap) -> None:
        """Hold the record that this database was older than the keys folder knew."""
        self._ground.run(
            f"insert into ledger_gaps ({_GAP_COLUMNS}) values (:number, :vouched_number, :vouched_hash,"
            " :present_number, :present_hash, :noticed_ms, :hash)",
            {
                "number": gap.number,
                "vouched_number": gap.vouched.number,
                "vouched_hash": gap.vouched.hash,
                "present_number": gap.present.number,
                "present_hash": gap.present.hash,
                "noticed_ms": gap.noticed_ms,
                "hash": gap.hash,
            },
        )

    def find_link(self, digest: bytes) -> Link | None:
        """The line of one erased user or pool, if it has its place in the chain."""
        row = self._ground.run(
            f"select {_COLUMNS}, number, hash from ledger where digest = :digest and number is not null",
            {"digest": digest},
        ).fetchone()
        return None if row is None else _link(row)

    def list_entries(self, after: int, upto: int, limit: int) -> list[Entry]:
        """
        A page of the chain in its order: the entries behind the number `after`, none behind `upto`.

        Whoever reads beside others who write takes a head that is committed for `upto`.
        """
        between = {"after": after, "upto": upto, "limit": limit}
        lines = self._ground.run(
            f"select {_COLUMNS}, number, hash from ledger where number > :after and number <= :upto"
            " order by number limit :limit",
            between,
        ).fetchall()
        entries: list[Entry] = [_link(row) for row in lines]
        gaps = self._ground.run(
            f"select {_GAP_COLUMNS} from ledger_gaps where number > :after and number <= :upto"
            " order by number limit :limit",
            between,
        ).fetchall()
        entries += [_gap(row) for row in gaps]
        return sorted(entries, key=lambda entry: entry.number)[:limit]

    def find_hash(self, number: int) -> bytes | None:
        """The hash of the entry of this number, or, where the entry is missing, the one a gap knows of it."""
        row = self._ground.run(
            "select hash from ledger where number = :number union all"
            " select hash from ledger_gaps where number = :number union all"
            " select vouched_hash from ledger_gaps where vouched_number = :number",
            {"number": number},
        ).fetchone()
        return None if row is None else bytes(row[0])

    def is_in_a_gap(self, number: int) -> bool:
        """Whether it is on record that this database lacks the entry of this number."""
        row = self._ground.run(
            "select 1 from ledger_gaps where present_number < :number and vouched_number >= :number limit 1",
            {"number": number},
        ).fetchone()
        return row is not None


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


def _link(row: Any) -> Link:
    return Link(row[5], _line(row), bytes(row[6]))


def _gap(row: Any) -> Gap:
    vouched, present = Head(row[1], bytes(row[2])), Head(row[3], bytes(row[4]))
    return Gap(row[0], vouched, present, row[5], bytes(row[6]))


def _packed(head: Head) -> bytes:
    return head.number.to_bytes(_NUMBER_BYTES, "big") + head.hash


def _head(value: bytes) -> Head:
    return Head(int.from_bytes(value[:_NUMBER_BYTES], "big"), value[_NUMBER_BYTES:])
