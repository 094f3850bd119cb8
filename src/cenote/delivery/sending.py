"""What every sender promises, and how it says that a message was not taken."""

from collections.abc import Set as AbstractSet
from typing import Protocol

from cenote.domain.registrations import Message


class NotTakenError(Exception):
    """
    A message that was not taken, now or for good.

    The detail is for the log: it never holds an address, a text or a code.
    """

    def __init__(self, detail: str, *, is_final: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.is_final = is_final


class Sender(Protocol):
    """A way out for messages."""

    @property
    def media(self) -> AbstractSet[str]:
        """What it carries: EMAIL, SMS, or both."""
        ...

    def send(self, message: Message) -> None:
        """
        Return once somebody else has taken the message; else `NotTakenError`.

        It takes `courier.CLAIM_MS` at most, or another node sends the message too.
        """
        ...
