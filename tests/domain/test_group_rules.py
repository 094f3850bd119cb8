"""Groups: their order, what they say in tokens, and how they are shown and changed."""

import pytest

from cenote.domain.groups import (
    GROUPS_PER_POOL_MAX,
    GROUPS_PER_USER_MAX,
    Group,
    check_pool_has_room,
    check_user_has_room,
    in_order,
    preferred_role,
    roles,
)
from cenote.errors import LimitExceededException

ONE, OTHER = "arn:aws:iam::123456789012:role/one", "arn:aws:iam::123456789012:role/other"


def group(name, precedence=None, role=None, **changes):
    values = {
        "group_id": name,
        "pool_id": "us-east-1_abcdefghi",
        "name": name,
        "precedence": precedence,
        "role_arn": role,
        "created_ms": 1000,
        "modified_ms": 2500,
    }
    return Group(**values | changes)


def test_the_lowest_precedence_comes_first_and_none_last():
    groups = [group("none"), group("ten", 10), group("b", 0), group("a", 0), group("another")]
    assert [one.name for one in in_order(groups)] == ["a", "b", "ten", "another", "none"]


def test_roles_are_told_once_each_in_the_order_of_their_groups():
    groups = [group("c", 3, ONE), group("a", 1, OTHER), group("b", 2, ONE), group("none", None, OTHER)]
    assert roles(groups) == [OTHER, ONE]
    assert roles([group("a", 1)]) == []


@pytest.mark.parametrize(
    "groups, role",
    [
        ([], None),
        ([group("a", 1)], None),
        ([group("a", 1, ONE)], ONE),
        ([group("a", 2, ONE), group("b", 1, OTHER)], OTHER),
        ([group("a", 0), group("b", 1, ONE)], ONE),
        ([group("a", 1, ONE), group("b", 1, OTHER)], None),
        ([group("a", 1, ONE), group("b", 1, ONE)], ONE),
        ([group("a", 1, ONE), group("b", 1), group("c", 2, OTHER)], ONE),
        ([group("a", None, ONE)], None),
        ([group("a", None, ONE), group("b", 9, OTHER)], OTHER),
    ],
)
def test_the_preferred_role_is_the_strongest_that_is_given_without_dispute(groups, role):
    assert preferred_role(groups) == role


def test_a_group_shows_what_was_set_and_nothing_else():
    assert group("a").group_type() == {
        "GroupName": "a",
        "UserPoolId": "us-east-1_abcdefghi",
        "LastModifiedDate": 2.5,
        "CreationDate": 1,
    }
    shown = group("a", 0, ONE, description="").group_type()
    assert (shown["Precedence"], shown["RoleArn"], shown["Description"]) == (0, ONE, "")


def test_an_update_changes_what_it_names():
    before = group("a", 3, ONE, description="first")
    after = before.updated({"GroupName": "a", "Precedence": 0}, now_ms=9000)
    assert (after.precedence, after.role_arn, after.description) == (0, ONE, "first")
    assert (after.created_ms, after.modified_ms) == (1000, 9000)


def test_a_pool_and_a_user_have_room_for_so_many_groups():
    check_pool_has_room(GROUPS_PER_POOL_MAX - 1)
    check_user_has_room([group(str(number)) for number in range(GROUPS_PER_USER_MAX - 1)])
    with pytest.raises(LimitExceededException):
        check_pool_has_room(GROUPS_PER_POOL_MAX)
    with pytest.raises(LimitExceededException):
        check_user_has_room([group(str(number)) for number in range(GROUPS_PER_USER_MAX)])
