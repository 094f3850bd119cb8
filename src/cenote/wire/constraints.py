"""
What a shape demands of one value: its JSON type, then its constraints in AWS's words.

Owns both for every scalar, and the sizes of lists and maps.  Leaves out how shapes nest (`checks.py`).

Lengths are counted in code points.  (AWS counts UTF-16 units; the two differ only beyond the basic plane,
where AWS's count would let a limit split a character.)
"""

import binascii
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cenote.wire import grammar
from cenote.wire.patterns import matcher
from cenote.wire.shapes import Shape

PATTERN_OVERLONG_FACTOR_MAX = 2
"""A pattern is not asked of a value longer than this many times its maximum: the length fault says enough."""

INTEGER_BITS = {"integer": 32, "long": 64}
TIMESTAMP_SECONDS_MAX = (1 << 63) / 1000
"""Java keeps a time as 64 bits of milliseconds."""

NUMBERS = frozenset({"integer", "long", "float", "double"})

Accept = Callable[[object], None]


@dataclass(frozen=True, slots=True)
class Constraint:
    """A demand, and the test of it: truthy when a value of the right JSON type meets it."""

    text: str
    holds: Callable[[Any], object]


def constraints_of(shape: Shape) -> tuple[Constraint, ...]:
    """What a shape demands of a value of the right JSON type, in the order in which AWS lists it."""
    found = (*_bounds(shape), *_pattern(shape), *_enum(shape))
    if not shape.empty_is_legal:
        return found
    return tuple(Constraint(each.text, _unless_empty(each.holds)) for each in found)


def _unless_empty(holds: Callable[[Any], object]) -> Callable[[Any], object]:
    return lambda value: not value or holds(value)


def _bounds(shape: Shape) -> Iterator[Constraint]:
    least, most = shape.min, shape.max
    what = f"Member must have {'value' if shape.type in NUMBERS else 'length'}"
    size = _size(shape.type)
    if most is not None:
        yield Constraint(f"{what} less than or equal to {most}", lambda value: size(value) <= most)
    if least is not None:
        yield Constraint(f"{what} greater than or equal to {least}", lambda value: size(value) >= least)


def _size(kind: str) -> Callable[[Any], int]:
    if kind in NUMBERS:
        return lambda value: value
    return _blob_bytes if kind == "blob" else len


def _blob_bytes(base64: str) -> int:
    return len(base64) // 4 * 3 - base64[-2:].count("=")


def _pattern(shape: Shape) -> Iterator[Constraint]:
    if shape.pattern is None:
        return
    text = f"Member must satisfy regular expression pattern: {shape.quoted_pattern or shape.pattern}"
    matches = matcher(shape.pattern)
    if shape.max is None:
        yield Constraint(text, matches)
    else:
        asked_characters_max = shape.max * PATTERN_OVERLONG_FACTOR_MAX
        yield Constraint(text, lambda value: len(value) > asked_characters_max or matches(value))


def _enum(shape: Shape) -> Iterator[Constraint]:
    if shape.enum:
        text = f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
        yield Constraint(text, frozenset(shape.enum).__contains__)


def _accept_string(value: object) -> None:
    if not isinstance(value, str):
        raise grammar.unconvertible(value, "a String")


def _accept_boolean(value: object) -> None:
    """AWS also takes "yes" and "true"; we refuse them, for a check must not change a request."""
    if not isinstance(value, bool):
        raise grammar.unconvertible(value, "a Boolean")


def _accept_integer(kind: str, wanted: str) -> Accept:
    """AWS truncates 1.5 to 1; we refuse it, for a check must not change a request."""
    limit = 1 << (INTEGER_BITS[kind] - 1)

    def accept(value: object) -> None:
        if type(value) is not int or not -limit <= value < limit:
            raise grammar.unconvertible(value, wanted)

    return accept


def _accept_number(wanted: str, limit: float) -> Accept:
    def accept(value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < limit:
            raise grammar.unconvertible(value, wanted)

    return accept


def _accept_blob(value: object) -> None:
    if not isinstance(value, str):
        raise grammar.unconvertible(value, "a Blob")
    try:
        binascii.a2b_base64(value, strict_mode=True)
    except ValueError:
        raise grammar.unconvertible(value, "a Blob") from None


ACCEPT: dict[str, Accept] = {
    "string": _accept_string,
    "boolean": _accept_boolean,
    "integer": _accept_integer("integer", "an Integer"),
    "long": _accept_integer("long", "a Long"),
    "float": _accept_number("a Float", math.inf),
    "double": _accept_number("a Double", math.inf),
    "timestamp": _accept_number("milliseconds since epoch", TIMESTAMP_SECONDS_MAX),
    "blob": _accept_blob,
}
"""For each kind of scalar, a function that raises SerializationException for a value of another JSON type."""
