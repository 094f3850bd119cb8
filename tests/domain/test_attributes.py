"""Users' attributes: sign-up, the wire, tokens and masks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cenote.domain.attributes import (
    check_known,
    check_sign_up,
    claims,
    emptied,
    from_wire,
    masked_email,
    masked_phone,
    to_wire,
    to_wire_sub_first,
)
from cenote.domain.clients import writable_attributes
from cenote.domain.schema import read_schema, schema_attributes
from cenote.errors import InvalidParameterException, NotAuthorizedException

SUB = "f4d80488-3091-7046-550f-af874ac9b09e"


def pair(name, value):
    return {"Name": name, "Value": value}


def schema_with(*entries):
    return read_schema(schema_attributes(entries))


def required(*names):
    return schema_with(*({"Name": name, "Required": True} for name in names))


def refusal_of(attributes, schema, writable=None):
    writable = writable_attributes({}, schema) if writable is None else writable
    with pytest.raises((InvalidParameterException, NotAuthorizedException)) as refused:
        check_sign_up(attributes, schema, writable)
    return type(refused.value).__name__, refused.value.message


def of_a_bad_parameter(message):
    return "InvalidParameterException", message


PLAIN = schema_with()


def test_of_a_repeated_name_the_last_value_counts():
    assert from_wire([pair("name", "A"), pair("name", "B")]) == {"name": "B"}


def test_an_empty_value_is_none():
    assert from_wire([pair("name", ""), {"Name": "email"}, pair("locale", None)]) == {}
    assert from_wire([pair("name", "A"), pair("name", "")]) == {}


def test_an_update_learns_which_attributes_were_emptied():
    assert emptied([pair("name", ""), {"Name": "email"}, pair("locale", "en")]) == {"name", "email"}
    assert emptied([pair("name", ""), pair("name", "A")]) == frozenset()


def test_get_user_shows_the_sub_last():
    attributes = {"email": "ann@example.com", "given_name": "Ann"}
    assert to_wire(attributes, SUB) == [
        pair("email", "ann@example.com"),
        pair("given_name", "Ann"),
        pair("sub", SUB),
    ]


def test_a_client_sees_what_it_may_read_and_always_the_sub():
    attributes = {"email": "ann@example.com", "given_name": "Ann"}
    assert to_wire(attributes, SUB, frozenset({"given_name"})) == [
        pair("given_name", "Ann"),
        pair("sub", SUB),
    ]
    assert to_wire(attributes, SUB, frozenset()) == [pair("sub", SUB)]


def test_an_administrator_sees_the_sub_first():
    assert to_wire_sub_first({"given_name": "Ann"}, SUB) == [pair("sub", SUB), pair("given_name", "Ann")]


def test_a_sub_among_the_attributes_is_not_shown_twice():
    assert to_wire({"sub": "other"}, SUB) == to_wire_sub_first({"sub": "other"}, SUB) == [pair("sub", SUB)]


def test_a_token_has_booleans_numbers_and_an_address_where_openid_says_so():
    attributes = {
        "email": "ann@example.com",
        "email_verified": "false",
        "phone_number_verified": "true",
        "updated_at": "1790257797",
        "address": "1 Main Street",
        "custom:age": "42",
        "custom:is_member": "true",
    }
    assert claims(attributes, frozenset(attributes)) == {
        "email": "ann@example.com",
        "email_verified": False,
        "phone_number_verified": True,
        "updated_at": 1790257797,
        "address": {"formatted": "1 Main Street"},
        "custom:age": "42",
        "custom:is_member": "true",
    }


def test_a_token_claims_what_the_client_may_read():
    attributes = {"email": "ann@example.com", "email_verified": "true", "name": "Ann"}
    assert claims(attributes, frozenset({"name"})) == {"name": "Ann"}


def test_the_sub_and_the_identities_are_claimed_elsewhere():
    assert claims({"sub": SUB, "identities": "[]"}, frozenset({"sub", "identities"})) == {}


@pytest.mark.parametrize(
    "value,claim", [("1.5", 1.5), ("-3", -3), ("yesterday", "yesterday"), ("nan", "nan")]
)
def test_a_time_of_update_is_a_number_if_it_can_be(value, claim):
    assert claims({"updated_at": value}, frozenset({"updated_at"})) == {"updated_at": claim}


@given(st.from_regex(r"-?[0-9]{1,400}(\.[0-9]{1,400})?", fullmatch=True))
def test_no_claimed_number_is_infinite(value):
    claim = claims({"updated_at": value}, frozenset({"updated_at"}))["updated_at"]
    assert claim not in (float("inf"), float("-inf"))


def test_a_plain_sign_up_passes():
    schema = schema_with({"Name": "team", "AttributeDataType": "String", "Mutable": False})
    given_now = {"email": "ann@example.com", "phone_number": "+15550100", "custom:team": "red"}
    check_sign_up(given_now, schema, writable_attributes({}, schema))


@pytest.mark.parametrize("name", ["sub", "email_verified", "phone_number_verified"])
def test_some_attributes_are_the_services_to_write(name):
    text = f"Cannot modify the non-mutable attribute {name}"
    assert refusal_of({name: "true"}, PLAIN) == of_a_bad_parameter(text)


def test_a_client_writes_what_it_was_allowed_to():
    assert refusal_of({"name": "Ann", "email": "ann@example.com"}, PLAIN, frozenset({"email"})) == (
        "NotAuthorizedException",
        "A client attempted to write unauthorized attribute",
    )


def test_no_client_writes_the_identities():
    assert refusal_of({"identities": "[]"}, schema_with() | {"identities": PLAIN["name"]})[1] == (
        "A client attempted to write unauthorized attribute"
    )


def test_what_the_schema_lacks_cannot_be_set():
    assert refusal_of({"custom:role": "admin"}, PLAIN) == of_a_bad_parameter(
        "Attributes did not conform to the schema: custom:role: Attribute does not exist in the schema.\n"
    )
    with pytest.raises(InvalidParameterException):
        check_known(["custom:role"], PLAIN)


def test_a_required_attribute_is_named_as_the_service_names_it():
    assert refusal_of({}, required("family_name")) == of_a_bad_parameter(
        "Attributes did not conform to the schema: name.familyName: The attribute name.familyName is required"
    )


def test_all_missing_attributes_are_named():
    assert refusal_of({}, required("phone_number", "name")) == of_a_bad_parameter(
        "Attributes did not conform to the schema: name.formatted: The attribute name.formatted is required\n"
        "phoneNumbers: The attribute phoneNumbers is required"
    )


@pytest.mark.parametrize(
    "name,inner",
    [
        ("name", "name.formatted"),
        ("given_name", "name.givenName"),
        ("middle_name", "name.middleName"),
        ("nickname", "nickName"),
        ("preferred_username", "preferredUsername"),
        ("email", "emails"),
        ("phone_number", "phoneNumbers"),
        ("address", "addresses"),
        ("gender", "gender"),
        ("birthdate", "birthdate"),
        ("picture", "picture"),
    ],
)
def test_these_are_the_inner_names(name, inner):
    assert refusal_of({}, required(name))[1].endswith(f" {inner}: The attribute {inner} is required")


def test_a_value_outside_its_bounds_is_named_a_line_for_each():
    three_to_five = {"MinValue": "3", "MaxValue": "5"}
    schema = schema_with(
        {"Name": "n", "AttributeDataType": "Number", "NumberAttributeConstraints": three_to_five},
        {"Name": "b", "AttributeDataType": "Boolean"},
        {"Name": "s", "AttributeDataType": "String", "StringAttributeConstraints": {"MinLength": "2"}},
        {"Name": "t", "AttributeDataType": "DateTime"},
    )
    wrong = {
        "birthdate": "24/09/2026 ",
        "custom:n": "6",
        "custom:b": "maybe",
        "custom:s": "x",
        "custom:t": "now",
    }
    assert refusal_of(wrong, schema) == of_a_bad_parameter(
        "Attributes did not conform to the schema: "
        "birthdate: String must be no longer than 10 characters\n"
        "custom:n: Number must be no greater than 5\n"
        "custom:b: Boolean must be true or false\n"
        "custom:s: String must be no shorter than 2 characters\n"
    )
    assert refusal_of({"custom:n": "2.9"}, schema)[1].endswith("custom:n: Number must be no less than 3\n")
    assert refusal_of({"custom:n": "four"}, schema)[1].endswith("custom:n: Number must be numeric\n")


def test_a_birthdate_need_not_be_a_date():
    check_sign_up({"birthdate": "not-a-date"}, PLAIN, writable_attributes({}, PLAIN))


def test_an_address_has_the_form_of_one():
    assert refusal_of({"email": "ann"}, PLAIN) == of_a_bad_parameter("Invalid email address format.")
    assert refusal_of({"phone_number": "5550100"}, PLAIN) == of_a_bad_parameter(
        "Invalid phone number format."
    )


def test_what_is_wrong_is_found_in_one_order():
    schema = required("family_name")
    wrong = {"email": "ann", "birthdate": "1", "custom:role": "x", "name": "Ann", "sub": "x"}
    writable = frozenset({"email", "birthdate", "family_name"})
    seen = []
    for repaired in ("sub", "name", "custom:role", "family_name", "birthdate", "email"):
        seen.append(refusal_of(wrong, schema, writable)[1])
        if repaired == "family_name":
            wrong["family_name"] = "Example"
        else:
            del wrong[repaired]
    assert [text.removeprefix("Attributes did not conform to the schema: ") for text in seen] == [
        "Cannot modify the non-mutable attribute sub",
        "A client attempted to write unauthorized attribute",
        "custom:role: Attribute does not exist in the schema.\n",
        "name.familyName: The attribute name.familyName is required",
        "birthdate: String must be no shorter than 10 characters\n",
        "Invalid email address format.",
    ]


def test_a_mask_shows_two_letters_of_an_address():
    assert masked_email("fred@example.com") == "f***@e***"
    assert masked_email("a@b.c") == "a***@b***"


def test_a_mask_shows_four_digits_of_a_number():
    assert masked_phone("+15550101212") == "+*******1212"
    assert masked_phone("+12") == "+*******12"
