"""
Users' attributes: from the wire and to it, what a sign-up may set, what a token claims, what a mask shows.

Owns the sentences about values.  Leaves out the schema's own rules (`schema.py`), who may read and write what
(`clients.py`), changing an existing user, and `identities` as a claim, since a claim of objects needs JSON.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any, Final

from cenote.domain.documents import Document
from cenote.domain.names import looks_like_email, looks_like_phone
from cenote.domain.schema import VERIFIED_FLAGS, Attribute
from cenote.errors import InvalidParameterException, NotAuthorizedException

NON_MUTABLE: Final = frozenset({"sub", *VERIFIED_FLAGS})
PHONE_DIGITS_SHOWN = 4
PROBLEMS_TOLD_MAX = 32
NAME_CHARACTERS_TOLD_MAX = 256

# The service names these attributes otherwise inside, and its sentences about required ones show it:
# family_name is captured, the others are what many applications quote.  The rest keep their own names there.
_INNER_NAMES: Final = {
    "name": "name.formatted",
    "given_name": "name.givenName",
    "family_name": "name.familyName",
    "middle_name": "name.middleName",
    "nickname": "nickName",
    "preferred_username": "preferredUsername",
    "email": "emails",
    "phone_number": "phoneNumbers",
    "address": "addresses",
}
UNAUTHORIZED: Final = "A client attempted to write unauthorized attribute"
_NON_CONFORMING: Final = "Attributes did not conform to the schema: "
_NO_CLAIMS: Final = frozenset({"sub", "identities"})
_INTEGER = re.compile(r"-?[0-9]{1,300}")  # so that the decimal ones fit into a float
_DECIMAL = re.compile(r"-?[0-9]{1,300}\.[0-9]{1,300}")


def from_wire(pairs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The attributes of a list of names and values: of a repeated name the last, and none that is empty."""
    return {name: value for name, value in _last_of_each(pairs).items() if value}


def emptied(pairs: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The names whose last value is empty or missing: in an update, the attributes to delete."""
    return frozenset(name for name, value in _last_of_each(pairs).items() if not value)


def with_plain_flags(attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes with the two flags spelled as they are compared: `true` or `false`."""
    return {name: value.lower() if name in VERIFIED_FLAGS else value for name, value in attributes.items()}


def to_wire(
    attributes: Mapping[str, str], sub: str, readable: Collection[str] | None = None
) -> list[dict[str, str]]:
    """What GetUser shows: the readable ones, and `sub`, which no client can be denied, last (captured)."""
    return [*_pairs(attributes, readable), {"Name": "sub", "Value": sub}]


def to_wire_sub_first(attributes: Mapping[str, str], sub: str) -> list[dict[str, str]]:
    """What administrators' operations show: `sub` first, then every attribute."""
    return [{"Name": "sub", "Value": sub}, *_pairs(attributes, None)]


def claims(attributes: Mapping[str, str], readable: Collection[str]) -> Document:
    """
    The claims of an ID token that are attributes, for a client that may read these; `sub` is the token's own.

    Strings all, custom ones of any type included, but for the two flags, `updated_at`, and `address`, which
    OpenID Connect makes an object.
    """
    return {
        name: _claim(name, value)
        for name, value in attributes.items()
        if name in readable and name not in _NO_CLAIMS
    }


def check_sign_up(
    attributes: Mapping[str, str], schema: Mapping[str, Attribute], writable: Collection[str]
) -> None:
    """
    Refuse what a user may not set, or must set, at sign-up.

    The live service's order is unknown.  Here: what is nobody's to write, what is not this client's to write,
    what does not exist, what is missing, what has the wrong value, and last the form of an address.
    """
    for name in attributes:
        if name in NON_MUTABLE:
            raise InvalidParameterException(f"Cannot modify the non-mutable attribute {name}")
    if any(name in schema and name not in writable for name in attributes):
        raise NotAuthorizedException(UNAUTHORIZED)
    check_known(attributes, schema)
    _check_complete(attributes, schema)
    check_values(attributes, schema)


def check_known(names: Iterable[str], schema: Mapping[str, Attribute]) -> None:
    """
    Refuse names that the pool's schema does not have, a line for each, in the words of a user's creation.
    """
    unknown = islice((name for name in names if name not in schema), PROBLEMS_TOLD_MAX)
    lines = [
        f"{name[:NAME_CHARACTERS_TOLD_MAX]}: Attribute does not exist in the schema.\n" for name in unknown
    ]
    if lines:
        raise InvalidParameterException(_NON_CONFORMING + "".join(lines))


def check_values(attributes: Mapping[str, str], schema: Mapping[str, Attribute]) -> None:
    """Refuse values outside the schema's bounds, a line for each, and then addresses that are none."""
    refusals = ((name, value_refusal(value, schema[name])) for name, value in attributes.items())
    lines = [f"{name}: {text}\n" for name, text in refusals if text]
    if lines:
        raise InvalidParameterException(_NON_CONFORMING + "".join(lines))
    check_addresses(attributes)


def check_addresses(attributes: Mapping[str, str]) -> None:
    """Refuse addresses that are none."""
    if "email" in attributes and not looks_like_email(attributes["email"]):
        raise InvalidParameterException("Invalid email address format.")
    if "phone_number" in attributes and not looks_like_phone(attributes["phone_number"]):
        raise InvalidParameterException("Invalid phone number format.")


def inner_name(name: str) -> str:
    """What the service calls an attribute in its sentences about required and immutable ones (captured)."""
    if name.startswith("custom:"):
        return "Custom.User." + name.removeprefix("custom:")
    return _INNER_NAMES.get(name, name)


def masked_email(address: str) -> str:
    """Where a code went, for somebody who should know the address: `ann@example.com` is `a***@e***`."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain[:1]}***"


def masked_phone(number: str) -> str:
    """Where a code went, for somebody who should know the number: seven stars and its last four digits."""
    return "+*******" + number.removeprefix("+")[-PHONE_DIGITS_SHOWN:]


def _last_of_each(pairs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {pair["Name"]: pair.get("Value") or "" for pair in pairs}


def _pairs(attributes: Mapping[str, str], readable: Collection[str] | None) -> list[dict[str, str]]:
    return [
        {"Name": name, "Value": value}
        for name, value in attributes.items()
        if name != "sub" and (readable is None or name in readable)
    ]


def _claim(name: str, value: str) -> Any:
    if name in VERIFIED_FLAGS:
        return value.lower() == "true"
    if name == "updated_at":
        number = _number(value)
        return value if number is None else number
    return {"formatted": value} if name == "address" else value


def _check_complete(attributes: Mapping[str, str], schema: Mapping[str, Attribute]) -> None:
    missing = [
        inner_name(name)
        for name, attribute in schema.items()
        if attribute.required and name not in attributes and name not in NON_MUTABLE
    ]
    if missing:
        problems = (f"{name}: The attribute {name} is required" for name in missing)
        raise InvalidParameterException(_NON_CONFORMING + "\n".join(problems))


def value_refusal(value: str, attribute: Attribute) -> str | None:
    """Why the schema does not take this value, or None."""
    if attribute.kind == "String":
        return _length_refusal(value, attribute)
    if attribute.kind == "Number":
        return _number_refusal(value, attribute)
    if attribute.kind == "Boolean" and value.lower() not in ("true", "false"):
        return "Boolean must be true or false"
    return None


def _length_refusal(value: str, attribute: Attribute) -> str | None:
    if attribute.maximum is not None and len(value) > attribute.maximum:
        return f"String must be no longer than {attribute.maximum} characters"
    if attribute.minimum is not None and len(value) < attribute.minimum:
        return f"String must be no shorter than {attribute.minimum} characters"
    return None


def _number_refusal(value: str, attribute: Attribute) -> str | None:
    number = _number(value)
    if number is None:
        return "Number must be numeric"
    if attribute.maximum is not None and number > attribute.maximum:
        return f"Number must be no greater than {attribute.maximum}"
    if attribute.minimum is not None and number < attribute.minimum:
        return f"Number must be no less than {attribute.minimum}"
    return None


def _number(text: str) -> int | float | None:
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else None
