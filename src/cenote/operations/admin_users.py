"""Users in an administrator's hand: shown, changed, erased, shut out, let in, and made to set a password."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from cenote.domain.attribute_changes import ADMIN, checked_deletion, checked_update
from cenote.domain.attributes import to_wire_sub_first
from cenote.domain.codes import Purpose
from cenote.domain.times import wire_time
from cenote.domain.users import Status, User
from cenote.errors import InvalidParameterException, NotAuthorizedException, UserNotFoundException
from cenote.operations.attribute_changes import change_attributes
from cenote.operations.codes import new_promise
from cenote.operations.erasing import erase, set_aside
from cenote.operations.recovery_ways import NO_ADDRESS, NOT_RESETTABLE, recovery_channel
from cenote.operations.registered import pool_of, user_of
from cenote.registry import Answer, operation
from cenote.services import Services
from cenote.store.transaction import Transaction

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import (
        AdminDeleteUserAttributesRequestTypeDef,
        AdminDeleteUserRequestTypeDef,
        AdminDisableUserRequestTypeDef,
        AdminEnableUserRequestTypeDef,
        AdminGetUserRequestTypeDef,
        AdminResetUserPasswordRequestTypeDef,
        AdminUpdateUserAttributesRequestTypeDef,
        AdminUserGlobalSignOutRequestTypeDef,
    )

DISABLED = "User is disabled"
_RESETTABLE = (Status.CONFIRMED, Status.RESET_REQUIRED)


@operation("AdminGetUser")
def admin_get_user(services: Services, request: "AdminGetUserRequestTypeDef") -> Answer:
    """Show a user as they are, whatever a client may read."""
    user = user_of(services, pool_of(services, request["UserPoolId"]), request["Username"])
    return {
        "Enabled": user.enabled,
        "UserAttributes": to_wire_sub_first(user.attributes, user.sub),
        "UserCreateDate": wire_time(user.created_ms),
        "UserLastModifiedDate": wire_time(user.modified_ms),
        "UserStatus": user.status.value,
        "Username": user.username,
    }


@operation("AdminDeleteUser")
def admin_delete_user(services: Services, request: "AdminDeleteUserRequestTypeDef") -> Answer:
    """
    Erase a user on an administrator's word, exactly as they would erase themself.

    In a pool that keeps such users for some days, they are out of sight until then and erased afterwards.
    """
    pool = pool_of(services, request["UserPoolId"])
    user = user_of(services, pool, request["Username"])
    if pool.recovery_days:
        set_aside(services, pool, user.sub)
    else:
        erase(services, user.sub)
    return None


@operation("AdminDisableUser")
def admin_disable_user(services: Services, request: "AdminDisableUserRequestTypeDef") -> Answer:
    """Shut a user out; all their sessions end, for good."""

    def shut_out(tx: Transaction, user: User) -> User:
        tx.sessions.drop_all(user.sub)
        return user.disabled(now_ms=services.now_ms())

    _change(services, request["UserPoolId"], request["Username"], shut_out)
    return {}


@operation("AdminEnableUser")
def admin_enable_user(services: Services, request: "AdminEnableUserRequestTypeDef") -> Answer:
    """Let a user sign in again; what ended with the disabling stays ended."""

    def let_in(_tx: Transaction, user: User) -> User:
        return user.enabled_again(now_ms=services.now_ms())

    _change(services, request["UserPoolId"], request["Username"], let_in)
    return {}


@operation("AdminUserGlobalSignOut")
def admin_user_global_sign_out(services: Services, request: "AdminUserGlobalSignOutRequestTypeDef") -> Answer:
    """End every session of a user; their tokens are refused from now on."""
    user = user_of(services, pool_of(services, request["UserPoolId"]), request["Username"])
    services.store.write(lambda tx: tx.sessions.drop_all(user.sub))
    return {}


@operation("AdminUpdateUserAttributes")
def admin_update_user_attributes(
    services: Services, request: "AdminUpdateUserAttributesRequestTypeDef"
) -> Answer:
    """
    Change a user's attributes on an administrator's word, which may also be that an address is theirs.

    A new address that the pool verifies is sent a code, unless the word was given.
    """
    pool = pool_of(services, request["UserPoolId"])
    user = user_of(services, pool, request["Username"])
    change_attributes(services, pool, user, checked_update(request["UserAttributes"], pool.schema, ADMIN))
    return {}


@operation("AdminDeleteUserAttributes")
def admin_delete_user_attributes(
    services: Services, request: "AdminDeleteUserAttributesRequestTypeDef"
) -> Answer:
    """Delete attributes of a user, and with an address its flag and its use as a name."""
    pool = pool_of(services, request["UserPoolId"])
    user = user_of(services, pool, request["Username"])
    change = checked_deletion(request["UserAttributeNames"], pool.schema, ADMIN)
    change_attributes(services, pool, user, change)
    return {}


@operation("AdminResetUserPassword")
def admin_reset_user_password(services: Services, request: "AdminResetUserPasswordRequestTypeDef") -> Answer:
    """Make a user's password worthless and promise them a code to set a new one with."""
    pool = pool_of(services, request["UserPoolId"])
    user = user_of(services, pool, request["Username"])
    refusal = _reset_refusal(user)
    if refusal is not None:
        raise refusal
    channel = recovery_channel(pool, user)
    if channel is None:
        raise InvalidParameterException(NO_ADDRESS)
    promise = new_promise(services, pool, user, channel, Purpose.FORGOT_PASSWORD)

    def reset(tx: Transaction, held: User) -> User:
        if held.sub != user.sub:
            raise UserNotFoundException
        refusal = _reset_refusal(held)
        if refusal is not None:
            raise refusal
        promise.hold(tx)
        return held.reset_required(now_ms=services.now_ms())

    _change(services, request["UserPoolId"], request["Username"], reset)
    return {}


def _change(
    services: Services, pool_id: str, username: str, change: Callable[[Transaction, User], User]
) -> None:
    """Change the user of this name as they are now, in one transaction."""
    pool = pool_of(services, pool_id)
    name = services.pool_secrets.of(pool).blind(username)

    def body(tx: Transaction) -> None:
        user = tx.users.hold_named(pool, name)
        if user is None:
            raise UserNotFoundException
        tx.users.save(change(tx, user))

    services.store.write(body)


def _reset_refusal(user: User) -> NotAuthorizedException | None:
    if not user.enabled:
        return NotAuthorizedException(DISABLED)
    if user.status not in _RESETTABLE:
        return NotAuthorizedException(NOT_RESETTABLE)
    return None
