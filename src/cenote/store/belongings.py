"""
What hangs on a user: sessions and codes, clustered by (sub, kind, id) and gone with one delete.

A row carries a `sub`, times, numbers and digests in clear; whatever is personal in one is sealed.
"""

from typing import Any

from cenote.domain.codes import Code, Purpose
from cenote.domain.registrations import Session
from cenote.store.ground import Ground

ALWAYS_MS = 2**62  # after the end of every lock
_COLUMNS = ("sub", "id", "tag", "body", "created_ms", "expires_ms", "count", "retired", "retry_until_ms")
SESSION_COLUMNS = ", ".join(f"s.{column}" for column in _COLUMNS)


class SessionTable:
    """Sign-ins whose tokens are alive."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def add(self, session: Session, *, unless_locked_at_ms: int | None = None) -> bool:
        """
        Begin a session; False when its user was erased or disabled between the password and now, or is
        locked out at a time that is named.

        Its id is unique: a second sign-in from one challenge finds it taken.
        """
        unlocked = "not exists (select 1 from activity a where a.sub = u.sub and a.locked_until_ms > :at_ms)"
        unspent = (
            "not exists (select 1 from belongings e"
            " where e.sub = u.sub and e.kind = 'ended' and e.id = :session_id)"
        )
        row = self._ground.run(
            "insert into belongings (sub, kind, id, tag, created_ms, expires_ms, body)"
            " select u.sub, 'session', :session_id, :event_id, :created_ms, :expires_ms, :client_id"
            f" from users u where u.sub = :sub and u.enabled = 1 and {unlocked} and {unspent}"
            f"{self._ground.share}"
            " on conflict do nothing returning sub",
            {
                "sub": session.sub,
                "session_id": session.session_id,
                "event_id": session.event_id,
                "client_id": session.client_id.encode(),
                "created_ms": session.created_ms,
                "expires_ms": session.expires_ms,
                "at_ms": ALWAYS_MS if unless_locked_at_ms is None else unless_locked_at_ms,
            },
        ).fetchone()
        return row is not None

    def rotate(
        self, sub: str, session_id: str, generation: int, *, now_ms: int, grace_ms: int
    ) -> Session | None:
        """
        Retire the refresh token of this generation and make the next; None when the session does not accept
        it (`Session.accepts`), or is not alive.

        One statement compares and changes.  Of two callers with one token the second is refused, or, within
        the grace, makes a generation that displaces the first one's; the deadline is the first one's.  No
        grace is no deadline: a caller whose clock was read a moment earlier would else come before it.
        """
        row = self._ground.run(
            "update belongings set count = count + 1,"
            " retired = case when count = :generation then count else retired end,"
            " retry_until_ms = case when count = :generation then :retry_until_ms else retry_until_ms end"
            " where sub = :sub and kind = 'session' and id = :session_id"
            " and (count = :generation or retired = :generation and retry_until_ms > :now_ms)"
            f" returning {', '.join(_COLUMNS)}",
            {
                "sub": sub,
                "session_id": session_id,
                "generation": generation,
                "now_ms": now_ms,
                "retry_until_ms": now_ms + grace_ms if grace_ms else 0,
            },
        ).fetchone()
        return None if row is None else session_of(row)

    def drop(self, sub: str, session_id: str) -> None:
        """End one session of the user, if it is alive: all its tokens are revoked, for good."""
        self._ground.run(
            "update belongings set kind = 'ended', expires_ms = created_ms"
            " where sub = :sub and kind = 'session' and id = :session_id",
            {"sub": sub, "session_id": session_id},
        )

    def drop_all(self, sub: str) -> None:
        """
        End every session of the user: all their tokens are revoked, for good.

        Its id stays for a day: the challenge that began it must not begin it again.
        """
        self._ground.run(
            "update belongings set kind = 'ended', expires_ms = created_ms"
            " where sub = :sub and kind = 'session'",
            {"sub": sub},
        )

    def is_spent(self, sub: str, session_id: str) -> bool:
        """Whether a session of this id has begun already, whatever became of it."""
        row = self._ground.run(
            "select 1 from belongings where sub = :sub and kind in ('session', 'ended') and id = :session_id",
            {"sub": sub, "session_id": session_id},
        ).fetchone()
        return row is not None

    def drop_expired(self, now_ms: int, limit: int) -> int:
        """Clear away sessions and codes past their time, some at once; the number cleared."""
        rows = self._ground.run(
            "delete from belongings where (sub, kind, id) in (select sub, kind, id from belongings"
            " where expires_ms <= :now_ms limit :limit) returning sub",
            {"now_ms": now_ms, "limit": limit},
        ).fetchall()
        return len(rows)


class CodeTable:
    """Codes that were sent, by their digests."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def put(self, code: Code, *, now_ms: int) -> None:
        """Hold a code; the user's former code for the same purpose is worth nothing from now on."""
        self._ground.run(
            "insert into belongings (sub, kind, id, tag, created_ms, expires_ms, body)"
            " values (:sub, 'code', :purpose, :attribute, :now_ms, :expires_ms, :digest)"
            " on conflict (sub, kind, id) do update set tag = excluded.tag,"
            " created_ms = excluded.created_ms, expires_ms = excluded.expires_ms, body = excluded.body",
            {
                "sub": code.sub,
                "purpose": code.purpose.value,
                "attribute": code.attribute,
                "now_ms": now_ms,
                "expires_ms": code.expires_ms,
                "digest": code.digest,
            },
        )

    def take(self, sub: str, purpose: Purpose, digest: bytes) -> Code | None:
        """Delete and return the code if its digest is the given one: of two callers, one gets it."""
        row = self._ground.run(
            "delete from belongings where sub = :sub and kind = 'code' and id = :purpose and body = :digest"
            " returning tag, expires_ms",
            {"sub": sub, "purpose": purpose.value, "digest": digest},
        ).fetchone()
        return None if row is None else Code(sub, purpose, digest, row[0], row[1])

    def drop(self, sub: str, purpose: Purpose) -> None:
        """Make the user's code for this purpose worth nothing."""
        self._ground.run(
            "delete from belongings where sub = :sub and kind = 'code' and id = :purpose",
            {"sub": sub, "purpose": purpose.value},
        )

    def drop_sent_to(self, sub: str, attribute: str) -> None:
        """End every code that was sent to this address of the user's: it may be somebody else's by now."""
        self._ground.run(
            "delete from belongings where sub = :sub and kind = 'code' and tag = :attribute",
            {"sub": sub, "attribute": attribute},
        )

    def find(self, sub: str, purpose: Purpose) -> Code | None:
        """The code that the user was sent for this purpose, run out or not; to compare, never to use up."""
        row = self._ground.run(
            "select body, tag, expires_ms from belongings"
            " where sub = :sub and kind = 'code' and id = :purpose",
            {"sub": sub, "purpose": purpose.value},
        ).fetchone()
        return None if row is None else Code(sub, purpose, bytes(row[0]), row[1], row[2])


def session_of(row: Any) -> Session:
    """The session of a row of SESSION_COLUMNS."""
    sub, session_id, event_id, client, created_ms, expires_ms, generation, retired, retry_until_ms = row
    return Session(
        sub=sub,
        session_id=session_id,
        event_id=event_id,
        client_id=bytes(client).decode(),
        created_ms=created_ms,
        expires_ms=expires_ms,
        generation=generation,
        retired=retired,
        retry_until_ms=retry_until_ms or 0,
    )
