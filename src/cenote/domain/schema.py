"""
The schema of a pool: the twenty standard attributes, overrides of them, and custom attributes.

Owns the SchemaAttributes member of a pool's document and the refusals of CreateUserPool and
AddCustomAttributes that concern one entry.  Leaves out users' values (`attributes.py`) and which client may
read or write them (`clients.py`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cenote.domain.documents import Document
from cenote.errors import InvalidParameterException

STRING_LENGTH_MAX = 2048
CUSTOM_ATTRIBUTES_PER_POOL_MAX = 50
VERIFIED_FLAGS: Final = ("email_verified", "phone_number_verified")

# In the order in which CreateUserPool answers them (captured).
STANDARD_NAMES: Final = (
    "sub",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
)
# The service takes the two flags in a Schema for custom attributes of that name (aws-cdk 14175).
_OVERRIDABLE = frozenset(STANDARD_NAMES) - frozenset(VERIFIED_FLAGS)
_KINDS: Final = {**dict.fromkeys(VERIFIED_FLAGS, "Boolean"), "updated_at": "Number"}
_CONSTRAINTS: Final[Mapping[str, Document]] = {
    "sub": {"MinLength": "1", "MaxLength": "2048"},
    "birthdate": {"MinLength": "10", "MaxLength": "10"},
    "updated_at": {"MinValue": "0"},
}
_TEXT_CONSTRAINTS: Final[Document] = {"MinLength": "0", "MaxLength": "2048"}
_CONSTRAINTS_MEMBER: Final = {"String": "StringAttributeConstraints", "Number": "NumberAttributeConstraints"}
_BOUNDS: Final = {"String": ("MinLength", "MaxLength"), "Number": ("MinValue", "MaxValue")}
_REVERSED: Final = {
    "String": "max length shorter than it's min length",
    "Number": "max value smaller than it's min value",
}
_WHOLE_NUMBER = re.compile(r"[0-9]{1,309}")  # the model allows up to 2^1023, which has 308 digits


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a pool; the bounds are lengths of a String and values of a Number."""

    name: str
    kind: str
    required: bool
    mutable: bool
    developer_only: bool
    minimum: int | None
    maximum: int | None


def schema_attributes(requested: Sequence[Mapping[str, Any]]) -> list[Document]:
    """
    The SchemaAttributes of a new pool: all standard ones in the service's order, then the custom ones.

    An entry named like a standard attribute overrides it; every other entry is custom.
    """
    _check_named(requested, "schema")
    overrides = {entry["Name"]: entry for entry in requested if entry["Name"] in _OVERRIDABLE}
    custom = [custom_attribute(entry) for entry in requested if entry["Name"] not in _OVERRIDABLE]
    _check_distinct([entry["Name"] for entry in custom])
    return [_standard_attribute(name, overrides.get(name, {})) for name in STANDARD_NAMES] + custom


def custom_attribute(requested: Mapping[str, Any]) -> Document:
    """
    The entry of a custom attribute, under its full name.

    Developer-only ones are `dev:custom:NAME`, as the API's sample answer shows, not `dev:NAME` as its text
    says.
    """
    kind = requested.get("AttributeDataType")
    if kind is None:
        raise InvalidParameterException(
            "Invalid AttributeDataType input, consider using the provided AttributeDataType enum."
        )
    if requested.get("Required", False):
        raise InvalidParameterException("Required custom attributes are not supported currently.")
    developer_only = requested.get("DeveloperOnlyAttribute", False)
    name = f"dev:custom:{requested['Name']}" if developer_only else f"custom:{requested['Name']}"
    constraints = _checked_constraints(name, kind, requested)
    mutable = requested.get("Mutable", True)
    return _entry(name, kind, constraints, mutable=mutable) | {"DeveloperOnlyAttribute": developer_only}


def added_attributes(entries: Sequence[Document], requested: Sequence[Mapping[str, Any]]) -> list[Document]:
    """The SchemaAttributes of a pool that is given more custom attributes: all of them or, refused, none."""
    _check_named(requested, "customAttributes")
    added: list[Document] = []
    for entry in map(custom_attribute, requested):
        name = entry["Name"]
        if any(other["Name"] == name for other in (*entries, *added)):
            raise InvalidParameterException(f"{name}: Existing attribute already has name {name}.")
        added.append(entry)
    if len(entries) + len(added) > len(STANDARD_NAMES) + CUSTOM_ATTRIBUTES_PER_POOL_MAX:
        # The limit is the guide's; the live service's sentence is unknown.
        raise InvalidParameterException(
            f"A user pool can have at most {CUSTOM_ATTRIBUTES_PER_POOL_MAX} custom attributes."
        )
    return [*entries, *added]


def identities_attribute() -> Document:
    """The attribute of whoever signs in through a provider: every pool has it, and none shows it."""
    return _entry("identities", "String", {}, mutable=True)


def read_schema(entries: Iterable[Mapping[str, Any]]) -> dict[str, Attribute]:
    """The attributes by their full names, in the order of the entries."""
    return {entry["Name"]: _read(entry) for entry in entries}


def _read(entry: Mapping[str, Any]) -> Attribute:
    kind = entry["AttributeDataType"]
    constraints = entry.get(_CONSTRAINTS_MEMBER.get(kind, ""), {})
    lower, upper = (constraints.get(bound) for bound in _BOUNDS.get(kind, ("", "")))
    return Attribute(
        name=entry["Name"],
        kind=kind,
        required=entry["Required"],
        mutable=entry["Mutable"],
        developer_only=entry["DeveloperOnlyAttribute"],
        minimum=int(lower) if lower else None,
        maximum=int(upper) if upper else None,
    )


def _standard_attribute(name: str, override: Mapping[str, Any]) -> Document:
    kind = _KINDS.get(name, "String")
    if override.get("AttributeDataType", kind) != kind or override.get("DeveloperOnlyAttribute", False):
        raise InvalidParameterException(
            "You can not change AttributeDataType or set developerOnlyAttribute for"
            f" standard schema attribute {name}"
        )
    default = _CONSTRAINTS.get(name, _TEXT_CONSTRAINTS)
    if name == "sub":  # the service's own: whatever a request says of it, it stays as it is
        return _entry(name, kind, default, mutable=False) | {"Required": True}
    # Constraints count only beside a type: an override that names no type leaves them alone.
    given = override if "AttributeDataType" in override else {}
    constraints = _checked_constraints(name, kind, given, default)
    entry = _entry(name, kind, constraints, mutable=override.get("Mutable", True))
    return entry | {"Required": override.get("Required", False)}


def _entry(name: str, kind: str, constraints: Mapping[str, Any], *, mutable: bool) -> Document:
    entry: Document = {
        "Name": name,
        "AttributeDataType": kind,
        "DeveloperOnlyAttribute": False,
        "Mutable": mutable,
        "Required": False,
    }
    if kind in _CONSTRAINTS_MEMBER:
        entry[_CONSTRAINTS_MEMBER[kind]] = dict(constraints)
    return entry


def _checked_constraints(
    name: str, kind: str, requested: Mapping[str, Any], default: Mapping[str, Any] | None = None
) -> Document:
    member = _CONSTRAINTS_MEMBER.get(kind)
    if member is None:
        return {}
    constraints = {**(default or {}), **requested.get(member, {})}
    lower, upper = (_bound(name, member, constraints.get(bound)) for bound in _BOUNDS[kind])
    if kind == "String" and max(lower or 0, upper or 0) > STRING_LENGTH_MAX:
        raise InvalidParameterException(
            f"user.{name}: String attributes cannot have a length of more than {STRING_LENGTH_MAX}"
        )
    if lower is not None and upper is not None and lower > upper:
        raise InvalidParameterException(f"Attribute {name} cannot have a {_REVERSED[kind]}")
    return constraints


def _bound(name: str, member: str, text: str | None) -> int | None:
    if not text:
        return None
    if not _WHOLE_NUMBER.fullmatch(text):
        raise InvalidParameterException(f"Invalid {member} for schema attribute {name}")
    return int(text)


def _check_named(requested: Sequence[Mapping[str, Any]], member: str) -> None:
    for number, entry in enumerate(requested, 1):
        if "Name" not in entry:  # the model lets it pass; nothing can be made of it
            raise InvalidParameterException(
                f"1 validation error detected: Value null at '{member}.{number}.member.name'"
                " failed to satisfy constraint: Member must not be null"
            )


def _check_distinct(names: list[str]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise InvalidParameterException(
                f"Duplicate custom attribute names {name} are not allowed in a user pool schema."
            )
