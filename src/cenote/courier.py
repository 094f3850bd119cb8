"""
Messages on their way: claimed when due, handed to the sender, tried again, or given up with an alarm.

A message is claimed in one commit, sent while no transaction is open, and settled in a second commit.  In the
normal course it is sent once, whatever the number of nodes.  A process that dies between the relay's word and
the second commit has sent a message that is sent again after the claim has run out (on the embedded database:
at the next start), with the same Message-ID; one that dies before the relay's word has sent nothing, and the
message is sent then.  Whoever is erased takes their messages along: what was not in the sender's hands by
then is never sent.
"""

import queue
import threading
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial

from cenote.delivery.sending import NotTakenError, Sender
from cenote.domain.registrations import Message
from cenote.log import logger
from cenote.store.contract import Store
from cenote.store.outbox import Claim
from cenote.store.transaction import Transaction

POLL_S = 0.5
CARRIERS = 4
LISTED_MAX = 100
CLAIM_MS = 120_000  # longer than a sender takes
ATTEMPTS_MAX = 12  # about fifty minutes
PAUSE_MS_FIRST = 5_000
PAUSE_MS_MAX = 600_000
CLOSE_WAIT_S_MAX = 10.0  # a conversation that takes longer is cut off, and held again at the next start

log = logger("cenote.courier")


@dataclass(frozen=True, slots=True)
class Habits:
    """How a courier does it here."""

    keeps_sent: bool = False  # what was sent can still be read for a day: the inbox of development wants it
    is_alone: bool = False  # no other process uses the database, so that claims of the last one are nobody's
    reach: Callable[[str], None] = lambda _name: None


class Courier:
    """Threads that carry what the outbox holds for the sender's media."""

    def __init__(self, store: Store, sender: Sender, now_ms: Callable[[], int], habits: Habits) -> None:
        self._store = store
        self._sender = sender
        self._now_ms = now_ms
        self._habits = habits
        self._stop = threading.Event()
        self._due: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._given_up = 0
        self._guard = threading.Lock()
        if habits.is_alone:
            store.write(lambda tx: tx.outbox.void_claims(now_ms()))
        self._threads = [
            threading.Thread(target=self._look, name="cenote-courier", daemon=True),
            *(
                threading.Thread(target=self._carry_on, name=f"cenote-carrier-{number}", daemon=True)
                for number in range(CARRIERS)
            ),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def given_up_total(self) -> int:
        """How many messages this process has given up."""
        return self._given_up

    def close(self) -> None:
        """Let the messages that are being handed over arrive, for a moment; the others wait."""
        self._stop.set()
        for _carrier in range(CARRIERS):
            self._due.put(None)
        until = time.monotonic() + CLOSE_WAIT_S_MAX
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _look(self) -> None:
        """Ask what is due whenever the carriers have nothing left; a look costs a read and no commit."""
        while not self._stop.wait(POLL_S):
            if not self._due.empty():
                continue
            try:
                due = self._store.read(partial(_list_due, self._sender.media, self._now_ms()))
            except Exception as failure:  # noqa: BLE001 - the next look tries again, whatever it was
                log.error("outbox not read", failure=type(failure).__name__)
                continue
            for message_id in due:
                self._due.put(message_id)

    def _carry_on(self) -> None:
        while (message_id := self._due.get()) is not None:
            if self._stop.is_set():
                return
            try:
                self._carry(message_id)
            except Exception as failure:  # noqa: BLE001 - the claim runs out, and the message is due again
                log.error("message not settled", message=message_id, failure=type(failure).__name__)

    def _carry(self, message_id: str) -> None:
        now_ms = self._now_ms()
        claim = self._store.write(lambda tx: tx.outbox.claim(message_id, now_ms, now_ms + CLAIM_MS))
        if claim is None:
            return
        self._habits.reach("message.claimed")
        message = self._store.read(lambda tx: tx.outbox.find(message_id))
        if message is None:  # erased, and so it must not be sent
            return
        if message.expires_ms is not None and message.expires_ms <= now_ms:
            self._give_up(claim, message, "its code has run out")
            return
        try:
            self._sender.send(message)
        except NotTakenError as failure:
            self._not_taken(claim, message, failure)
            return
        except Exception as failure:  # noqa: BLE001 - whatever a sender may stumble over, it is tried again
            self._not_taken(claim, message, NotTakenError(type(failure).__name__))
            return
        self._habits.reach("message.sent")
        self._store.write(lambda tx: (tx.outbox.settle if self._habits.keeps_sent else tx.outbox.drop)(claim))

    def _not_taken(self, claim: Claim, message: Message, failure: NotTakenError) -> None:
        if failure.is_final or claim.attempts >= ATTEMPTS_MAX:
            self._give_up(claim, message, failure.detail)
            return
        due_ms = self._now_ms() + min(PAUSE_MS_FIRST << (claim.attempts - 1), PAUSE_MS_MAX)
        self._store.write(lambda tx: tx.outbox.put_off(claim, due_ms))
        log.warning(
            "message delayed", message=message.message_id, attempts=claim.attempts, reason=failure.detail
        )

    def _give_up(self, claim: Claim, message: Message, reason: str) -> None:
        """An alarm: somebody waits for a message that does not come."""
        with self._guard:
            self._given_up += 1
        log.error(
            "message given up",
            message=message.message_id,
            pool=message.pool_id,
            attempts=claim.attempts,
            reason=reason,
        )
        self._store.write(lambda tx: tx.outbox.settle(claim))


def _list_due(media: AbstractSet[str], now_ms: int, tx: Transaction) -> list[str]:
    return tx.outbox.list_due(media, now_ms, LISTED_MAX)
