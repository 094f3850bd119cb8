"""
What a message says: the pool's template, or the service's default, with the code put in.

Leaves out to whom it goes and whether it arrived.
"""

from dataclasses import dataclass
from typing import Any

CODE_PLACE = "{####}"
NAME_PLACE = "{username}"
DEFAULT_SUBJECT = "Your verification code"
DEFAULT_BODY = "Your verification code is {####}. "


@dataclass(frozen=True, slots=True)
class Words:
    """A message's subject (empty for SMS) and body."""

    subject: str
    body: str


def verification_words(pool: dict[str, Any], *, medium: str, code: str, username: str) -> Words:
    """A verification message of this pool; the defaults are those the console shows."""
    template = pool.get("VerificationMessageTemplate", {})
    if medium == "SMS":
        body = template.get("SmsMessage") or DEFAULT_BODY
        return Words("", _filled(body, code, username))
    subject = template.get("EmailSubject") or DEFAULT_SUBJECT
    body = template.get("EmailMessage") or DEFAULT_BODY
    return Words(_filled(subject, code, username), _filled(body, code, username))


def _filled(text: str, code: str, username: str) -> str:
    return text.replace(CODE_PLACE, code).replace(NAME_PLACE, username)
