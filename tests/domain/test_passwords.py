"""Password policies, to the letter."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cenote.domain.passwords import (
    ADMIN_CREATE_PREFIX,
    ADMIN_PREFIX,
    USER_PREFIX,
    PasswordPolicy,
    check,
    policy_refusal,
)
from cenote.errors import InvalidPasswordException

STRICT = PasswordPolicy(8, True, True, True, True, 0, 7)
LAX = PasswordPolicy(6, False, False, False, False, 0, 7)


@pytest.mark.parametrize(
    "password,refusal",
    [
        ("short", "Password not long enough"),
        ("Sh0rt!!", "Password not long enough"),
        ("no-upper-1", "Password must have uppercase characters"),
        ("NO-LOWER-1", "Password must have lowercase characters"),
        ("No-number", "Password must have numeric characters"),
        ("NoSymbol1", "Password must have symbol characters"),
        ("lacks nothing but one", "Password must have uppercase characters"),
        ("Correct-horse1", None),
    ],
)
def test_the_first_thing_a_password_lacks_is_named(password, refusal):
    assert policy_refusal(password, STRICT) == refusal


@pytest.mark.parametrize("symbol", "^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+-")
def test_these_are_symbols(symbol):
    assert policy_refusal(f"NoSymbol1{symbol}", STRICT) is None


@pytest.mark.parametrize("letter", ["é", "€", "§", "\t"])
def test_these_are_none(letter):
    assert policy_refusal(f"NoSymbol1{letter}", STRICT) == "Password must have symbol characters"


def test_a_space_is_a_symbol_between_other_characters_only():
    assert policy_refusal("No symbol1", STRICT) is None
    assert policy_refusal(" NoSymbol1 ", STRICT) == "Password must have symbol characters"


@given(st.text(min_size=6))
def test_a_policy_that_asks_for_nothing_is_content_with_six_characters(password):
    assert policy_refusal(password, LAX) is None


@given(st.text(max_size=40))
def test_a_longer_minimum_never_takes_what_a_shorter_one_refuses(password):
    longer = replace(STRICT, minimum_length=12)
    assert policy_refusal(password, STRICT) is None or policy_refusal(password, longer) is not None


@pytest.mark.parametrize(
    "prefix,text",
    [
        (USER_PREFIX, "Password did not conform with policy: Password not long enough"),
        (ADMIN_PREFIX, "Password does not conform to policy: Password not long enough"),
        (ADMIN_CREATE_PREFIX, "Password did not conform with password policy: Password not long enough"),
    ],
)
def test_each_kind_of_operation_has_its_own_opening(prefix, text):
    with pytest.raises(InvalidPasswordException) as refused:
        check("short", STRICT, prefix)
    assert refused.value.message == text


def test_a_password_that_conforms_passes():
    check("Correct-horse1", STRICT, USER_PREFIX)
