"""
What must be true of a house at rest, whatever crashed or raced before: asked of its files, not of a server.

One check for the simulator, the crash tests and the races.  It reads the tables in plain SQL and the keys
folder's bytes, as an auditor with the master key would, and says each fault in a sentence.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from cenote.domain.filters import marks_of
from cenote.domain.ledger import BrokenChain, Entry, Gap, Head, Link, beginning, followed
from cenote.domain.names import names_of
from cenote.domain.registrations import LedgerLine, Pool
from cenote.domain.sealed import digest_of
from cenote.domain.users import User
from cenote.errors import CenoteError
from cenote.store.search import OWN_BYTES
from cenote.store.sqlite import DATABASE_FILE
from cenote.store.users import USER_COLUMNS, opened
from cenote.vault.keys import Keyring
from cenote.vault.master import load_master
from cenote.vault.pool_secrets import OpenedPool, PoolSecrets
from cenote.vault.searching import SlotFiles
from cenote.vault.slots import pair_of
from cenote.vault.tombstones import SLOT_BYTES, TOMBSTONE_MARK, tombstone
from tests.house import House
from tests.vault.files import HEADER_BYTES, SLOTS

Row = tuple[Any, ...]
Query = Callable[[str], Sequence[Row]]
HEAD_NUMBER_BYTES = 8
UNCHAINED = "a line of the ledger has no place in its chain"
OF_NOBODY = "nobody-"  # what is counted against names that nobody bears
# What hangs on a user, and on one who was set aside for some days.  A message to nobody, which a client that
# hides who exists is promised, is never due.
HANGS_ON_A_USER = {
    "names": "select sub from names",
    "search_marks": "select sub from search_marks",
    "belongings": "select sub from belongings",
    "outbox": "select sub from outbox where due_ms is not null",
    "activity": "select sub from activity",
    "keys": "select sub from keys",
}
HANGS_ON_A_POOL = {
    "names": "select pool_id from names",
    "user_groups": "select pool_id from user_groups",
    "clients": "select pool_id from clients",
    "rules": "select pool_id from rules where pool_id is not null",
    "read_only_pools": "select pool_id from read_only_pools",
}
FOUND_BY = ("names", "search_marks")  # nobody finds whoever was set aside
_USERS = f"select {USER_COLUMNS} from users u left join keys k on k.sub = u.sub"  # noqa: S608 - the house's own words
_POOLS = "select pool_id, slot, wrapped, secrets, document, created_ms, modified_ms, version from pools"


@dataclass(frozen=True)
class Books:
    """A house's tables and the folders of its slots, each of which is a whole copy."""

    query: Query
    folders: tuple[Path, ...]
    master: Path

    @cached_property
    def keyring(self) -> Keyring:
        master = load_master(text=None, command=None, file=self.master, may_create=False)
        return Keyring(master, SlotFiles(self.folders[0]))

    def column(self, sql: str) -> list[Any]:
        return [row[0] for row in self.query(sql)]

    def users(self) -> dict[str, User | str]:
        """Every row of a user: the user, or why there is none."""
        rows = self.query(_USERS)
        return {row[0]: self._user(row) for row in rows}

    def pools(self) -> dict[str, Pool]:
        return {row[0]: _pool(row) for row in self.query(_POOLS)}

    def ledger(self) -> dict[bytes, tuple[int, bool]]:
        """Slot and `done` of each line, by its digest."""
        rows = self.query("select digest, slot, done from ledger")
        return {bytes(row[0]): (row[1], bool(row[2])) for row in rows}

    def is_buried(self, subject: str, slot: int) -> bool:
        """Whether every copy of the slot holds the subject's own tombstone."""
        own = tombstone(digest_of(subject))
        return all(SlotFiles(folder).read(slot) == own for folder in self.folders)

    def slots(self) -> dict[int, str]:
        """Who holds each slot that is in use."""
        rows = self.query("select slot, sub from keys union all select slot, pool_id from pools")
        return {row[0]: row[1] for row in rows}

    def _user(self, row: Row) -> User | str:
        if row[8] is None:
            return "has no key"
        try:
            user = opened(row, self.keyring)
        except CenoteError as failure:
            return f"does not open ({failure})"
        return "is erased, and the row is there" if user is None else user


def faults_of(books: Books, *, knows_every_grave: bool = True) -> list[str]:
    """
    Everything that is not as it must be once the house is at rest, a sentence each.

    A database that was put back does not know every grave: who came after it was copied, and went.
    """
    return [
        *_faults_of_users(books),
        *_faults_of_what_hangs_on_pools(books),
        *_faults_of_what_hangs_on_users(books),
        *_faults_of_names(books),
        *_faults_of_graves(books, knows_every_grave=knows_every_grave),
        *_faults_of_slots(books),
        *_faults_of_the_chain(books),
    ]


def untidy(books: Books) -> list[str]:
    """The faults of a house that serves: a line of the ledger gets its place in the chain within a second."""
    return [fault for fault in faults_of(books) if fault != UNCHAINED]


def _faults_of_users(books: Books) -> Iterator[str]:
    pools = books.pools()
    for sub, user in books.users().items():
        if isinstance(user, str):
            yield f"user {sub} {user}"
        elif user.pool_id not in pools:
            yield f"user {sub} is of a pool that is gone"


def _faults_of_what_hangs_on_pools(books: Books) -> Iterator[str]:
    pools = set(books.column("select pool_id from pools"))
    for table, asking in HANGS_ON_A_POOL.items():
        for pool_id in set(books.column(asking)) - pools:
            yield f"{table} holds something of the pool {pool_id}, which is not there"
    clients = set(books.column("select client_id from clients"))
    for client_id in set(books.column("select client_id from client_secrets")) - clients:
        yield f"there is a secret of the client {client_id}, which is not there"


def _faults_of_what_hangs_on_users(books: Books) -> Iterator[str]:
    users = set(books.column("select sub from users"))
    aside = set(books.column("select sub from recoverable_users"))
    keys = set(books.column("select sub from keys"))
    yield from (f"user {sub}, who was set aside, has no key" for sub in aside - keys)
    for table, asking in HANGS_ON_A_USER.items():
        for sub in set(books.column(asking)) - users - (set() if table in FOUND_BY else aside):
            if not sub.startswith(OF_NOBODY):
                yield f"{table} holds something of {sub}, who is not there"
    groups = set(books.column("select group_id from user_groups"))
    for sub, group in books.query("select sub, id from belongings where kind = 'group'"):
        if group not in groups:
            yield f"user {sub} is in the group {group}, which is not there"


def _faults_of_names(books: Books) -> Iterator[str]:
    """Each user is found by just their own names and marks."""
    pools, secrets = books.pools(), PoolSecrets(books.keyring)
    names, marks = defaultdict(set), defaultdict(set)
    for sub, name in books.query("select sub, name from names"):
        names[sub].add(bytes(name))
    for sub, mark in books.query("select sub, mark from search_marks"):
        marks[sub].add(bytes(mark))
    for sub, user in books.users().items():
        if isinstance(user, User) and user.pool_id in pools:
            pool = pools[user.pool_id]
            blind = secrets.of(pool)
            wanted = {blind.blind(name) for name in names_of(user.username, user.attributes, pool.document)}
            if names[sub] != wanted:
                yield f"user {sub} has {len(names[sub])} names, {len(names[sub] & wanted)} of them theirs"
            if marks[sub] != _marks(blind, user):
                yield f"user {sub} is searched by other marks than theirs"


def _marks(blind: OpenedPool, user: User) -> set[bytes]:
    return {blind.mark(rungs) + digest_of(user.sub)[:OWN_BYTES] for rungs in marks_of(user)}


def _faults_of_graves(books: Books, *, knows_every_grave: bool) -> Iterator[str]:
    """Whoever is in the ledger is buried, and whoever is buried is in the ledger and nowhere else."""
    ledger = books.ledger()
    for digest, (slot, is_done) in ledger.items():
        for folder in books.folders:
            if SlotFiles(folder).read(slot) != tombstone(digest):
                yield f"slot {slot} holds no tombstone in {folder.name}, done is {is_done}"
    for folder in books.folders:
        for slot, digest in tombstones_in(folder):
            if knows_every_grave and digest not in ledger:
                yield f"the tombstone in slot {slot} of {folder.name} is in no ledger"
    for slot, subject in books.slots().items():
        if digest_of(subject) in ledger:
            yield f"{subject}, who holds slot {slot}, is in the ledger"


def _faults_of_slots(books: Books) -> Iterator[str]:
    held = books.column(
        "select slot from keys union all select slot from pools union all select slot from ledger"
    )
    for slot, count in Counter(held).items():
        if count > 1:
            yield f"slot {slot} was used {count} times"


def _faults_of_the_chain(books: Books) -> Iterator[str]:
    first = beginning(pair_of(books.folders[0]) or b"")
    noted = books.column("select value from meta where name = 'ledger_head'")
    number = int.from_bytes(noted[0][:HEAD_NUMBER_BYTES], "big") if noted else 0
    head = Head(number, bytes(noted[0][HEAD_NUMBER_BYTES:])) if noted else first
    try:
        end = followed(first, _entries(books))
    except BrokenChain as failure:
        yield f"the ledger's chain is broken: {failure}"
        return
    if end != head:
        yield f"the ledger's chain ends at {end.number}, and {head.number} was noted"
    if books.column("select count(*) from ledger where number is null") != [0]:
        yield UNCHAINED


def _entries(books: Books) -> list[Entry]:
    lines = books.query(
        "select digest, kind, slot, erased_ms, done, number, hash from ledger where number is not null"
    )
    gaps = books.query(
        "select number, vouched_number, vouched_hash, present_number, present_hash, noticed_ms, hash"
        " from ledger_gaps"
    )
    entries: list[Entry] = [
        Link(row[5], LedgerLine(bytes(row[0]), row[1], row[2], row[3], bool(row[4])), bytes(row[6]))
        for row in lines
    ]
    entries += [
        Gap(row[0], Head(row[1], bytes(row[2])), Head(row[3], bytes(row[4])), row[5], bytes(row[6]))
        for row in gaps
    ]
    return sorted(entries, key=lambda entry: entry.number)


def tombstones_in(folder: Path) -> Iterator[tuple[int, bytes]]:
    """The number of each slot that holds a tombstone, and whose it is."""
    for file in sorted(folder.glob("chunk-*.slots")):
        number, content = int(file.stem.removeprefix("chunk-")), file.read_bytes()
        at = content.find(TOMBSTONE_MARK, HEADER_BYTES)
        while at >= 0:
            index, within = divmod(at - HEADER_BYTES, SLOT_BYTES)
            if within == 0:
                start = at + len(TOMBSTONE_MARK)
                yield number * SLOTS + index, content[start : start + 32]
            at = content.find(TOMBSTONE_MARK, at + 1)


def _pool(row: Row) -> Pool:
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


def books_of(house: House, *mirrors: Path) -> Books:
    """The books of a house, which may be running."""
    folders = (house.keys, *mirrors)
    if "--database-url" in house.flags:
        url = house.flags[house.flags.index("--database-url") + 1]
        return Books(lambda sql: _asked_of_postgres(url, sql), folders, house.master)
    return Books(lambda sql: asked_of_sqlite(house.data, sql), folders, house.master)


def asked_of_sqlite(data: Path, sql: str) -> list[Row]:
    with closing(sqlite3.connect(f"file:{data / DATABASE_FILE}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def _asked_of_postgres(url: str, sql: str) -> list[Row]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(sql.encode()).fetchall()
