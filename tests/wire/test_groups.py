"""Groups: made, shown, changed and ended; who is in them; what tokens say of them; who inherits nothing."""

import sqlite3
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from tests.house import House, Tenant
from tests.wire.craft import claims_of
from tests.wire.steps import DONE, at_once, pairs, refresh, refused

ROLE, OTHER_ROLE = "arn:aws:iam::123456789012:role/one", "arn:aws:iam::123456789012:role/other"
NO_GROUP = "ResourceNotFoundException: Group not found."
NOBODY = "UserNotFoundException: User does not exist."
EXISTS = "GroupExistsException: A group with the name already exists."
INVALID_TOKEN = "InvalidParameterException: Invalid pagination token."


def call(tenant: Tenant, method: str, **request: Any) -> dict[str, Any]:
    """A call in the tenant's pool: the answer without its metadata."""
    answer = getattr(tenant.cognito, method)(UserPoolId=tenant.pool_id, **request)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def make(tenant: Tenant, name: str, **request: Any) -> dict[str, Any]:
    group: dict[str, Any] = call(tenant, "create_group", GroupName=name, **request)["Group"]
    return group


def add(tenant: Tenant, group: str, username: str = "ann") -> None:
    call(tenant, "admin_add_user_to_group", GroupName=group, Username=username)


def remove(tenant: Tenant, group: str, username: str = "ann") -> None:
    call(tenant, "admin_remove_user_from_group", GroupName=group, Username=username)


def groups_of(tenant: Tenant, username: str = "ann") -> list[str]:
    found = call(tenant, "admin_list_groups_for_user", Username=username)["Groups"]
    return [group["GroupName"] for group in found]


def members_of(tenant: Tenant, group: str) -> list[str]:
    return [user["Username"] for user in call(tenant, "list_users_in_group", GroupName=group)["Users"]]


# The groups themselves.


def test_a_group_is_made_shown_changed_and_ended(tenant: Tenant) -> None:
    made = make(tenant, "staff", Description="Those who work here", RoleArn=ROLE, Precedence=3)
    assert made.pop("CreationDate") == made.pop("LastModifiedDate")
    shape = {"GroupName": "staff", "UserPoolId": tenant.pool_id, "RoleArn": ROLE, "Precedence": 3}
    assert made == shape | {"Description": "Those who work here"}
    tenant.house.advance(5)
    changed = call(tenant, "update_group", GroupName="staff", Precedence=0)["Group"]
    assert (changed["LastModifiedDate"] - changed["CreationDate"]).total_seconds() >= 5
    assert (changed["Precedence"], changed["RoleArn"]) == (0, ROLE)
    assert call(tenant, "get_group", GroupName="staff")["Group"] == changed
    assert call(tenant, "list_groups")["Groups"] == [changed]
    assert call(tenant, "delete_group", GroupName="staff") == {}
    assert call(tenant, "list_groups") == {"Groups": []}


def test_a_description_has_any_letter_but_nul(tenant: Tenant) -> None:
    make(tenant, "admins", Description="any \u2028 letter \U0001f40c\x01")
    told = "InvalidParameterException: Description must not contain the character NUL"
    assert refused(partial(make, tenant), name="others", Description="a\0b") == told
    changed = {"GroupName": "admins", "Description": "\0"}
    assert refused(partial(call, tenant, "update_group"), **changed) == told


def test_what_was_never_set_is_absent(tenant: Tenant) -> None:
    assert make(tenant, "staff").keys() == {"GroupName", "UserPoolId", "CreationDate", "LastModifiedDate"}


def test_a_name_is_one_group_s_and_capitals_count(tenant: Tenant, tenants) -> None:
    make(tenant, "staff")
    make(tenant, "Staff")
    make(tenants(), "staff")
    assert refused(make, tenant, "staff") == EXISTS


@pytest.mark.parametrize(
    "method, request_",
    [
        ("get_group", {}),
        ("update_group", {}),
        ("delete_group", {}),
        ("list_users_in_group", {}),
        ("admin_add_user_to_group", {"Username": "ann"}),
        ("admin_remove_user_from_group", {"Username": "ann"}),
    ],
)
def test_a_group_that_is_not_there_is_not_found(tenant: Tenant, method: str, request_) -> None:
    tenant.sign_up("ann")
    make(tenant, "staff")
    assert refused(call, tenant, method, GroupName="other", **request_) == NO_GROUP


@pytest.mark.parametrize(
    "method",
    ["admin_add_user_to_group", "admin_remove_user_from_group", "admin_list_groups_for_user"],
)
def test_a_user_who_is_not_there_does_not_exist(tenant: Tenant, method: str) -> None:
    make(tenant, "staff")
    named = {} if method == "admin_list_groups_for_user" else {"GroupName": "staff"}
    assert refused(call, tenant, method, Username="ann", **named) == NOBODY


def test_groups_come_page_by_page_in_the_order_of_their_names(tenant: Tenant) -> None:
    for name in ("c", "a", "e", "b", "d"):
        make(tenant, name)
    found: list[str] = []
    more: dict[str, Any] = {}
    while True:
        page = call(tenant, "list_groups", Limit=2, **more)
        found += [group["GroupName"] for group in page["Groups"]]
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    assert found == ["a", "b", "c", "d", "e"]
    assert refused(call, tenant, "list_groups", NextToken="nonsense") == INVALID_TOKEN


def test_adding_and_removing_answers_zero_bytes(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    make(tenant, "staff")
    names = {"UserPoolId": tenant.pool_id, "GroupName": "staff"}
    for method, request in (
        ("admin_add_user_to_group", names | {"Username": "ann"}),
        ("admin_remove_user_from_group", names | {"Username": "ann"}),
        ("delete_group", names),
    ):
        answer = getattr(tenant.cognito, method)(**request)
        assert answer["ResponseMetadata"]["HTTPHeaders"]["content-length"] == "0"


# Who is in them.


def test_users_come_and_go_as_often_as_one_likes(tenant: Tenant) -> None:
    sub = tenant.sign_up("ann", email="ann@example.com")
    make(tenant, "staff")
    for _time in range(2):
        add(tenant, "staff")
    (member,) = call(tenant, "list_users_in_group", GroupName="staff")["Users"]
    assert member["Username"] == "ann"
    assert member["Attributes"][0] == {"Name": "sub", "Value": sub}
    assert (member["Enabled"], member["UserStatus"]) == (True, "CONFIRMED")
    for _time in range(2):
        remove(tenant, "staff")
    assert (members_of(tenant, "staff"), groups_of(tenant)) == ([], [])


def test_members_come_page_by_page(tenant: Tenant) -> None:
    make(tenant, "staff")
    for number in range(5):
        tenant.sign_up(f"user{number}")
        add(tenant, "staff", f"user{number}")
    first = call(tenant, "list_users_in_group", GroupName="staff", Limit=3)
    rest = call(tenant, "list_users_in_group", GroupName="staff", Limit=3, NextToken=first["NextToken"])
    assert [len(first["Users"]), len(rest["Users"])] == [3, 2]
    assert "NextToken" not in rest
    found = {user["Username"] for page in (first, rest) for user in page["Users"]}
    assert found == {f"user{number}" for number in range(5)}
    make(tenant, "other")
    assert (
        refused(call, tenant, "list_users_in_group", GroupName="other", NextToken=first["NextToken"])
        == INVALID_TOKEN
    )


def test_the_groups_of_a_user_come_strongest_first_page_by_page(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    for name, precedence in (("weak", {}), ("mid", {"Precedence": 5}), ("top", {"Precedence": 0})):
        make(tenant, name, **precedence)
        add(tenant, name)
    assert groups_of(tenant) == ["top", "mid", "weak"]
    first = call(tenant, "admin_list_groups_for_user", Username="ann", Limit=2)
    rest = call(tenant, "admin_list_groups_for_user", Username="ann", Limit=2, NextToken=first["NextToken"])
    assert [group["GroupName"] for group in rest["Groups"]] == ["weak"]
    assert "NextToken" not in rest


def test_a_user_may_be_in_a_hundred_groups(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    for number in range(101):
        make(tenant, f"group{number:03d}")
    for number in range(100):
        add(tenant, f"group{number:03d}")
    assert refused(add, tenant, "group100").startswith("LimitExceededException: ")
    add(tenant, "group099")
    call(tenant, "delete_group", GroupName="group000")
    add(tenant, "group100")
    assert len(claims_of(tenant.sign_in("ann")["AccessToken"])["cognito:groups"]) == 100


# Tokens.


def test_without_groups_a_token_speaks_of_none(tenant: Tenant) -> None:
    make(tenant, "staff", RoleArn=ROLE, Precedence=1)
    tokens = tenant.user("ann")
    for kind in ("AccessToken", "IdToken"):
        claims = claims_of(tokens[kind])
        assert not {"cognito:groups", "cognito:roles", "cognito:preferred_role"} & claims.keys()


def test_groups_are_in_both_tokens_and_roles_in_the_id_token_alone(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    make(tenant, "weak", RoleArn=OTHER_ROLE)
    make(tenant, "second", Precedence=2, RoleArn=ROLE)
    make(tenant, "first", Precedence=1)
    for name in ("weak", "second", "first"):
        add(tenant, name)
    tokens = tenant.sign_in("ann")
    access, identity = claims_of(tokens["AccessToken"]), claims_of(tokens["IdToken"])
    assert access["cognito:groups"] == identity["cognito:groups"] == ["first", "second", "weak"]
    assert list(access)[:2] == ["sub", "cognito:groups"]
    assert identity["cognito:roles"] == [ROLE, OTHER_ROLE]
    assert identity["cognito:preferred_role"] == ROLE
    assert not {"cognito:roles", "cognito:preferred_role"} & access.keys()


def test_of_two_equals_with_different_roles_none_is_preferred(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    for name, role in (("one", ROLE), ("other", OTHER_ROLE)):
        make(tenant, name, Precedence=1, RoleArn=role)
        add(tenant, name)
    identity = claims_of(tenant.sign_in("ann")["IdToken"])
    assert identity["cognito:roles"] == [ROLE, OTHER_ROLE]
    assert "cognito:preferred_role" not in identity


def test_a_refresh_tells_the_groups_as_they_are_now(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    make(tenant, "staff", Precedence=1, RoleArn=ROLE)
    make(tenant, "guests")
    add(tenant, "staff")
    tokens = tenant.sign_in("ann")
    add(tenant, "guests")
    call(tenant, "update_group", GroupName="staff", RoleArn=OTHER_ROLE)
    renewed = refresh(tenant, tokens["RefreshToken"])["AuthenticationResult"]
    assert claims_of(renewed["AccessToken"])["cognito:groups"] == ["staff", "guests"]
    assert claims_of(renewed["IdToken"])["cognito:preferred_role"] == OTHER_ROLE
    call(tenant, "delete_group", GroupName="staff")
    remove(tenant, "guests")
    renewed = refresh(tenant, tokens["RefreshToken"])["AuthenticationResult"]
    assert "cognito:groups" not in claims_of(renewed["AccessToken"])


# Nobody inherits.


@pytest.mark.parametrize("by", ["themself", "an administrator"])
def test_a_namesake_is_in_none_of_the_groups_of_the_erased(tenant: Tenant, by: str) -> None:
    tokens = tenant.user("ann")
    make(tenant, "staff", Precedence=0, RoleArn=ROLE)
    add(tenant, "staff")
    if by == "themself":
        tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])
    else:
        call(tenant, "admin_delete_user", Username="ann")
    assert members_of(tenant, "staff") == []
    assert refused(groups_of, tenant) == NOBODY
    namesake = tenant.user("ann")
    assert (members_of(tenant, "staff"), groups_of(tenant)) == ([], [])
    assert "cognito:groups" not in claims_of(namesake["AccessToken"])
    assert "cognito:roles" not in claims_of(namesake["IdToken"])


def test_the_next_group_of_a_name_has_none_of_the_members(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    make(tenant, "staff", Precedence=1, RoleArn=ROLE)
    add(tenant, "staff")
    call(tenant, "delete_group", GroupName="staff")
    make(tenant, "staff", Precedence=0, RoleArn=OTHER_ROLE)
    assert (members_of(tenant, "staff"), groups_of(tenant)) == ([], [])
    assert "cognito:groups" not in claims_of(tenant.sign_in("ann")["IdToken"])


def test_with_a_user_their_memberships_go_and_with_a_group_its_members_rows(own_house: House) -> None:
    own_house.start()
    tenant = Tenant(own_house)
    tenant.sign_up("ann")
    tenant.sign_up("bea")
    for name in ("staff", "guests"):
        make(tenant, name)
        add(tenant, name)
        add(tenant, name, "bea")
    with closing(sqlite3.connect(f"file:{own_house.data / 'cenote.db'}?mode=ro", uri=True)) as database:

        def rows() -> int:
            count: int = database.execute("select count(*) from belongings where kind = 'group'").fetchone()[
                0
            ]
            return count

        assert rows() == 4
        call(tenant, "admin_delete_user", Username="ann")
        assert rows() == 2
        call(tenant, "delete_group", GroupName="staff")
        assert groups_of(tenant, "bea") == ["guests"]
        own_house.stop()
    own_house.start()
    own_house.stop()  # the housekeeper's last round, at the latest, has swept
    with closing(sqlite3.connect(f"file:{own_house.data / 'cenote.db'}?mode=ro", uri=True)) as database:
        assert database.execute("select count(*) from belongings where kind = 'group'").fetchone() == (1,)
        assert database.execute("select count(*) from fallen_groups").fetchone() == (0,)


# At the same moment.


def test_adding_beside_an_erasure_leaves_no_member(tenant: Tenant) -> None:
    make(tenant, "staff")
    for _round in range(8):
        tenant.sign_up("ann")
        outcomes = at_once(
            partial(add, tenant, "staff"),
            partial(call, tenant, "admin_delete_user", Username="ann"),
            partial(add, tenant, "staff"),
        )
        assert outcomes[1] == DONE
        assert {outcomes[0], outcomes[2]} <= {DONE, NOBODY}
        assert members_of(tenant, "staff") == []
        tenant.sign_up("ann")
        assert groups_of(tenant) == []
        call(tenant, "admin_delete_user", Username="ann")


def test_adding_beside_a_group_s_end_leaves_no_group(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    for _round in range(8):
        make(tenant, "staff")
        outcomes = at_once(
            partial(add, tenant, "staff"),
            partial(call, tenant, "delete_group", GroupName="staff"),
            partial(add, tenant, "staff"),
        )
        assert outcomes[1] == DONE
        assert {outcomes[0], outcomes[2]} <= {DONE, NO_GROUP}
        make(tenant, "staff")
        assert (members_of(tenant, "staff"), groups_of(tenant)) == ([], [])
        call(tenant, "delete_group", GroupName="staff")


def test_of_many_who_make_one_group_at_once_one_does(tenant: Tenant) -> None:
    outcomes = at_once(*[partial(make, tenant, "staff")] * 12)
    assert sorted(outcomes) == [EXISTS] * 11 + [DONE]


def test_changing_a_user_beside_their_erasure_changes_nobody(tenant: Tenant) -> None:
    for _round in range(8):
        tenant.sign_up("ann", email="ann@example.com")
        outcomes = at_once(
            partial(
                call,
                tenant,
                "admin_update_user_attributes",
                Username="ann",
                UserAttributes=pairs(email="new@example.com", name="Ann"),
            ),
            partial(call, tenant, "admin_delete_user", Username="ann"),
        )
        assert outcomes[1] == DONE
        assert outcomes[0] in (DONE, NOBODY)
        for text in ('email ^= "new"', 'name = "Ann"', 'username = "ann"'):
            assert call(tenant, "list_users", Filter=text)["Users"] == []
