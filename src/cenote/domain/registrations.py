"""
Pools and clients as they are registered: the API's own document beside what the API never shows.

Leaves out what a document means (`pools.py`, `clients.py`).
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from cenote.domain.pools import schema
from cenote.domain.schema import Attribute


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A user pool.  `secrets` are its blind key and signing keys, sealed under its own key."""

    pool_id: str
    slot: int
    wrapped: bytes = field(repr=False)
    secrets: bytes = field(repr=False)
    document: dict[str, Any]
    created_ms: int
    modified_ms: int
    version: int = 1
    recovery_days: int = 0  # for which a user whom an administrator deletes can be brought back

    @cached_property
    def schema(self) -> dict[str, Attribute]:
        """The attributes that a user of this pool may have, read from the document once."""
        return schema(self.document)

    def changed(self, document: dict[str, Any], *, modified_ms: int = 0) -> "Pool":
        """The pool with another document; its date never goes back, whichever of two changes comes last."""
        return replace(self, document=document, modified_ms=max(self.modified_ms, modified_ms))


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """One of a client's secrets, sealed under the master key; its id tells when it was made."""

    created_ms: int
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An app client with its secrets, the oldest first; a public client has none."""

    client_id: str
    pool_id: str
    document: dict[str, Any]
    created_ms: int
    modified_ms: int
    secrets: tuple[ClientSecret, ...] = ()
    version: int = 1

    def changed(self, document: dict[str, Any], *, modified_ms: int) -> "Client":
        """The client with another document; its date never goes back either."""
        return replace(self, document=document, modified_ms=max(self.modified_ms, modified_ms))


@dataclass(frozen=True, slots=True)
class Session:
    """
    A sign-in and all that is refreshed from it; its tokens are alive as long as its row is there.

    Its refresh tokens are numbered: each rotation retires one generation and makes the next.
    """

    sub: str
    session_id: str  # the tokens' origin_jti, shown or not
    event_id: str
    client_id: str
    created_ms: int
    expires_ms: int
    generation: int = 0  # of the one refresh token that is good
    retired: int | None = None  # the generation that the latest rotation retired
    retry_until_ms: int = 0  # until when that one may be presented once more

    def accepts(self, generation: int, *, now_ms: int) -> bool:
        """
        Whether a refresh token of this generation renews the session.

        The one that was retired last does until its own deadline, which was set when it was retired: whoever
        lost the answer may ask again.
        """
        may_retry = generation == self.retired and now_ms < self.retry_until_ms
        return generation == self.generation or may_retry


@dataclass(frozen=True, slots=True)
class VerificationEntry:
    """The public half of a signing key, found by its `kid`; it outlives its pool by a day."""

    kid: str
    pool_id: str
    use: str  # "access" or "id"
    public_der: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that was promised to a user; `body`, `subject` and `to` lie sealed under the user's key."""

    message_id: str
    sub: str
    pool_id: str
    medium: str  # "EMAIL" or "SMS"
    to: str
    subject: str
    body: str
    code: str
    created_ms: int
    expires_ms: int | None = None  # after which it is worth nothing, and is not sent any more
    is_html: bool = False


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One erasure: whose (as a digest), which slot, and whether its tombstone is known to be written."""

    digest: bytes
    kind: str  # "user" or "pool"
    slot: int
    erased_ms: int
    done: bool
