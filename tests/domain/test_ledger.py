"""The ledger's chain: what a line's hash covers, and what no longer follows from what came before."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from cenote.domain.ledger import BrokenChain, Gap, Head, Link, beginning, followed, gap, linked
from cenote.domain.registrations import LedgerLine

FIRST = beginning(bytes(range(16)))
LENGTH = 6


def line(number, **changes):
    values = {"digest": bytes([number]) * 32, "kind": "user", "slot": number, "erased_ms": 1000, "done": True}
    return LedgerLine(**values | changes)


def chain_of(lines, head=FIRST):
    return linked(lines, head)


def head_of(entry):
    return Head(entry.number, entry.hash)


@pytest.fixture
def entries():
    return chain_of(line(number) for number in range(1, LENGTH + 1))


def test_a_line_is_hashed_in_letters_that_any_tool_can_hash(entries):
    text = f"line|2|user|{'02' * 32}|2|1000|{entries[0].hash.hex()}"
    assert entries[1].hash == hashlib.sha256(text.encode()).digest()


def test_each_house_begins_a_chain_of_its_own():
    assert beginning(bytes(16)) != FIRST
    assert FIRST.number == 0


def test_whether_a_tombstone_is_known_to_be_written_is_no_part_of_the_line():
    assert chain_of([line(1, done=False)])[0].hash == chain_of([line(1)])[0].hash


def test_a_whole_chain_leads_to_its_head_from_wherever_one_begins(entries):
    assert followed(FIRST, entries) == head_of(entries[-1])
    assert followed(head_of(entries[2]), entries[3:]) == head_of(entries[-1])
    assert followed(FIRST, []) == FIRST


@pytest.mark.parametrize(
    "changes",
    [{"digest": bytes(32)}, {"kind": "pool"}, {"slot": 99}, {"erased_ms": 999}],
    ids=lambda changes: next(iter(changes)),
)
def test_an_altered_line_breaks_the_chain_where_it_stands(entries, changes):
    entries[2] = replace(entries[2], line=replace(entries[2].line, **changes))
    with pytest.raises(BrokenChain, match="line 3 does not follow"):
        followed(FIRST, entries)


def test_a_line_that_was_altered_and_hashed_anew_breaks_the_one_behind_it(entries):
    entries[2:3] = chain_of([line(3, slot=99)], head_of(entries[1]))
    with pytest.raises(BrokenChain, match="line 4 does not follow"):
        followed(FIRST, entries)


def test_a_missing_line_is_named(entries):
    with pytest.raises(BrokenChain, match="line 3 is missing"):
        followed(FIRST, entries[:2] + entries[3:])


def test_two_lines_that_changed_places_break_the_chain(entries):
    third, fourth = entries[2], entries[3]
    entries[2], entries[3] = replace(fourth, number=3), replace(third, number=4)
    with pytest.raises(BrokenChain, match="line 3"):
        followed(FIRST, entries)


def test_a_chain_of_another_house_does_not_follow(entries):
    with pytest.raises(BrokenChain, match="line 1"):
        followed(beginning(bytes(16)), entries)


# Gaps


def test_behind_a_gap_the_chain_goes_on_past_the_furthest_number(entries):
    vouched, present = head_of(entries[-1]), head_of(entries[1])
    hole = gap(vouched, present, 2000)
    assert hole.number == LENGTH + 1
    rest = chain_of([line(90), line(91)], head_of(hole))
    assert followed(FIRST, [*entries[:2], hole, *rest]) == head_of(rest[-1])


@pytest.mark.parametrize("member", ["vouched", "present", "noticed_ms", "number", "hash"])
def test_no_member_of_a_gap_can_be_altered(entries, member):
    hole = gap(head_of(entries[-1]), head_of(entries[1]), 2000)
    other: dict[str, Any] = {
        "vouched": Head(LENGTH, bytes(32)),
        "present": Head(2, bytes(32)),
        "noticed_ms": 1,
        "number": 8,
        "hash": bytes(32),
    }
    with pytest.raises(BrokenChain, match="was altered"):
        followed(FIRST, [*entries[:2], replace(hole, **{member: other[member]})])


def test_what_stood_before_a_gap_must_still_stand_there(entries):
    hole = gap(head_of(entries[-1]), head_of(entries[1]), 2000)
    with pytest.raises(BrokenChain, match="before the gap"):
        followed(FIRST, [entries[0], hole])


def test_a_gap_that_hides_nothing_is_the_record_of_an_altered_chain(entries):
    other = Head(2, bytes(32))
    hole = gap(other, head_of(entries[-1]), 2000)
    assert isinstance(hole, Gap)
    assert hole.number == LENGTH + 1
    with pytest.raises(BrokenChain, match="line 2 is another than the keys folder vouched for"):
        followed(FIRST, [*entries, hole])


def test_a_link_is_a_value(entries):
    assert entries[0] == Link(1, line(1), entries[0].hash)
