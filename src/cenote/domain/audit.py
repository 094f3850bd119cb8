"""
What an operator did to a user or to an access key, as it is recorded for good: a line is added, and never
changed.

A line names the user by a digest, so that it may outlive them.  Its reason is the operator's own text and is
kept as it is.
"""

from dataclasses import dataclass
from enum import Enum

REASON_CHARACTERS_MAX = 1_000
WHO_CHARACTERS_MAX = 128
FOR_EVER_MS = 2**62  # the end of a hold that has none


class Act(Enum):
    """What was done."""

    HOLD = "hold"
    RELEASE = "release"
    ERASE = "erase"
    RECOVER = "recover"
    POLICY = "policy"  # of an access key


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """
    One act: of whom, on whom (`digest` is SHA-256 of the `sub`), why, and for a hold until when.

    An act on an access key names the key, belongs to no pool, and has the digest of the key's id.
    """

    line_id: str
    act: Act
    pool_id: str
    digest: bytes
    at_ms: int
    who: str
    reason: str
    until_ms: int | None = None
    key_id: str | None = None
    policy: str | None = None  # which the key has from then on


def said(text: str, characters_max: int) -> str | None:
    """The text of a reason or a name as it may be kept, in one line; None when it is none or too long."""
    one_line = " ".join(text.split())
    is_fit = 0 < len(one_line) <= characters_max and one_line.isprintable()
    return one_line if is_fit else None
