"""
A client's secrets: AddUserPoolClientSecret, ListUserPoolClientSecrets, DeleteUserPoolClientSecret.
"""

from typing import TYPE_CHECKING

from cenote.domain import clients
from cenote.domain.client_secrets import descriptor, with_secret, without_secret
from cenote.domain.registrations import Client, Pool
from cenote.operations.changing import change_client
from cenote.operations.registered import SECRET_BYTES, client_in_pool, sealed_secret
from cenote.registry import Answer, operation
from cenote.services import Services

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import (
        AddUserPoolClientSecretRequestTypeDef,
        DeleteUserPoolClientSecretRequestTypeDef,
        ListUserPoolClientSecretsRequestTypeDef,
    )


@operation("AddUserPoolClientSecret")
def add_user_pool_client_secret(
    services: Services, request: "AddUserPoolClientSecretRequestTypeDef"
) -> Answer:
    """Give a confidential client a second secret beside the one that it has; both are good from now on."""
    brought = request.get("ClientSecret")
    secret = brought or clients.new_client_secret(services.random_bytes(SECRET_BYTES))
    now_ms = services.now_ms()

    def change(pool: Pool, client: Client) -> Client:
        sealed = sealed_secret(services, pool, client.client_id, secret)
        return with_secret(client, sealed, now_ms=now_ms)

    client = change_client(services, request["UserPoolId"], request["ClientId"], change)
    told = None if brought else secret
    return {"ClientSecretDescriptor": descriptor(client, client.secrets[-1], told)}


@operation("ListUserPoolClientSecrets")
def list_user_pool_client_secrets(
    services: Services, request: "ListUserPoolClientSecretsRequestTypeDef"
) -> Answer:
    """Which secrets a client has, the oldest first, without their values; two need no second page."""
    _pool, client = client_in_pool(services, request["UserPoolId"], request["ClientId"])
    return {"ClientSecrets": [descriptor(client, secret) for secret in client.secrets]}


@operation("DeleteUserPoolClientSecret")
def delete_user_pool_client_secret(
    services: Services, request: "DeleteUserPoolClientSecretRequestTypeDef"
) -> Answer:
    """End one of a client's two secrets: it is good for nothing from now on."""
    change_client(
        services,
        request["UserPoolId"],
        request["ClientId"],
        lambda _pool, client: without_secret(client, request["ClientSecretId"]),
    )
    return {}
