"""A signed-in user and their own profile: GetUser, GlobalSignOut, DeleteUser."""

from typing import TYPE_CHECKING

from cenote.domain.attributes import to_wire
from cenote.domain.clients import readable_attributes
from cenote.operations.callers import caller
from cenote.operations.erasing import erase
from cenote.registry import Answer, operation
from cenote.services import Services

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import (
        DeleteUserRequestTypeDef,
        GetUserRequestTypeDef,
        GlobalSignOutRequestTypeDef,
    )


@operation("DeleteUser")
def delete_user(services: Services, request: "DeleteUserRequestTypeDef") -> Answer:
    """
    Erase the signed-in user, for good.

    Only the token decides who that is.  Of any number of callers one succeeds; the others are told that the
    user does not exist.
    """
    asking = caller(services, request["AccessToken"])
    erase(services, asking.user.sub)
    return None


@operation("GetUser")
def get_user(services: Services, request: "GetUserRequestTypeDef") -> Answer:
    """Show the signed-in user what the client may read of them, by its present settings."""
    asking = caller(services, request["AccessToken"])
    readable = readable_attributes(asking.client.document, asking.pool.schema)
    return {
        "UserAttributes": to_wire(asking.user.attributes, asking.user.sub, readable),
        "Username": asking.user.username,
    }


@operation("GlobalSignOut")
def global_sign_out(services: Services, request: "GlobalSignOutRequestTypeDef") -> Answer:
    """End every session of the signed-in user; their tokens are refused from now on."""
    asking = caller(services, request["AccessToken"])
    services.store.write(lambda tx: tx.sessions.drop_all(asking.user.sub))
    return {}
