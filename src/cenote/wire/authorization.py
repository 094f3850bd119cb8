"""
Who may call a signed operation: whose key signed it, and what that key's policy says.

Development accepts any credentials, as long as there are some: a client that forgot to sign must notice.
Operations without a signature in the model never come here: their `Authorization` is ignored.  Leaves out the
signature itself (`sigv4.py`) and the language of policies (`policy.py`).
"""

import contextlib
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol

from cenote.domain.access_keys import KEY_ID, USE_NOTED_EVERY_MS, AccessKey, binding_of, signing_secrets
from cenote.errors import (
    AccessDeniedException,
    CenoteError,
    InternalErrorException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)
from cenote.log import logger
from cenote.services import Services
from cenote.wire.homes import pool_named
from cenote.wire.model import Operation
from cenote.wire.policy import ACTION_PREFIX, Question, Verdict, read_policy, verdict
from cenote.wire.sigv4 import Claim, Head, is_signed, read_claim, verify

RESOURCE_SHOWN_CHARACTERS_MAX = 256
REFUSAL_TOLD_EVERY_MS = 60_000  # of one key: whoever knows its id can make it as often as they like

log = logger("cenote.authorization")


class Authorizer(Protocol):
    """Decides who may call a signed operation."""

    def authorize(self, operation: Operation, head: Head, body: bytes, request: object) -> None:
        """Refuse whoever may not; the request is as it came, unchecked."""
        ...


class AnyCredentials:
    """Development: whoever signs at all may do everything."""

    def authorize(self, _operation: Operation, head: Head, _body: bytes, _request: object) -> None:
        """Refuse a request without any signature."""
        if not is_signed(head):
            raise MissingAuthenticationTokenException


class AccessKeys:
    """
    The access keys of the store, each read at every call that it signs.

    So a revocation is true from the next call on, on every node; opening a secret costs less than keeping it
    right.  A secret opens only beside the policy that it was sealed with: where somebody wrote another and
    had no master key, the key is nobody's.  The time is the machine's own: a clock that tests move would make
    signatures of now look old.
    """

    def __init__(self, services: Services, now_s: Callable[[], float] = time.time) -> None:
        self._services = services
        self._now_s = now_s
        self._noted_ms: dict[str, int] = {}
        self._told_ms: dict[str, int] = {}

    def authorize(self, operation: Operation, head: Head, body: bytes, request: object) -> None:
        """Refuse a signature that is nobody's, or not right, and a call that its key's policy forbids."""
        claim, now_s = read_claim(head), self._now_s()
        key, now_ms = self._key_of(claim), int(now_s * 1000)
        secrets, region = self._secrets(key, now_ms), self._services.locality.region
        verify(claim, head, body, secrets=secrets, region=region, now_s=now_s)
        self._note_use(key, now_ms)
        self._judge(key, self._question(operation, head, request))

    def _key_of(self, claim: Claim) -> AccessKey:
        """The key that a claim names.  No session tokens are handed out, so nobody can have one."""
        key = None
        if KEY_ID.fullmatch(claim.key_id) and not claim.has_session_token:
            key = self._services.store.read(lambda tx: tx.access_keys.find(claim.key_id))
        if key is None or key.is_revoked:
            raise UnrecognizedClientException
        return key

    def _secrets(self, key: AccessKey, now_ms: int) -> tuple[str, ...]:
        """What the key signs with; one whose row is not as it was sealed is nobody's."""
        try:
            return signing_secrets(key, self._services.master.sealing_key, now_ms)
        except CenoteError as failure:
            self._tell_refused(key, now_ms)
            raise UnrecognizedClientException from failure

    def _tell_refused(self, key: AccessKey, now_ms: int) -> None:
        self._services.keyring.note_unopenable()
        if now_ms - self._told_ms.get(key.key_id, 0) >= REFUSAL_TOLD_EVERY_MS:
            self._told_ms[key.key_id] = now_ms
            found = binding_of(key.standing(now_ms), self._services.master.sealing_key)
            log.error("access key refused", key=key.key_id, found=found.value)

    def _note_use(self, key: AccessKey, now_ms: int) -> None:
        """At most one write a minute; that it can't be written is no reason to refuse the call."""
        noted_ms = max(key.used_ms or 0, self._noted_ms.get(key.key_id, 0))
        if now_ms - noted_ms < USE_NOTED_EVERY_MS:
            return
        self._noted_ms[key.key_id] = now_ms
        with contextlib.suppress(CenoteError, InternalErrorException):
            self._services.store.write(lambda tx: tx.access_keys.note_use(key.key_id, now_ms))

    def _question(self, operation: Operation, head: Head, request: object) -> Question:
        members: dict[str, Any] = request if isinstance(request, dict) else {}
        pool_id = pool_named(operation, members)
        return Question(
            action=ACTION_PREFIX + operation.name,
            resource="*" if pool_id is None else self._services.locality.arn_of(pool_id),
            address=head.address,
            request_tags=_tags(members.get(operation.tags_member or "")),
            resource_tags=cache(lambda: self._tags_of_pool(pool_id)),
        )

    def _tags_of_pool(self, pool_id: str | None) -> Mapping[str, str]:
        pool = None if pool_id is None else self._services.store.read(lambda tx: tx.pools.find(pool_id))
        return {} if pool is None else _tags(pool.document.get("UserPoolTags"))

    def _judge(self, key: AccessKey, question: Question) -> None:
        found = verdict(read_policy(key.policy), question)
        if found is Verdict.ALLOWED:
            return
        because = f"because no identity-based policy allows the {question.action} action"
        if found is Verdict.DENIED:
            because = "with an explicit deny in an identity-based policy"
        raise AccessDeniedException(
            f"User: {self._services.locality.user_arn(key.name)} is not authorized to perform:"
            f" {question.action} on resource: {question.resource[:RESOURCE_SHOWN_CHARACTERS_MAX]} {because}"
        )


def _tags(found: object) -> Mapping[str, str]:
    tags = found if isinstance(found, dict) else {}
    return {name: value for name, value in tags.items() if isinstance(name, str) and isinstance(value, str)}
