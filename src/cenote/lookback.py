"""
Looking back: after a rollback or a restore, rows of erased users are there again, and none of them opens.

They are cleared away by the explicit record in their own slot, and get their ledger lines again.  Nothing is
deleted because it merely does not open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from cenote.errors import CenoteError
from cenote.store.contract import Store
from cenote.store.transaction import Transaction
from cenote.vault.keys import Keyring

SLOTS_PER_PAGE = 2_000

log = structlog.get_logger("cenote.lookback")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found: erased ones whose rows were there, the living, and slots that could not be read."""

    erased_users: int
    erased_pools: int
    living_users: int
    unread: int


def look_back(store: Store, keyring: Keyring, now_ms: int) -> Seen:
    """Clear away the rows of all whose slots say that they are erased."""
    fallen, unread = _erased(keyring, store.read(lambda tx: tx.pools.list_slots()))
    fell_with_them = 0
    for pool_id, _slot in fallen:
        fell_with_them += store.read(partial(_users_of, pool_id))
        store.write(partial(_erase_pool, pool_id, now_ms))
    erased_users, users, after = 0, 0, ""
    while page := store.read(partial(_slots_behind, after)):
        erased, its_unread = _erased(keyring, page)
        if erased:
            store.write(partial(_bury_again, erased, now_ms))
        erased_users, users, after = erased_users + len(erased), users + len(page), page[-1][0]
        unread += its_unread
    if unread:
        log.error("slots that can't be read", count=unread)
    living = max(0, users - erased_users - fell_with_them)
    return Seen(erased_users + fell_with_them, len(fallen), living, unread)


def _erased(keyring: Keyring, subjects: Sequence[tuple[str, int]]) -> tuple[list[tuple[str, int]], int]:
    """Those whose slots say so, and how many slots say nothing, since their chunk is missing."""
    erased, unread = [], 0
    for subject, slot in subjects:
        try:
            if keyring.is_erased(subject, slot):
                erased.append((subject, slot))
        except (CenoteError, OSError):
            unread += 1
    return erased, unread


def _users_of(pool_id: str, tx: Transaction) -> int:
    return tx.users.count(pool_id)


def _erase_pool(pool_id: str, now_ms: int, tx: Transaction) -> None:
    tx.pools.erase(pool_id, now_ms)


def _slots_behind(after: str, tx: Transaction) -> list[tuple[str, int]]:
    return tx.users.list_slots(after, SLOTS_PER_PAGE)


def _bury_again(erased: list[tuple[str, int]], now_ms: int, tx: Transaction) -> None:
    for sub, slot in erased:
        tx.users.bury_again(sub, slot, now_ms=now_ms)
