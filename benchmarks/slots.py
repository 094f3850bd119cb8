"""
What slots cost: an erasure with its tombstone against one without, and a key opened by slots on the disk
against one whose secrets are at hand.

Both sides run in this process, in turns, through the store's and the vault's own code; what differs is only
what the store is given for its vault.  Without slots nothing is buried, and nothing is noted as buried.
Leaves out what a whole call costs (`measure.py`).
"""

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median

from benchmarks.people import SEED
from benchmarks.processes import cpu_s, machine_busy_s
from benchmarks.servers import CenoteHouse, Copy
from cenote.agreement import note_buried
from cenote.app import open_store
from cenote.domain.sealed import Grave, digest_of
from cenote.opening import Vault, open_vault
from cenote.store.contract import Store
from cenote.store.ground import Buries
from cenote.store.transaction import Transaction
from cenote.vault.keys import Keyring

THREADS = 32
ROUNDS = 8  # of each side, in turns; one more of each warms up
ERASED_A_ROUND_MAX = 400
ERASED_SHARE_MAX = 0.9
KEYS_OPENED = 500
OPENING_ROUNDS = 20
MS_PER_S, US_PER_S = 1_000, 1_000_000

_User = tuple[str, int]  # sub and slot


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotsCost:
    """What one engine does with slots and without, by the medians of the rounds."""

    server: str
    users: int
    erased: int  # by each side, in the rounds that count
    rate_with: float  # erasures a second, by so many threads
    rate_without: float
    cpu_ms_with: float  # of this process and of a database server, an erasure
    cpu_ms_without: float
    open_us_with: float  # processor time of opening one user's key
    open_us_without: float
    others_cores: float

    @property
    def rate_times(self) -> float:
        """The rate with slots as a multiple of the one without."""
        return self.rate_with / self.rate_without

    @property
    def dearer_us(self) -> float:
        """By how much the slots make a read dearer."""
        return self.open_us_with - self.open_us_without


def slots_cost(name: str, house: CenoteHouse) -> SlotsCost:
    """Measure both on a copy of the house."""
    pids = () if house.database is None else (house.database.pid,)
    with house.copied() as copy, _opened(copy) as (store, vault):
        users = store.read(_everybody)
        random.Random(SEED).shuffle(users)  # noqa: S311 - a choice, no secret
        at_hand = _AtHand({slot: vault.folder.read(slot) for _sub, slot in users})
        began, foreign_s = time.perf_counter(), _foreign_s(pids)
        erasing_with, erasing_without = _erasing(store, _sides(store, vault, at_hand), users, pids)
        open_us_with, open_us_without = _opening(store, vault, house.people.pool_id)
        others_cores = (_foreign_s(pids) - foreign_s) / (time.perf_counter() - began)
    return SlotsCost(
        server=name,
        users=house.people.users,
        erased=erasing_with.erased,
        rate_with=erasing_with.rate,
        rate_without=erasing_without.rate,
        cpu_ms_with=erasing_with.cpu_ms,
        cpu_ms_without=erasing_without.cpu_ms,
        open_us_with=open_us_with,
        open_us_without=open_us_without,
        others_cores=max(others_cores, 0.0),
    )


@dataclass(frozen=True, slots=True)
class _AtHand:
    """What slots hold, in memory: what this project must never do, since a copy outlives its owner."""

    secrets: Mapping[int, bytes]

    def allocate(self) -> int:
        """Refuse."""
        raise RuntimeError("nobody is added here")

    def read(self, slot: int) -> bytes:
        """The 64 bytes of a slot."""
        return self.secrets[slot]


class _NoTombstones:
    """Stands where the tombstones are written, and writes none."""

    def submit(self, _graves: Sequence[Grave], done: Callable[[], None]) -> None:
        """Say that it is done."""
        done()


@dataclass(frozen=True, slots=True)
class _Side:
    """What the store is given for its vault, and what the housekeeper would do behind the erasures."""

    keyring: Keyring
    tombstones: Buries
    settle: Callable[[Sequence[_User]], None]


@dataclass(frozen=True, slots=True)
class _Erasing:
    """The rounds of one side."""

    erased: int
    rate: float
    cpu_ms: float


def _sides(store: Store, vault: Vault, at_hand: _AtHand) -> tuple[_Side, _Side]:
    def note(users: Sequence[_User]) -> None:
        digests = [digest_of(sub) for sub, _slot in users]
        note_buried(store, vault.folder, vault.tombstones.take_buried(digests))

    return (
        _Side(vault.keyring, vault.tombstones, note),
        _Side(Keyring(vault.master, at_hand), _NoTombstones(), lambda _users: None),
    )


def _erasing(
    store: Store, sides: tuple[_Side, _Side], users: Sequence[_User], pids: Sequence[int]
) -> list[_Erasing]:
    """What each side can do, in turns: whatever else the machine does meanwhile, it does to both."""
    size = min(ERASED_A_ROUND_MAX, int(len(users) * ERASED_SHARE_MAX) // (2 * (ROUNDS + 1)))
    supply = iter(users)
    rounds: list[list[tuple[float, float]]] = [[], []]
    with ThreadPoolExecutor(THREADS) as threads:
        for number in range(ROUNDS + 1):
            for which in (0, 1) if number % 2 else (1, 0):
                victims = [next(supply) for _one in range(size)]
                rounds[which].append(_round(store, sides[which], victims, threads, pids))
    return [
        _Erasing(
            ROUNDS * size,
            size / median(seconds for seconds, _cpu in counted),
            median(cpu for _seconds, cpu in counted) / size * MS_PER_S,
        )
        for counted in (its_rounds[1:] for its_rounds in rounds)
    ]


def _round(
    store: Store, side: _Side, victims: Sequence[_User], threads: ThreadPoolExecutor, pids: Sequence[int]
) -> tuple[float, float]:
    """Erase these; seconds on the wall, and of processor time."""
    store.attach(side.keyring, side.tombstones)
    supply, now_ms = iter(victims), time.time_ns() // US_PER_S
    began, spent_s = time.perf_counter(), time.process_time() + cpu_s(pids)
    list(threads.map(lambda _thread: _erase_all(store, supply, now_ms), range(THREADS)))
    side.settle(victims)
    return time.perf_counter() - began, time.process_time() + cpu_s(pids) - spent_s


def _erase_all(store: Store, supply: Iterator[_User], now_ms: int) -> None:
    for sub, _slot in supply:
        store.write(partial(_erase, sub, now_ms))


def _erase(sub: str, now_ms: int, tx: Transaction) -> None:
    tx.users.erase(sub, now_ms)


def _opening(store: Store, vault: Vault, pool_id: str) -> tuple[float, float]:
    """Microseconds of processor time that opening a key takes, by slots and with the secrets at hand."""
    pool = store.read(lambda tx: tx.pools.find(pool_id))
    if pool is None:
        raise RuntimeError("the house has lost its pool")
    subs = [sub for sub, _slot in store.read(_everybody)][:KEYS_OPENED]
    wrapped = {sub: vault.keyring.new_key(sub, pool.slot)[1] for sub in subs}
    slots = [pool.slot, *(key.slot for key in wrapped.values())]
    at_hand = Keyring(vault.master, _AtHand({slot: vault.folder.read(slot) for slot in slots}))
    spent: tuple[list[float], list[float]] = ([], [])
    for number in range(OPENING_ROUNDS + 1):
        for which in (0, 1) if number % 2 else (1, 0):
            keyring = (vault.keyring, at_hand)[which]
            began = time.thread_time()
            for sub, key in wrapped.items():
                keyring.open_key(sub, key.wrapped)
            spent[which].append((time.thread_time() - began) / len(wrapped) * US_PER_S)
    return median(spent[0][1:]), median(spent[1][1:])


def _everybody(tx: Transaction) -> list[_User]:
    users: list[_User] = []
    while page := tx.users.list_slots(users[-1][0] if users else "", 10_000):
        users += page
    return users


@contextmanager
def _opened(copy: Copy) -> Iterator[tuple[Store, Vault]]:
    """
    Store and vault of a house without a server, and every thread of theirs on one core, as near as can be to
    the one that the interpreter gives them.

    No housekeeper runs: it would write the tombstones that are left out.
    """
    cores = os.sched_getaffinity(0)
    with ExitStack() as opened:
        os.sched_setaffinity(0, {min(cores)})
        opened.callback(os.sched_setaffinity, 0, cores)
        with ExitStack() as unfinished:
            store = open_store(copy.settings)
            unfinished.callback(store.close)
            vault = open_vault(copy.settings, store, lambda _name: None)
            unfinished.pop_all()  # the store's last commits may owe tombstones: the vault outlives it
        opened.callback(vault.close)
        opened.callback(store.close)
        yield store, vault


def _foreign_s(pids: Sequence[int]) -> float:
    return machine_busy_s() - time.process_time() - cpu_s(pids)
