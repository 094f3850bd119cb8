"""
App clients: CreateUserPoolClient, DescribeUserPoolClient, ListUserPoolClients, UpdateUserPoolClient,
DeleteUserPoolClient.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from cenote.domain import clients
from cenote.domain.registrations import Client, ClientSecret, Pool
from cenote.errors import LimitExceededException
from cenote.operations.changing import change_client, held_pool
from cenote.operations.paging import page_after, page_token
from cenote.operations.registered import SECRET_BYTES, client_in_pool, pool_of, sealed_secret, secrets_of
from cenote.registry import Answer, operation
from cenote.services import Services
from cenote.store.transaction import Transaction

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import (
        CreateUserPoolClientRequestTypeDef,
        DeleteUserPoolClientRequestTypeDef,
        DescribeUserPoolClientRequestTypeDef,
        ListUserPoolClientsRequestTypeDef,
        UpdateUserPoolClientRequestTypeDef,
    )

CLIENT_ID_BYTES = 16
CLIENTS_LISTED_MAX = 60
CLIENTS_PER_POOL_MAX = 1_000


@operation("CreateUserPoolClient")
def create_user_pool_client(services: Services, request: "CreateUserPoolClientRequestTypeDef") -> Answer:
    """Make a client, with a secret if one is asked for or brought along."""
    pool = pool_of(services, request["UserPoolId"])
    client_id = clients.new_client_id(services.random_bytes(CLIENT_ID_BYTES))
    document = clients.new_document(
        request, client_id=client_id, pool_schema=pool.schema, pool_tier=pool.document["UserPoolTier"]
    )
    secret = request.get("ClientSecret") or None
    if secret is None and request.get("GenerateSecret"):
        secret = clients.new_client_secret(services.random_bytes(SECRET_BYTES))
    now_ms = services.now_ms()
    client = Client(
        client_id=client_id,
        pool_id=pool.pool_id,
        document=document,
        created_ms=now_ms,
        modified_ms=now_ms,
    )

    def body(tx: Transaction) -> Client:
        held = _room_in(tx, pool.pool_id)
        sealed = () if secret is None else (sealed_secret(services, held, client_id, secret),)
        added = replace(client, secrets=tuple(ClientSecret(now_ms, one) for one in sealed))
        tx.clients.add(added, added.document["ClientName"])
        return added

    return {"UserPoolClient": _described(services, services.store.write(body))}


@operation("DescribeUserPoolClient")
def describe_user_pool_client(services: Services, request: "DescribeUserPoolClientRequestTypeDef") -> Answer:
    """Show a client as it is, its secret included."""
    _pool, client = client_in_pool(services, request["UserPoolId"], request["ClientId"])
    return {"UserPoolClient": _described(services, client)}


@operation("ListUserPoolClients")
def list_user_pool_clients(services: Services, request: "ListUserPoolClientsRequestTypeDef") -> Answer:
    """A page of a pool's clients in the order of their ids."""
    pool = pool_of(services, request["UserPoolId"])
    limit, listing = request.get("MaxResults") or CLIENTS_LISTED_MAX, f"ListUserPoolClients|{pool.pool_id}"
    after = page_after(services, listing, request.get("NextToken"))
    found = services.store.read(lambda tx: tx.clients.list_page(pool.pool_id, after, limit + 1))
    page = found[:limit]
    answer: dict[str, object] = {"UserPoolClients": [clients.summary(client.document) for client in page]}
    if len(found) > limit:
        answer["NextToken"] = page_token(services, listing, page[-1].client_id)
    return answer


@operation("UpdateUserPoolClient")
def update_user_pool_client(services: Services, request: "UpdateUserPoolClientRequestTypeDef") -> Answer:
    """Configure a client anew; its id and its secrets are not part of that."""
    now_ms = services.now_ms()

    def change(pool: Pool, client: Client) -> Client:
        document = clients.updated(
            client.document,
            request,
            has_secret=bool(client.secrets),
            pool_schema=pool.schema,
            pool_tier=pool.document["UserPoolTier"],
        )
        return client.changed(document, modified_ms=now_ms)

    client = change_client(services, request["UserPoolId"], request["ClientId"], change)
    return {"UserPoolClient": _described(services, client)}


@operation("DeleteUserPoolClient")
def delete_user_pool_client(services: Services, request: "DeleteUserPoolClientRequestTypeDef") -> Answer:
    """End a client; whoever holds its tokens is told that it does not exist."""
    pool = pool_of(services, request["UserPoolId"])
    services.store.write(lambda tx: tx.clients.drop(pool.pool_id, request["ClientId"]))
    return None


def _room_in(tx: Transaction, pool_id: str) -> Pool:
    """The pool of a new client, unless it has its number; it is held, so that two at once are counted."""
    pool = held_pool(tx, pool_id)
    if tx.clients.count(pool_id) >= CLIENTS_PER_POOL_MAX:
        # The limit is the guide's; the live service's sentence is unknown.
        raise LimitExceededException(f"A user pool can have at most {CLIENTS_PER_POOL_MAX} app clients.")
    return pool


def _described(services: Services, client: Client) -> dict[str, object]:
    """The client as it is shown, with the older of two secrets: it is the one that everybody knows by now."""
    secret = next(iter(secrets_of(services, client)), None)
    return clients.described(
        client.document, created_ms=client.created_ms, modified_ms=client.modified_ms, secret=secret
    )
