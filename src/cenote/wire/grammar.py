"""
The sentences in which AWS refuses a request that breaks the model.

Owns wording, paths and how much of a refused value is echoed.  Leaves out what is refused (`checks.py`).
The wording is that of live answers: the frame and the paths from aws/aws-cdk#14699, lists of constrained
items from awsdocs/aws-cloudformation-user-guide#517; maps and wrong JSON types from answers of other JSON 1.1
services, which share the front end.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cenote.errors import SerializationException

ECHOED_VALUE_CHARACTERS_MAX = 1024
"""AWS echoes a value whole.  We cut it, so that a megabyte sent is not a megabyte sent back and logged."""

FAULTS_REPORTED_MAX = 32
"""A check stops once this many constraints are found broken, and the answer counts only these."""

NOT_NULL = "Member must not be null"


class Fault(NamedTuple):
    """One broken constraint: where, what was given (after a space; or nothing), and what was demanded."""

    path: str
    given: str
    constraint: str


def refusal(faults: Sequence[Fault]) -> str:
    """The whole message of an InvalidParameterException."""
    reported = faults[:FAULTS_REPORTED_MAX]
    plural = "s" if len(reported) > 1 else ""
    return f"{len(reported)} validation error{plural} detected: {'; '.join(map(_item, reported))}"


def _item(fault: Fault) -> str:
    return f"Value{fault.given} at '{fault.path}' failed to satisfy constraint: {fault.constraint}"


def lower_camel(name: str) -> str:
    """A member's name in a path: its first letter is lowered and no other: `sMSMfaSettings`."""
    return name[:1].lower() + name[1:]


def below(parent: str, faults: Iterable[Fault]) -> list[Fault]:
    """The same faults, seen from the structure, list or map that holds them under `parent`."""
    return [fault._replace(path=f"{parent}.{fault.path}" if fault.path else parent) for fault in faults]


def given(value: object, *, hidden: bool) -> str:
    """A refused value for `Fault.given`; of a sensitive one nothing is told, not even that it was null."""
    if hidden:
        return ""
    return " null" if value is None else f" '{cut(_printed(value))}'"


def cut(text: str) -> str:
    """The text, or as much of it as may be echoed and three dots."""
    if len(text) <= ECHOED_VALUE_CHARACTERS_MAX:
        return text
    return text[:ECHOED_VALUE_CHARACTERS_MAX] + "..."


def _printed(value: object) -> str:
    """Lists and maps as Java prints them.  Deeper ones stay closed, for they may hold sensitive members."""
    if isinstance(value, list):
        return f"[{', '.join(map(_flat, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={_flat(item)}' for key, item in value.items())}}}"
    return str(value)


def _flat(item: object) -> str:
    if isinstance(item, list):
        return "[...]"
    if isinstance(item, dict):
        return "{...}"
    return "null" if item is None else str(item)


def unconvertible(value: object, wanted: str) -> SerializationException:
    """A scalar of another JSON type than the model's.  `wanted` has its article: "a String", "an Integer"."""
    return _misplaced(value) or SerializationException(f"{_token(value)} can not be converted to {wanted}")


def unexpected(value: object, otherwise: str) -> SerializationException:
    """Something else where a structure, list or map belongs; `otherwise` is the text for a scalar."""
    return _misplaced(value) or SerializationException(otherwise)


def unreadable(body: object) -> SerializationException:
    """A whole body that is no object.  AWS names a list and says nothing of a scalar."""
    return _misplaced(body) or SerializationException()


def _misplaced(value: object) -> SerializationException | None:
    if isinstance(value, list):
        return SerializationException("Start of list found where not expected")
    if isinstance(value, dict):
        return SerializationException("Start of structure or map found where not expected.")
    return None


def _token(value: object) -> str:
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    return "STRING_VALUE" if isinstance(value, str) else "NUMBER_VALUE"
