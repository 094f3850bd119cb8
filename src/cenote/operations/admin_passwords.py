"""AdminSetUserPassword: a password on an administrator's word, for good or for setting another one."""

from typing import TYPE_CHECKING

from cenote.domain import passwords
from cenote.domain.codes import Purpose
from cenote.domain.pools import password_policy
from cenote.domain.users import Status
from cenote.errors import UserNotFoundException
from cenote.operations.new_passwords import new_verifier, remembered_passwords
from cenote.operations.registered import pool_of, user_of
from cenote.registry import Answer, operation
from cenote.services import Services
from cenote.store.transaction import Transaction

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import AdminSetUserPasswordRequestTypeDef


@operation("AdminSetUserPassword")
def admin_set_user_password(services: Services, request: "AdminSetUserPasswordRequestTypeDef") -> Answer:
    """
    Give a user a password: permanent, which confirms them, or temporary, which they have to replace.

    No session ends by it, no address is verified and nobody is told (captured).
    """
    pool = pool_of(services, request["UserPoolId"])
    user = user_of(services, pool, request["Username"])
    passwords.check(request["Password"], password_policy(pool.document), passwords.ADMIN_PREFIX)
    verifier = new_verifier(services, pool, user, request["Password"])
    remembered, now_ms = remembered_passwords(pool), services.now_ms()

    def body(tx: Transaction) -> None:
        held = tx.users.hold(user.sub)
        if held is None:
            raise UserNotFoundException
        if request.get("Permanent"):
            changed = held.with_password(
                verifier, remembered=remembered, now_ms=now_ms, status=Status.CONFIRMED
            )
        else:
            changed = held.with_temporary_password(verifier, remembered=remembered, now_ms=now_ms)
        tx.users.save(changed)
        tx.codes.drop(user.sub, Purpose.FORGOT_PASSWORD)  # whoever holds one must not undo this

    services.store.write(body)
    return {}
