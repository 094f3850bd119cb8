"""
Who is in a group: users put in and taken out, the groups of a user, the users of a group.

A membership binds a group's id to a user's `sub`: neither the next group nor the next user of a name inherits
it.
"""

from typing import TYPE_CHECKING

from cenote.domain.groups import check_user_has_room, not_found
from cenote.domain.listed_users import user_type
from cenote.errors import UserNotFoundException
from cenote.operations.groups import GROUPS_LISTED_MAX, group_of
from cenote.operations.paging import page_after, page_token
from cenote.operations.registered import pool_of, user_of
from cenote.registry import Answer, operation
from cenote.services import Services
from cenote.store.transaction import Transaction

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import (
        AdminAddUserToGroupRequestTypeDef,
        AdminListGroupsForUserRequestTypeDef,
        AdminRemoveUserFromGroupRequestTypeDef,
        ListUsersInGroupRequestTypeDef,
    )

MEMBERS_LISTED_MAX = 60


@operation("AdminAddUserToGroup")
def admin_add_user_to_group(services: Services, request: "AdminAddUserToGroupRequestTypeDef") -> Answer:
    """Put a user into a group, as often as one likes."""
    pool = pool_of(services, request["UserPoolId"])
    group_of(services, pool, request["GroupName"])
    user = user_of(services, pool, request["Username"])

    def body(tx: Transaction) -> None:
        group, held = tx.groups.find(pool.pool_id, request["GroupName"]), tx.users.hold(user.sub)
        if group is None:
            raise not_found()
        if held is None:
            raise UserNotFoundException
        groups = tx.groups.list_of_user(user.sub)
        if group.group_id in {one.group_id for one in groups}:
            return
        check_user_has_room(groups)
        if not tx.groups.join(group, user.sub, now_ms=services.now_ms()):
            raise not_found()

    services.store.write(body)
    return None


@operation("AdminRemoveUserFromGroup")
def admin_remove_user_from_group(
    services: Services, request: "AdminRemoveUserFromGroupRequestTypeDef"
) -> Answer:
    """Take a user out of a group; one who is not in it stays out."""
    pool = pool_of(services, request["UserPoolId"])
    group = group_of(services, pool, request["GroupName"])
    user = user_of(services, pool, request["Username"])
    services.store.write(lambda tx: tx.groups.leave(group, user.sub))
    return None


@operation("AdminListGroupsForUser")
def admin_list_groups_for_user(services: Services, request: "AdminListGroupsForUserRequestTypeDef") -> Answer:
    """A page of the groups that a user is in, the strongest first."""
    pool = pool_of(services, request["UserPoolId"])
    user = user_of(services, pool, request["Username"])
    limit, listing = request.get("Limit") or GROUPS_LISTED_MAX, f"AdminListGroupsForUser|{user.sub}"
    start = int(page_after(services, listing, request.get("NextToken")) or 0)
    found = services.store.read(lambda tx: tx.groups.list_of_user(user.sub))[start:]
    answer: dict[str, object] = {"Groups": [group.group_type() for group in found[:limit]]}
    if len(found) > limit:
        answer["NextToken"] = page_token(services, listing, str(start + limit))
    return answer


@operation("ListUsersInGroup")
def list_users_in_group(services: Services, request: "ListUsersInGroupRequestTypeDef") -> Answer:
    """A page of the users who are in a group, in the order of their subs."""
    pool = pool_of(services, request["UserPoolId"])
    group = group_of(services, pool, request["GroupName"])
    limit, listing = request.get("Limit") or MEMBERS_LISTED_MAX, f"ListUsersInGroup|{group.group_id}"
    after = page_after(services, listing, request.get("NextToken"))

    def body(tx: Transaction) -> tuple[list[dict[str, object]], str | None]:
        candidates = tx.search.list_members(group, after, limit + 1)
        users = [user for candidate in candidates[:limit] if (user := candidate.open()) is not None]
        more = candidates[limit - 1].place if len(candidates) > limit else None
        return [user_type(user) for user in users], more

    users, more = services.store.read(body)
    answer: dict[str, object] = {"Users": users}
    if more is not None:
        answer["NextToken"] = page_token(services, listing, more)
    return answer
