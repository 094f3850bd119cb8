"""
Groups of a pool: made, shown, changed and ended.

Leaves out who is in them (`memberships.py`).
"""

from typing import TYPE_CHECKING

from cenote.domain.documents import without_nulls
from cenote.domain.groups import Group, check_pool_has_room, not_found
from cenote.domain.registrations import Pool
from cenote.operations.changing import held_pool
from cenote.operations.paging import page_after, page_token
from cenote.operations.registered import pool_of
from cenote.registry import Answer, operation
from cenote.services import Services
from cenote.store.transaction import Transaction

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import (
        CreateGroupRequestTypeDef,
        DeleteGroupRequestTypeDef,
        GetGroupRequestTypeDef,
        ListGroupsRequestTypeDef,
        UpdateGroupRequestTypeDef,
    )

GROUPS_LISTED_MAX = 60


@operation("CreateGroup")
def create_group(services: Services, request: "CreateGroupRequestTypeDef") -> Answer:
    """Make a group, as far as the pool has room for one more."""
    pool, given, now_ms = pool_of(services, request["UserPoolId"]), without_nulls(request), services.now_ms()
    group = Group(
        group_id=services.new_id(),
        pool_id=pool.pool_id,
        name=given["GroupName"],
        description=given.get("Description"),
        role_arn=given.get("RoleArn"),
        precedence=given.get("Precedence"),
        created_ms=now_ms,
        modified_ms=now_ms,
    )

    def body(tx: Transaction) -> None:
        held_pool(tx, pool.pool_id)
        tx.groups.add(group)
        check_pool_has_room(tx.groups.count(pool.pool_id) - 1)

    services.store.write(body)
    return {"Group": group.group_type()}


@operation("GetGroup")
def get_group(services: Services, request: "GetGroupRequestTypeDef") -> Answer:
    """Show a group as it is."""
    pool = pool_of(services, request["UserPoolId"])
    return {"Group": group_of(services, pool, request["GroupName"]).group_type()}


@operation("ListGroups")
def list_groups(services: Services, request: "ListGroupsRequestTypeDef") -> Answer:
    """A page of a pool's groups in the order of their names."""
    pool = pool_of(services, request["UserPoolId"])
    limit, listing = request.get("Limit") or GROUPS_LISTED_MAX, f"ListGroups|{pool.pool_id}"
    after = page_after(services, listing, request.get("NextToken"))
    found = services.store.read(lambda tx: tx.groups.list_page(pool.pool_id, after, limit + 1))
    answer: dict[str, object] = {"Groups": [group.group_type() for group in found[:limit]]}
    if len(found) > limit:
        answer["NextToken"] = page_token(services, listing, found[limit - 1].name)
    return answer


@operation("UpdateGroup")
def update_group(services: Services, request: "UpdateGroupRequestTypeDef") -> Answer:
    """Change what the request names of a group."""
    pool, given = pool_of(services, request["UserPoolId"]), without_nulls(request)

    def body(tx: Transaction) -> Group:
        group = tx.groups.hold(pool.pool_id, request["GroupName"])
        if group is None:
            raise not_found()
        updated = group.updated(given, now_ms=services.now_ms())
        tx.groups.save(updated)
        return updated

    return {"Group": services.store.write(body).group_type()}


@operation("DeleteGroup")
def delete_group(services: Services, request: "DeleteGroupRequestTypeDef") -> Answer:
    """End a group, whoever is in it; a later one of its name begins empty."""
    pool = pool_of(services, request["UserPoolId"])
    services.store.write(lambda tx: tx.groups.drop(pool.pool_id, request["GroupName"]))
    return None


def group_of(services: Services, pool: Pool, name: str) -> Group:
    """The group of the pool that has this name now."""
    group = services.store.read(lambda tx: tx.groups.find(pool.pool_id, name))
    if group is None:
        raise not_found()
    return group
