"""What the files say: rows, slots and ledger lines, as an auditor or a thief would find them."""

import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from cenote.errors import CenoteError
from cenote.store.sqlite import DATABASE_FILE
from cenote.vault.keys import Keyring
from cenote.vault.master import load_master
from cenote.vault.searching import SlotFiles
from tests.house import House

TABLES_OF_A_USER = ("users", "keys", "names", "search_marks", "belongings", "outbox", "activity")
OPENS, ERASED, TORN = "opens", "erased", "torn"


def rows(data: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """The rows of a data folder, or of a copy of one, which is left as it is."""
    with closing(sqlite3.connect(f"file:{data / DATABASE_FILE}?mode=ro", uri=True)) as connection:
        return connection.execute(sql, values).fetchall()


def rows_of(data: Path, sub: str) -> int:
    """How many rows bear this `sub`."""
    counts = [rows(data, f"select count(*) from {table} where sub = ?", sub) for table in TABLES_OF_A_USER]  # noqa: S608 - the test's own words
    return sum(count[0][0] for count in counts)


def digest(subject: str) -> bytes:
    return hashlib.sha256(subject.encode()).digest()


def is_in_ledger(data: Path, subject: str) -> bool:
    """Whether the erasure of this user or pool is committed in this data."""
    return bool(rows(data, "select 1 from ledger where digest = ?", digest(subject)))


def is_noted_as_done(data: Path, subject: str) -> bool:
    """Whether this data knows the tombstone to be written."""
    return rows(data, "select done from ledger where digest = ?", digest(subject)) == [(1,)]


def slot_of(data: Path, sub: str) -> int:
    ((slot,),) = rows(data, "select slot from keys where sub = ?", sub)
    return int(slot)


def is_buried(keys: Path, slot: int, subject: str) -> bool:
    """Whether the slot holds the subject's own tombstone, to the byte."""
    return SlotFiles(keys).read(slot) == b"CENOTE-X" + digest(subject) + bytes(24)


def state_of(data: Path, house: House, sub: str, keys: Path | None = None) -> str:
    """What becomes of a user of this copy in the hands of whoever has the keys folder and the master key."""
    ((wrapped,),) = rows(data, "select wrapped from keys where sub = ?", sub)
    master = load_master(text=None, command=None, file=house.master, may_create=False)
    try:
        key = Keyring(master, SlotFiles(keys or house.keys)).open_key(sub, wrapped)
    except CenoteError:
        return TORN
    return ERASED if key is None else OPENS


def owners_of_slots(copies: Iterable[Path]) -> dict[int, set[str]]:
    """Who holds each slot, in any of these copies: a slot with two owners was used twice."""
    owners: dict[int, set[str]] = {}
    for copy in copies:
        for subject, slot in rows(copy, "select sub, slot from keys union select pool_id, slot from pools"):
            owners.setdefault(slot, set()).add(subject)
    return owners


def hashes(*folders: Path) -> dict[str, str]:
    """Every file below these folders, by what is in it."""
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for folder in folders
        for file in sorted([folder] if folder.is_file() else folder.rglob("*"))
        if file.is_file()
    }
