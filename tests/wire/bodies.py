"""
Bodies for every operation, made from the model's shapes: nearly right ones, and what no client should send.

A body is a tree of JSON values in which two things stand for others: `Known` for something that exists in the
server under test, and `Raw` for JSON text as it is, legal or not.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st

from cenote.wire.constraints import constraints_of
from cenote.wire.shapes import Shape
from tests.house import MODEL

SHAPES = MODEL._shapes
DEEP, LONG = 3_000, 20_000


@dataclass(frozen=True)
class Known:
    """Something in the server under test, by the name of its kind."""

    kind: str


@dataclass(frozen=True)
class Raw:
    """JSON text as it stands."""

    text: str


KNOWN_BY_SHAPE = {
    "UserPoolIdType": ("pool",),
    "ClientIdType": ("client", "secret_client"),
    "UsernameType": ("ann", "bob"),
    "TokenModelType": ("access_token", "id_token", "refresh_token"),
    "PasswordType": ("password",),
    "GroupNameType": ("group",),
    "ArnType": ("pool_arn",),
    "StringType": ("ann", "access_token"),
}
PARAMETERS: Mapping[str, Known] = {
    "USERNAME": Known("ann"),
    "PASSWORD": Known("password"),
    "REFRESH_TOKEN": Known("refresh_token"),
    "SECRET_HASH": Known("client"),
    "SRP_A": Known("client"),
}
WORDS = (
    *(
        "a",
        "abc",
        "Ab1!xyzW9",
        "ann@example.com",
        "+15551234567",
        "en",
        "email",
        "custom:x",
        "123456",
        "true",
    ),
    *("us-east-1_abc123", "arn:aws:lambda:us-east-1:123456789012:function:x", "https://example.com/x", "0"),
    *("arn:aws:iam::123456789012:role/x", "{####}", "{username} {####}", "{##x##}", "name", "phone_number"),
)
ODD_WORDS = (
    "",
    " ",
    "a b",
    "\0",
    "a\0b",
    "💥",
    "e\u0301",
    "\ufeff",
    "\u202e",
    "' or 1=1 --",
    "%s%n",
    "../../x",
    "a\n",
)
ODD_JSON = (
    *('"\\ud800"', '"\\udc00\\ud800"', '"a\\u0000"', '{"\\udfff":1}', "NaN", "-Infinity", "1e400", "1e-400"),
    *("9" * 300, "9" * 4_000, "9" * LONG, "-" + "9" * LONG, "0." + "9" * LONG, "1e" + "9" * 400, "-0", "0.0"),
    *("2147483648", "-9223372036854775809", "1.0", "1.5", "null", "true", "[]", "{}", '""', "[null]", '[""]'),
    *(
        "[" * DEEP + "]" * DEEP,
        '{"a":' * DEEP + "1" + "}" * DEEP,
        "[" * DEEP,
        f'"{"a" * LONG}"',
        "01",
        "'a'",
        "",
    ),
    *('{"":{"":[{}]}}', "[[[[]]]]", '"\\u12"', '"\\x"', '"\t"'),
)
ODD_VALUES = (*map(json.dumps, ODD_WORDS), "null", "-1", "0", "2147483647", '"1"', "true", "[]", "{}", "1.5")


def bodies(operation: str) -> st.SearchStrategy[Any]:
    """Bodies of an operation: right ones, ones with something wrong, and something else altogether."""
    right = fitting(MODEL._operations[operation].input.shape)
    wrong, absurd = spoilt(right, ODD_VALUES), spoilt(right, ODD_JSON)
    return _mostly(right, wrong, absurd | st.builds(Raw, st.sampled_from(ODD_JSON)))


def rendered(value: Any, known: Callable[[str], str]) -> bytes:
    """The bytes of a body."""
    return _text(value, known).encode()


def _text(value: Any, known: Callable[[str], str]) -> str:
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, Known):
        return json.dumps(known(value.kind))
    if isinstance(value, list):
        return f"[{','.join(_text(item, known) for item in value)}]"
    if isinstance(value, dict):
        pairs = ((name.rstrip("\x01"), _text(item, known)) for name, item in value.items())
        return f"{{{','.join(f'{json.dumps(name)}:{item}' for name, item in pairs)}}}"
    return json.dumps(value, ensure_ascii=False)


@cache
def fitting(name: str) -> st.SearchStrategy[Any]:
    """Values of a shape that the model mostly accepts."""
    shape = SHAPES[name]
    if name == "AuthParametersType":
        return st.fixed_dictionaries({}, optional={key: st.just(value) for key, value in PARAMETERS.items()})
    if shape.type == "structure":
        return _structures(shape)
    if shape.type == "list":
        return st.lists(fitting(shape.member.shape), min_size=shape.min or 0, max_size=2)
    if shape.type == "map":
        return st.dictionaries(_texts(SHAPES[shape.key.shape]), fitting(shape.value.shape), max_size=2)
    if shape.enum:
        return st.sampled_from(shape.enum)
    if shape.type == "string":
        kinds = KNOWN_BY_SHAPE.get(name, ())
        existing: st.SearchStrategy[Any] = st.sampled_from([Known(kind) for kind in kinds])
        return _mostly(existing, _texts(shape)) if kinds else _texts(shape)
    return _numbers_and_the_like(shape)


def _structures(shape: Shape) -> st.SearchStrategy[Any]:
    members = {key: fitting(member.shape) for key, member in shape.members.items()}
    required = {key: members.pop(key) for key in shape.required}
    few = st.lists(st.sampled_from(sorted(members)), max_size=4, unique=True) if members else st.just([])
    return few.flatmap(lambda keys: st.fixed_dictionaries(required | {key: members[key] for key in keys}))


def _numbers_and_the_like(shape: Shape) -> st.SearchStrategy[Any]:
    if shape.type == "boolean":
        return st.booleans()
    if shape.type == "blob":
        return st.binary(max_size=8).map(lambda raw: base64.b64encode(raw).decode())
    if shape.type in {"integer", "long"}:
        return st.integers(shape.min or 0, shape.max if shape.max is not None else 2**31 - 1)
    return st.floats(0, 2e9, allow_nan=False)


def _texts(shape: Shape) -> st.SearchStrategy[str]:
    """Words that fit, words at the bounds of the length, and odd ones."""
    holds = [constraint.holds for constraint in constraints_of(shape)]
    fit = [word for word in WORDS if all(test(word) for test in holds)] or list(WORDS)
    bounds = [length for length in (shape.min, shape.max) if length is not None and length <= LONG]
    at_bounds = ["a" * max(0, length + beside) for length in bounds for beside in (-1, 0, 1)]
    odd = st.sampled_from([*ODD_WORDS, *at_bounds]) | st.text(max_size=6)
    return _mostly(st.sampled_from(fit), odd)


def _mostly(usual: st.SearchStrategy[Any], *others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The usual in three of four draws or, beside two others, in three of five."""
    return st.one_of(usual, usual, usual, *others)


@st.composite
def spoilt(draw: st.DrawFn, right: st.SearchStrategy[Any], odd: tuple[str, ...]) -> Any:
    """A body with one or two things wrong, wherever they are."""
    body = draw(right)
    for _wrong in range(draw(st.integers(1, 2))):
        body = _with_a_fault(draw, body, odd)
    return body


def _with_a_fault(draw: st.DrawFn, value: Any, odd: tuple[str, ...]) -> Any:
    """The value with something wrong in it or, at a leaf, something else in its place."""
    if isinstance(value, list) and value and draw(st.booleans()):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], _with_a_fault(draw, value[place], odd), *value[place + 1 :]]
    if isinstance(value, dict):
        return _with_a_wrong_member(draw, value, odd)
    return Raw(draw(st.sampled_from(odd)))


def _with_a_wrong_member(draw: st.DrawFn, value: dict[str, Any], odds: tuple[str, ...]) -> Any:
    odd = Raw(draw(st.sampled_from(odds)))
    if not value:
        return value | {"Extra": odd}
    name = draw(st.sampled_from(sorted(value)))
    way = draw(st.sampled_from(["deeper", "deeper", "deeper", "absent", "null", "twice", "extra"]))
    if way == "absent":
        return {key: item for key, item in value.items() if key != name}
    if way == "null":
        return value | {name: None}
    if way == "twice":  # the mark is taken away when the body is rendered
        return value | {name + "\x01": odd}
    if way == "extra":
        return value | {draw(st.sampled_from(["Extra", "", "__proto__", name.lower()])): odd}
    return value | {name: _with_a_fault(draw, value[name], odds)}
