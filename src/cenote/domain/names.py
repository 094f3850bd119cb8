"""
User names: which ones a pool takes, and which two are one.

Owns the look of e-mail addresses and phone numbers too, so that what may not be a user name beside an alias
is exactly what may be the alias.  Leaves out who holds a name (the store) and the model's own pattern.
"""

import re
from collections.abc import Mapping
from typing import Final

from cenote.domain.documents import Document
from cenote.domain.pools import alias_attributes, username_attributes
from cenote.errors import InvalidParameterException

_ATOM = r"[^\s@.,:;<>()\[\]\"\\]+"
_EMAIL = re.compile(rf"{_ATOM}(\.{_ATOM})*@[\w-]+(\.[\w-]+)+")
_PHONE = re.compile(r"\+[0-9]+")

_EXPECTED: Final = {
    frozenset({"email"}): "Username should be an email.",
    frozenset({"phone_number"}): "Username should be a phone number.",
    frozenset({"email", "phone_number"}): "Username should be either an email or a phone number.",
}


def looks_like_email(text: str) -> bool:
    """Whether a text is an e-mail address: one `@`, no spaces, and a domain of two labels at least."""
    return _EMAIL.fullmatch(text) is not None


def looks_like_phone(text: str) -> bool:
    """Whether a text is a phone number as the service takes them: a plus sign and digits."""
    return _PHONE.fullmatch(text) is not None


def fold(username: str, case_sensitive: bool) -> str:  # noqa: FBT001 - the pool's own setting, passed through
    """The form in which two names are compared; a case-insensitive pool also stores it (lower case)."""
    return username if case_sensitive else username.lower()


def check_username(username: str, document: Document) -> None:
    """
    Refuse a user name that a pool's sign-in settings rule out.

    Where an address stands in the place of the name it must be one; where it may stand beside the name, as an
    alias, the name must not look like one, or it could shadow another user's alias.
    """
    expected = username_attributes(document)
    if expected and attribute_of_username(username, document) is None:
        raise InvalidParameterException(_EXPECTED[frozenset(expected)])
    aliases = alias_attributes(document)
    if "email" in aliases and looks_like_email(username):
        raise InvalidParameterException(
            "Username cannot be of email format, since user pool is configured for email alias."
        )
    if "phone_number" in aliases and looks_like_phone(username):
        raise InvalidParameterException(
            "Username cannot be of phone number format, since user pool is configured for phone number alias."
        )


def check_preferred_username(attributes: Mapping[str, str], document: Document) -> None:
    """Refuse a preferred name that, as an alias, could shadow another alias: it has the form of a name."""
    preferred = attributes.get("preferred_username")
    if preferred is not None and "preferred_username" in alias_attributes(document):
        check_username(preferred, document)


def names_of(username: str, attributes: Mapping[str, str], document: Document) -> frozenset[str]:
    """
    All names, not yet folded, by which a user is found: each must be unique in the pool.

    An address that stands in the place of the name counts unproven too; as an alias, beside the name, it
    counts once it is verified.
    """
    instead = (attribute for attribute in username_attributes(document) if attribute in attributes)
    beside = (
        attribute
        for attribute in alias_attributes(document)
        if attribute in attributes
        and (attribute == "preferred_username" or attributes.get(f"{attribute}_verified") == "true")
    )
    return frozenset({username, *(attributes[attribute] for attribute in (*instead, *beside))})


def attribute_of_username(username: str, document: Document) -> str | None:
    """The attribute whose value a user name is, where an address stands in the place of the name."""
    for attribute in username_attributes(document):
        if _LOOKS_LIKE[attribute](username):
            return attribute
    return None


_LOOKS_LIKE: Final = {"email": looks_like_email, "phone_number": looks_like_phone}
