"""Changes of attributes: what is refused and how, and what a user is like afterwards."""

import pytest

from cenote.domain.attribute_changes import (
    ADMIN,
    AttributeChange,
    Writer,
    changed,
    checked_deletion,
    checked_update,
    moved_addresses,
    unproven_addresses,
)
from cenote.domain.schema import read_schema, schema_attributes
from cenote.domain.users import Status, User
from cenote.errors import CognitoError

SCHEMA = read_schema(
    schema_attributes(
        [
            {"Name": "family_name", "Required": True, "Mutable": True},
            {"Name": "nickname", "Mutable": False},
            {"Name": "team", "AttributeDataType": "String"},
            {"Name": "tenant", "AttributeDataType": "String", "Mutable": False},
        ]
    )
)
EVERYTHING = Writer(frozenset(SCHEMA) - {"sub", "email_verified", "phone_number_verified"})
ANN, BEA = "ann@example.com", "bea@example.com"


def pairs(**attributes):
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


def refusal(check, *arguments):
    with pytest.raises(CognitoError) as refused:
        check(*arguments)
    return f"{type(refused.value).__name__}: {refused.value.message}"


def user(attributes, **changes):
    values = {
        "sub": "4f0c5e9a-0000-4000-8000-000000000000",
        "pool_id": "us-east-1_abcdefghi",
        "username": "ann",
        "status": Status.CONFIRMED,
        "attributes": attributes,
        "password": None,
        "created_ms": 0,
        "modified_ms": 0,
    }
    return User(**values | changes)


def after(before, *, held_back=(), deleted=(), **values):
    change = AttributeChange(values, frozenset(deleted))
    return changed(before, change, held_back, now_ms=7000)


# What may be asked.


@pytest.mark.parametrize("name", ["sub", "email_verified", "phone_number_verified"])
def test_what_nobody_may_write_is_said_before_all_else(name):
    text = f"InvalidParameterException: Cannot modify the non-mutable attribute {name}"
    asked = pairs(**{"custom:unknown": "x", name: "true"})
    assert refusal(checked_update, asked, SCHEMA, EVERYTHING) == text
    assert refusal(checked_update, pairs(**{name: ""}), SCHEMA, EVERYTHING) == text
    assert refusal(checked_deletion, ["custom:unknown", name], SCHEMA, EVERYTHING) == text


def test_an_administrator_writes_the_flags_and_never_the_sub():
    assert checked_update(pairs(email_verified="True"), SCHEMA, ADMIN).values == {"email_verified": "true"}
    assert checked_deletion(["email_verified"], SCHEMA, ADMIN).deleted == {"email_verified"}
    text = "InvalidParameterException: Cannot modify the non-mutable attribute sub"
    assert refusal(checked_update, pairs(sub="x"), SCHEMA, ADMIN) == text
    assert refusal(checked_deletion, ["sub"], SCHEMA, ADMIN) == text


def test_a_client_writes_and_deletes_what_it_may_write():
    text = "NotAuthorizedException: A client attempted to write unauthorized attribute"
    narrow = Writer(frozenset({"name"}))
    assert refusal(checked_update, pairs(name="Ann", email=ANN), SCHEMA, narrow) == text
    assert refusal(checked_update, pairs(email=""), SCHEMA, narrow) == text
    assert refusal(checked_deletion, ["email"], SCHEMA, narrow) == text
    assert checked_update(pairs(name="Ann"), SCHEMA, narrow).values == {"name": "Ann"}


@pytest.mark.parametrize("writer", [EVERYTHING, ADMIN])
@pytest.mark.parametrize(
    "asked, text",
    [
        ({"custom:unknown": "x"}, "user.custom:unknown: Attribute does not exist in the schema.\n"),
        ({"custom:unknown": ""}, "user.custom:unknown: Attribute does not exist in the schema.\n"),
        ({"custom:tenant": "x"}, "user.custom:tenant: Attribute cannot be updated.\n"),
        ({"custom:tenant": ""}, "user.custom:tenant: Attribute cannot be updated.\n"),
        ({"nickname": "x"}, "user.nickname: Attribute cannot be updated.\n"),
        ({"birthdate": "x" * 11}, "user.birthdate: String must be no longer than 10 characters\n"),
        ({"family_name": ""}, "user.family_name: Required attribute cannot be deleted."),
        ({"email": "nowhere"}, "Invalid email address format."),
        ({"phone_number": "12"}, "Invalid phone number format."),
        (
            {"custom:unknown": "x", "custom:tenant": "x"},
            (
                "user.custom:unknown: Attribute does not exist in the schema.\n"
                "user.custom:tenant: Attribute cannot be updated.\n"
            ),
        ),
    ],
)
def test_an_update_that_the_schema_refuses_is_refused_in_the_service_s_words(writer, asked, text):
    assert refusal(checked_update, pairs(**asked), SCHEMA, writer) == f"InvalidParameterException: {text}"


@pytest.mark.parametrize(
    "name, text",
    [
        ("custom:unknown", "Type for attribute {custom:unknown} could not be determined"),
        (
            "custom:tenant",
            (
                "Custom.User.tenant: This attribute does not satisfy the mutability validation"
                " defined in the schema."
            ),
        ),
        ("family_name", "name.familyName: The attribute name.familyName is required"),
    ],
)
def test_a_deletion_that_the_schema_refuses_is_refused_in_the_captured_words(name, text):
    assert refusal(checked_deletion, ["custom:team", name], SCHEMA, EVERYTHING) == (
        f"InvalidParameterException: Invalid user attributes: {text}"
    )


def test_an_administrator_is_told_every_unknown_name():
    assert refusal(checked_deletion, ["custom:a", "name", "custom:b"], SCHEMA, ADMIN) == (
        "InvalidParameterException: Invalid user attributes:"
        " user.custom:a: Attribute does not exist in the schema.\n"
        "user.custom:b: Attribute does not exist in the schema.\n"
    )


def test_of_a_repeated_name_the_last_value_counts_and_is_the_only_one_looked_at():
    twice = [*pairs(birthdate="much too long a date"), *pairs(birthdate="1815-12-10")]
    assert checked_update(twice, SCHEMA, EVERYTHING).values == {"birthdate": "1815-12-10"}


def test_an_empty_value_deletes():
    assert checked_update(pairs(**{"name": "", "custom:team": "red"}), SCHEMA, EVERYTHING) == AttributeChange(
        {"custom:team": "red"}, frozenset({"name"})
    )


# What the user is like afterwards.

PROVEN = {"email": ANN, "email_verified": "true", "name": "Ann"}


def test_what_is_not_named_stays_and_the_date_moves():
    changed_user = after(user(PROVEN), nickname="Annie", deleted=["name"])
    assert changed_user.attributes == {"email": ANN, "email_verified": "true", "nickname": "Annie"}
    assert changed_user.modified_ms == 7000


def test_a_new_address_is_not_proven_and_the_old_one_again_changes_nothing():
    assert after(user(PROVEN), email=BEA).attributes == PROVEN | {"email": BEA, "email_verified": "false"}
    assert after(user(PROVEN), email=ANN).attributes == PROVEN
    assert after(user({}), email=ANN).attributes == {"email": ANN, "email_verified": "false"}


def test_an_administrator_s_word_proves_a_new_address():
    given = {"email": BEA, "email_verified": "true"}
    for held_back in ([], ["email"]):
        changed_user = after(user(PROVEN), held_back=held_back, **given)
        assert changed_user.attributes == PROVEN | given
        assert unproven_addresses(user(PROVEN), changed_user) == ()


def test_with_an_address_its_flag_goes():
    assert after(user(PROVEN), deleted=["email"]).attributes == {"name": "Ann"}


def test_an_address_that_must_be_proven_first_waits_and_the_old_one_stays():
    before = user(PROVEN)
    waiting = after(before, held_back=["email"], email=BEA, name="Bea", email_verified="false")
    assert waiting.attributes == PROVEN | {"name": "Bea"}
    assert waiting.pending == {"email": BEA}
    assert unproven_addresses(before, waiting) == ("email",)
    assert waiting.address_to_prove("email") == BEA
    proven = waiting.proven("email", now_ms=9000)
    assert proven.attributes == PROVEN | {"name": "Bea", "email": BEA}
    assert proven.pending == {}


@pytest.mark.parametrize(
    "change", [{"email": ANN}, {"deleted": ["email"]}, {"email": "cid@example.com", "email_verified": "true"}]
)
def test_an_address_that_waited_waits_no_more_once_something_else_is_asked(change):
    before = user(PROVEN, pending={"email": BEA})
    settled = after(before, held_back=["email"], **change)
    assert settled.pending == {}
    # The code that was sent to it must not prove what is there now.
    assert moved_addresses(before, settled) == ("email",)


def test_an_address_that_is_proven_in_place_has_not_moved():
    before = user(PROVEN | {"email_verified": "false"})
    proven = before.proven("email", now_ms=1)
    assert proven.attributes == PROVEN
    assert moved_addresses(before, proven) == ()
    assert user({}).proven("email", now_ms=1).attributes == {}


def test_two_addresses_change_side_by_side():
    both = after(user(PROVEN), email=BEA, phone_number="+12025550123")
    assert moved_addresses(user(PROVEN), both) == ("email", "phone_number")
    assert unproven_addresses(user(PROVEN), both) == ("email", "phone_number")
