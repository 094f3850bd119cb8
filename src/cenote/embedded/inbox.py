"""
The messages that a server in this process has sent, codes included.

They are read from the outbox, where a message stands as soon as the call that caused it has answered.  With
their user they go: nothing of an erased one is shown.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from cenote.domain.registrations import Message
from cenote.http.development import MESSAGES_SHOWN_MAX, POLL_S
from cenote.store.transaction import Transaction

WAIT_S = 5.0
T = TypeVar("T")
Read = Callable[[Callable[[Transaction], T]], T]


class Inbox:
    """Every message of every pool, or those since a moment."""

    def __init__(
        self,
        read: Read[list[Message]],
        now_ms: Callable[[], int],
        since: tuple[int, frozenset[str]] = (0, frozenset()),
    ) -> None:
        self._read = read
        self._now_ms = now_ms
        self._began_ms, self._known = since

    def messages(self, to: str | None = None) -> list[Message]:
        """The messages to this address or number, or all, newest first."""
        newest = self._read(lambda tx: tx.outbox.list_newest(MESSAGES_SHOWN_MAX))
        return [
            message
            for message in newest
            if message.created_ms >= self._began_ms and message.message_id not in self._known
            if to is None or message.to == to
        ]

    def wait(self, to: str, *, seconds: float = WAIT_S) -> Message:
        """
        The newest message to this address or number, waiting for one for so long.

        A message is there when the call that causes it returns, so that only who makes the call elsewhere has
        to wait.  Raises LookupError when none came.
        """
        until = time.monotonic() + seconds
        while not (found := self.messages(to)):
            if time.monotonic() >= until:
                raise LookupError(f"No message was sent to {to}.")
            time.sleep(POLL_S)
        return found[0]

    def code_for(self, to: str) -> str:
        """The code in the newest message to this address or number; LookupError when there is none."""
        return self.wait(to, seconds=0).code

    def since_now(self) -> "Inbox":
        """The messages from now on; what is there already may be of this same millisecond."""
        began_ms = self._now_ms()
        known = frozenset(message.message_id for message in self.messages() if message.created_ms >= began_ms)
        return Inbox(self._read, self._now_ms, (began_ms, known))
