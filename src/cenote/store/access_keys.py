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
        """Change the secrets of a key that is held, and all that they are bound to; its last use stays."""
        self._ground.run(
            "update access_keys set name = :name, secret = :secret, former_secret = :former_secret,"
            " former_until_ms = :former_until_ms, policy = :policy, created_ms = :created_ms"
            " where key_id = :key_id",
            {
                "key_id": key.key_id,
                "name": key.name,
                "secret": key.secret,
                "former_secret": key.former_secret,
                "former_until_ms": key.former_until_ms,
                "policy": key.policy,
                "created_ms": key.created_ms,
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
        return [_key(row) for row in rows if isinstance(row[0], str)]  # SQLite has others behind all of text


def _key(row: Any) -> AccessKey:
    """
    The key of a row, which in SQLite may hold values of any type, by whoever writes to the database.

    What has another type becomes something that no key was sealed with: it is refused, and can be revoked.
    """
    return AccessKey(
        key_id=row[0],
        name=_text(row[1]),
        secret=_envelope(row[2]),
        former_secret=_envelope(row[3]),
        former_until_ms=_moment(row[4]),
        policy=_text(row[5]),
        created_ms=_moment(row[6]),
        used_ms=None if row[7] is None else _moment(row[7]),
    )


def _text(found: object) -> str:
    return found if isinstance(found, str) else ""


def _envelope(found: object) -> bytes | None:
    return found if found is None or isinstance(found, bytes) else b""


def _moment(found: object) -> int:
    return found if isinstance(found, int) else -1
