"""
The pool, the client and the user that a request names, or the refusal that says which of them is not there.
"""

from cenote.domain.client_secrets import place_of_secret
from cenote.domain.clients import check_secret_hash
from cenote.domain.registrations import Client, Pool
from cenote.domain.users import User
from cenote.errors import ResourceNotFoundException, UserNotFoundException
from cenote.services import Services

SECRET_BYTES = 32


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


def user_of(services: Services, pool: Pool, username: str) -> User:
    """The user of the pool who is found by this name; to show, or to bind a change to their `sub`."""
    name = services.pool_secrets.of(pool).blind(username)
    user = services.store.read(lambda tx: tx.users.find_named(pool, name))
    if user is None:
        raise UserNotFoundException
    return user


def secrets_of(services: Services, client: Client) -> list[str]:
    """The client's live secrets, opened, the oldest first; none for a public client."""
    if not client.secrets:
        return []
    key, place = services.master.sealing_key(client.client_id), place_of_secret(client.client_id)
    return [key.open(place, secret.sealed).decode() for secret in client.secrets]


def sealed_secret(services: Services, pool: Pool, client_id: str, secret: str) -> bytes:
    """
    A client's secret as the store keeps it: closed as the key of its pool is, which must be held meanwhile.
    """
    key = services.master.sealing_key(client_id, pool.wrapped)
    return key.seal(place_of_secret(client_id), secret.encode())


def check_hash(services: Services, client: Client, username: str, given: str | None) -> None:
    """Refuse a call that does not prove a secret of its client's for this user name."""
    check_secret_hash(client.client_id, secrets_of(services, client), username, given)
