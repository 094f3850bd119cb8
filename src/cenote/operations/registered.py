"""
The pool, the client and the user that a request names, or the refusal that says which of them is not there.
"""

from cenote.domain.clients import check_secret_hash
from cenote.domain.registrations import Client, Pool
from cenote.domain.sealed import Place
from cenote.errors import ResourceNotFoundException
from cenote.services import Services


def pool_of(services: Services, pool_id: str) -> Pool:
    """The pool of this id."""
    pool = services.store.read(lambda tx: tx.pools.find(pool_id))
    if pool is None:
        raise ResourceNotFoundException(f"User pool {pool_id} does not exist.")
    return pool


def client_of(services: Services, client_id: str) -> tuple[Pool, Client]:
    """The client of this id, with its pool."""
    found = services.store.read(lambda tx: tx.clients.find(client_id))
    if found is None:
        raise ResourceNotFoundException(f"User pool client {client_id} does not exist.")
    return found


def client_in_pool(services: Services, pool_id: str, client_id: str) -> tuple[Pool, Client]:
    """The client of this id, which must be in the pool that the request names."""
    pool = pool_of(services, pool_id)
    found = services.store.read(lambda tx: tx.clients.find(client_id))
    if found is None or found[1].pool_id != pool_id:
        raise ResourceNotFoundException(f"User pool client {client_id} does not exist.")
    return pool, found[1]


def secret_of(services: Services, client: Client) -> str | None:
    """The client's secret, opened; None for a public client."""
    if client.secret is None:
        return None
    key = services.master.sealing_key(client.client_id)
    return key.open(secret_place(client.client_id), client.secret).decode()


def secret_place(client_id: str) -> Place:
    """Where a client's secret lies sealed."""
    return Place("clients", "secret", client_id)


def check_hash(services: Services, client: Client, username: str, given: str | None) -> None:
    """Refuse a call that does not prove its client's secret for this user name."""
    check_secret_hash(client.client_id, secret_of(services, client), username, given)
