"""
A client's secrets: how one takes the place of another without an outage, and what is told of each.

Leaves out the secrets themselves, which come in sealed, and how a client proves that it holds one
(`clients.py`).  The rules are the reference's; the live service's sentences are unknown.
"""

from dataclasses import replace

from cenote.domain.documents import Document
from cenote.domain.registrations import Client, ClientSecret
from cenote.domain.sealed import Place
from cenote.domain.times import wire_time
from cenote.errors import InvalidParameterException, LimitExceededException, ResourceNotFoundException

SECRETS_PER_CLIENT_MAX = 2


def place_of_secret(client_id: str) -> Place:
    """Where a client's secret is sealed: as its one secret once lay, for a migration opens no envelope."""
    return Place("clients", "secret", client_id)


def with_secret(client: Client, sealed: bytes, *, now_ms: int) -> Client:
    """The client with one more secret, the last; a public client stays public."""
    if not client.secrets:
        raise InvalidParameterException(f"Client {client.client_id} does not have a client secret.")
    if len(client.secrets) >= SECRETS_PER_CLIENT_MAX:
        raise LimitExceededException(
            f"Client secrets cannot exceed limit of {SECRETS_PER_CLIENT_MAX} secrets."
        )
    # An id tells the time, and no two secrets have one id.
    created_ms = max(now_ms, client.secrets[-1].created_ms + 1)
    return replace(client, secrets=(*client.secrets, ClientSecret(created_ms, sealed)))


def without_secret(client: Client, secret_id: str) -> Client:
    """The client without one of its secrets; the last one stays."""
    left = tuple(one for one in client.secrets if secret_id_of(client, one) != secret_id)
    if len(left) == len(client.secrets):
        raise ResourceNotFoundException("Client secret does not exist")
    if not left:
        raise InvalidParameterException("The last client secret cannot be deleted.")
    return replace(client, secrets=left)


def secret_id_of(client: Client, secret: ClientSecret) -> str:
    """The name of a secret, in the form that the reference gives: the client's and the time of its making."""
    return f"{client.client_id}--{secret.created_ms}"


def descriptor(client: Client, secret: ClientSecret, value: str | None = None) -> Document:
    """What is told of a secret; its value once, when the service has made it."""
    told = {
        "ClientSecretId": secret_id_of(client, secret),
        "ClientSecretCreateDate": wire_time(secret.created_ms),
    }
    return told if value is None else told | {"ClientSecretValue": value}
