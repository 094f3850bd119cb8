"""Attributes in an administrator's hand: what changes, which names follow, and who is sent a code."""

from functools import partial
from typing import Any

import pytest

from tests.house import Tenant
from tests.wire.steps import (
    DONE,
    at_once,
    attributes_of,
    code_sent_to,
    confirm_by_mail,
    pairs,
    refused,
    verified_user,
)

ANN, BEA, NEW = "ann@example.com", "bea@example.com", "new@example.com"
NOBODY = "UserNotFoundException: User does not exist."
EXPIRED = "ExpiredCodeException: Invalid code provided, please request a code again."


def update(tenant: Tenant, username: str = "ann", **values: str) -> None:
    answer = tenant.cognito.admin_update_user_attributes(
        UserPoolId=tenant.pool_id, Username=username, UserAttributes=pairs(**values)
    )
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-length"] == "2"


def delete(tenant: Tenant, *names: str, username: str = "ann") -> None:
    answer = tenant.cognito.admin_delete_user_attributes(
        UserPoolId=tenant.pool_id, Username=username, UserAttributeNames=list(names)
    )
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-length"] == "2"


def sent_to(tenant: Tenant, address: str) -> int:
    return sum(1 for one in tenant.house.inbox(to=address, wait=0) if one["pool_id"] == tenant.pool_id)


@pytest.fixture
def aliased(tenants) -> Tenant:
    """A pool whose users sign in by a verified address too."""
    tenant: Tenant = tenants(pool={"AliasAttributes": ["email", "preferred_username"]})
    return tenant


def test_attributes_are_set_and_deleted_and_the_date_moves(tenant: Tenant) -> None:
    tenant.sign_up("ann", name="Ann", nickname="Annie")
    ann = {"UserPoolId": tenant.pool_id, "Username": "ann"}
    before = tenant.cognito.admin_get_user(**ann)
    tenant.house.advance(5)
    update(tenant, name="Anna", nickname="", locale="en")
    assert attributes_of(tenant) == {"sub": attributes_of(tenant)["sub"], "name": "Anna", "locale": "en"}
    delete(tenant, "locale", "picture")
    assert attributes_of(tenant).keys() == {"sub", "name"}
    after = tenant.cognito.admin_get_user(**ann)
    assert (after["UserLastModifiedDate"] - before["UserLastModifiedDate"]).total_seconds() >= 5
    assert after["UserCreateDate"] == before["UserCreateDate"]


@pytest.mark.parametrize("call", [partial(update, name="x"), lambda tenant: delete(tenant, "name")])
def test_a_user_who_is_not_there_does_not_exist(tenant: Tenant, call: Any) -> None:
    assert refused(call, tenant) == NOBODY


def test_a_client_s_lists_do_not_bind_an_administrator(tenants) -> None:
    tenant = tenants(client={"WriteAttributes": ["name"]})
    tenant.sign_up("ann")
    update(tenant, email=ANN, email_verified="true")
    assert attributes_of(tenant)["email_verified"] == "true"


def test_one_bad_attribute_and_nothing_is_written(tenant: Tenant) -> None:
    tenant.sign_up("ann", name="Ann")
    assert refused(update, tenant, name="Anna", **{"custom:unknown": "x"}) == (
        "InvalidParameterException: user.custom:unknown: Attribute does not exist in the schema.\n"
    )
    assert refused(delete, tenant, "name", "custom:unknown") == (
        "InvalidParameterException: Invalid user attributes:"
        " user.custom:unknown: Attribute does not exist in the schema.\n"
    )
    assert refused(update, tenant, sub="x") == (
        "InvalidParameterException: Cannot modify the non-mutable attribute sub"
    )
    assert attributes_of(tenant)["name"] == "Ann"


# Codes.


def test_a_new_address_is_sent_a_code_unless_it_is_called_proven(tenant: Tenant) -> None:
    verified_user(tenant, "ann", ANN)
    update(tenant, email=NEW)
    assert attributes_of(tenant)["email_verified"] == "false"
    tokens = tenant.sign_in("ann")
    tenant.cognito.verify_user_attribute(
        AccessToken=tokens["AccessToken"], AttributeName="email", Code=code_sent_to(tenant, NEW)
    )
    assert attributes_of(tenant)["email_verified"] == "true"
    update(tenant, email=BEA, email_verified="true")
    assert (attributes_of(tenant)["email_verified"], sent_to(tenant, BEA)) == ("true", 0)
    update(tenant, name="Ann", email=BEA)
    assert sent_to(tenant, BEA) == 0


def test_a_pool_that_verifies_nothing_sends_nothing(tenants) -> None:
    tenant = tenants(pool={"AutoVerifiedAttributes": []})
    tenant.sign_up("ann")
    update(tenant, email=NEW)
    assert sent_to(tenant, NEW) == 0


def test_a_code_for_a_former_address_confirms_nobody(tenant: Tenant) -> None:
    tenant.sign_up("ann", confirmed=False, email=ANN)
    update(tenant, email=NEW)
    assert refused(confirm_by_mail, tenant, "ann", ANN) == EXPIRED
    assert attributes_of(tenant)["email_verified"] == "false"


def test_an_address_that_must_be_proven_first_waits_for_an_administrator_s_word_too(tenants) -> None:
    settings = {"AttributesRequireVerificationBeforeUpdate": ["email"]}
    tenant = tenants(pool={"UserAttributeUpdateSettings": settings, "AliasAttributes": ["email"]})
    verified_user(tenant, "ann", ANN)
    update(tenant, email=NEW)
    assert (attributes_of(tenant)["email"], attributes_of(tenant, ANN)["email_verified"]) == (ANN, "true")
    assert sent_to(tenant, NEW) == 1
    update(tenant, email=NEW, email_verified="true")
    assert attributes_of(tenant, NEW)["email"] == NEW
    assert refused(attributes_of, tenant, ANN) == NOBODY
    code = code_sent_to(tenant, NEW)
    tokens = tenant.sign_in("ann")
    refusal = refused(
        tenant.cognito.verify_user_attribute,
        AccessToken=tokens["AccessToken"],
        AttributeName="email",
        Code=code,
    )
    assert refusal == EXPIRED


# Names.


def test_an_alias_follows_its_attribute(aliased: Tenant) -> None:
    verified_user(aliased, "ann", ANN)
    update(aliased, email=NEW)
    assert refused(attributes_of, aliased, ANN) == refused(attributes_of, aliased, NEW) == NOBODY
    update(aliased, email_verified="true")
    assert attributes_of(aliased, NEW)["email"] == NEW
    update(aliased, email_verified="false")
    assert refused(attributes_of, aliased, NEW) == NOBODY
    update(aliased, email_verified="true", preferred_username="queen")
    assert attributes_of(aliased, "queen") == attributes_of(aliased, NEW)
    delete(aliased, "email", "preferred_username")
    assert refused(attributes_of, aliased, NEW) == refused(attributes_of, aliased, "queen") == NOBODY
    assert attributes_of(aliased).keys() == {"sub"}


def test_an_alias_that_was_left_is_free_and_one_in_use_is_not(aliased: Tenant) -> None:
    verified_user(aliased, "ann", ANN)
    aliased.sign_up("bea", email=BEA)
    taken = "AliasExistsException: An account with the given email already exists."
    for flag in ({}, {"email_verified": "true"}):
        assert refused(update, aliased, "bea", email=ANN, **flag) == taken
    assert attributes_of(aliased, "bea")["email"] == BEA
    update(aliased, email=NEW)
    update(aliased, "bea", email=ANN, email_verified="true")
    assert attributes_of(aliased, ANN)["sub"] == attributes_of(aliased, "bea")["sub"]


def test_a_preferred_name_is_nobody_else_s_name_and_no_address(aliased: Tenant) -> None:
    aliased.sign_up("ann")
    aliased.sign_up("bea")
    assert refused(update, aliased, preferred_username="bea") == (
        "AliasExistsException: An account with the given preferred_username already exists."
    )
    assert refused(update, aliased, preferred_username=ANN).startswith("InvalidParameterException: ")
    update(aliased, preferred_username="queen")
    assert refused(update, aliased, "bea", preferred_username="queen").startswith("AliasExistsException")
    assert aliased.sign_in("queen")


def test_an_address_in_the_place_of_the_name_moves_with_its_attribute(tenants) -> None:
    tenant = tenants(pool={"UsernameAttributes": ["email"]})
    sub = tenant.sign_up(ANN)
    tenant.sign_up(BEA)
    update(tenant, ANN, email=NEW)
    assert attributes_of(tenant, NEW)["sub"] == attributes_of(tenant, sub)["sub"] == sub
    assert refused(attributes_of, tenant, ANN) == NOBODY
    assert refused(update, tenant, NEW, email=BEA) == (
        "AliasExistsException: An account with the given email already exists."
    )
    assert tenant.sign_in(NEW)
    tenant.sign_up(ANN)


def test_of_two_who_claim_one_alias_at_once_one_has_it(aliased: Tenant) -> None:
    for number in range(6):
        for name in ("ann", "bea"):
            aliased.sign_up(f"{name}{number}")
        address = f"both{number}@example.com"
        outcomes = at_once(
            *[
                partial(update, aliased, f"{name}{number}", email=address, email_verified="true")
                for name in ("ann", "bea")
            ]
        )
        assert sorted(outcomes) == [
            "AliasExistsException: An account with the given email already exists.",
            DONE,
        ]
        assert attributes_of(aliased, address)["email"] == address


def test_two_changes_at_once_are_both_kept(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    names = ("name", "nickname", "locale", "zoneinfo", "profile", "website", "gender", "given_name")
    assert at_once(*[partial(update, tenant, **{name: name}) for name in names]) == [DONE] * len(names)
    assert {name: attributes_of(tenant)[name] for name in names} == {name: name for name in names}


@pytest.mark.parametrize("by", ["email", "preferred_username"])
def test_a_namesake_by_alias_inherits_nothing(aliased: Tenant, by: str) -> None:
    value = {"email": ANN, "preferred_username": "queen"}[by]
    aliased.sign_up("ann")
    update(aliased, **{by: value, "email_verified": "true"} if by == "email" else {by: value})
    aliased.cognito.admin_delete_user(UserPoolId=aliased.pool_id, Username=value)
    assert refused(attributes_of, aliased, "ann") == NOBODY
    aliased.sign_up("bea")
    update(aliased, "bea", **{by: value, "email_verified": "true"} if by == "email" else {by: value})
    assert attributes_of(aliased, value)["sub"] == attributes_of(aliased, "bea")["sub"]
