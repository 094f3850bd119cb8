"""
What a message says: the pool's template, or the service's default, with the code put in.

Leaves out to whom it goes and whether it arrived.
"""

import html
import re
from dataclasses import dataclass
from typing import Any

CODE_PLACE = "{####}"
NAME_PLACE = "{username}"
DEFAULT_SUBJECT = "Your verification code"
DEFAULT_BODY = "Your verification code is {####}. "
_PLACES = re.compile(rf"{re.escape(CODE_PLACE)}|{re.escape(NAME_PLACE)}")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")


@dataclass(frozen=True, slots=True)
class Words:
    """A message's subject (empty for SMS) and body; whether that is HTML, the template alone decides."""

    subject: str
    body: str
    is_html: bool = False


def verification_words(pool: dict[str, Any], *, medium: str, code: str, username: str) -> Words:
    """A verification message of this pool; the defaults are those the console shows."""
    template = pool.get("VerificationMessageTemplate", {})
    if medium == "SMS":
        return sms_words(template.get("SmsMessage") or DEFAULT_BODY, code=code, username=username)
    subject = template.get("EmailSubject") or DEFAULT_SUBJECT
    body = template.get("EmailMessage") or DEFAULT_BODY
    return email_words(subject, body, code=code, username=username)


def sms_words(body: str, *, code: str, username: str) -> Words:
    """A text message of this template."""
    return Words("", _filled(body, code, username))


def email_words(subject: str, body: str, *, code: str, username: str) -> Words:
    """
    An e-mail of these templates.

    In HTML the values are text: a user name that looks like a tag, which anybody can choose, makes none.
    """
    is_html = _TAG.search(body) is not None
    values = (html.escape(code), html.escape(username)) if is_html else (code, username)
    return Words(_filled(subject, code, username), _filled(body, *values), is_html)


def text_of_html(body: str) -> str:
    """What an HTML body says without its tags, for readers that show none."""
    return html.unescape(_TAG.sub(" ", body))


def _filled(template: str, code: str, username: str) -> str:
    """Each place is filled once: what a value says is no place."""
    return _PLACES.sub(lambda place: code if place[0] == CODE_PLACE else username, template)
