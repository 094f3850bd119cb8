"""
Users: their rows, their keys and their names; how one comes, changes, and goes for good.

All that is personal is sealed under the user's own key before it is a parameter of any statement.  A row
whose slot holds its own tombstone is an erased user that an older copy of the database brought back: every
verb treats it as absent, and `add` takes its name over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from cenote.domain.registrations import Pool
from cenote.domain.sealed import (
    MASTER_ID_BYTES,
    Grave,
    Key,
    Place,
    Sealer,
    WrappedKey,
    digest_of,
    master_id_of,
)
from cenote.domain.srp import Verifier
from cenote.domain.users import Status, User
from cenote.errors import (
    OperationNotEnabledException,
    ResourceNotFoundException,
    UsernameExistsException,
    UserNotFoundException,
)
from cenote.store.ground import Cursor, Ground

USER_COLUMNS = (
    "u.sub, u.pool_id, u.status, u.enabled, u.version, u.profile, u.created_ms, u.modified_ms, k.wrapped"
)
# Who was deleted and can still be brought back (`recovery.py`) has a key, and a row where nobody else looks.
IN_SIGHT = "recoverable_until_ms is null"
EVERY_USER = "select sub, pool_id from users union all select sub, pool_id from recoverable_users"
# The user's own row first; then what hangs on it.
TABLES_OF_A_USER = ("users", "names", "search_marks", "belongings", "outbox", "activity")


class Profile(msgspec.Struct, omit_defaults=True):
    """What is sealed of a user."""

    username: str
    attributes: dict[str, str]
    salt: bytes | None = None
    verifier: bytes | None = None
    pending: dict[str, str] = {}
    temporary_since_ms: int | None = None
    former: list[tuple[bytes, bytes]] = []


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Profile)


class UserTable:
    """The users of every pool."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def add(self, user: User, key: Key, wrapped: WrappedKey, names: Iterable[bytes]) -> None:
        """
        Hold a new user under all these names, or raise and hold nothing.

        The unique name, not an earlier read, decides between two sign-ups.  A name that only an erased user
        still bears (in a database that was rolled back) is free.
        """
        values = row_values(user, key)
        if not self._added(values, wrapped.wrapped):
            wrapped = replace(wrapped, wrapped=self._as_its_pool(user, wrapped.wrapped))
            self._added(values, wrapped.wrapped)
        self._ground.run(
            "insert into keys (sub, slot, wrapped) values (:sub, :slot, :wrapped)",
            {"sub": user.sub, "slot": wrapped.slot, "wrapped": wrapped.wrapped},
        )
        for name in names:
            self.add_name(user.pool_id, name, user.sub, now_ms=user.created_ms)

    def _added(self, values: dict[str, object], wrapped: bytes) -> bool:
        """Hold the row of a user whose key the master key of their pool has closed; else hold nothing."""
        row = self._ground.run(
            "insert into users (sub, pool_id, status, enabled, version, profile, created_ms, modified_ms)"
            " select :sub, pool_id, :status, :enabled, :version, :profile, :created_ms, :modified_ms"
            " from pools where pool_id = :pool_id"
            f" and substr(wrapped, 2, {MASTER_ID_BYTES}) = :master_id{self._ground.share} returning sub",
            values | {"master_id": master_id_of(wrapped)},
        ).fetchone()
        return row is not None

    def _as_its_pool(self, user: User, wrapped: bytes) -> bytes:
        """A key that was wrapped just before its pool came under another master key: as the pool is now."""
        row = self._ground.run(
            f"select wrapped from pools where pool_id = :pool_id{self._ground.share}",
            {"pool_id": user.pool_id},
        ).fetchone()
        again = None if row is None else self._ground.sealer.rewrapped(user.sub, wrapped, bytes(row[0]))
        if again is None:
            raise ResourceNotFoundException(f"User pool {user.pool_id} does not exist.")
        return again

    def add_name(self, pool_id: str, name: bytes, sub: str, *, now_ms: int) -> None:
        """Give the user one more name; `UsernameExistsException` when somebody living bears it."""
        if self._took_name(pool_id, name, sub):
            return
        holder = self._ground.run(
            "select k.sub, k.slot from names n join keys k on k.sub = n.sub"
            " where n.pool_id = :pool_id and n.name = :name",
            {"pool_id": pool_id, "name": name},
        ).fetchone()
        if holder is not None and self._ground.sealer.is_erased(holder[0], holder[1]):
            self.bury_again(holder[0], holder[1], now_ms=now_ms)
            if self._took_name(pool_id, name, sub):
                return
        raise UsernameExistsException

    def give_up_name(self, pool_id: str, name: bytes, sub: str) -> None:
        """Take a name from the user, if it is theirs."""
        self._ground.run(
            "delete from names where pool_id = :pool_id and name = :name and sub = :sub",
            {"pool_id": pool_id, "name": name, "sub": sub},
        )

    def find_named(self, pool: Pool, name: bytes) -> User | None:
        """The user who bears this name, as they were; to show, never to decide a write."""
        return self._named(pool.pool_id, name, "")

    def find(self, sub: str) -> User | None:
        """The user of this identity, as they were."""
        row = self._ground.run(
            f"select {USER_COLUMNS} from users u join keys k on k.sub = u.sub where u.sub = :sub",
            {"sub": sub},
        ).fetchone()
        return None if row is None else opened(row, self._ground.sealer)

    def hold(self, sub: str) -> User | None:
        """The user of this identity, as they are and will stay until this transaction ends."""
        row = self._ground.run(
            f"select {USER_COLUMNS} from users u join keys k on k.sub = u.sub"
            f" where u.sub = :sub{self._ground.hold}",
            {"sub": sub},
        ).fetchone()
        return None if row is None else opened(row, self._ground.sealer)

    def hold_named(self, pool: Pool, name: bytes) -> User | None:
        """The user who bears this name, as they are and will stay until this transaction ends."""
        return self._named(pool.pool_id, name, self._ground.hold)

    def save(self, user: User) -> None:
        """Write what was held; the one who was erased meanwhile stays erased."""
        key = self.key_of(user.sub)
        if key is None:
            raise UserNotFoundException
        following = user.version + 1
        values = row_values(user, key, version=following) | {"held": user.version}
        row = self._ground.run(
            "update users set status = :status, enabled = :enabled, version = :version, profile = :profile,"
            " modified_ms = :modified_ms where sub = :sub and version = :held returning sub",
            values,
        ).fetchone()
        if row is None:
            raise UserNotFoundException

    def key_of(self, sub: str) -> Key | None:
        """The key of a living user, opened for this transaction; they can't be erased before it ends."""
        row = self._ground.run(
            f"select wrapped from keys where sub = :sub and {IN_SIGHT}{self._ground.share}", {"sub": sub}
        ).fetchone()
        return None if row is None else self._ground.sealer.open_key(sub, bytes(row[0]))

    def erase(self, sub: str, now_ms: int) -> None:
        """
        End the user and all that is theirs, and owe their slot its tombstone.

        The delete of the key row decides the one winner among any number of callers, and tells whether they
        are held: then nothing happens.
        """
        row = self._delete_identity(sub).fetchone()
        if row is None or self._ground.sealer.is_erased(sub, row[0]):
            raise UserNotFoundException
        if row[1] is not None and row[1] > now_ms:
            raise OperationNotEnabledException(detail="the user is held")
        self._write_off(sub, row[0], now_ms, is_out_of_sight=row[2] is not None)
        self._ground.graves.append(Grave(digest_of(sub), row[0]))

    def bury_again(self, sub: str, slot: int, *, now_ms: int) -> None:
        """
        Clear away the rows of a user whose slot says that they are erased, and add the ledger line again.
        """
        self._delete_identity(sub)
        self.write_off(sub, slot, now_ms)

    def write_off(self, sub: str, slot: int, now_ms: int) -> None:
        """Clear away whatever is left of a user whose key row is gone, wherever it lies, for the ledger."""
        self._write_off(sub, slot, now_ms, is_out_of_sight=True)

    def forget(self, subs: Sequence[str]) -> None:
        """Clear away the rows of users who fell with their pool: its one tombstone has erased them."""
        for sub in subs:
            self._delete_identity(sub)
            self._delete_rows(sub)
            self._ground.run("delete from recoverable_users where sub = :sub", {"sub": sub})

    def is_in(self, pool_id: str, sub: str) -> bool:
        """Whether the pool has a row of this user's, in sight or not."""
        row = self._ground.run(
            f"select 1 from ({EVERY_USER}) u where u.sub = :sub and u.pool_id = :pool_id",
            {"sub": sub, "pool_id": pool_id},
        ).fetchone()
        return row is not None

    def count(self, pool_id: str) -> int:
        """How many users the pool has."""
        row = self._ground.run(
            "select count(*) from users where pool_id = :pool_id", {"pool_id": pool_id}
        ).fetchone()
        return int(row[0])

    def list_subs(self, pool_id: str, limit: int) -> list[str]:
        """Some users of a pool, in sight or not, for sweeping."""
        rows = self._ground.run(
            f"select u.sub from ({EVERY_USER}) u where u.pool_id = :pool_id limit :limit",
            {"pool_id": pool_id, "limit": limit},
        ).fetchall()
        return [row[0] for row in rows]

    def list_slots(self, after: str, limit: int) -> list[tuple[str, int]]:
        """A page of (sub, slot) in the order of subs, beginning behind `after`."""
        rows = self._ground.run(
            "select sub, slot from keys where sub > :after order by sub limit :limit",
            {"after": after, "limit": limit},
        ).fetchall()
        return [(row[0], row[1]) for row in rows]

    def highest_slots(self, slots_per_chunk: int) -> dict[int, int]:
        """The highest slot in use, chunk by chunk."""
        rows = self._ground.run(
            "select slot / :size, max(slot) from keys group by slot / :size", {"size": slots_per_chunk}
        ).fetchall()
        return {int(row[0]): int(row[1]) for row in rows}

    def _write_off(self, sub: str, slot: int, now_ms: int, *, is_out_of_sight: bool) -> None:
        self._delete_rows(sub)
        if is_out_of_sight:
            self._ground.run("delete from recoverable_users where sub = :sub", {"sub": sub})
        self._ground.run(
            "insert into ledger (digest, kind, slot, erased_ms, done)"
            " values (:digest, 'user', :slot, :now_ms, 0) on conflict (digest) do nothing",
            {"digest": digest_of(sub), "slot": slot, "now_ms": now_ms},
        )

    def _delete_identity(self, sub: str) -> Cursor:
        """
        Delete a user's row, and then the row of their key, whose slot is told to one caller.

        Whoever changes a user holds the two in this order: in another one, they and an erasure would wait for
        each other.
        """
        self._ground.run("delete from users where sub = :sub", {"sub": sub})
        return self._ground.run(
            "delete from keys where sub = :sub returning slot, held_until_ms, recoverable_until_ms",
            {"sub": sub},
        )

    def _delete_rows(self, sub: str) -> None:
        for table in TABLES_OF_A_USER[1:]:
            self._ground.run(f"delete from {table} where sub = :sub", {"sub": sub})

    def _took_name(self, pool_id: str, name: bytes, sub: str) -> bool:
        row = self._ground.run(
            "insert into names (pool_id, name, sub) values (:pool_id, :name, :sub)"
            " on conflict (pool_id, name) do nothing returning sub",
            {"pool_id": pool_id, "name": name, "sub": sub},
        ).fetchone()
        return row is not None

    def _named(self, pool_id: str, name: bytes, lock: str) -> User | None:
        row = self._ground.run(
            f"select {USER_COLUMNS} from names n join users u on u.sub = n.sub join keys k on k.sub = u.sub"
            f" where n.pool_id = :pool_id and n.name = :name{lock}",
            {"pool_id": pool_id, "name": name},
        ).fetchone()
        return None if row is None else opened(row, self._ground.sealer)


def opened(row: Any, sealer: Sealer) -> User | None:
    """The user of a row of USER_COLUMNS, or None for one whose slot says that they are erased."""
    key = sealer.open_key(row[0], bytes(row[8]))
    if key is None:
        return None
    profile = _decoder.decode(key.open(Place("users", "profile", "", row[4]), bytes(row[5])))
    password = None
    if profile.salt is not None and profile.verifier is not None:
        password = Verifier(profile.salt, profile.verifier)
    return User(
        sub=row[0],
        pool_id=row[1],
        username=profile.username,
        status=Status(row[2]),
        enabled=bool(row[3]),
        attributes=profile.attributes,
        pending=profile.pending,
        password=password,
        temporary_since_ms=profile.temporary_since_ms,
        former_passwords=tuple(Verifier(salt, value) for salt, value in profile.former),
        created_ms=row[6],
        modified_ms=row[7],
        version=row[4],
    )


def row_values(user: User, key: Key, version: int | None = None) -> dict[str, object]:
    """A user as their row holds them, sealed."""
    version = user.version if version is None else version
    kept = user.password
    profile = Profile(
        user.username,
        dict(user.attributes),
        None if kept is None else kept.salt,
        None if kept is None else kept.value,
        dict(user.pending),
        user.temporary_since_ms,
        [(one.salt, one.value) for one in user.former_passwords],
    )
    return {
        "sub": user.sub,
        "pool_id": user.pool_id,
        "status": user.status.value,
        "enabled": int(user.enabled),
        "version": version,
        "profile": key.seal(Place("users", "profile", "", version), _encoder.encode(profile)),
        "created_ms": user.created_ms,
        "modified_ms": user.modified_ms,
    }
