"""
The check of an answer against the model, for tests: what a client's parser would stumble over or drop.

Owns what is wrong with an answer, in plain sentences.  Leaves out requests (`checks.py`).  The server itself
does not call this, so it walks the shapes and compiles nothing.
"""

import reprlib
from collections.abc import Iterator, Mapping

from cenote.errors import SerializationException
from cenote.wire.constraints import ACCEPT, constraints_of
from cenote.wire.overrides import LIVE_ANSWERS
from cenote.wire.shapes import Reference, Shape

TIMESTAMP_DECIMALS_MAX = 3


def answer_faults(shapes: Mapping[str, Shape], output: Reference | None, answer: object) -> list[str]:
    """Every fault of an answer.  An operation without an output shape answers None, which is zero bytes."""
    if output is None:
        return [] if answer is None else ["the operation has no output shape, so its answer must be None"]
    return list(_faults(shapes, output.shape, answer, "answer"))


def _faults(shapes: Mapping[str, Shape], name: str, value: object, at: str) -> Iterator[str]:
    shape = shapes[name]
    if value is None:
        yield f"{at} is null, and an absent member must be left out"
    elif shape.document:
        return
    elif shape.type == "structure":
        yield from _structure(shapes, shape, value, at)
    elif shape.type == "list":
        yield from _list(shapes, shape, value, at)
    elif shape.type == "map":
        yield from _map(shapes, shape, value, at)
    elif not (isinstance(value, str) and (name, value) in LIVE_ANSWERS):
        yield from _scalar(shape, value, at)


def _structure(shapes: Mapping[str, Shape], shape: Shape, value: object, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at} is no structure: {reprlib.repr(value)}"
        return
    for name in shape.required:
        if name not in value:
            yield f"{at}.{name} is required and absent"
    for name, item in value.items():
        if name in shape.members:
            yield from _faults(shapes, shape.members[name].shape, item, f"{at}.{name}")
        else:
            yield f"{at}.{name} is unknown to the model"


def _list(shapes: Mapping[str, Shape], shape: Shape, value: object, at: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{at} is no list: {reprlib.repr(value)}"
        return
    yield from _constraints(shape, value, at)
    for index, item in enumerate(value):
        yield from _faults(shapes, shape.member.shape, item, f"{at}[{index}]")


def _map(shapes: Mapping[str, Shape], shape: Shape, value: object, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at} is no map: {reprlib.repr(value)}"
        return
    yield from _constraints(shape, value, at)
    for key, item in value.items():
        yield from _faults(shapes, shape.key.shape, key, f"the key {key!r} of {at}")
        yield from _faults(shapes, shape.value.shape, item, f"{at}[{key!r}]")


def _scalar(shape: Shape, value: object, at: str) -> Iterator[str]:
    try:
        ACCEPT[shape.type](value)
    except SerializationException as error:
        yield f"{at} has the wrong type: {error.message}"
        return
    yield from _constraints(shape, value, at)
    if (
        shape.type == "timestamp"
        and isinstance(value, float)
        and round(value, TIMESTAMP_DECIMALS_MAX) != value
    ):
        yield f"{at} has more than {TIMESTAMP_DECIMALS_MAX} decimals: {value!r}"


def _constraints(shape: Shape, value: object, at: str) -> Iterator[str]:
    for constraint in constraints_of(shape):
        if not constraint.holds(value):
            yield f"{at} is {reprlib.repr(value)}: {constraint.text}"
