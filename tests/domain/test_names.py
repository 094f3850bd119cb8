"""User names: what a pool takes for one."""

import pytest

from cenote.domain.names import (
    attribute_of_username,
    check_username,
    fold,
    looks_like_email,
    looks_like_phone,
)
from cenote.errors import InvalidParameterException

PLAIN: dict[str, list[str]] = {}


def pool(**settings):
    return settings


def refusal_of(username, document):
    with pytest.raises(InvalidParameterException) as refused:
        check_username(username, document)
    return refused.value.message


@pytest.mark.parametrize(
    "text",
    ["ann@example.com", "a.b+c@example.co.uk", "o'hara@ex-ample.org", "ünï@bücher.example", "1@2.3"],
)
def test_these_are_addresses(text):
    assert looks_like_email(text)


@pytest.mark.parametrize(
    "text",
    ["ann", "ann@", "@example.com", "ann@localhost", "a b@example.com", "a@b@example.com", "ann@example.",
     "ann@.com", ".ann@example.com", "ann.@example.com", "ann@example.com\n", "a,b@example.com", ""],
)  # fmt: skip
def test_these_are_no_addresses(text):
    assert not looks_like_email(text)


@pytest.mark.parametrize("text", ["+15550100", "+4915112345678", "+1"])
def test_these_are_phone_numbers(text):
    assert looks_like_phone(text)


@pytest.mark.parametrize("text", ["15550100", "+", "+1 555", "+1-555", "+1555x", "+١٢٣", "+15550100\n", ""])
def test_these_are_no_phone_numbers(text):
    assert not looks_like_phone(text)


def test_an_address_of_any_length_is_judged_quickly():
    assert not looks_like_email("a." * 20_000 + "@" + "b-" * 20_000)


def test_a_plain_pool_takes_any_name():
    for username in ("ann", "ann@example.com", "+15550100"):
        check_username(username, PLAIN)


@pytest.mark.parametrize(
    "attributes,text",
    [
        (["email"], "Username should be an email."),
        (["phone_number"], "Username should be a phone number."),
        (["email", "phone_number"], "Username should be either an email or a phone number."),
        (["phone_number", "email"], "Username should be either an email or a phone number."),
    ],
)
def test_where_an_address_is_the_name_the_name_is_an_address(attributes, text):
    assert refusal_of("ann", pool(UsernameAttributes=attributes)) == text


def test_either_kind_of_address_is_taken_where_both_may_be():
    both = pool(UsernameAttributes=["phone_number", "email"])
    check_username("ann@example.com", both)
    check_username("+15550100", both)
    assert refusal_of("+15550100", pool(UsernameAttributes=["email"])) == "Username should be an email."


def test_a_name_that_is_an_address_is_the_value_of_an_attribute():
    both = pool(UsernameAttributes=["phone_number", "email"])
    assert attribute_of_username("ann@example.com", both) == "email"
    assert attribute_of_username("+15550100", both) == "phone_number"
    assert attribute_of_username("ann", both) is None
    assert attribute_of_username("ann@example.com", PLAIN) is None


def test_beside_an_alias_a_name_does_not_look_like_one():
    assert refusal_of("ann@example.com", pool(AliasAttributes=["email"])) == (
        "Username cannot be of email format, since user pool is configured for email alias."
    )
    assert refusal_of("+15550100", pool(AliasAttributes=["phone_number"])) == (
        "Username cannot be of phone number format, since user pool is configured for phone number alias."
    )


def test_an_alias_rules_out_only_names_of_its_own_kind():
    check_username("+15550100", pool(AliasAttributes=["email"]))
    check_username("ann@example.com", pool(AliasAttributes=["phone_number", "preferred_username"]))
    check_username("ann", pool(AliasAttributes=["email", "phone_number"]))


def test_a_pool_that_tells_cases_apart_keeps_them():
    assert fold("Ann", True) == "Ann"
    assert fold("Ann", False) == fold("ANN", False) == "ann"
