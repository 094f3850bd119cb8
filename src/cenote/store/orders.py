"""
What operators order beside running servers: rules about addresses, and which pools are only read.

Every change comes with a new mark, so that a server sees by one row whether anything has changed.  The vault
is never asked: a command has none.  Leaves out what an order means (`domain/rules.py`,
`domain/read_only.py`).
"""

from typing import Any

from cenote.domain.rules import Kind, Rule
from cenote.store.ground import Ground
from cenote.store.meta import MetaTable

_MARK = "orders"
_COLUMNS = "rule_id, kind, pool_id, operation, network, requests, window_s, created_ms"


class OrderTable:
    """The orders that hold now."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._meta = MetaTable(ground)

    def find_mark(self) -> bytes | None:
        """What was drawn at the last change; None before the first."""
        return self._meta.find(_MARK)

    def renew_mark(self, mark: bytes) -> None:
        """Let every server look again: the mark must be one that never was."""
        self._meta.put(_MARK, mark)

    def add_rule(self, rule: Rule) -> bool:
        """Hold a new rule; False when the pool that it is about is not there."""
        place = "" if rule.pool_id is None else " from pools where pool_id = :pool_id"
        row = self._ground.run(
            f"insert into rules ({_COLUMNS}) select :rule_id, :kind, :pool_id, :operation, :network,"
            f" :requests, :window_s, :created_ms{place} returning rule_id",
            {
                "rule_id": rule.rule_id,
                "kind": rule.kind.value,
                "pool_id": rule.pool_id,
                "operation": rule.operation,
                "network": rule.network,
                "requests": rule.requests,
                "window_s": rule.window_s,
                "created_ms": rule.created_ms,
            },
        ).fetchone()
        return row is not None

    def count_rules(self) -> int:
        """How many rules there are."""
        return int(self._ground.run("select count(*) from rules", {}).fetchone()[0])

    def list_rules(self) -> list[Rule]:
        """Every rule, the oldest first; there are a thousand at most."""
        rows = self._ground.run(f"select {_COLUMNS} from rules order by created_ms, rule_id", {}).fetchall()
        return [_rule(row) for row in rows]

    def take_rule(self, rule_id: str) -> bool:
        """Drop a rule; False when it is not there."""
        row = self._ground.run(
            "delete from rules where rule_id = :rule_id returning rule_id", {"rule_id": rule_id}
        ).fetchone()
        return row is not None

    def set_read_only(self, pool_id: str, now_ms: int) -> bool:
        """Let a pool be read only; False when it is not there."""
        row = self._ground.run(
            "insert into read_only_pools (pool_id, since_ms)"
            " select pool_id, :now_ms from pools where pool_id = :pool_id"
            " on conflict (pool_id) do update set pool_id = excluded.pool_id returning pool_id",
            {"pool_id": pool_id, "now_ms": now_ms},
        ).fetchone()
        return row is not None

    def take_read_only(self, pool_id: str) -> bool:
        """Let a pool be changed again; False when it was not read-only."""
        row = self._ground.run(
            "delete from read_only_pools where pool_id = :pool_id returning pool_id", {"pool_id": pool_id}
        ).fetchone()
        return row is not None

    def list_read_only(self) -> list[str]:
        """The pools that are only read."""
        rows = self._ground.run("select pool_id from read_only_pools order by pool_id", {}).fetchall()
        return [row[0] for row in rows]


def _rule(row: Any) -> Rule:
    return Rule(
        rule_id=row[0],
        kind=Kind(row[1]),
        pool_id=row[2],
        operation=row[3],
        network=row[4],
        requests=row[5],
        window_s=row[6],
        created_ms=row[7],
    )
