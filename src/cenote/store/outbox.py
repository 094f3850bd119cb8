"""
Messages that were promised to users, each sealed under its user's key and gone with its user.

Leaves out their words (`delivery/`) and who carries them.
"""

from dataclasses import replace
from typing import Any

import msgspec

from cenote.domain.registrations import Message
from cenote.domain.sealed import Place
from cenote.errors import UserNotFoundException
from cenote.store.ground import Ground
from cenote.store.users import UserTable

_encoder = msgspec.json.Encoder()


class OutboxTable:
    """The messages of every user, oldest first out."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def add(self, message: Message) -> None:
        """Promise a message; it shares the fate of the transaction that promises it."""
        key = UserTable(self._ground).key_of(message.sub)
        if key is None:
            raise UserNotFoundException
        words = {
            "medium": message.medium,
            "to": message.to,
            "subject": message.subject,
            "body": message.body,
            "code": message.code,
        }
        self._ground.run(
            "insert into outbox (id, sub, pool_id, created_ms, body)"
            " values (:id, :sub, :pool_id, :created_ms, :body)",
            {
                "id": message.message_id,
                "sub": message.sub,
                "pool_id": message.pool_id,
                "created_ms": message.created_ms,
                "body": key.seal(Place("outbox", "body", message.message_id), _encoder.encode(words)),
            },
        )

    def list_newest(self, limit: int) -> list[Message]:
        """The newest messages of the living, newest first."""
        rows = self._ground.run(
            "select o.id, o.sub, o.pool_id, o.created_ms, o.body, k.wrapped from outbox o"
            " join keys k on k.sub = o.sub order by o.created_ms desc, o.id desc limit :limit",
            {"limit": limit},
        ).fetchall()
        return [message for row in rows if (message := self._opened(row)) is not None]

    def drop_older(self, before_ms: int) -> None:
        """Clear away messages whose codes have long ended."""
        self._ground.run("delete from outbox where created_ms < :before_ms", {"before_ms": before_ms})

    def _opened(self, row: Any) -> Message | None:
        key = self._ground.sealer.open_key(row[1], bytes(row[5]))
        if key is None:
            return None
        words = msgspec.json.decode(key.open(Place("outbox", "body", row[0]), bytes(row[4])))
        blank = Message(
            message_id=row[0],
            sub=row[1],
            pool_id=row[2],
            created_ms=row[3],
            medium="",
            to="",
            subject="",
            body="",
            code="",
        )
        return replace(blank, **words)
