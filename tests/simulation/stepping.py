"""
A house whose threads are the baton's: the real store, vault and housekeeper, one step at a time.

What the server does on threads of its own (committing batches, writing tombstones, keeping house) is done
here by actors, through the same code; only the waiting is another.
"""

import errno
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar, cast

from cenote import app
from cenote.counting import Counting
from cenote.courier import Courier
from cenote.delivery.sending import NotTakenError
from cenote.domain.registrations import Message
from cenote.domain.sealed import Grave, Sealer
from cenote.gate import Gate
from cenote.housekeeping import Housekeeper
from cenote.opening import Vault, open_vault
from cenote.operations.sign_in.challenges import pool_of_session
from cenote.orders import Orders
from cenote.settings import Settings
from cenote.store.committer import Committer, Ticket
from cenote.store.contract import BATCH_BODIES_MAX
from cenote.store.documents import DocumentCache
from cenote.store.ground import Buries, Cursor, Ground, Run, Unattached, VaultSeam
from cenote.store.sqlite import SQLiteStore
from cenote.store.transaction import Transaction
from cenote.vault.erasure import TombstoneWriter
from cenote.vault.keys import Keyring
from cenote.vault.slots import KeysFolder
from cenote.wire.admission import Admission
from cenote.wire.authorization import AnyCredentials
from cenote.wire.homes import Homes
from cenote.wire.model import Model
from cenote.wire.protocol import Protocol
from tests.simulation.baton import Baton, BatonLock

T = TypeVar("T")

NOW_MS = 1_800_000_000_000
LATE = 0.1  # how likely an answer doesn't wait for its tombstone, as one that waited a second would not
DEAF = 0.5  # how likely a deaf folder refuses
REFUSES = 0.2  # how likely a relay doesn't take a message
LOOKS = 0.3  # how likely a look at a slot lets others go first


@dataclass
class SimulatedClock:
    """A clock that moves a millisecond whenever somebody looks at it, and jumps when it is told to."""

    at_ms: int = NOW_MS

    def now_ms(self) -> int:
        self.at_ms += 1
        return self.at_ms


class SteppedCommitter(Committer):
    """The committer, whose batches an actor commits."""

    def __init__(self, baton: Baton, chance: random.Random, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._baton = baton
        self._chance = chance
        self._queue: list[Ticket] = []
        self.is_starting = True
        self.late: set[bytes] = set()  # whose tombstones an answer did not wait for

    def _run(self) -> None:
        """The thread has nothing to do."""

    def _fold(self) -> None:
        """Nor has this one."""

    def run(self, body: Callable[[Transaction], T]) -> T:
        ticket = Ticket(body)
        if self.is_starting or not self._baton.is_acting:
            self._commit([ticket])
        else:
            is_late = self._chance.random() < LATE
            self._queue.append(ticket)
            self._baton.until(lambda: _is_told(ticket, is_late=is_late), "its commit")
        if not ticket._done.locked():
            return cast("T", ticket.wait())
        self.late.update(grave.digest for grave in ticket.graves)
        return cast("T", ticket.result)

    def step(self) -> None:
        """Commit what waits, as many at a time as the seed says, for as long as anybody may come."""
        while True:
            self._baton.until(lambda: bool(self._queue), "its work")
            count = self._chance.randint(1, min(BATCH_BODIES_MAX, len(self._queue)))
            batch, self._queue[:count] = self._queue[:count], []
            self._commit(batch)


def _is_told(ticket: Ticket, *, is_late: bool) -> bool:
    """Whether the answer may leave: all is durable, or all but the tombstone that it waits for no longer."""
    return not ticket._done.locked() or (is_late and ticket.committed_s is not None)


class SteppedTombstones(TombstoneWriter):
    """The writer of tombstones, whose batches an actor writes."""

    def __init__(self, baton: Baton, chance: random.Random, folder: KeysFolder) -> None:
        super().__init__(folder, baton.seam)
        self._baton = baton
        self._chance = chance
        self._queue: list[tuple[Sequence[Grave], Callable[[], None]]] = []

    def _run(self) -> None:
        """The thread has nothing to do."""

    def submit(self, graves: Sequence[Grave], done: Callable[[], None]) -> None:
        if self._baton.is_acting:
            self._queue.append((graves, done))
        else:
            self._bury([(graves, done)])

    def step(self) -> None:
        """Write what waits, as many at a time as the seed says, for as long as anybody may come."""
        while True:
            self._baton.until(lambda: bool(self._queue), "its work")
            count = self._chance.randint(1, len(self._queue))
            batch, self._queue[:count] = self._queue[:count], []
            self._bury(batch)


class SteppedHousekeeper(Housekeeper):
    """The housekeeper, who does a round when told to."""

    def _run(self) -> None:
        """The thread has nothing to do."""

    def do_a_round(self, *, fresh_ms: int) -> None:
        self._round(fresh_ms=fresh_ms)


@dataclass
class Relay:
    """Who takes the messages of a history, with a seam before it and now and then a refusal."""

    baton: Baton
    chance: random.Random
    media: frozenset[str] = frozenset({"EMAIL", "SMS"})
    taken: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> None:
        self.baton.seam("the relay")
        if self.chance.random() < REFUSES:
            raise NotTakenError("the relay of a history")
        self.taken.append(message)


class SteppedCourier(Courier):
    """The courier, who carries a message when told to."""

    def _look(self) -> None:
        """The thread has nothing to do."""

    def _carry_on(self) -> None:
        """Nor has this one."""

    def carry(self, message_id: str) -> None:
        self._carry(message_id)


@dataclass(frozen=True)
class SeamedSlots:
    """The keys folder as keys are opened by it: others may overwrite a slot before it is looked at."""

    folder: KeysFolder
    baton: Baton
    chance: random.Random

    def allocate(self) -> int:
        return self.folder.allocate()

    def read(self, slot: int) -> bytes:
        if self.chance.random() < LOOKS:
            self.baton.seam("a look at a slot")
        return self.folder.read(slot)


@dataclass(frozen=True)
class SeamedStore:
    """
    The store with a seam around each transaction.

    `is_loose`: readers see what is committed when each of their statements begins, as on PostgreSQL.
    """

    store: SQLiteStore
    baton: Baton
    is_loose: bool

    def read(self, body: Callable[[Transaction], T], *, at_one_moment: bool = True) -> T:
        self.baton.seam("a read")
        if at_one_moment and not self.is_loose:
            return self.store.read(body)
        with self.store._reader() as (connection, _transaction):

            def run(sql: str, values: Any) -> Cursor:
                self.baton.seam("a statement")
                return cast("Cursor", connection.execute(sql, values))

            return body(Transaction(Ground(run, self.store._vault, self.store._documents)))

    def write(self, body: Callable[[Transaction], T]) -> T:
        self.baton.seam("a write")
        return self.store.write(body)

    def attach(self, sealer: Sealer, tombstones: Buries) -> None:
        self.store.attach(sealer, tombstones)

    def close(self) -> None:
        self.store.close()


@dataclass(frozen=True)
class SteppedHouse:
    """An open house and what its actors do."""

    settings: Settings
    store: SQLiteStore
    committer: SteppedCommitter
    vault: Vault
    tombstones: SteppedTombstones
    housekeeper: SteppedHousekeeper
    protocol: Protocol
    seamed: SeamedStore

    def drop(self) -> None:
        """Let go of every file as a process does that was ended: nothing is written any more."""
        _drop(self.store)
        self.vault.folder.close()

    def peek(self, sql: str) -> list[tuple[Any, ...]]:
        """What is committed now, asked behind everybody's back."""
        with self.store._reader() as (connection, _transaction):
            return connection.execute(sql).fetchall()

    def look(self, body: Callable[[Transaction], T]) -> T:
        """The same in the store's own words, without a seam."""
        keyring = Keyring(self.vault.master, self.vault.folder)
        with self.store._reader() as (connection, _transaction):
            run = cast("Run", connection.execute)
            return body(Transaction(Ground(run, VaultSeam(keyring, Unattached()), DocumentCache(0))))


@dataclass(frozen=True)
class Conditions:
    """What a house is opened under."""

    baton: Baton
    chance: random.Random
    clock: SimulatedClock
    is_loose: bool = False
    is_deaf: bool = False

    def reach(self, name: str) -> None:
        """A seam of the house's own, where a deaf folder says now and then that it can't be written."""
        self.baton.seam(name)
        is_writing = self.is_deaf and name == "tombstone.written" and self.baton.is_acting
        if is_writing and self.chance.random() < DEAF:
            raise OSError(errno.EIO, "the disk of a history")


def open_house(settings: Settings, under: Conditions) -> SteppedHouse:
    """Open a house as a start does, from whatever the last one left; its threads are the baton's."""
    baton, chance = under.baton, under.chance
    store = SQLiteStore(settings.data, reach=baton.seam)
    try:
        committer = _step(store, baton, chance)
        vault = open_vault(settings, store, baton.seam)
        vault.folder.reach = under.reach
    except BaseException:
        _drop(store)
        raise
    try:
        vault, tombstones = _stepped(vault, store, under)
        _use_baton_locks(vault.folder, baton)
        seamed = SeamedStore(store, baton, under.is_loose)
        housekeeper = SteppedHousekeeper(seamed, vault, under.clock.now_ms)
        protocol = _protocol(settings, seamed, vault, under)
    except BaseException:
        _drop(store)
        vault.folder.close()
        raise
    committer.is_starting = False
    return SteppedHouse(settings, store, committer, vault, tombstones, housekeeper, protocol, seamed)


def _step(store: SQLiteStore, baton: Baton, chance: random.Random) -> SteppedCommitter:
    """Put a committer without a thread in the place of the one that the store began with."""
    former = store._committer
    former.close()
    committer = SteppedCommitter(
        baton, chance, store._writer, former._transaction, store._vault, store._checkpoint, baton.seam
    )
    store._committer = committer
    return committer


def _stepped(vault: Vault, store: SQLiteStore, under: Conditions) -> tuple[Vault, SteppedTombstones]:
    vault.tombstones.close()
    tombstones = SteppedTombstones(under.baton, under.chance, vault.folder)
    keyring = Keyring(vault.master, SeamedSlots(vault.folder, under.baton, under.chance))
    store.attach(keyring, tombstones)
    return replace(vault, keyring=keyring, tombstones=tombstones), tombstones


def _use_baton_locks(folder: KeysFolder, baton: Baton) -> None:
    """Whoever stands at a seam with one of the folder's locks must not keep the others from going on."""
    folder.__dict__.update({name: BatonLock(baton) for name in ("_opening", "_allocating", "_burying")})
    mirrored = {} if folder._mirror is None else folder._mirror._chunks
    for chunk in (*folder._chunks.values(), *mirrored.values()):
        chunk.__dict__["_guard"] = BatonLock(baton)


def _protocol(settings: Settings, store: SeamedStore, vault: Vault, under: Conditions) -> Protocol:
    """The served operations, built as the house builds them, with time and chance in the seed's hand."""
    clock = cast("Any", under.clock)
    services = replace(
        app._services(settings, store, vault, clock, Gate()),
        wall_ms=under.clock.now_ms,
        random_bytes=under.chance.randbytes,
    )
    orders = Orders(store)
    orders.close()  # nobody orders anything here
    admission = Admission(
        Homes(services, pool_of_session), orders, None, visits=Counting(None), requests=Counting(None)
    )
    return Protocol(_model(), services, AnyCredentials(), admission, app.load_operations())


@cache
def _model() -> Model:
    return Model.load()


def _drop(store: SQLiteStore) -> None:
    """
    Close the database as the end of a process would: what is not committed has not happened.

    It is rolled back here, since a cursor that somebody still holds would keep a closed connection's lock.
    """
    for connection in (store._writer, *store._every_reader):
        if connection.in_transaction:
            connection.execute("rollback")
        connection.close()
    os.close(store._lock)
