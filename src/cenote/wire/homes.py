"""
Which pool a call belongs to, and for whom it counts, as far as that is known before its operation runs.

A pool is named by its id or its ARN, by a client of its own, by the key of an access token, or by the session
of a sign-in that has begun.  Leaves out what depends on it (`admission.py`).
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from cenote.domain.quotas import Asker
from cenote.services import Services
from cenote.wire.model import Operation

CLIENTS_KEPT_MAX = 4_096
DIGEST_BYTES = 12
_CLIENT_ID = re.compile(r"[A-Za-z0-9_+]{1,128}")
_PARAMETERS = ("AuthParameters", "ChallengeResponses")


class _Subject(msgspec.Struct):
    sub: str
    exp: int


_subject_decoder = msgspec.json.Decoder(_Subject)


class Homes:
    """The pools of calls.  A client's pool never changes, so it is looked up once."""

    def __init__(self, services: Services, pool_of_session: Callable[[Services, str], str | None]) -> None:
        self._services = services
        self._pool_of_session = pool_of_session
        self._known_client = lru_cache(maxsize=CLIENTS_KEPT_MAX)(self._looked_up)

    def pool_of(self, operation: Operation, request: object) -> str | None:
        """
        The pool that a call says it is for.

        Nothing is proved by it: the request may break the model, and its token be nobody's.
        """
        members: dict[str, Any] = request if isinstance(request, dict) else {}
        if operation.resource_member is not None:
            return pool_named(operation, members)
        if operation.carries_token:
            return self._of_token(members.get("AccessToken")) or self._of_session(members.get("Session"))
        client_id = members.get("ClientId")
        return self._of_client(client_id) if isinstance(client_id, str) else None

    def asker_of(self, operation: Operation, request: dict[str, Any]) -> Asker:
        """
        For whom a call counts that has passed the model.

        A token counts for its pool and its user only once its signature is verified, and until it is over:
        whoever forges one, or found an old one, uses up nothing but what is left for calls of nobody.
        """
        if operation.carries_token and isinstance(request.get("AccessToken"), str):
            return self._bearer(operation.name, request["AccessToken"])
        pool_id = self.pool_of(operation, request)
        return Asker(
            operation=operation.name,
            pool_id=pool_id,
            user=self._named_user(pool_id, request),
            challenge=request.get("ChallengeName"),
        )

    def _bearer(self, name: str, token: str) -> Asker:
        presented = self._services.presented(token)
        if presented is None or presented.known.use != "access" or not presented.is_genuine():
            return Asker(operation=name)
        subject = _subject_decoder.decode(presented.parts.payload)
        if subject.exp * 1000 <= self._services.now_ms():
            return Asker(operation=name)
        return Asker(operation=name, pool_id=presented.known.pool_id, user=self._digest("sub", subject.sub))

    def _named_user(self, pool_id: str | None, request: Mapping[str, Any]) -> str | None:
        """Of a sign-in: whose name it gives.  It is counted apart from what that user's tokens do."""
        for member in _PARAMETERS:
            name = (request.get(member) or {}).get("USERNAME")
            if name is not None:
                return self._digest(f"name {pool_id}", name.casefold())
        return None

    def _digest(self, kind: str, text: str) -> str:
        return self._services.keyed_digest(f"quota {kind} {text}".encode())[:DIGEST_BYTES].hex()

    def _of_token(self, token: object) -> str | None:
        presented = self._services.presented(token) if isinstance(token, str) else None
        return None if presented is None else presented.known.pool_id

    def _of_session(self, session: object) -> str | None:
        return self._pool_of_session(self._services, session) if isinstance(session, str) else None

    def _of_client(self, client_id: str) -> str | None:
        if not _CLIENT_ID.fullmatch(client_id):  # the model has not looked at it, and no row is named so
            return None
        try:
            return self._known_client(client_id)
        except LookupError:
            return None

    def _looked_up(self, client_id: str) -> str:
        """Raises for a client that is not there, so that it is not remembered as such."""
        pool_id = self._services.store.read(lambda tx: tx.clients.find_pool_id(client_id))
        if pool_id is None:
            raise LookupError
        return pool_id


def pool_named(operation: Operation, members: Mapping[str, Any]) -> str | None:
    """The pool that a request names; an ARN is read as the pool at its end, whatever stands before."""
    named = members.get(operation.resource_member or "")
    if not isinstance(named, str):
        return None
    return named if operation.resource_member == "UserPoolId" else named.rpartition("userpool/")[2]
