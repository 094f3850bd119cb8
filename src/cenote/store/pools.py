"""
Pools, their clients and the keys that check their tokens.

A pool whose slot holds its own tombstone is an erased pool: every verb here treats it as absent, whatever an
older copy of the database says.
"""

from typing import Any

import msgspec

from cenote.domain.registrations import Client, Pool, VerificationEntry
from cenote.domain.sealed import Grave, digest_of
from cenote.errors import ResourceNotFoundException
from cenote.store.ground import Ground

TOKEN_LIFETIME_MS_MAX = (
    86_400_000  # no access token lives longer; then nothing can ask for a fallen pool's key
)

_POOL_COLUMNS = "pool_id, slot, wrapped, secrets, document, created_ms, modified_ms, version"
_CLIENT_COLUMNS = "client_id, pool_id, secret, document, created_ms, modified_ms, version"


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
                "wrapped": pool.wrapped,
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

    def list_page(self, after: str, limit: int) -> list[Pool]:
        """A page of pools in the order of their ids, beginning behind `after`."""
        rows = self._ground.run(
            f"select {_POOL_COLUMNS} from pools where pool_id > :after order by pool_id limit :limit",
            {"after": after, "limit": limit},
        ).fetchall()
        pools = [_pool(row) for row in rows]
        return [pool for pool in pools if not self._ground.sealer.is_erased(pool.pool_id, pool.slot)]

    def list_slots(self) -> list[tuple[str, int]]:
        """Every row's (pool id, slot), the erased ones' too."""
        rows = self._ground.run("select pool_id, slot from pools order by pool_id", {}).fetchall()
        return [(row[0], row[1]) for row in rows]

    def erase(self, pool_id: str, now_ms: int) -> None:
        """
        End the pool, its clients and, by one tombstone, every user in it; their rows are swept later.

        Of two callers one succeeds; the other is told that there is no such pool.
        """
        row = self._ground.run(
            "delete from pools where pool_id = :pool_id returning slot", {"pool_id": pool_id}
        ).fetchone()
        if row is None:
            raise ResourceNotFoundException(f"User pool {pool_id} does not exist.")
        self._ground.run("delete from clients where pool_id = :pool_id", {"pool_id": pool_id})
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

    def list_verification_keys(self, pool_id: str) -> list[VerificationEntry]:
        """The public keys of a pool, in no meaningful order."""
        rows = self._ground.run(
            "select kid, pool_id, use, public from verification_keys where pool_id = :pool_id order by kid",
            {"pool_id": pool_id},
        ).fetchall()
        return [VerificationEntry(row[0], row[1], row[2], bytes(row[3])) for row in rows]

    def drop_expired_keys(self, now_ms: int) -> None:
        """Forget the public keys of pools that fell longer ago than a token lives."""
        self._ground.run("delete from verification_keys where expires_ms <= :now_ms", {"now_ms": now_ms})

    def _load(self, pool_id: str) -> Pool | None:
        row = self._ground.run(
            f"select {_POOL_COLUMNS} from pools where pool_id = :pool_id", {"pool_id": pool_id}
        ).fetchone()
        return None if row is None else _pool(row)


class ClientTable:
    """The app clients."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def add(self, client: Client, name: str) -> None:
        """Hold a new client; refused when its pool has gone meanwhile."""
        row = self._ground.run(
            "insert into clients (client_id, pool_id, name, version, secret, document,"
            " created_ms, modified_ms) select :client_id, pool_id, :name, :version, :secret, :document,"
            " :created_ms, :modified_ms"
            f" from pools where pool_id = :pool_id{self._ground.share} returning client_id",
            {
                "client_id": client.client_id,
                "pool_id": client.pool_id,
                "name": name,
                "version": client.version,
                "secret": client.secret,
                "document": msgspec.json.encode(client.document),
                "created_ms": client.created_ms,
                "modified_ms": client.modified_ms,
            },
        ).fetchone()
        if row is None:
            raise ResourceNotFoundException(f"User pool {client.pool_id} does not exist.")

    def find(self, client_id: str) -> tuple[Pool, Client] | None:
        """The client and its pool, or None when either is gone."""
        row = self._ground.run(
            "select c.version, p.pool_id, p.version, p.slot from clients c"
            " join pools p on p.pool_id = c.pool_id where c.client_id = :client_id",
            {"client_id": client_id},
        ).fetchone()
        if row is None or self._ground.sealer.is_erased(row[1], row[3]):
            return None
        pool = PoolTable(self._ground).of_version(row[1], row[2])
        client = self.of_version(client_id, row[0])
        return None if pool is None or client is None else (pool, client)

    def of_version(self, client_id: str, version: int) -> Client | None:
        """The client of a version that this transaction has just read."""
        client: Client | None = self._ground.documents.get(
            "client", client_id, version, lambda: self._load(client_id)
        )
        return client

    def list_page(self, pool_id: str, after: str, limit: int) -> list[Client]:
        """A page of a pool's clients in the order of their ids, beginning behind `after`."""
        rows = self._ground.run(
            f"select {_CLIENT_COLUMNS} from clients where pool_id = :pool_id and client_id > :after"
            " order by client_id limit :limit",
            {"pool_id": pool_id, "after": after, "limit": limit},
        ).fetchall()
        return [_client(row) for row in rows]

    def drop(self, pool_id: str, client_id: str) -> None:
        """End the client; its tokens name nobody from now on."""
        row = self._ground.run(
            "delete from clients where pool_id = :pool_id and client_id = :client_id returning client_id",
            {"pool_id": pool_id, "client_id": client_id},
        ).fetchone()
        if row is None:
            raise ResourceNotFoundException(f"User pool client {client_id} does not exist.")

    def _load(self, client_id: str) -> Client | None:
        row = self._ground.run(
            f"select {_CLIENT_COLUMNS} from clients where client_id = :client_id", {"client_id": client_id}
        ).fetchone()
        return None if row is None else _client(row)


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
    )


def _client(row: Any) -> Client:
    return Client(
        client_id=row[0],
        pool_id=row[1],
        secret=None if row[2] is None else bytes(row[2]),
        document=msgspec.json.decode(bytes(row[3])),
        created_ms=row[4],
        modified_ms=row[5],
        version=row[6],
    )
