"""
Codes on their way to a person: made before a transaction, promised inside it, checked when they come back.
"""

from dataclasses import dataclass

from cenote.delivery.messages import verification_words
from cenote.domain.attributes import masked_email, masked_phone
from cenote.domain.codes import CODE_DIGITS, GUESSES_MAX, Code, Purpose, digest_input, lifetime_ms
from cenote.domain.registrations import Message, Pool
from cenote.domain.users import User
from cenote.errors import (
    CodeMismatchException,
    CognitoError,
    ExpiredCodeException,
    LimitExceededException,
)
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
    digest = services.keyed_digest(digest_input(user.sub, purpose, text))
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
    )
    return Promise(code, message)


def given_code(
    services: Services, tx: Transaction, user: User, purpose: Purpose, given: str
) -> Code | CognitoError:
    """
    The code that was sent, taken, if it is the one given; else the refusal, as a value.

    A guess is counted before it is compared, and the count must outlive the refusal: so a refusal is
    returned, and raised once the transaction has closed.
    """
    guess = tx.codes.count_guess(user.sub, purpose)
    if guess is None or guess[1] <= services.now_ms():
        return ExpiredCodeException()
    if guess[0] > GUESSES_MAX:
        return LimitExceededException()
    digest = services.keyed_digest(digest_input(user.sub, purpose, given))
    return tx.codes.take(user.sub, purpose, digest) or CodeMismatchException()
