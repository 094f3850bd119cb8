"""
App clients and their secrets.

A client's end is its row's: whoever asks for a client of an erased pool is told that neither is there.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec

from cenote.domain.registrations import Client, ClientSecret, Pool
from cenote.errors import ConcurrentModificationException, ResourceNotFoundException
from cenote.store.ground import Ground
from cenote.store.pools import PoolTable

_COLUMNS = "client_id, pool_id, document, created_ms, modified_ms, version"
# A client with its secrets, in one statement: the two are never of different moments.
_WITH_SECRETS = (
    "select c.client_id, c.pool_id, c.document, c.created_ms, c.modified_ms, c.version,"
    " s.created_ms, s.sealed from ({clients}) c left join client_secrets s on s.client_id = c.client_id"
    " order by c.client_id, s.created_ms"
)
_ONE = _WITH_SECRETS.format(clients=f"select {_COLUMNS} from clients where client_id = :client_id")
_PAGE = _WITH_SECRETS.format(
    clients=f"select {_COLUMNS} from clients where pool_id = :pool_id and client_id > :after"
    " order by client_id limit :limit"
)


class ClientTable:
    """The app clients."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def add(self, client: Client, name: str) -> None:
        """Hold a new client; refused when its pool has gone meanwhile."""
        row = self._ground.run(
            "insert into clients (client_id, pool_id, name, version, document, created_ms, modified_ms)"
            " select :client_id, pool_id, :name, :version, :document, :created_ms, :modified_ms"
            f" from pools where pool_id = :pool_id{self._ground.share} returning client_id",
            {
                "client_id": client.client_id,
                "pool_id": client.pool_id,
                "name": name,
                "version": client.version,
                "document": msgspec.json.encode(client.document),
                "created_ms": client.created_ms,
                "modified_ms": client.modified_ms,
            },
        ).fetchone()
        if row is None:
            raise ResourceNotFoundException(f"User pool {client.pool_id} does not exist.")
        self._add_secrets(client)

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

    def find_pool_id(self, client_id: str) -> str | None:
        """The pool that the client is of, itself gone or not."""
        row = self._ground.run(
            "select pool_id from clients where client_id = :client_id", {"client_id": client_id}
        ).fetchone()
        return None if row is None else str(row[0])

    def of_version(self, client_id: str, version: int) -> Client | None:
        """The client of a version that this transaction has just read."""
        client: Client | None = self._ground.documents.get(
            "client", client_id, version, lambda: self._load(client_id)
        )
        return client

    def hold(self, pool_id: str, client_id: str) -> Client | None:
        """The client as it is and will stay, secrets and all, until this transaction ends."""
        row = self._ground.run(
            "select client_id from clients where client_id = :client_id and pool_id = :pool_id"
            + self._ground.hold_row,
            {"client_id": client_id, "pool_id": pool_id},
        ).fetchone()
        # Read again: a statement that waited for the row still sees the secrets of before.
        return None if row is None else self._load(client_id)

    def save(self, client: Client, name: str) -> None:
        """Write what was held."""
        row = self._ground.run(
            "update clients set name = :name, version = version + 1, document = :document,"
            " modified_ms = :modified_ms where client_id = :client_id and version = :held"
            " returning client_id",
            {
                "client_id": client.client_id,
                "name": name,
                "document": msgspec.json.encode(client.document),
                "modified_ms": client.modified_ms,
                "held": client.version,
            },
        ).fetchone()
        if row is None:
            raise ConcurrentModificationException
        self._drop_secrets(client.client_id)
        self._add_secrets(client)

    def count(self, pool_id: str) -> int:
        """How many clients the pool has."""
        row = self._ground.run(
            "select count(*) from clients where pool_id = :pool_id", {"pool_id": pool_id}
        ).fetchone()
        return int(row[0])

    def list_page(self, pool_id: str, after: str, limit: int) -> list[Client]:
        """A page of a pool's clients in the order of their ids, beginning behind `after`."""
        rows = self._ground.run(_PAGE, {"pool_id": pool_id, "after": after, "limit": limit}).fetchall()
        return list(_clients(rows))

    def drop(self, pool_id: str, client_id: str) -> None:
        """End the client; its tokens name nobody from now on."""
        row = self._ground.run(
            "delete from clients where pool_id = :pool_id and client_id = :client_id returning client_id",
            {"pool_id": pool_id, "client_id": client_id},
        ).fetchone()
        if row is None:
            raise ResourceNotFoundException(f"User pool client {client_id} does not exist.")
        self._drop_secrets(client_id)

    def _load(self, client_id: str) -> Client | None:
        return next(_clients(self._ground.run(_ONE, {"client_id": client_id}).fetchall()), None)

    def _add_secrets(self, client: Client) -> None:
        for secret in client.secrets:
            self._ground.run(
                "insert into client_secrets (client_id, created_ms, sealed)"
                " values (:client_id, :created_ms, :sealed)",
                {
                    "client_id": client.client_id,
                    "created_ms": secret.created_ms,
                    "sealed": secret.sealed,
                },
            )

    def _drop_secrets(self, client_id: str) -> None:
        self._ground.run("delete from client_secrets where client_id = :client_id", {"client_id": client_id})


def _clients(rows: Sequence[Any]) -> Iterator[Client]:
    """The clients of rows that are one for each secret, or one without any."""
    for _client_id, its_rows in groupby(rows, key=lambda row: row[0]):
        together = list(its_rows)
        row = together[0]
        yield Client(
            client_id=row[0],
            pool_id=row[1],
            document=msgspec.json.decode(bytes(row[2])),
            created_ms=row[3],
            modified_ms=row[4],
            secrets=tuple(ClientSecret(one[6], bytes(one[7])) for one in together if one[6] is not None),
            version=row[5],
        )
