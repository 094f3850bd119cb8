"""
What an invitation says: the pool's template, or the service's default, with name and temporary password.

Leaves out to whom it goes and whether it arrived.
"""

from typing import Any

from cenote.delivery.messages import CODE_PLACE, Words, email_words, sms_words

DEFAULT_SUBJECT = "Your temporary password"
DEFAULT_BODY = "Your username is {username} and temporary password is {####}. "


def invitation_words(
    pool: dict[str, Any], *, medium: str, password: str | None, username: str
) -> Words | None:
    """
    An invitation to this pool; None where it can't be said.

    A template without a place for the password is no invitation for a user who has one (API reference), and
    one with such a place is none for a user without.
    """
    template = pool["AdminCreateUserConfig"].get("InviteMessageTemplate", {})
    body = template.get("SMSMessage" if medium == "SMS" else "EmailMessage") or DEFAULT_BODY
    if (password is not None) != (CODE_PLACE in body):
        return None
    if medium == "SMS":
        return sms_words(body, code=password or "", username=username)
    subject = template.get("EmailSubject") or DEFAULT_SUBJECT
    return email_words(subject, body, code=password or "", username=username)
