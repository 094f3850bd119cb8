"""
The database as a command uses it beside running servers, and the orders that a command gives them.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cenote.changeover import open_masters
from cenote.settings import Settings
from cenote.store.beside import SQLiteGuest
from cenote.store.contract import Store, T
from cenote.store.transaction import Transaction
from cenote.vault.master import Master
from cenote.vault.masters import Masters

MARK_BYTES = 16


@contextmanager
def store_beside(settings: Settings) -> Iterator[Store]:
    """The store of these settings, without a vault: what is a person's stays out of reach."""
    store = _store(settings)
    try:
        yield store
    finally:
        store.close()


def masters_beside(settings: Settings, store: Store, *, also: Master | None = None) -> Masters:
    """The master keys that open this store's data; `CenoteError` when the settings name another's."""
    return open_masters(settings, lambda name: store.read(lambda tx: tx.meta.find(name)), also=also)


def give(store: Store, order: Callable[[Transaction], T]) -> T:
    """Change an order, and let every server look again."""
    mark = os.urandom(MARK_BYTES)

    def body(tx: Transaction) -> T:
        tx.orders.renew_mark(mark)
        return order(tx)

    return store.write(body)


def _store(settings: Settings) -> Store:
    if settings.database_url is None:
        return SQLiteGuest(settings.data)
    from cenote.store.postgres import PostgresStore

    return PostgresStore(settings.database_url, connections_max=1)
