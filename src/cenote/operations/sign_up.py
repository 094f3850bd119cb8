"""Sign-up: SignUp, ConfirmSignUp, ResendConfirmationCode, AdminConfirmSignUp."""

from dataclasses import replace
from typing import TYPE_CHECKING

from cenote.domain import attributes, names, passwords, pools
from cenote.domain.clients import hides_user_existence, writable_attributes
from cenote.domain.codes import Code, Purpose
from cenote.domain.limits import Limit
from cenote.domain.registrations import Client, Pool
from cenote.domain.srp import SALT_BYTES, Verifier, verifier_of
from cenote.domain.users import Status, User
from cenote.errors import (
    CognitoError,
    ExpiredCodeException,
    InvalidParameterException,
    NotAuthorizedException,
    UsernameExistsException,
    UserNotFoundException,
)
from cenote.operations.attempts import attempt, subject_of
from cenote.operations.attribute_changes import save_changed
from cenote.operations.codes import Channel, given_code, hold_limited, new_promise
from cenote.operations.newcomers import newcomer
from cenote.operations.registered import check_hash, client_of, pool_of
from cenote.operations.seeming import Hidden, promise_nothing
from cenote.registry import Answer, operation
from cenote.services import Services
from cenote.store.transaction import Transaction

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import (
        AdminConfirmSignUpRequestTypeDef,
        ConfirmSignUpRequestTypeDef,
        ResendConfirmationCodeRequestTypeDef,
        SignUpRequestTypeDef,
    )

CLOSED = "SignUp is not permitted for this user pool"
NO_SUCH_USER = "Username/client id combination not found."
ALREADY_CONFIRMED = "User is already confirmed."
NO_AUTO_VERIFICATION = "Cannot resend codes. Auto verification not turned on."


@operation("SignUp")
def sign_up(services: Services, request: "SignUpRequestTypeDef") -> Answer:
    """
    Create an unconfirmed user and promise them a code, if the pool verifies an address that they gave.

    The unique name, not the earlier look, decides between two sign-ups; the look only spares the power.
    """
    pool, client = client_of(services, request["ClientId"])
    username = request["Username"]
    check_hash(services, client, username, request.get("SecretHash"))
    if not pools.is_self_sign_up_open(pool.document):
        raise NotAuthorizedException(CLOSED)
    names.check_username(username, pool.document)
    name = services.pool_secrets.of(pool).blind(username)
    if services.store.read(lambda tx: tx.users.find_named(pool, name)) is not None:
        raise UsernameExistsException
    given = _attributes(pool, client, request)
    passwords.check(
        request.get("Password") or "", pools.password_policy(pool.document), passwords.USER_PREFIX
    )
    user = _new_user(services, pool, username, given)
    user = replace(user, password=_verifier(services, user, request.get("Password") or ""))
    new = newcomer(services, pool, user)
    channel = _channel(pool, user)
    promise = None
    if channel is not None:
        promise = new_promise(services, pool, user, channel, Purpose.SIGN_UP)

    def body(tx: Transaction) -> None:
        new.hold(tx)
        if promise is not None:
            promise.hold(tx)

    services.store.write(body)
    answer: dict[str, object] = {"UserConfirmed": False, "UserSub": user.sub}
    if channel is not None:
        answer["CodeDeliveryDetails"] = channel.details()
    return answer


@operation("ConfirmSignUp")
def confirm_sign_up(services: Services, request: "ConfirmSignUpRequestTypeDef") -> Answer:
    """
    Confirm a user who knows the code.  Of two callers with one code, one is confirmed.

    The attribute that carried the code is verified with it, and becomes a sign-in alias where the pool says.
    """
    pool, client = client_of(services, request["ClientId"])
    check_hash(services, client, request["Username"], request.get("SecretHash"))
    name = services.pool_secrets.of(pool).blind(request["Username"])
    force = bool(request.get("ForceAliasCreation"))

    def body(tx: Transaction) -> CognitoError | None:
        user = tx.users.hold_named(pool, name)
        if user is None and hides_user_existence(client.document):
            nobody = subject_of(services, pool, None, request["Username"])
            return attempt(services, tx, nobody, Limit.CONFIRM_SIGN_UP) or ExpiredCodeException()
        if user is None:
            return _no_such_user()
        confirmed = user.confirmed(now_ms=services.now_ms())
        code = given_code(services, tx, user, Purpose.SIGN_UP, request["ConfirmationCode"])
        if not isinstance(code, Code):
            return code
        proven = confirmed.verified(code.attribute)
        save_changed(services, tx, pool, (user, proven), force=force)
        return None

    refusal = services.store.write(body)
    if refusal is not None:
        raise refusal
    return {}


@operation("ResendConfirmationCode")
def resend_confirmation_code(services: Services, request: "ResendConfirmationCodeRequestTypeDef") -> Answer:
    """Promise an unconfirmed user a new code; the old one is worth nothing from now on."""
    pool, client = client_of(services, request["ClientId"])
    check_hash(services, client, request["Username"], request.get("SecretHash"))
    name = services.pool_secrets.of(pool).blind(request["Username"])
    user = services.store.read(lambda tx: tx.users.find_named(pool, name))
    verifies = sorted(pools.auto_verified_attributes(pool.document))
    if not verifies:
        raise NotAuthorizedException(NO_AUTO_VERIFICATION)
    if (user is None or not user.enabled) and hides_user_existence(client.document):
        hidden = Hidden(request["Username"], user)
        seeming = promise_nothing(services, pool, hidden, Purpose.SIGN_UP, verifies[0])
        return {"CodeDeliveryDetails": seeming.details()}
    if user is None:
        raise _no_such_user()
    if user.status is not Status.UNCONFIRMED:
        raise InvalidParameterException(ALREADY_CONFIRMED)
    channel = _channel(pool, user)
    if channel is None:
        raise NotAuthorizedException(NO_AUTO_VERIFICATION)
    promise = new_promise(services, pool, user, channel, Purpose.SIGN_UP)
    hold_limited(services, promise)
    return {"CodeDeliveryDetails": channel.details()}


@operation("AdminConfirmSignUp")
def admin_confirm_sign_up(services: Services, request: "AdminConfirmSignUpRequestTypeDef") -> Answer:
    """Confirm a user on an administrator's word; no address is verified by it."""
    pool = pool_of(services, request["UserPoolId"])
    name = services.pool_secrets.of(pool).blind(request["Username"])

    def body(tx: Transaction) -> None:
        user = tx.users.hold_named(pool, name)
        if user is None:
            raise UserNotFoundException
        tx.users.save(user.confirmed(now_ms=services.now_ms()))

    services.store.write(body)
    return {}


def _attributes(pool: Pool, client: Client, request: "SignUpRequestTypeDef") -> dict[str, str]:
    """The attributes of a sign-up, the address that serves as the name among them."""
    given = attributes.from_wire(request.get("UserAttributes") or [])
    schema = pool.schema
    named = names.attribute_of_username(request["Username"], pool.document)
    if named is not None:
        given[named] = request["Username"]
    names.check_preferred_username(given, pool.document)
    attributes.check_sign_up(given, schema, writable_attributes(client.document, schema))
    return given


def _new_user(services: Services, pool: Pool, username: str, given: dict[str, str]) -> User:
    sub, now_ms = services.new_id(), services.now_ms()
    real = sub if pools.username_attributes(pool.document) else username
    for address in ("email", "phone_number"):
        if address in given:
            given = {**given, f"{address}_verified": "false"}
    return User(
        sub=sub,
        pool_id=pool.pool_id,
        username=names.fold(real, pools.is_case_sensitive(pool.document)),
        status=Status.UNCONFIRMED,
        attributes=given,
        password=None,
        created_ms=now_ms,
        modified_ms=now_ms,
    )


def _verifier(services: Services, user: User, password: str) -> Verifier:
    salt = services.random_bytes(SALT_BYTES)
    return verifier_of(user.pool_id, user.username, password, salt, services.blindings.take())


def _channel(pool: Pool, user: User) -> Channel | None:
    """Where a sign-up code goes: of the attributes that the pool verifies, phone before e-mail."""
    verifies = pools.auto_verified_attributes(pool.document)
    for attribute in ("phone_number", "email"):
        if attribute in verifies and attribute in user.attributes:
            return Channel(attribute, user.attributes[attribute])
    return None


def _no_such_user() -> UserNotFoundException:
    return UserNotFoundException(NO_SUCH_USER)
