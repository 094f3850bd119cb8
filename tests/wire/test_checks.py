"""The checks under fire: whatever is sent, they accept or refuse, soon, and tell no secret."""

import time
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cenote.errors import InvalidParameterException, SerializationException
from cenote.wire import grammar
from cenote.wire.checks import Compiler
from cenote.wire.model import Model
from cenote.wire.shapes import Reference, Shape

MODEL = Model.load()
SHAPES = MODEL._shapes
MARK = "\x00leaked\x00"
MEGABYTES = [["{####}" * 4] * 40_000, "{##" * 330_000, "@" * 1_000_000, {"a" * 500_000: "a" * 500_000}]


def refused(operation, request):
    """The text of a refusal of either kind; empty for a request that was accepted."""
    try:
        MODEL.check_request(operation, request)
    except (InvalidParameterException, SerializationException) as refusal:
        return refusal.message or "no text"
    return ""


@cache
def junk():
    scalars = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.sampled_from([2**31, -(2**63), 10**400, 1e308, -0.0])
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=8)
        | st.sampled_from(["\x00", "{####}" * 9, "💥", "a" * 300, "=", "AAAA"])
    )
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    )


@cache
def nearly(name):
    """A value that is often of the shape's type, seldom legal, and sometimes anything at all."""
    shape = SHAPES[name]
    if shape.type == "structure":
        members = {key: nearly(member.shape) for key, member in shape.members.items()}
        fitting: st.SearchStrategy[object] = st.fixed_dictionaries({}, optional=members)
    elif shape.type == "list":
        fitting = st.lists(nearly(shape.member.shape), max_size=2)
    elif shape.type == "map":
        fitting = st.dictionaries(
            st.text(max_size=6) | st.just("Level1"), nearly(shape.value.shape), max_size=2
        )
    elif shape.enum:
        fitting = st.sampled_from(shape.enum)
    else:
        kinds: dict[str, st.SearchStrategy[object]] = {
            "string": st.text(max_size=8),
            "boolean": st.booleans(),
            "blob": st.just("AAAA"),
        }
        fitting = kinds.get(shape.type, st.integers())
    return st.one_of(fitting, fitting, fitting, junk())


@pytest.mark.parametrize("operation", MODEL.operations)
def test_whatever_is_sent_is_accepted_or_refused_in_two_ways(operation):
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(request=nearly(MODEL._operations[operation].input.shape))
    def holds(request):
        refused(operation, request)

    holds()


def hostile(name, *, times, hidden=False):
    """A value of the shape's type with the mark in every sensitive string, hardly one of them legal."""
    shape = SHAPES[name]
    hidden = hidden or shape.sensitive
    if shape.type == "structure":
        return {
            key: hostile(member.shape, times=times, hidden=hidden) for key, member in shape.members.items()
        }
    if shape.type == "list":
        return [hostile(shape.member.shape, times=times, hidden=hidden)] * times
    if shape.type == "map":
        return {"\x00": hostile(shape.value.shape, times=times, hidden=hidden)}
    legal = {"boolean": True, "blob": "AAAA", "integer": -1, "timestamp": 0, "long": -1}
    return legal.get(shape.type, (MARK if hidden else "\x00") * times)


@pytest.mark.parametrize("operation", MODEL.operations)
def test_a_refusal_never_tells_a_sensitive_value(operation):
    for times in (1, 3, 300):
        told = refused(operation, hostile(MODEL._operations[operation].input.shape, times=times))
        assert "leaked" not in told


@pytest.mark.parametrize("operation", MODEL.operations)
def test_a_member_of_a_megabyte_is_answered_fast_and_briefly(operation):
    for name in SHAPES[MODEL._operations[operation].input.shape].members:
        for member in MEGABYTES:
            started = time.process_time()
            told = refused(operation, {name: member})
            assert time.process_time() - started < 0.5
            assert len(told) < 8 * grammar.ECHOED_VALUE_CHARACTERS_MAX


def test_a_shape_may_hold_itself():
    tree = Shape(
        "structure", members={"Name": Reference("Leaf"), "Child": Reference("Tree")}, required=("Name",)
    )
    check = Compiler({"Tree": tree, "Leaf": Shape("string", max=1)}).check("Tree")
    assert not check({"Name": "a", "Child": {"Name": "b"}})
    assert [fault.path for fault in check({"Name": "a", "Child": {"Child": {"Name": "bb"}}})] == [
        "child.name",
        "child.child.name",
    ]


def test_what_is_inside_a_sensitive_shape_is_sensitive():
    shapes = {
        "Whole": Shape("structure", members={"Part": Reference("Part")}, sensitive=True),
        "Part": Shape("structure", members={"Word": Reference("Word")}),
        "Word": Shape("string", max=1),
    }
    (fault,) = Compiler(shapes).check("Whole")({"Part": {"Word": "leaked"}})
    assert (fault.path, fault.given) == ("part.word", "")
    (fault,) = Compiler(shapes).check("Part")({"Word": "told"})
    assert fault.given == " 'told'"
