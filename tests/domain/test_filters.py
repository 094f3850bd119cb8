"""Filters of ListUsers: what one clause means, whom it finds, and what a blind mark has in common with it."""

import pytest

from cenote.domain.filters import PREFIX_LENGTHS, Filter, marks_of, parse
from cenote.domain.users import Status, User
from cenote.errors import InvalidParameterException


def user(**changes):
    values = {
        "sub": "4f0c5e9a-0000-4000-8000-000000000000",
        "pool_id": "us-east-1_abcdefghi",
        "username": "Ann",
        "status": Status.CONFIRMED,
        "attributes": {"email": "Ann@Example.com", "family_name": 'O"Reilly', "custom:team": "red"},
        "password": None,
        "created_ms": 0,
        "modified_ms": 0,
    }
    return User(**values | changes)


def clause_of(text: str) -> Filter:
    clause = parse(text)
    assert clause is not None
    return clause


@pytest.mark.parametrize(
    "text, clause",
    [
        ('email = "a@b.c"', Filter("email", False, "a@b.c")),
        ('"email"^="a"', Filter("email", True, "a")),
        ('  sub   =   "x"  ', Filter("sub", False, "x")),
        ('cognito:user_status="CONFIRMED"', Filter("cognito:user_status", False, "CONFIRMED")),
        ('family_name = "O\\"Reilly"', Filter("family_name", False, 'O"Reilly')),
        ('name = "a\\\\b"', Filter("name", False, "a\\b")),
        ('name = "a = b"', Filter("name", False, "a = b")),
        ('name = ""', Filter("name", False, "")),
    ],
)
def test_a_clause_is_an_attribute_an_operator_and_a_quoted_value(text, clause):
    assert parse(text) == clause


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_a_blank_filter_asks_for_everybody(text):
    assert parse(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "email",
        "email = a",
        'email = "a',
        'email == "a"',
        'email ^ "a"',
        'email = "a" and name = "b"',
        'email = "a" "b"',
        '= "a"',
        'email = "a"b"',
        "email = 'a'",
    ],
)
def test_what_is_no_clause_is_refused(text):
    with pytest.raises(InvalidParameterException) as refusal:
        parse(text)
    assert refusal.value.message == "Error while parsing filter."


@pytest.mark.parametrize("attribute", ["custom:team", "email_verified", "nickname", "Email", "enabled"])
def test_what_cannot_be_searched_by_is_named(attribute):
    with pytest.raises(InvalidParameterException) as refusal:
        parse(f'{attribute} = "a"')
    assert refusal.value.message == f"Invalid search attribute: {attribute}"


@pytest.mark.parametrize(
    "text, fits",
    [
        ('email = "ann@example.com"', True),
        ('email = "ann@example.co"', False),
        ('email ^= "ANN@"', True),
        ('email ^= ""', True),
        ('username = "Ann"', True),
        ('username = "ann"', False),
        ('username ^= "An"', True),
        ('username ^= "an"', False),
        ('phone_number = "+1"', False),
        ('phone_number ^= ""', False),
        ('family_name = "o\\"reilly"', True),
        ('cognito:user_status = "confirmed"', True),
        ('cognito:user_status ^= "UN"', False),
        ('status = "Enabled"', True),
        ('status = "enabled"', False),
        ('status = "Disabled"', False),
        ('sub ^= "4F0C"', True),
        ('sub = "4f0c5e9a-0000-4000-8000-000000000000"', True),
    ],
)
def test_capitals_count_in_user_names_and_in_status_alone(text, fits):
    assert clause_of(text).fits(user()) is fits


def test_whoever_fits_a_clause_bears_a_mark_that_begins_as_its_own_does():
    value = "Annabel Maria@example.com"
    found = marks_of(user(username=value, attributes={"email": value}))
    for attribute in ("email", "username"):
        for length in range(len(value) + 1):
            mark = Filter(attribute, True, value[:length].upper()).mark()
            assert (mark is None) is (length < PREFIX_LENGTHS[0])
            assert mark is None or any(rungs[: len(mark)] == mark for rungs in found)
        assert Filter(attribute, False, value.lower()).mark() in found


@pytest.mark.parametrize("value", ["", "a", "ab", "abc", "abcdef", "abcdefghi", "abcdefghij"])
def test_short_values_are_found_by_the_whole_and_by_their_beginning(value):
    found = marks_of(user(attributes={"name": value}))
    assert Filter("name", False, value).mark() in found
    for length in PREFIX_LENGTHS:
        if length <= len(value):
            beginning = Filter("name", True, value[:length]).mark()
            assert beginning is not None
            assert any(rungs[: len(beginning)] == beginning for rungs in found)


def test_two_values_share_the_rungs_of_what_they_share_and_no_more():
    (one,) = marks_of(user(username="", attributes={"email": "annabel@a.com"})) - marks_of(
        user(username="", attributes={})
    )
    (other,) = marks_of(user(username="", attributes={"email": "annabert@a.com"})) - marks_of(
        user(username="", attributes={})
    )
    assert [a == b for a, b in zip(one, other, strict=True)] == [True, True, False, False]


def test_one_value_under_two_attributes_has_no_rung_in_common():
    rungs = [rung for mark in marks_of(user(username="same", attributes={"name": "same"})) for rung in mark]
    assert len(rungs) == len(set(rungs)) == 2 * (len(PREFIX_LENGTHS) + 1)


def test_what_is_in_clear_has_no_mark_and_neither_has_what_cannot_be_searched_by():
    marked = {rung.split("^")[0].split("=")[0] for mark in marks_of(user()) for rung in mark}
    assert marked == {"username", "email", "family_name"}
    assert all(clause_of(text).mark() is None for text in ('sub = "a"', 'status = "a"', 'email ^= "an"'))
