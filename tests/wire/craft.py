"""
What nobody gets by the API: a pool's own signing keys, and tokens made with them that say what a test wants.

The keys are opened from a copy of a running house's folders, as whoever holds all three could.
"""

import base64
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from cenote.opening import open_vault
from cenote.settings import Settings
from cenote.store.contract import Store
from cenote.store.postgres import PostgresStore
from cenote.store.sqlite import DATABASE_FILE, SQLiteStore
from cenote.vault.pool_secrets import OpenedPool, PoolSecrets
from cenote.vault.signing import SigningKey
from tests.house import House

ROW_WAIT_S = 30  # for a busy server's own writes


def keys_of(house: House, pool_id: str) -> OpenedPool:
    """The secrets of a pool of this house, which may be running."""
    with _opened(house) as (settings, store):
        vault = open_vault(settings, store, lambda _seam: None)
        try:
            pool = store.read(lambda tx: tx.pools.find(pool_id))
            assert pool is not None
            return PoolSecrets(vault.keyring).of(pool)
        finally:
            store.close()
            vault.close()


def server_secret_of(house: House) -> bytes:
    """The key under which this house, which may be running, seals what only it is to read again."""
    with _opened(house) as (settings, store):
        vault = open_vault(settings, store, lambda _seam: None)
        try:
            return vault.server_secret
        finally:
            store.close()
            vault.close()


def change_row(house: House, sql: str, **values: object) -> None:
    """Change the rows of a running house, as whoever can write to its database."""
    if "--database-url" in house.flags:
        url = house.flags[house.flags.index("--database-url") + 1]
        with psycopg.connect(url) as connection:
            connection.execute(re.sub(r":(\w+)", r"%(\1)s", sql).encode(), values)
        return
    with closing(sqlite3.connect(house.data / DATABASE_FILE, timeout=ROW_WAIT_S)) as file, file:
        file.execute(sql, values)


@contextmanager
def _opened(house: House) -> Iterator[tuple[Settings, Store]]:
    """The house's database, a copy of an embedded one, beside a copy of its keys folder."""
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "data"
        data.mkdir()
        shutil.copytree(house.keys, Path(place) / "data-keys")
        if "--database-url" in house.flags:
            url = house.flags[house.flags.index("--database-url") + 1]
            yield Settings(data=data, master_key_file=house.master, database_url=url), PostgresStore(url)
            return
        with (
            closing(sqlite3.connect(house.data / DATABASE_FILE)) as live,
            closing(sqlite3.connect(data / DATABASE_FILE)) as copy,
        ):
            live.backup(copy)
        yield Settings(data=data, master_key_file=house.master), SQLiteStore(data)


def encoded(content: bytes) -> str:
    """Base64url without padding, the one spelling of a part of a token."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(part: str) -> bytes:
    """The bytes of a part of a token."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def header_of(token: str) -> dict[str, Any]:
    """The header of a token, its members in their order."""
    header: dict[str, Any] = msgspec.json.decode(decoded(token.split(".", maxsplit=1)[0]))
    return header


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, in its order."""
    claims: dict[str, Any] = msgspec.json.decode(decoded(token.split(".")[1]))
    return claims


def signed(key: SigningKey, claims: dict[str, Any]) -> str:
    """A token that says this, signed as the server would."""
    return key.sign(msgspec.json.encode(claims))
