"""
The record of what operators did to users and access keys: lines come and stay, and the database itself
refuses anything else.

Leaves out what was done (`holds.py`, `users.py`): whoever does it adds the line in the same transaction.
"""

from typing import Any

from cenote.domain.audit import Act, AuditLine
from cenote.store.ground import Ground

_COLUMNS = "line_id, act, pool_id, digest, at_ms, until_ms, who, reason, key_id, policy"


class AuditTable:
    """Every line, in the order of their times."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def add(self, line: AuditLine) -> None:
        """Record an act, for good."""
        self._ground.run(
            f"insert into audit ({_COLUMNS}) values (:line_id, :act, :pool_id, :digest, :at_ms, :until_ms,"
            " :who, :reason, :key_id, :policy)",
            {
                "line_id": line.line_id,
                "act": line.act.value,
                "pool_id": line.pool_id,
                "digest": line.digest,
                "at_ms": line.at_ms,
                "until_ms": line.until_ms,
                "who": line.who,
                "reason": line.reason,
                "key_id": line.key_id,
                "policy": line.policy,
            },
        )

    def list_page(self, after: tuple[int, str], limit: int) -> list[AuditLine]:
        """A page of all lines, the oldest first, beginning behind the line of this time and id."""
        rows = self._ground.run(
            f"select {_COLUMNS} from audit where (at_ms, line_id) > (:at_ms, :line_id)"
            " order by at_ms, line_id limit :limit",
            {"at_ms": after[0], "line_id": after[1], "limit": limit},
        ).fetchall()
        return [_line(row) for row in rows]

    def list_of_user(self, digest: bytes) -> list[AuditLine]:
        """The lines about one user, the oldest first."""
        rows = self._ground.run(
            f"select {_COLUMNS} from audit where digest = :digest order by at_ms, line_id",
            {"digest": digest},
        ).fetchall()
        return [_line(row) for row in rows]


def _line(row: Any) -> AuditLine:
    return AuditLine(
        line_id=row[0],
        act=Act(row[1]),
        pool_id=row[2],
        digest=bytes(row[3]),
        at_ms=row[4],
        until_ms=row[5],
        who=row[6],
        reason=row[7],
        key_id=row[8],
        policy=row[9],
    )
