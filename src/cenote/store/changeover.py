"""
The change of the master key, row by row: what is closed under which key, and who knows the new one.

A row is changed only if it still is what was read, so whoever erases or changes it meanwhile wins.  Leaves
out the closing and opening (`vault/keys.py`) and the order of the change (`cenote/changeover.py`).
"""

from dataclasses import dataclass

from cenote.domain.sealed import MASTER_ID_BYTES
from cenote.store.ground import Ground

_UNDER_ANOTHER = f"substr({{column}}, 2, {MASTER_ID_BYTES}) <> :key_id"
_PLACES_OF_SECRETS = (
    ("client_secrets", "sealed"),
    ("access_keys", "secret"),
    ("access_keys", "former_secret"),
)


@dataclass(frozen=True, slots=True)
class Ack:
    """A serving process, in words for people, and whether it knows the new key."""

    name: str
    is_known: bool


class ChangeoverTable:
    """What is closed under the master key."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def list_keys(self, after: str, limit: int) -> list[tuple[str, bytes]]:
        """A page of users and their wrapped keys, in the order of subs, beginning behind `after`."""
        rows = self._ground.run(
            "select sub, wrapped from keys where sub > :after order by sub limit :limit",
            {"after": after, "limit": limit},
        ).fetchall()
        return [(row[0], bytes(row[1])) for row in rows]

    def swap_key(self, sub: str, was: bytes, now: bytes) -> None:
        """Put another wrapping of a user's key in the place of the one that was read."""
        self._ground.run(
            "update keys set wrapped = :now where sub = :sub and wrapped = :was",
            {"sub": sub, "was": was, "now": now},
        )

    def list_pool_ids(self) -> list[str]:
        """Every pool's id."""
        rows = self._ground.run("select pool_id from pools order by pool_id", {}).fetchall()
        return [row[0] for row in rows]

    def hold_pool(self, pool_id: str) -> bytes | None:
        """
        The pool's wrapped key; whoever is adding a user to the pool has finished, and nobody begins before
        this transaction ends.
        """
        row = self._ground.run(
            f"select wrapped from pools where pool_id = :pool_id{self._ground.hold_alone}",
            {"pool_id": pool_id},
        ).fetchone()
        return None if row is None else bytes(row[0])

    def save_pool(self, pool_id: str, wrapped: bytes) -> None:
        """Write another wrapping of the pool's key: every user who is added from now on is closed so too."""
        self._ground.run(
            "update pools set wrapped = :wrapped, version = version + 1 where pool_id = :pool_id",
            {"pool_id": pool_id, "wrapped": wrapped},
        )

    def count_keys(self) -> int:
        """How many users' keys there are."""
        return int(self._ground.run("select count(*) from keys", {}).fetchone()[0])

    def list_left(self, key_id: bytes, after: str, limit: int) -> list[tuple[str, bytes]]:
        """A page of the users whose keys another master key than this closes, and their wrapped keys."""
        rows = self._ground.run(
            f"select sub, wrapped from keys where {_UNDER_ANOTHER.format(column='wrapped')} and sub > :after"
            " order by sub limit :limit",
            {"key_id": key_id, "after": after, "limit": limit},
        ).fetchall()
        return [(row[0], bytes(row[1])) for row in rows]

    def count_secrets_left(self, key_id: bytes) -> int:
        """How many recoverable secrets another master key than this closes."""
        counted = " + ".join(
            f"(select count(*) from {table} where {_UNDER_ANOTHER.format(column=column)})"
            for table, column in _PLACES_OF_SECRETS
        )
        return int(self._ground.run(f"select {counted}", {"key_id": key_id}).fetchone()[0])

    def acknowledge(self, node_id: str, call: str, ack: Ack) -> None:
        """Tell whoever made this call whether this process knows the new key."""
        self._ground.run(
            "insert into master_acks (node_id, call, name, is_known)"
            " values (:node_id, :call, :name, :is_known) on conflict (node_id) do update set"
            " call = excluded.call, name = excluded.name, is_known = excluded.is_known",
            {"node_id": node_id, "call": call, "name": ack.name, "is_known": int(ack.is_known)},
        )

    def list_acks(self, call: str) -> list[Ack]:
        """Who answered this call, and what."""
        rows = self._ground.run(
            "select name, is_known from master_acks where call = :call order by name", {"call": call}
        ).fetchall()
        return [Ack(row[0], bool(row[1])) for row in rows]

    def forget_acks(self) -> None:
        """Forget who answered any call."""
        self._ground.run("delete from master_acks", {})
