"""
Searching users: the one clause of a ListUsers filter, what it finds, and the marks by which users are found.

A mark is a ladder of texts that the vault makes blind, rung by rung: the first 3, 6 and 9 characters of an
attribute's value, and the whole of it.  The lower rungs find all users who share them.  That narrows a
search; whether a user fits is said here, of the opened user.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cenote.domain.users import User
from cenote.errors import InvalidParameterException

PREFIX_LENGTHS: Final = (3, 6, 9)
SUB, STATUS, ENABLING = "sub", "cognito:user_status", "status"
ENABLED, DISABLED = "Enabled", "Disabled"
UNPARSABLE: Final = "Error while parsing filter."

Mark = tuple[str, ...]

_CLAUSE = re.compile(r'\s*(?:"([^"\\]+)"|([^\s"=^]+))\s*(\^?=)\s*"((?:[^"\\]|\\.)*)"\s*', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Searchable:
    """One thing to search by: where its value is in a user, and whether capitals count."""

    value_of: Callable[[User], str | None]
    is_exact: bool = False

    def folded(self, value: str) -> str:
        """The form in which two values are compared."""
        return value if self.is_exact else value.casefold()


def _attribute(name: str) -> Searchable:
    return Searchable(lambda user: user.attributes.get(name))


# Found by a blind mark; that of a user name is folded too, and a candidate is then held to its capitals.
MARKED: Final = {
    "username": Searchable(lambda user: user.username, is_exact=True),
    **{
        name: _attribute(name)
        for name in ("email", "phone_number", "name", "given_name", "family_name", "preferred_username")
    },
}
# In clear in the user's row.
CLEAR: Final = {
    SUB: Searchable(lambda user: user.sub),
    STATUS: Searchable(lambda user: user.status.value),
    ENABLING: Searchable(lambda user: ENABLED if user.enabled else DISABLED, is_exact=True),
}
SEARCHABLE: Final = {**MARKED, **CLEAR}


@dataclass(frozen=True, slots=True)
class Filter:
    """One clause: the attribute, whether its value may go on, and the value asked for."""

    attribute: str
    is_prefix: bool
    value: str

    def fits(self, user: User) -> bool:
        """Whether this user is among those asked for."""
        found = SEARCHABLE[self.attribute].value_of(user)
        return found is not None and self.matches(found)

    def matches(self, value: str) -> bool:
        """Whether this value of the attribute is one of those asked for."""
        searchable = SEARCHABLE[self.attribute]
        has, asked = searchable.folded(value), searchable.folded(self.value)
        return has.startswith(asked) if self.is_prefix else has == asked

    def mark(self) -> Mark | None:
        """The rungs that all users who fit have in common, or None where every user may fit."""
        if self.attribute not in MARKED:
            return None
        folded = self.value.casefold()
        rungs = _ladder(self.attribute, folded)
        if not self.is_prefix:
            return rungs
        common = sum(length <= len(folded) for length in PREFIX_LENGTHS)
        return rungs[:common] or None

    def order_of(self, user: User) -> str:
        """By what a page of those found is sorted: the value that was searched for."""
        searchable = SEARCHABLE[self.attribute]
        return searchable.folded(searchable.value_of(user) or "")


def parse(text: str) -> Filter | None:
    """The clause of a filter, None for a blank one; refused in the live service's words."""
    if not text.strip():
        return None
    found = _CLAUSE.fullmatch(text)
    if found is None:
        raise InvalidParameterException(UNPARSABLE)
    attribute = found[1] or found[2]
    if attribute not in SEARCHABLE:
        raise InvalidParameterException(f"Invalid search attribute: {attribute}")
    return Filter(attribute, found[3] == "^=", _ESCAPED.sub(r"\1", found[4]))


def marks_of(user: User) -> frozenset[Mark]:
    """Every mark that a search may find this user by: one for each attribute that has a value."""
    values = ((name, searchable.value_of(user)) for name, searchable in MARKED.items())
    return frozenset(_ladder(name, value.casefold()) for name, value in values if value is not None)


def _ladder(name: str, folded: str) -> Mark:
    return (*(f"{name}^{length}|{folded[:length]}" for length in PREFIX_LENGTHS), f"{name}=|{folded}")
