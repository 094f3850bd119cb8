"""
Changes of an existing user's attributes: what may be asked, by whom, and what the user is like afterwards.

Owns the refusals of the four operations that change attributes, in the live service's words.  Leaves out a
new user's attributes (`attributes.py`) and what follows outside the user: names, codes, search.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from cenote.domain.attributes import (
    NON_MUTABLE,
    PROBLEMS_TOLD_MAX,
    UNAUTHORIZED,
    check_addresses,
    emptied,
    from_wire,
    inner_name,
    value_refusal,
    with_plain_flags,
)
from cenote.domain.schema import Attribute
from cenote.domain.users import User
from cenote.errors import InvalidParameterException, NotAuthorizedException

ADDRESSES: Final = ("email", "phone_number")
_INVALID: Final = "Invalid user attributes: "


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """What is to become of a user's attributes: these values are set, these names have none any more."""

    values: Mapping[str, str]
    deleted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Writer:
    """
    Who asks: a user through a client that may write these attributes, or an administrator, who may write all.
    """

    writable: Collection[str] | None

    @property
    def is_admin(self) -> bool:
        """An administrator sets the flags of addresses too."""
        return self.writable is None

    def check(self, names: Iterable[str], schema: Mapping[str, Attribute]) -> None:
        """Refuse names that nobody may write, and names that this client may not."""
        untouchable = {"sub"} if self.is_admin else NON_MUTABLE
        for name in names:
            if name in untouchable:
                raise InvalidParameterException(f"Cannot modify the non-mutable attribute {name}")
        if self.writable is not None and any(name in schema and name not in self.writable for name in names):
            raise NotAuthorizedException(UNAUTHORIZED)


ADMIN: Final = Writer(None)


def checked_update(
    pairs: Iterable[Mapping[str, Any]], schema: Mapping[str, Attribute], writer: Writer
) -> AttributeChange:
    """
    The change that UpdateUserAttributes and its twin ask for; an empty value deletes.

    Of a repeated name the last value counts, and only that is looked at.
    """
    pairs = list(pairs)
    values, deleted = from_wire(pairs), emptied(pairs)
    writer.check([*values, *sorted(deleted)], schema)
    refusals = {name: _update_refusal(name, values, schema) for name in values}
    refusals |= {name: _emptying_refusal(name, schema) for name in sorted(deleted)}
    if lines := [f"user.{name}: {text}" for name, text in refusals.items() if text]:
        raise InvalidParameterException("".join(lines[:PROBLEMS_TOLD_MAX]))
    check_addresses(values)
    return AttributeChange(with_plain_flags(values), deleted)


def checked_deletion(
    names: Iterable[str], schema: Mapping[str, Attribute], writer: Writer
) -> AttributeChange:
    """The change that DeleteUserAttributes and its twin ask for; what is not set may be deleted too."""
    asked = list(dict.fromkeys(names))
    writer.check(asked, schema)
    unknown = [name for name in asked if name not in schema]
    if unknown and writer.is_admin:
        told = unknown[:PROBLEMS_TOLD_MAX]
        lines = (f"user.{name}: Attribute does not exist in the schema.\n" for name in told)
        raise InvalidParameterException(_INVALID + "".join(lines))
    for name in asked:
        if refusal := _deletion_refusal(name, schema):
            raise InvalidParameterException(_INVALID + refusal)
    return AttributeChange({}, frozenset(asked))


def changed(user: User, change: AttributeChange, held_back: Collection[str], *, now_ms: int) -> User:
    """
    The user after the change.

    A new address is not proven, unless an administrator says so in the same breath.  One that the pool wants
    proven first (`held_back`) is kept aside, and the old one stays in use until then.
    """
    values, pending = dict(change.values), dict(user.pending)
    for address in ADDRESSES:
        flag = f"{address}_verified"
        if address in values or address in change.deleted:
            pending.pop(address, None)
        if address not in values or values[address] == user.attributes.get(address):
            continue
        if address in held_back and values.get(flag) != "true":
            pending[address] = values.pop(address)
            values.pop(flag, None)
        else:
            values.setdefault(flag, "false")
    gone = change.deleted | {f"{address}_verified" for address in ADDRESSES if address in change.deleted}
    kept = {name: value for name, value in user.attributes.items() if name not in gone}
    return replace(user, attributes={**kept, **values}, pending=pending, modified_ms=now_ms)


def moved_addresses(before: User, after: User) -> tuple[str, ...]:
    """The addresses whose codes are worth nothing any more: what they prove is not what is asked now."""
    return tuple(
        address
        for address in ADDRESSES
        if before.attributes.get(address) != after.attributes.get(address)
        or before.pending.get(address) != after.pending.get(address)
    )


def unproven_addresses(before: User, after: User) -> tuple[str, ...]:
    """The addresses that are new and that nobody has proven: where codes go, if the pool sends any."""
    return tuple(
        address
        for address in moved_addresses(before, after)
        if address in after.pending
        or (address in after.attributes and after.attributes.get(f"{address}_verified") != "true")
    )


def _update_refusal(name: str, values: Mapping[str, str], schema: Mapping[str, Attribute]) -> str | None:
    if name not in schema:
        return "Attribute does not exist in the schema.\n"
    if not schema[name].mutable:
        return "Attribute cannot be updated.\n"
    text = value_refusal(values[name], schema[name])
    return None if text is None else f"{text}\n"


def _emptying_refusal(name: str, schema: Mapping[str, Attribute]) -> str | None:
    if name not in schema:
        return "Attribute does not exist in the schema.\n"
    if not schema[name].mutable:
        return "Attribute cannot be updated.\n"
    return "Required attribute cannot be deleted." if schema[name].required else None


def _deletion_refusal(name: str, schema: Mapping[str, Attribute]) -> str | None:
    if name not in schema:
        return f"Type for attribute {{{name}}} could not be determined"
    if not schema[name].mutable:
        return (
            f"{inner_name(name)}: This attribute does not satisfy the mutability validation"
            " defined in the schema."
        )
    if schema[name].required:
        return f"{inner_name(name)}: The attribute {inner_name(name)} is required"
    return None
