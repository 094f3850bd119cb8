"""
Pools and the keys that check their tokens.

A pool whose slot holds its own tombstone is an erased pool: every verb here treats it as absent, whatever an
older copy of the database says.
"""

from typing import Any

import msgspec

from cenote.domain.registrations import Pool, VerificationEntry
from cenote.domain.sealed import MASTER_CHECK, Grave, digest_of, master_id_of
from cenote.errors import (
    ConcurrentModificationException,
    OperationNotEnabledException,
    ResourceNotFoundException,
)
from cenote.store.ground import Ground
from cenote.store.holds import HoldTable

TOKEN_LIFETIME_MS_MAX = (
    86_400_000  # no access token lives longer; then nothing can ask for a fallen pool's key
)

_POOL_COLUMNS = "pool_id, slot, wrapped, secrets, document, created_ms, modified_ms, version, recovery_days"


class PoolTable:
    """The pools."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def add(self, pool: Pool, name: str, keys: list[VerificationEntry]) -> None:
        """Hold a new pool and the public halves of its signing keys."""
        self._ground.run(
            "insert into pools (pool_id, name, version, slot, wrapped, secrets, document,"
            " created_ms, modified_ms) values (:pool_id, :name, :version, :slot, :wrapped, :secrets,"
            " :document, :created_ms, :modified_ms)",
            {
                "pool_id": pool.pool_id,
                "name": name,
                "version": pool.version,
                "slot": pool.slot,
                "wrapped": self._under_the_present_master(pool),
                "secrets": pool.secrets,
                "document": msgspec.json.encode(pool.document),
                "created_ms": pool.created_ms,
                "modified_ms": pool.modified_ms,
            },
        )
        for key in keys:
            self._ground.run(
                "insert into verification_keys (kid, pool_id, use, public)"
                " values (:kid, :pool_id, :use, :public)",
                {"kid": key.kid, "pool_id": key.pool_id, "use": key.use, "public": key.public_der},
            )

    def _under_the_present_master(self, pool: Pool) -> bytes:
        """The new pool's key as it is, unless the house came under another master key while it was made."""
        row = self._ground.run(
            f"select value from meta where name = '{MASTER_CHECK}'{self._ground.share}", {}
        ).fetchone()
        check = pool.wrapped if row is None else bytes(row[0])
        if master_id_of(check) == master_id_of(pool.wrapped):
            return pool.wrapped
        return self._ground.sealer.rewrapped(pool.pool_id, pool.wrapped, check) or pool.wrapped

    def find(self, pool_id: str) -> Pool | None:
        """The pool as it is, or None."""
        row = self._ground.run(
            "select version, slot from pools where pool_id = :pool_id", {"pool_id": pool_id}
        ).fetchone()
        if row is None or self._ground.sealer.is_erased(pool_id, row[1]):
            return None
        return self.of_version(pool_id, row[0])

    def of_version(self, pool_id: str, version: int) -> Pool | None:
        """The pool of a version that this transaction has just read."""
        pool: Pool | None = self._ground.documents.get("pool", pool_id, version, lambda: self._load(pool_id))
        return pool

    def hold(self, pool_id: str) -> Pool | None:
        """The pool as it is and will stay until this transaction ends; nobody need wait to sign up to it."""
        row = self._ground.run(
            f"select {_POOL_COLUMNS} from pools where pool_id = :pool_id{self._ground.hold_row}",
            {"pool_id": pool_id},
        ).fetchone()
        if row is None or self._ground.sealer.is_erased(pool_id, row[1]):
            return None
        return _pool(row)

    def save(self, pool: Pool, name: str) -> None:
        """Write what was held of its document."""
        row = self._ground.run(
            "update pools set name = :name, version = version + 1, document = :document,"
            " modified_ms = :modified_ms where pool_id = :pool_id and version = :held returning pool_id",
            {
                "pool_id": pool.pool_id,
                "name": name,
                "document": msgspec.json.encode(pool.document),
                "modified_ms": pool.modified_ms,
                "held": pool.version,
            },
        ).fetchone()
        if row is None:
            raise ConcurrentModificationException

    def set_recovery(self, pool_id: str, days: int) -> bool:
        """Keep users whom administrators delete for so many days, or not at all; False without the pool."""
        row = self._ground.run(
            "update pools set recovery_days = :days, version = version + 1 where pool_id = :pool_id"
            " returning pool_id",
            {"pool_id": pool_id, "days": days},
        ).fetchone()
        return row is not None

    def count(self) -> int:
        """How many pools there are."""
        row = self._ground.run("select count(*) from pools", {}).fetchone()
        return int(row[0])

    def list_page(self, after: str, limit: int) -> list[Pool]:
        """
        A page of pools in the order of their ids, beginning behind `after`.

        A page is short only at the end of the listing: erased pools that an older database brought back take
        nobody's place.
        """
        living: list[Pool] = []
        while len(living) < limit:
            rows = self._ground.run(
                f"select {_POOL_COLUMNS} from pools where pool_id > :after order by pool_id limit :limit",
                {"after": after, "limit": limit},
            ).fetchall()
            pools = [_pool(row) for row in rows]
            living += [one for one in pools if not self._ground.sealer.is_erased(one.pool_id, one.slot)]
            if len(rows) < limit:
                break
            after = pools[-1].pool_id
        return living[:limit]

    def list_slots(self) -> list[tuple[str, int]]:
        """Every row's (pool id, slot), the erased ones' too."""
        rows = self._ground.run("select pool_id, slot from pools order by pool_id", {}).fetchall()
        return [(row[0], row[1]) for row in rows]

    def erase(self, pool_id: str, now_ms: int) -> None:
        """
        End the pool, its clients and, by one tombstone, every user in it; their rows are swept later.

        Of two callers one succeeds; the other is told that there is no such pool.  Where one of the users is
        held nothing happens, unless the pool's own tombstone says that it is erased already.
        """
        row = self._ground.run(
            "delete from pools where pool_id = :pool_id returning slot", {"pool_id": pool_id}
        ).fetchone()
        if row is None:
            raise ResourceNotFoundException(f"User pool {pool_id} does not exist.")
        # Asked only now: whoever holds a user has the pool's row, and by now is either seen or too late.
        is_held = HoldTable(self._ground).is_any_in(pool_id, now_ms)
        if is_held and not self._ground.sealer.is_erased(pool_id, row[0]):
            raise OperationNotEnabledException(detail="a user of the pool is held")
        self._ground.run(
            "delete from client_secrets"
            " where client_id in (select client_id from clients where pool_id = :pool_id)",
            {"pool_id": pool_id},
        )
        for table in ("clients", "rules", "read_only_pools"):
            self._ground.run(f"delete from {table} where pool_id = :pool_id", {"pool_id": pool_id})
        self._ground.run(
            "update verification_keys set expires_ms = :expires_ms where pool_id = :pool_id",
            {"pool_id": pool_id, "expires_ms": now_ms + TOKEN_LIFETIME_MS_MAX},
        )
        self._ground.run(
            "insert into fallen_pools (pool_id, fallen_ms) values (:pool_id, :now_ms)"
            " on conflict (pool_id) do nothing",
            {"pool_id": pool_id, "now_ms": now_ms},
        )
        digest = digest_of(pool_id)
        self._ground.run(
            "insert into ledger (digest, kind, slot, erased_ms, done)"
            " values (:digest, 'pool', :slot, :now_ms, 0) on conflict (digest) do nothing",
            {"digest": digest, "slot": row[0], "now_ms": now_ms},
        )
        self._ground.graves.append(Grave(digest, row[0]))

    def find_verification_key(self, kid: str) -> VerificationEntry | None:
        """The public key that a token names."""
        row = self._ground.run(
            "select kid, pool_id, use, public from verification_keys where kid = :kid", {"kid": kid}
        ).fetchone()
        return None if row is None else VerificationEntry(row[0], row[1], row[2], bytes(row[3]))

    def drop_expired_keys(self, now_ms: int) -> None:
        """Forget the public keys of pools that fell longer ago than a token lives."""
        self._ground.run("delete from verification_keys where expires_ms <= :now_ms", {"now_ms": now_ms})

    def _load(self, pool_id: str) -> Pool | None:
        row = self._ground.run(
            f"select {_POOL_COLUMNS} from pools where pool_id = :pool_id", {"pool_id": pool_id}
        ).fetchone()
        return None if row is None else _pool(row)


def _pool(row: Any) -> Pool:
    return Pool(
        pool_id=row[0],
        slot=row[1],
        wrapped=bytes(row[2]),
        secrets=bytes(row[3]),
        document=msgspec.json.decode(bytes(row[4])),
        created_ms=row[5],
        modified_ms=row[6],
        version=row[7],
        recovery_days=row[8],
    )
