"""
Users who can still be brought back: whom an administrator deleted in a pool that keeps them for some days.

Their rows are moved to where no other statement looks, their names are free, and what let them in is ended.
Their key stays, until the days are over or somebody erases them before.  Whoever changes one holds the row of
the key first.  Leaves out which pool keeps its users how long (`pools.py`).
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from cenote.domain.sealed import Grave, digest_of
from cenote.domain.users import User
from cenote.errors import OperationNotEnabledException, UsernameExistsException, UserNotFoundException
from cenote.store.belongings import SessionTable
from cenote.store.ground import Ground
from cenote.store.users import USER_COLUMNS, UserTable, opened

_COLUMNS = "sub, pool_id, status, enabled, version, profile, created_ms, modified_ms"
_names_of = msgspec.msgpack.Decoder(list[bytes])


@dataclass(frozen=True, slots=True)
class Recoverable:
    """A user who can be brought back: since when they are gone, and until when they can."""

    sub: str
    deleted_ms: int
    until_ms: int


class RecoverableTable:
    """Who can be brought back."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._users = UserTable(ground)

    def put(self, sub: str, now_ms: int, until_ms: int) -> None:
        """
        Take a user out of sight, until then.

        Refused like an erasure: `UserNotFoundException` for all callers but one, and for whoever is held.
        """
        row = self._ground.run(f"delete from users where sub = :sub returning {_COLUMNS}", {"sub": sub})
        user = row.fetchone()
        key = self._ground.run(
            f"select slot, held_until_ms from keys where sub = :sub{self._ground.hold_alone}", {"sub": sub}
        ).fetchone()
        if user is None or key is None or self._ground.sealer.is_erased(sub, key[0]):
            raise UserNotFoundException
        if key[1] is not None and key[1] > now_ms:
            raise OperationNotEnabledException(detail="the user is held")
        names = self._ground.run("delete from names where sub = :sub returning name", {"sub": sub}).fetchall()
        SessionTable(self._ground).drop_all(sub)
        self._ground.run(
            "delete from belongings where sub = :sub and kind not in ('group', 'ended')", {"sub": sub}
        )
        for table in ("outbox", "activity"):
            self._ground.run(f"delete from {table} where sub = :sub", {"sub": sub})
        values = dict(zip(_COLUMNS.split(", "), user, strict=True))
        self._ground.run(
            f"insert into recoverable_users ({_COLUMNS}, deleted_ms, names) values (:sub, :pool_id, :status,"
            " :enabled, :version, :profile, :created_ms, :modified_ms, :deleted_ms, :names)",
            values
            | {"deleted_ms": now_ms, "names": msgspec.msgpack.encode([bytes(name[0]) for name in names])},
        )
        self._ground.run(
            "update keys set recoverable_until_ms = :until_ms where sub = :sub",
            {"sub": sub, "until_ms": until_ms},
        )

    def bring_back(self, pool_id: str, sub: str, now_ms: int) -> None:
        """
        Let a user be there again, as they were; what let them in stays ended.

        `UserNotFoundException` when there is none to bring back, `UsernameExistsException` when somebody else
        bears one of their names by now.
        """
        key = self._ground.run(
            "select sub from keys where sub = :sub and recoverable_until_ms > :now_ms"
            + self._ground.hold_alone,
            {"sub": sub, "now_ms": now_ms},
        ).fetchone()
        row = self._ground.run(
            "delete from recoverable_users where sub = :sub and pool_id = :pool_id"
            f" returning {_COLUMNS}, names",
            {"sub": sub, "pool_id": pool_id},
        ).fetchone()
        if key is None or row is None:
            raise UserNotFoundException
        added = self._ground.run(
            f"insert into users ({_COLUMNS}) select :sub, pool_id, :status, :enabled, :version, :profile,"
            f" :created_ms, :modified_ms from pools where pool_id = :pool_id{self._ground.share}"
            " returning sub",
            dict(zip(_COLUMNS.split(", "), row[:8], strict=True)),
        ).fetchone()
        if added is None:
            raise UserNotFoundException
        for name in _names_of.decode(bytes(row[8])):
            self._take_name(pool_id, name, sub)
        self._ground.run("update keys set recoverable_until_ms = null where sub = :sub", {"sub": sub})

    def _take_name(self, pool_id: str, name: bytes, sub: str) -> None:
        """Without asking the vault, which a command lacks, whether whoever bears the name is erased."""
        row = self._ground.run(
            "insert into names (pool_id, name, sub) values (:pool_id, :name, :sub)"
            " on conflict (pool_id, name) do nothing returning sub",
            {"pool_id": pool_id, "name": name, "sub": sub},
        ).fetchone()
        if row is None:
            raise UsernameExistsException

    def find(self, sub: str) -> User | None:
        """The user as they were, opened; None when there is none to bring back."""
        row = self._ground.run(
            f"select {USER_COLUMNS} from recoverable_users u join keys k on k.sub = u.sub where u.sub = :sub",
            {"sub": sub},
        ).fetchone()
        return None if row is None else opened(row, self._ground.sealer)

    def list_page(self, pool_id: str, after: str, limit: int) -> list[Recoverable]:
        """A page of who can be brought back to the pool, in the order of their subs."""
        rows = self._ground.run(
            "select r.sub, r.deleted_ms, k.recoverable_until_ms from recoverable_users r"
            " join keys k on k.sub = r.sub where r.pool_id = :pool_id and r.sub > :after"
            " order by r.sub limit :limit",
            {"pool_id": pool_id, "after": after, "limit": limit},
        ).fetchall()
        return [Recoverable(row[0], row[1], row[2]) for row in rows]

    def count(self) -> int:
        """How many can be brought back."""
        row = self._ground.run("select count(*) from recoverable_users", {}).fetchone()
        return int(row[0])

    def list_overdue(self, now_ms: int, limit: int) -> list[str]:
        """Some whose time is over, and who are not held."""
        rows = self._ground.run(
            f"select sub from keys where {_OVERDUE} order by recoverable_until_ms limit :limit",
            {"now_ms": now_ms, "limit": limit},
        ).fetchall()
        return [row[0] for row in rows]

    def erase_overdue(self, sub: str, now_ms: int) -> None:
        """Erase a user whose time is over, as any user is erased; nothing where somebody was the faster."""
        row: Any = self._ground.run(
            f"delete from keys where sub = :sub and {_OVERDUE} returning slot", {"sub": sub, "now_ms": now_ms}
        ).fetchone()
        if row is not None:
            self._users.write_off(sub, row[0], now_ms)
            self._ground.graves.append(Grave(digest_of(sub), row[0]))


_OVERDUE = "recoverable_until_ms <= :now_ms and (held_until_ms is null or held_until_ms <= :now_ms)"
