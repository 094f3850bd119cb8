"""
Access keys by their ids.

Read at every signed call and kept by nobody, so that a revocation is true from the next call on.
"""

from typing import Any

from cenote.domain.access_keys import USE_NOTED_EVERY_MS, AccessKey
from cenote.store.ground import Ground

_COLUMNS = "key_id, name, secret, former_secret, former_until_ms, policy, created_ms, used_ms"


class AccessKeyTable:
    """Every access key, the revoked ones too."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def add(self, key: AccessKey) -> None:
        """Hold a new key."""
        self._ground.run(
            "insert into access_keys (key_id, name, secret, former_secret, former_until_ms, policy,"
            " created_ms, used_ms) values (:key_id, :name, :secret, :former_secret, :former_until_ms,"
            " :policy, :created_ms, :used_ms)",
            {
                "key_id": key.key_id,
                "name": key.name,
                "secret": key.secret,
                "former_secret": key.former_secret,
                "former_until_ms": key.former_until_ms,
                "policy": key.policy,
                "created_ms": key.created_ms,
                "used_ms": key.used_ms,
            },
        )

    def find(self, key_id: str) -> AccessKey | None:
        """The key as it is."""
        row = self._ground.run(
            f"select {_COLUMNS} from access_keys where key_id = :key_id", {"key_id": key_id}
        ).fetchone()
        return None if row is None else _key(row)

    def hold(self, key_id: str) -> AccessKey | None:
        """The key, for changing it: whoever else wants to waits."""
        row = self._ground.run(
            f"select {_COLUMNS} from access_keys u where key_id = :key_id{self._ground.hold}",
            {"key_id": key_id},
        ).fetchone()
        return None if row is None else _key(row)

    def save(self, key: AccessKey) -> None:
        """Change the secrets of a key that is held, and what they are bound to."""
        self._ground.run(
            "update access_keys set secret = :secret, former_secret = :former_secret,"
            " former_until_ms = :former_until_ms, policy = :policy where key_id = :key_id",
            {
                "key_id": key.key_id,
                "secret": key.secret,
                "former_secret": key.former_secret,
                "former_until_ms": key.former_until_ms,
                "policy": key.policy,
            },
        )

    def note_use(self, key_id: str, now_ms: int) -> None:
        """Note that the key signed a call, unless somebody did less than a minute ago."""
        self._ground.run(
            "update access_keys set used_ms = :now_ms where key_id = :key_id"
            " and (used_ms is null or used_ms <= :latest_ms)",
            {"key_id": key_id, "now_ms": now_ms, "latest_ms": now_ms - USE_NOTED_EVERY_MS},
        )

    def list_page(self, after: str, limit: int) -> list[AccessKey]:
        """A page of keys in the order of their ids, beginning behind `after`."""
        rows = self._ground.run(
            f"select {_COLUMNS} from access_keys where key_id > :after order by key_id limit :limit",
            {"after": after, "limit": limit},
        ).fetchall()
        return [_key(row) for row in rows]


def _key(row: Any) -> AccessKey:
    return AccessKey(
        key_id=row[0],
        name=row[1],
        secret=None if row[2] is None else bytes(row[2]),
        former_secret=None if row[3] is None else bytes(row[3]),
        former_until_ms=row[4],
        policy=row[5],
        created_ms=row[6],
        used_ms=row[7],
    )
