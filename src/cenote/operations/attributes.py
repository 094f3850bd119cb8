"""
A signed-in user and their attributes: changed, deleted, and their addresses proved.

UpdateUserAttributes, DeleteUserAttributes, GetUserAttributeVerificationCode, VerifyUserAttribute.  Leaves out
what follows from a change (`attribute_changes.py`).
"""

from typing import TYPE_CHECKING

from cenote.domain.attribute_changes import ADDRESSES, Writer, checked_deletion, checked_update
from cenote.domain.callers import Caller
from cenote.domain.clients import writable_attributes
from cenote.domain.codes import Code, verification_of
from cenote.errors import CognitoError, InvalidParameterException, UserNotFoundException
from cenote.operations.attribute_changes import change_attributes, save_proven
from cenote.operations.callers import caller
from cenote.operations.codes import Channel, given_code, hold_limited, new_promise
from cenote.registry import Answer, operation
from cenote.services import Services
from cenote.store.transaction import Transaction

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import (
        DeleteUserAttributesRequestTypeDef,
        GetUserAttributeVerificationCodeRequestTypeDef,
        UpdateUserAttributesRequestTypeDef,
        VerifyUserAttributeRequestTypeDef,
    )

NOT_VERIFIABLE = "Invalid attribute name. Only phone_number and email can be verified."
NO_VALUE = "User does not have a value for the attribute {}."


@operation("UpdateUserAttributes")
def update_user_attributes(services: Services, request: "UpdateUserAttributesRequestTypeDef") -> Answer:
    """
    Change the signed-in user's attributes, all or none, as far as the client may write them now.

    A new address that the pool verifies is sent a code; one that it wants proved first waits for that.
    """
    asking = caller(services, request["AccessToken"])
    change = checked_update(request["UserAttributes"], asking.pool.schema, _writer(asking))
    channels = change_attributes(services, asking.pool, asking.user, change)
    return {"CodeDeliveryDetailsList": [one.details() for one in channels]} if channels else {}


@operation("DeleteUserAttributes")
def delete_user_attributes(services: Services, request: "DeleteUserAttributesRequestTypeDef") -> Answer:
    """Delete attributes of the signed-in user's, and with an address its flag and its use as a name."""
    asking = caller(services, request["AccessToken"])
    change = checked_deletion(request["UserAttributeNames"], asking.pool.schema, _writer(asking))
    change_attributes(services, asking.pool, asking.user, change)
    return {}


@operation("GetUserAttributeVerificationCode")
def get_user_attribute_verification_code(
    services: Services, request: "GetUserAttributeVerificationCodeRequestTypeDef"
) -> Answer:
    """Promise the signed-in user a code at the address that is to be proved: one that waits comes first."""
    asking = caller(services, request["AccessToken"])
    attribute = _verifiable(request["AttributeName"])
    address = asking.user.address_to_prove(attribute)
    if address is None:
        raise InvalidParameterException(NO_VALUE.format(attribute))
    channel = Channel(attribute, address)
    promise = new_promise(services, asking.pool, asking.user, channel, verification_of(attribute))
    hold_limited(services, promise)
    return {"CodeDeliveryDetails": channel.details()}


@operation("VerifyUserAttribute")
def verify_user_attribute(services: Services, request: "VerifyUserAttributeRequestTypeDef") -> Answer:
    """
    Mark an address as the signed-in user's, who knows the code that was sent there; one that waited for its
    proof takes the old one's place.  A code by which another user's alias would be taken is not used up.
    """
    asking = caller(services, request["AccessToken"])
    attribute = _verifiable(request["AttributeName"])

    def body(tx: Transaction) -> CognitoError | None:
        user = tx.users.hold(asking.user.sub)
        if user is None:
            return UserNotFoundException()
        code = given_code(services, tx, user, verification_of(attribute), request["Code"])
        if not isinstance(code, Code):
            return code
        save_proven(services, tx, asking.pool, user, attribute)
        return None

    refusal = services.store.write(body)
    if refusal is not None:
        raise refusal
    return {}


def _writer(asking: Caller) -> Writer:
    return Writer(writable_attributes(asking.client.document, asking.pool.schema))


def _verifiable(attribute: str) -> str:
    if attribute not in ADDRESSES:
        raise InvalidParameterException(NOT_VERIFIABLE)
    return attribute
