"""The schema of a pool: what CreateUserPool answers about attributes, and what it refuses."""

import pytest

from cenote.domain.schema import (
    Attribute,
    added_attributes,
    custom_attribute,
    read_schema,
    schema_attributes,
)
from cenote.errors import InvalidParameterException

IN_ORDER = [
    *("sub", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile"),
    *("picture", "website", "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale"),
    *("phone_number", "phone_number_verified", "address", "updated_at"),
]


def entry_of(entries, name):
    return next(entry for entry in entries if entry["Name"] == name)


def refusal_of(*requested):
    with pytest.raises(InvalidParameterException) as refused:
        schema_attributes(requested)
    return refused.value.message


def text(name, **constraints):
    return {"Name": name, "AttributeDataType": "String", "StringAttributeConstraints": constraints}


def number(name, **constraints):
    return {"Name": name, "AttributeDataType": "Number", "NumberAttributeConstraints": constraints}


def test_a_pool_has_the_twenty_standard_attributes_in_the_services_order():
    assert [entry["Name"] for entry in schema_attributes([])] == IN_ORDER


def test_most_standard_attributes_are_optional_texts():
    assert entry_of(schema_attributes([]), "nickname") == {
        "Name": "nickname",
        "AttributeDataType": "String",
        "DeveloperOnlyAttribute": False,
        "Mutable": True,
        "Required": False,
        "StringAttributeConstraints": {"MinLength": "0", "MaxLength": "2048"},
    }


def test_the_sub_is_required_and_never_changes():
    sub = entry_of(schema_attributes([]), "sub")
    assert (sub["Required"], sub["Mutable"]) == (True, False)
    assert sub["StringAttributeConstraints"] == {"MinLength": "1", "MaxLength": "2048"}


def test_a_birthdate_has_ten_characters():
    birthdate = entry_of(schema_attributes([]), "birthdate")
    assert birthdate["StringAttributeConstraints"] == {"MinLength": "10", "MaxLength": "10"}


@pytest.mark.parametrize("name", ["email_verified", "phone_number_verified"])
def test_a_verified_flag_is_a_boolean_without_constraints(name):
    flag = entry_of(schema_attributes([]), name)
    assert flag["AttributeDataType"] == "Boolean"
    assert not any(member.endswith("Constraints") for member in flag)


def test_the_time_of_update_is_a_number_from_zero():
    updated_at = entry_of(schema_attributes([]), "updated_at")
    assert updated_at["AttributeDataType"] == "Number"
    assert updated_at["NumberAttributeConstraints"] == {"MinValue": "0"}


def test_an_entry_named_like_a_standard_attribute_overrides_it_in_its_place():
    override = text("family_name", MinLength="1", MaxLength="64") | {"Required": True, "Mutable": False}
    entries = schema_attributes([override])
    assert [entry["Name"] for entry in entries] == IN_ORDER
    family_name = entry_of(entries, "family_name")
    assert (family_name["Required"], family_name["Mutable"]) == (True, False)
    assert family_name["StringAttributeConstraints"] == {"MinLength": "1", "MaxLength": "64"}


def test_half_an_overridden_constraint_leaves_the_other_half():
    email = entry_of(schema_attributes([text("email", MinLength="3")]), "email")
    assert email["StringAttributeConstraints"] == {"MinLength": "3", "MaxLength": "2048"}


def test_an_override_without_a_type_leaves_the_constraints_alone():
    override = text("email", MinLength="rubbish") | {"Required": True}
    del override["AttributeDataType"]
    email = entry_of(schema_attributes([override]), "email")
    assert email["Required"]
    assert email["StringAttributeConstraints"] == {"MinLength": "0", "MaxLength": "2048"}


def test_nobody_overrides_the_sub():
    override = {"Name": "sub", "AttributeDataType": "String", "Mutable": True, "Required": False}
    assert schema_attributes([override]) == schema_attributes([])


@pytest.mark.parametrize(
    "override",
    [
        {"Name": "email", "AttributeDataType": "Number"},
        {"Name": "email", "DeveloperOnlyAttribute": True},
    ],
)
def test_a_standard_attribute_keeps_its_type_and_its_public(override):
    assert refusal_of(override) == (
        "You can not change AttributeDataType or set developerOnlyAttribute"
        " for standard schema attribute email"
    )


def test_custom_attributes_follow_under_their_prefix():
    entries = schema_attributes([text("team"), number("age") | {"Mutable": False}])
    assert entries[20:] == [
        {
            "Name": "custom:team",
            "AttributeDataType": "String",
            "DeveloperOnlyAttribute": False,
            "Mutable": True,
            "Required": False,
            "StringAttributeConstraints": {},
        },
        {
            "Name": "custom:age",
            "AttributeDataType": "Number",
            "DeveloperOnlyAttribute": False,
            "Mutable": False,
            "Required": False,
            "NumberAttributeConstraints": {},
        },
    ]


@pytest.mark.parametrize("kind", ["Boolean", "DateTime"])
def test_booleans_and_times_have_no_constraints(kind):
    custom = custom_attribute({"Name": "a", "AttributeDataType": kind} | text("a", MinLength="1"))
    assert custom["AttributeDataType"] == "String"
    custom = custom_attribute(text("a", MinLength="1") | {"AttributeDataType": kind})
    assert custom["AttributeDataType"] == kind
    assert not any(member.endswith("Constraints") for member in custom)


def test_an_attribute_for_developers_only_says_so_in_its_name():
    custom = custom_attribute(text("team") | {"DeveloperOnlyAttribute": True})
    assert (custom["Name"], custom["DeveloperOnlyAttribute"]) == ("dev:custom:team", True)


def test_a_verified_flag_in_a_request_is_a_custom_attribute():
    entries = schema_attributes([{"Name": "email_verified", "AttributeDataType": "Boolean"}])
    assert [entry["Name"] for entry in entries[20:]] == ["custom:email_verified"]


def test_an_attribute_needs_a_name():
    assert refusal_of(text("team"), {"AttributeDataType": "String"}) == (
        "1 validation error detected: Value null at 'schema.2.member.name'"
        " failed to satisfy constraint: Member must not be null"
    )


def test_a_custom_attribute_needs_a_type():
    assert refusal_of({"Name": "team"}) == (
        "Invalid AttributeDataType input, consider using the provided AttributeDataType enum."
    )


def test_a_custom_attribute_cannot_be_required():
    assert refusal_of(text("team") | {"Required": True}) == (
        "Required custom attributes are not supported currently."
    )


@pytest.mark.parametrize("bound", ["five", "-1", "1.5", "٣", "9" * 400])
def test_a_bound_is_a_whole_number(bound):
    assert refusal_of(text("team", MaxLength=bound)) == (
        "Invalid StringAttributeConstraints for schema attribute custom:team"
    )
    assert refusal_of(number("age", MinValue=bound)) == (
        "Invalid NumberAttributeConstraints for schema attribute custom:age"
    )


def test_no_text_is_longer_than_2048():
    assert schema_attributes([text("team", MaxLength="2048")])
    assert refusal_of(text("team", MaxLength="2049")) == (
        "user.custom:team: String attributes cannot have a length of more than 2048"
    )


def test_bounds_stand_in_their_order():
    assert schema_attributes([text("level", MinLength="1", MaxLength="1")])
    assert refusal_of(text("level", MinLength="6", MaxLength="5")) == (
        "Attribute custom:level cannot have a max length shorter than it's min length"
    )
    assert refusal_of(number("n2", MinValue="2", MaxValue="1")) == (
        "Attribute custom:n2 cannot have a max value smaller than it's min value"
    )


def test_two_custom_attributes_do_not_share_a_name():
    assert refusal_of(text("dept"), number("dept")) == (
        "Duplicate custom attribute names custom:dept are not allowed in a user pool schema."
    )


def test_a_schema_is_read_back_with_its_bounds_as_numbers():
    schema = read_schema(schema_attributes([number("age", MinValue="18")]))
    assert schema["custom:age"] == Attribute(
        name="custom:age",
        kind="Number",
        required=False,
        mutable=True,
        developer_only=False,
        minimum=18,
        maximum=None,
    )
    assert (schema["birthdate"].minimum, schema["birthdate"].maximum) == (10, 10)
    assert (schema["email_verified"].minimum, schema["email_verified"].maximum) == (None, None)


def refusal_of_more(entries, *requested):
    with pytest.raises(InvalidParameterException) as refused:
        added_attributes(entries, requested)
    return refused.value.message


def test_more_attributes_come_behind_those_that_there_are():
    entries = schema_attributes([text("team")])
    added = added_attributes(entries, [text("dept"), number("age")])
    assert added[:-2] == entries
    assert [entry["Name"] for entry in added[-2:]] == ["custom:dept", "custom:age"]


def test_a_name_that_is_taken_is_refused_by_its_full_name():
    entries = schema_attributes([text("team"), text("note") | {"DeveloperOnlyAttribute": True}])
    assert refusal_of_more(entries, text("dept"), text("team")) == (
        "custom:team: Existing attribute already has name custom:team."
    )
    assert refusal_of_more(entries, text("note") | {"DeveloperOnlyAttribute": True}) == (
        "dev:custom:note: Existing attribute already has name dev:custom:note."
    )
    assert refusal_of_more(entries, text("dept"), text("dept")) == (
        "custom:dept: Existing attribute already has name custom:dept."
    )


def test_a_standard_name_is_free_for_a_custom_attribute():
    assert added_attributes(schema_attributes([]), [text("email")])[-1]["Name"] == "custom:email"


@pytest.mark.parametrize(
    "requested,refusal",
    [
        (
            {"Name": "dept"},
            "Invalid AttributeDataType input, consider using the provided AttributeDataType enum.",
        ),
        (text("dept") | {"Required": True}, "Required custom attributes are not supported currently."),
        (text("dept", MinLength="x"), "Invalid StringAttributeConstraints for schema attribute custom:dept"),
        (
            text("dept", MaxLength="2049"),
            "user.custom:dept: String attributes cannot have a length of more than 2048",
        ),
        (
            {"AttributeDataType": "String"},
            (
                "1 validation error detected: Value null at 'customAttributes.1.member.name'"
                " failed to satisfy constraint: Member must not be null"
            ),
        ),
    ],
)
def test_an_attribute_is_held_to_the_rules_of_creation(requested, refusal):
    assert refusal_of_more(schema_attributes([]), requested) == refusal


def test_a_pool_has_fifty_custom_attributes_at_most():
    entries = schema_attributes([text(f"a{number}") for number in range(49)])
    assert len(added_attributes(entries, [text("last")])) == 70
    assert refusal_of_more(entries, text("last"), text("more")) == (
        "A user pool can have at most 50 custom attributes."
    )
