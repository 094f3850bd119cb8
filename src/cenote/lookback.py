"""
Looking back: after a rollback or a restore, rows of erased users are there again, and none of them opens.

They are cleared away by the explicit record in their own slot, and get their ledger lines again.  Nothing is
deleted because it merely does not open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from cenote.errors import CenoteError
from cenote.log import logger
from cenote.store.contract import Store
from cenote.store.transaction import Transaction
from cenote.vault.keys import Keyring
from cenote.vault.tombstones import SlotState

SLOTS_PER_PAGE = 2_000

log = logger("cenote.lookback")


@dataclass(frozen=True, slots=True)
class Seen:
    """
    What was found: erased ones whose rows were there, the living, slots that could not be read, and slots
    that hold the tombstone of another, which are an alarm and no reason to delete anything.
    """

    erased_users: int
    erased_pools: int
    living_users: int
    unread: int
    foreign: int = 0


@dataclass(slots=True)
class _Wrong:
    """Slots that say nothing of their owner."""

    unread: int = 0
    foreign: int = 0


def look_back(store: Store, keyring: Keyring, now_ms: int) -> Seen:
    """Clear away the rows of all whose slots say that they are erased."""
    wrong = _Wrong()
    fallen = _erased(keyring, store.read(lambda tx: tx.pools.list_slots()), wrong)
    fell_with_them = 0
    for pool_id, _slot in fallen:
        fell_with_them += store.read(partial(_users_of, pool_id))
        store.write(partial(_erase_pool, pool_id, now_ms))
    erased_users, users, after = 0, 0, ""
    while page := store.read(partial(_slots_behind, after)):
        erased = _erased(keyring, page, wrong)
        if erased:
            store.write(partial(_bury_again, erased, now_ms))
        erased_users, users, after = erased_users + len(erased), users + len(page), page[-1][0]
    if wrong.unread or wrong.foreign:
        log.error("slots that can't be read", count=wrong.unread, foreign=wrong.foreign)
    living = max(0, users - erased_users - fell_with_them)
    return Seen(erased_users + fell_with_them, len(fallen), living, wrong.unread, wrong.foreign)


def _erased(keyring: Keyring, subjects: Sequence[tuple[str, int]], wrong: _Wrong) -> list[tuple[str, int]]:
    """Those whose slots say so; slots that say nothing, since their chunk is missing, are counted."""
    erased = []
    for subject, slot in subjects:
        try:
            state = keyring.state(subject, slot)
        except (CenoteError, OSError):
            wrong.unread += 1
        else:
            wrong.foreign += state is SlotState.FOREIGN
            if state is SlotState.BURIED:
                erased.append((subject, slot))
    return erased


def _users_of(pool_id: str, tx: Transaction) -> int:
    return tx.users.count(pool_id)


def _erase_pool(pool_id: str, now_ms: int, tx: Transaction) -> None:
    tx.pools.erase(pool_id, now_ms)


def _slots_behind(after: str, tx: Transaction) -> list[tuple[str, int]]:
    return tx.users.list_slots(after, SLOTS_PER_PAGE)


def _bury_again(erased: list[tuple[str, int]], now_ms: int, tx: Transaction) -> None:
    for sub, slot in erased:
        tx.users.bury_again(sub, slot, now_ms=now_ms)
