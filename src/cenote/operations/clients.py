"""App clients: CreateUserPoolClient, DescribeUserPoolClient, ListUserPoolClients, DeleteUserPoolClient."""

from typing import TYPE_CHECKING

from cenote.domain import clients
from cenote.domain.registrations import Client
from cenote.operations.paging import page_after, page_token
from cenote.operations.registered import client_in_pool, pool_of, secret_of, secret_place
from cenote.registry import Answer, operation
from cenote.services import Services

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import (
        CreateUserPoolClientRequestTypeDef,
        DeleteUserPoolClientRequestTypeDef,
        DescribeUserPoolClientRequestTypeDef,
        ListUserPoolClientsRequestTypeDef,
    )

CLIENT_ID_BYTES = 16
SECRET_BYTES = 32
CLIENTS_LISTED_MAX = 60


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
        secret=None if secret is None else _sealed(services, client_id, secret),
        document=document,
        created_ms=now_ms,
        modified_ms=now_ms,
    )
    services.store.write(lambda tx: tx.clients.add(client, request["ClientName"]))
    return {"UserPoolClient": _described(client, secret)}


@operation("DescribeUserPoolClient")
def describe_user_pool_client(services: Services, request: "DescribeUserPoolClientRequestTypeDef") -> Answer:
    """Show a client as it is, its secret included."""
    _pool, client = client_in_pool(services, request["UserPoolId"], request["ClientId"])
    return {"UserPoolClient": _described(client, secret_of(services, client))}


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


@operation("DeleteUserPoolClient")
def delete_user_pool_client(services: Services, request: "DeleteUserPoolClientRequestTypeDef") -> Answer:
    """End a client; whoever holds its tokens is told that it does not exist."""
    pool = pool_of(services, request["UserPoolId"])
    services.store.write(lambda tx: tx.clients.drop(pool.pool_id, request["ClientId"]))
    return None


def _described(client: Client, secret: str | None) -> dict[str, object]:
    return clients.described(
        client.document, created_ms=client.created_ms, modified_ms=client.modified_ms, secret=secret
    )


def _sealed(services: Services, client_id: str, secret: str) -> bytes:
    return services.master.sealing_key(client_id).seal(secret_place(client_id), secret.encode())
