"""
Messages that were promised to users, each sealed under its user's key and gone with its user.

A message is due until it is settled.  Whoever sends it claims it first, by moving its due time into the
future, so that of several nodes one does; a claim that is not settled by then is void.  Leaves out the words
of messages (`delivery/`) and who carries them (`courier.py`).
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from cenote.domain.registrations import Message
from cenote.domain.sealed import Key, Place
from cenote.errors import UserNotFoundException
from cenote.store.ground import Ground
from cenote.store.users import UserTable

_COLUMNS = "o.id, o.sub, o.pool_id, o.created_ms, o.expires_ms, o.body, k.wrapped"


class Words(msgspec.Struct):
    """What is sealed of a message."""

    medium: str
    to: str
    subject: str
    body: str
    code: str
    is_html: bool = False


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Words)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send a message; `attempts` is the number of this one, and tells it from every other."""

    message_id: str
    attempts: int


class OutboxTable:
    """The messages of every user, oldest first out."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def add(self, message: Message) -> None:
        """Promise a message; it shares the fate of the transaction that promises it, and is due at once."""
        key = UserTable(self._ground).key_of(message.sub)
        if key is None:
            raise UserNotFoundException
        self._insert(message, key, due_ms=message.created_ms)

    def add_seeming(self, message: Message, key: Key) -> None:
        """
        Do what promising a message costs, for nobody: it is never due, is shown to none, and goes with the
        next clearing.

        A day, as long as others stay, would let whoever makes up names fill the disk.
        """
        if UserTable(self._ground).key_of(message.sub) is None:
            self._insert(replace(message, created_ms=0), key, due_ms=None)

    def _insert(self, message: Message, key: Key, *, due_ms: int | None) -> None:
        words = Words(
            message.medium, message.to, message.subject, message.body, message.code, message.is_html
        )
        self._ground.run(
            "insert into outbox (id, sub, pool_id, created_ms, body, medium, due_ms, expires_ms)"
            " values (:id, :sub, :pool_id, :created_ms, :body, :medium, :due_ms, :expires_ms)",
            {
                "id": message.message_id,
                "sub": message.sub,
                "pool_id": message.pool_id,
                "created_ms": message.created_ms,
                "body": key.seal(Place("outbox", "body", message.message_id), _encoder.encode(words)),
                "medium": message.medium,
                "due_ms": due_ms,
                "expires_ms": message.expires_ms,
            },
        )

    def find(self, message_id: str) -> Message | None:
        """The message, unless its user was erased."""
        row = self._ground.run(
            f"select {_COLUMNS} from outbox o join keys k on k.sub = o.sub where o.id = :id",
            {"id": message_id},
        ).fetchone()
        return None if row is None else self._opened(row)

    def list_newest(self, limit: int) -> list[Message]:
        """The newest messages of the living, newest first."""
        rows = self._ground.run(
            f"select {_COLUMNS} from outbox o join keys k on k.sub = o.sub"
            " order by o.created_ms desc, o.id desc limit :limit",
            {"limit": limit},
        ).fetchall()
        return [message for row in rows if (message := self._opened(row)) is not None]

    def list_of_user(self, sub: str) -> list[Message]:
        """The messages that were promised to a user and are still there, the oldest first."""
        rows = self._ground.run(
            f"select {_COLUMNS} from outbox o join keys k on k.sub = o.sub where o.sub = :sub"
            " order by o.created_ms, o.id",
            {"sub": sub},
        ).fetchall()
        return [message for row in rows if (message := self._opened(row)) is not None]

    def list_due(self, media: Collection[str], now_ms: int, limit: int) -> list[str]:
        """Some messages of these media that are due, the longest first."""
        marks = {f"medium_{letter}": medium for letter, medium in zip("abc", sorted(media), strict=False)}
        rows = self._ground.run(
            "select id from outbox where due_ms <= :now_ms"
            f" and medium in ({', '.join(f':{mark}' for mark in marks)}) order by due_ms limit :limit",
            {"now_ms": now_ms, "limit": limit, **marks},
        ).fetchall()
        return [row[0] for row in rows]

    def count_waiting(self) -> int:
        """How many messages are not settled."""
        row = self._ground.run("select count(*) from outbox where due_ms is not null", {}).fetchone()
        return int(row[0])

    def claim(self, message_id: str, now_ms: int, until_ms: int) -> Claim | None:
        """Claim a message that is due, until then: of several who try, one gets it."""
        row = self._ground.run(
            "update outbox set due_ms = :until_ms, attempts = attempts + 1"
            " where id = :id and due_ms <= :now_ms returning attempts",
            {"id": message_id, "now_ms": now_ms, "until_ms": until_ms},
        ).fetchone()
        return None if row is None else Claim(message_id, int(row[0]))

    def put_off(self, claim: Claim, due_ms: int) -> None:
        """Let a claimed message be due again at a later time."""
        self._ground.run(
            "update outbox set due_ms = :due_ms where id = :id and attempts = :attempts",
            {"id": claim.message_id, "attempts": claim.attempts, "due_ms": due_ms},
        )

    def settle(self, claim: Claim) -> None:
        """Note that a claimed message is never due again; it can still be read until it is cleared away."""
        self._ground.run(
            "update outbox set due_ms = null where id = :id and attempts = :attempts",
            {"id": claim.message_id, "attempts": claim.attempts},
        )

    def drop(self, claim: Claim) -> None:
        """Forget a claimed message."""
        self._ground.run(
            "delete from outbox where id = :id and attempts = :attempts",
            {"id": claim.message_id, "attempts": claim.attempts},
        )

    def void_claims(self, now_ms: int) -> None:
        """Let everything that is claimed or put off be due now: for who knows that nobody else is sending."""
        self._ground.run("update outbox set due_ms = :now_ms where due_ms > :now_ms", {"now_ms": now_ms})

    def drop_older(self, before_ms: int) -> None:
        """Clear away messages whose codes have long ended."""
        self._ground.run("delete from outbox where created_ms < :before_ms", {"before_ms": before_ms})

    def _opened(self, row: Any) -> Message | None:
        key = self._ground.sealer.open_key(row[1], bytes(row[6]))
        if key is None:
            return None
        words = _decoder.decode(key.open(Place("outbox", "body", row[0]), bytes(row[5])))
        return Message(
            message_id=row[0],
            sub=row[1],
            pool_id=row[2],
            created_ms=row[3],
            expires_ms=row[4],
            medium=words.medium,
            to=words.to,
            subject=words.subject,
            body=words.body,
            code=words.code,
            is_html=words.is_html,
        )
