"""
Tags: which ones a pool may bear, how they are set and taken away, and the ARN that names a pool.

Leaves out the type of the failure, which is another in CreateUserPool and UpdateUserPool (`pools.py`).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from cenote.domain.documents import Document
from cenote.errors import InvalidParameterException

TAGS_PER_POOL_MAX = 50
MEMBER: Final = "UserPoolTags"

_RESERVED: Final = "aws:"
_WRITABLE = re.compile(r"[\w .:/=+@-]*")
_POOL_ARN = re.compile(r"arn:[^:]+:cognito-idp:[^:]*:[0-9]+:userpool/([\w-]+_[0-9a-zA-Z]+)", re.ASCII)


def refusal(tags: Mapping[str, str]) -> str | None:
    """Why a pool may not bear these tags, or None; the rules are the guide's, the sentences are ours."""
    for key, value in tags.items():
        if key.lower().startswith(_RESERVED):
            return f"Tag keys must not begin with {_RESERVED}, which is reserved."
        if not (_WRITABLE.fullmatch(key) and _WRITABLE.fullmatch(value)):
            return "Tags can hold only letters, digits, spaces and the characters _ . : / = + - @."
    if len(tags) > TAGS_PER_POOL_MAX:
        return f"A user pool can have at most {TAGS_PER_POOL_MAX} tags."
    return None


def of(pool: Document) -> dict[str, str]:
    """The tags of a pool, however they came to it."""
    return dict(pool.get(MEMBER, {}))


def with_tags(pool: Document, tags: Mapping[str, str]) -> Document:
    """The pool with these tags besides its own; an equal key is overwritten."""
    together = of(pool) | dict(tags)
    if text := refusal(together):
        raise InvalidParameterException(text)
    return _bearing(pool, together)


def without_tags(pool: Document, keys: Iterable[str]) -> Document:
    """The pool without the tags of these keys, whether it had them or not."""
    taken = frozenset(keys)
    return _bearing(pool, {key: value for key, value in of(pool).items() if key not in taken})


def pool_id_of(arn: str) -> str:
    """The id of the pool that an ARN names; nothing but a user pool can be tagged."""
    found = _POOL_ARN.fullmatch(arn)
    if found is None:
        raise InvalidParameterException(f"Invalid user pool ARN: {arn}")  # the sentence is ours
    return found[1]


def _bearing(pool: Document, tags: Mapping[str, str]) -> Document:
    others = {member: value for member, value in pool.items() if member != MEMBER}
    return others | ({MEMBER: dict(tags)} if tags else {})
