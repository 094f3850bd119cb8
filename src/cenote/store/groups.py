"""
Groups, and who is in them: a membership is what hangs on a user, and names the group by its id.

A group ends with its row; the memberships that name it say nothing from then on and are swept later.  Leaves
out the users of a group as users (`search.py`).
"""

from collections.abc import Callable
from typing import Any

from cenote.domain.groups import Group, in_order, not_found
from cenote.errors import GroupExistsException, ResourceNotFoundException
from cenote.store.ground import Ground

EXISTS = "A group with the name already exists."

_COLUMNS = (
    "u.group_id, u.pool_id, u.name, u.description, u.role_arn, u.precedence, u.created_ms, u.modified_ms"
)


class GroupTable:
    """The groups of every pool."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def add(self, group: Group) -> None:
        """Hold a new group; `GroupExistsException` when the pool has one of this name."""
        row = self._ground.run(
            "insert into user_groups (group_id, pool_id, name, description, role_arn, precedence,"
            " created_ms, modified_ms) select :group_id, pool_id, :name, :description, :role_arn,"
            " :precedence, :created_ms, :modified_ms"
            f" from pools where pool_id = :pool_id{self._ground.share}"
            " on conflict do nothing returning group_id",
            _values(group),
        ).fetchone()
        if row is not None:
            return
        if self.find(group.pool_id, group.name) is None:
            raise ResourceNotFoundException(f"User pool {group.pool_id} does not exist.")
        raise GroupExistsException(EXISTS)

    def find(self, pool_id: str, name: str) -> Group | None:
        """The group that has this name now."""
        return self._named(pool_id, name, "")

    def hold(self, pool_id: str, name: str) -> Group | None:
        """The group that has this name, as it is and will stay until this transaction ends."""
        return self._named(pool_id, name, self._ground.hold_row)

    def save(self, group: Group) -> None:
        """Write what was held."""
        self._ground.run(
            "update user_groups set description = :description, role_arn = :role_arn,"
            " precedence = :precedence, modified_ms = :modified_ms where group_id = :group_id",
            _values(group),
        )

    def list_page(self, pool_id: str, after: str, limit: int) -> list[Group]:
        """A page of a pool's groups in the order of their names, beginning behind `after`."""
        rows = self._ground.run(
            f"select {_COLUMNS} from user_groups u where u.pool_id = :pool_id and u.name > :after"
            " order by u.name limit :limit",
            {"pool_id": pool_id, "after": after, "limit": limit},
        ).fetchall()
        return [_group(row) for row in rows]

    def count(self, pool_id: str) -> int:
        """How many groups the pool has."""
        row = self._ground.run(
            "select count(*) from user_groups where pool_id = :pool_id", {"pool_id": pool_id}
        ).fetchone()
        return int(row[0])

    def drop(self, pool_id: str, name: str) -> None:
        """End the group: whoever was in it is in it no more, nor in a later one of its name."""
        row = self._ground.run(
            "delete from user_groups where pool_id = :pool_id and name = :name returning group_id",
            {"pool_id": pool_id, "name": name},
        ).fetchone()
        if row is None:
            raise not_found()
        self._ground.run("insert into fallen_groups (group_id) values (:group_id)", {"group_id": row[0]})

    def join(self, group: Group, sub: str, *, now_ms: int) -> bool:
        """Put a user into the group, if they are not in it yet; False when either has gone meanwhile."""
        self._ground.run(
            "insert into belongings (sub, kind, id, created_ms)"
            " select u.sub, 'group', g.group_id, :now_ms from users u, user_groups g"
            f" where u.sub = :sub and g.group_id = :group_id{self._ground.share}"
            " on conflict do nothing",
            {"sub": sub, "group_id": group.group_id, "now_ms": now_ms},
        )
        return group.group_id in {one.group_id for one in self.list_of_user(sub)}

    def leave(self, group: Group, sub: str) -> None:
        """Have a user in the group no more."""
        self._ground.run(
            "delete from belongings where sub = :sub and kind = 'group' and id = :group_id",
            {"sub": sub, "group_id": group.group_id},
        )

    def list_of_user(self, sub: str) -> list[Group]:
        """The groups that a user is in, the strongest first."""
        return self.ask_of_user(sub)()

    def ask_of_user(self, sub: str) -> Callable[[], list[Group]]:
        """The same, read when it is called: the question travels with the next one that is waited for."""
        asked = self._ground.run(
            f"select {_COLUMNS} from belongings b join user_groups u on u.group_id = b.id"
            " where b.sub = :sub and b.kind = 'group'",
            {"sub": sub},
        )
        return lambda: in_order(_group(row) for row in asked.fetchall())

    def list_fallen(self, limit: int) -> list[str]:
        """Some groups that are gone and not yet swept."""
        rows = self._ground.run(
            "select group_id from fallen_groups order by group_id limit :limit", {"limit": limit}
        ).fetchall()
        return [row[0] for row in rows]

    def sweep(self, group_id: str, limit: int) -> bool:
        """Clear away some memberships of a group that is gone; False once none is left, and it is done."""
        rows = self._ground.run(
            "delete from belongings where (sub, kind, id) in (select sub, kind, id from belongings"
            " where kind = 'group' and id = :group_id limit :limit) returning sub",
            {"group_id": group_id, "limit": limit},
        ).fetchall()
        if not rows:
            self._ground.run("delete from fallen_groups where group_id = :group_id", {"group_id": group_id})
        return bool(rows)

    def sweep_pool(self, pool_id: str, limit: int) -> bool:
        """Clear away some groups of a pool that is gone with all its users; False once none is left."""
        rows = self._ground.run(
            "delete from user_groups where group_id in (select group_id from user_groups"
            " where pool_id = :pool_id limit :limit) returning group_id",
            {"pool_id": pool_id, "limit": limit},
        ).fetchall()
        return bool(rows)

    def _named(self, pool_id: str, name: str, lock: str) -> Group | None:
        row = self._ground.run(
            f"select {_COLUMNS} from user_groups u where u.pool_id = :pool_id and u.name = :name{lock}",
            {"pool_id": pool_id, "name": name},
        ).fetchone()
        return None if row is None else _group(row)


def _group(row: Any) -> Group:
    return Group(
        group_id=row[0],
        pool_id=row[1],
        name=row[2],
        description=row[3],
        role_arn=row[4],
        precedence=row[5],
        created_ms=row[6],
        modified_ms=row[7],
    )


def _values(group: Group) -> dict[str, object]:
    return {
        "group_id": group.group_id,
        "pool_id": group.pool_id,
        "name": group.name,
        "description": group.description,
        "role_arn": group.role_arn,
        "precedence": group.precedence,
        "created_ms": group.created_ms,
        "modified_ms": group.modified_ms,
    }
