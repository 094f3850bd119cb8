"""
How a pool or a client is changed: held, changed and saved, so that of two changes at once none is lost.
"""

from collections.abc import Callable

from cenote.domain.registrations import Client, Pool
from cenote.errors import ResourceNotFoundException
from cenote.services import Services
from cenote.store.transaction import Transaction


def change_pool(services: Services, pool_id: str, change: Callable[[Pool], Pool]) -> Pool:
    """The pool as the change leaves it; what the change raises leaves everything as it was."""

    def body(tx: Transaction) -> Pool:
        changed = change(held_pool(tx, pool_id))
        tx.pools.save(changed, changed.document["Name"])
        return changed

    return services.store.write(body)


def change_client(
    services: Services, pool_id: str, client_id: str, change: Callable[[Pool, Client], Client]
) -> Client:
    """The client as the change leaves it; its pool is held too, for a client must keep to its pool's plan."""

    def body(tx: Transaction) -> Client:
        pool, client = held_pool(tx, pool_id), tx.clients.hold(pool_id, client_id)
        if client is None:
            raise ResourceNotFoundException(f"User pool client {client_id} does not exist.")
        changed = change(pool, client)
        tx.clients.save(changed, changed.document["ClientName"])
        return changed

    return services.store.write(body)


def held_pool(tx: Transaction, pool_id: str) -> Pool:
    """The pool of this id, as it is and will stay until the transaction ends."""
    pool = tx.pools.hold(pool_id)
    if pool is None:
        raise ResourceNotFoundException(f"User pool {pool_id} does not exist.")
    return pool
