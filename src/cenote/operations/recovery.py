"""New passwords in users' own hands: ForgotPassword, ConfirmForgotPassword, ChangePassword."""

from typing import TYPE_CHECKING

from cenote.domain import passwords, pools
from cenote.domain.clients import hides_user_existence
from cenote.domain.codes import Code, Purpose
from cenote.domain.limits import Limit, Subject
from cenote.domain.registrations import Client, Pool
from cenote.domain.users import Status, User
from cenote.errors import (
    CodeMismatchException,
    CognitoError,
    ExpiredCodeException,
    InvalidParameterException,
    NotAuthorizedException,
    UserNotFoundException,
)
from cenote.operations.attempts import attempt, require_attempt, subject_of
from cenote.operations.callers import caller
from cenote.operations.codes import hold_limited, known_code, new_promise
from cenote.operations.new_passwords import knows_password, new_verifier, remembered_passwords
from cenote.operations.recovery_ways import (
    NO_ADDRESS,
    NOT_RESETTABLE,
    recovery_addresses,
    recovery_channel,
)
from cenote.operations.registered import check_hash, client_of
from cenote.operations.seeming import Hidden, promise_nothing
from cenote.registry import Answer, operation
from cenote.services import Services
from cenote.store.transaction import Transaction

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import (
        ChangePasswordRequestTypeDef,
        ConfirmForgotPasswordRequestTypeDef,
        ForgotPasswordRequestTypeDef,
    )

NO_SUCH_USER = "Username/client id combination not found."
DISABLED = "User is disabled."
_NEVER_RESETTABLE = (Status.FORCE_CHANGE_PASSWORD, Status.EXTERNAL_PROVIDER)


@operation("ForgotPassword")
def forgot_password(services: Services, request: "ForgotPasswordRequestTypeDef") -> Answer:
    """
    Promise a code, for a new password, to somebody who has forgotten theirs, at an address that they proved.

    A client that hides who exists is answered alike for a user who is unknown, disabled or without such an
    address, and as often.
    """
    pool, client = client_of(services, request["ClientId"])
    username = request["Username"]
    check_hash(services, client, username, request.get("SecretHash"))
    addresses = recovery_addresses(pool)
    name = services.pool_secrets.of(pool).blind(username)
    user = services.store.read(lambda tx: tx.users.find_named(pool, name))
    channel = None if user is None or not user.enabled else recovery_channel(pool, user)
    if channel is None and hides_user_existence(client.document):
        hidden, purpose = Hidden(username, user), Purpose.FORGOT_PASSWORD
        seeming = promise_nothing(services, pool, hidden, purpose, addresses[0])
        return {"CodeDeliveryDetails": seeming.details()}
    if user is None:
        raise UserNotFoundException(NO_SUCH_USER)
    if not user.enabled:
        raise NotAuthorizedException(DISABLED)
    if user.status in _NEVER_RESETTABLE:
        raise NotAuthorizedException(NOT_RESETTABLE)
    if channel is None:
        raise InvalidParameterException(NO_ADDRESS)
    promise = new_promise(services, pool, user, channel, Purpose.FORGOT_PASSWORD)
    hold_limited(services, promise)
    return {"CodeDeliveryDetails": channel.details()}


@operation("ConfirmForgotPassword")
def confirm_forgot_password(services: Services, request: "ConfirmForgotPasswordRequestTypeDef") -> Answer:
    """
    Set a new password with the code that was sent, and confirm the user.  Of two callers with one code, one
    succeeds.

    A password that is refused uses no code up; one of the user's former ones is refused only to who knows it.
    """
    pool, client = client_of(services, request["ClientId"])
    check_hash(services, client, request["Username"], request.get("SecretHash"))
    password = request["Password"]
    passwords.check(password, pools.password_policy(pool.document), passwords.USER_PREFIX)
    user, code = _who_knows_the_code(services, pool, client, request)
    verifier, remembered = new_verifier(services, pool, user, password), remembered_passwords(pool)

    def body(tx: Transaction) -> None:
        held = tx.users.hold(user.sub)
        if held is None:
            raise UserNotFoundException(NO_SUCH_USER)
        if tx.codes.take(user.sub, Purpose.FORGOT_PASSWORD, code.digest) is None:
            raise ExpiredCodeException
        changed = held.with_password(
            verifier, remembered=remembered, status=Status.CONFIRMED, now_ms=services.now_ms()
        )
        tx.users.save(changed)

    services.store.write(body)
    return {}


@operation("ChangePassword")
def change_password(services: Services, request: "ChangePasswordRequestTypeDef") -> Answer:
    """
    Give the signed-in user, who knows their present password, another one; no session ends.

    Of two who change it at the same moment, one does.
    """
    asking = caller(services, request["AccessToken"])
    user, pool = asking.user, asking.pool
    require_attempt(services, Subject(user.sub), Limit.CHANGE_PASSWORD)
    if not _knows_previous(services, user, request.get("PreviousPassword")):
        raise NotAuthorizedException
    proposed = request["ProposedPassword"]
    passwords.check(proposed, pools.password_policy(pool.document), passwords.USER_PREFIX)
    verifier, remembered = new_verifier(services, pool, user, proposed), remembered_passwords(pool)

    def body(tx: Transaction) -> None:
        held = tx.users.hold(user.sub)
        if held is None:
            raise UserNotFoundException
        if held.password != user.password:
            raise NotAuthorizedException
        is_temporary = held.status is Status.FORCE_CHANGE_PASSWORD
        status = Status.CONFIRMED if is_temporary else held.status
        changed = held.with_password(verifier, remembered=remembered, status=status, now_ms=services.now_ms())
        tx.users.save(changed)

    services.store.write(body)
    return {}


def _who_knows_the_code(
    services: Services, pool: Pool, client: Client, request: "ConfirmForgotPasswordRequestTypeDef"
) -> tuple[User, Code]:
    """The user whose code this is, and the code, which is not used up yet; the guess is counted."""
    username = request["Username"]
    name = services.pool_secrets.of(pool).blind(username)

    def body(tx: Transaction) -> tuple[User, Code] | CognitoError:
        user = tx.users.hold_named(pool, name)
        if user is None or not user.enabled:
            if not hides_user_existence(client.document):
                return _no_such_user() if user is None else NotAuthorizedException(DISABLED)
            return _guessed_for_nobody(services, tx, pool, Hidden(username, user))
        code = known_code(services, tx, user, Purpose.FORGOT_PASSWORD, request["ConfirmationCode"])
        return (user, code) if isinstance(code, Code) else code

    known = services.store.write(body)
    if isinstance(known, CognitoError):
        raise known
    return known


def _guessed_for_nobody(services: Services, tx: Transaction, pool: Pool, hidden: Hidden) -> CognitoError:
    """What a guess at the code of somebody who must not be seen is told, at the price of a real one."""
    subject, nobody = (subject_of(services, pool, user, hidden.username) for user in (hidden.user, None))
    if hidden.user is None:
        services.stand_ins.open(pool)
    refusal = attempt(services, tx, subject, Limit.RECOVERY)
    tx.codes.find(nobody.subject_id, Purpose.FORGOT_PASSWORD)
    return refusal or CodeMismatchException()


def _knows_previous(services: Services, user: User, given: str | None) -> bool:
    """Whether this is the user's present password; who has none need not say any."""
    if user.password is None or given is None:
        return user.password is None and given is None
    return knows_password(services, user, user.password, given)


def _no_such_user() -> UserNotFoundException:
    return UserNotFoundException(NO_SUCH_USER)
