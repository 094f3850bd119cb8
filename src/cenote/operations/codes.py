"""
Codes on their way to a person: made before a transaction, promised inside it, checked when they come back.
"""

import hmac
from dataclasses import dataclass

from cenote.delivery.messages import verification_words
from cenote.domain.attributes import masked_email, masked_phone
from cenote.domain.codes import (
    CODE_DIGITS,
    Code,
    Purpose,
    digest_input,
    guessing_limit,
    lifetime_ms,
    sending_limit,
    verification_of,
)
from cenote.domain.limits import Subject
from cenote.domain.registrations import Message, Pool
from cenote.domain.users import User
from cenote.errors import CodeMismatchException, CognitoError, ExpiredCodeException
from cenote.operations.attempts import attempt
from cenote.services import Services
from cenote.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Promise:
    """A code and the message that carries it, not yet held."""

    code: Code
    message: Message

    def hold(self, tx: Transaction) -> None:
        """Hold both, or with the transaction neither."""
        tx.codes.put(self.code, now_ms=self.message.created_ms)
        tx.outbox.add(self.message)


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach a user: an attribute and the address in it."""

    attribute: str
    address: str

    @property
    def medium(self) -> str:
        """The API's DeliveryMedium."""
        return "SMS" if self.attribute == "phone_number" else "EMAIL"

    def details(self) -> dict[str, str]:
        """The API's CodeDeliveryDetails."""
        masked = masked_phone(self.address) if self.medium == "SMS" else masked_email(self.address)
        return {"AttributeName": self.attribute, "DeliveryMedium": self.medium, "Destination": masked}


def new_promise(services: Services, pool: Pool, user: User, channel: Channel, purpose: Purpose) -> Promise:
    """A fresh code for the user, and its message."""
    text, now_ms = services.new_code(CODE_DIGITS), services.now_ms()
    digest = services.keyed_digest(digest_input(user.sub, purpose, text, channel.address))
    words = verification_words(pool.document, medium=channel.medium, code=text, username=user.username)
    code = Code(user.sub, purpose, digest, channel.attribute, now_ms + lifetime_ms(purpose))
    message = Message(
        message_id=services.new_id(),
        sub=user.sub,
        pool_id=pool.pool_id,
        medium=channel.medium,
        to=channel.address,
        subject=words.subject,
        body=words.body,
        code=text,
        created_ms=now_ms,
        expires_ms=code.expires_ms,
        is_html=words.is_html,
    )
    return Promise(code, message)


def hold_limited(services: Services, promise: Promise) -> None:
    """Hold a promise that was asked for, if it is not one too many of this hour."""

    def body(tx: Transaction) -> CognitoError | None:
        refusal = attempt(services, tx, Subject(promise.code.sub), sending_limit(promise.code.purpose))
        if refusal is None:
            promise.hold(tx)
        return refusal

    refusal = services.store.write(body)
    if refusal is not None:
        raise refusal


def known_code(
    services: Services, tx: Transaction, user: User, purpose: Purpose, given: str
) -> Code | CognitoError:
    """
    The code that was sent, if it is the one given, and still to be used; else the refusal, as a value.

    A guess is counted before it is compared, and the count must outlive the refusal: so a refusal is
    returned, and raised once the transaction has closed.
    """
    refusal = attempt(services, tx, Subject(user.sub), guessing_limit(purpose))
    if refusal is not None:
        return refusal
    sent = tx.codes.find(user.sub, purpose)
    if sent is None or sent.expires_ms <= services.now_ms():
        return ExpiredCodeException()
    address = _address_of(user, sent)
    digest = services.keyed_digest(digest_input(user.sub, purpose, given, address))
    return sent if hmac.compare_digest(digest, sent.digest) else CodeMismatchException()


def given_code(
    services: Services, tx: Transaction, user: User, purpose: Purpose, given: str
) -> Code | CognitoError:
    """As `known_code`, and the code is used up: of two callers, one gets it."""
    known = known_code(services, tx, user, purpose, given)
    if not isinstance(known, Code):
        return known
    return tx.codes.take(user.sub, purpose, known.digest) or ExpiredCodeException()


def _address_of(user: User, sent: Code) -> str:
    """The address that the code must have been sent to, as the user is now."""
    attribute = sent.attribute or ""
    if sent.purpose is verification_of(attribute):
        return user.address_to_prove(attribute) or ""
    return user.attributes.get(attribute, "")
