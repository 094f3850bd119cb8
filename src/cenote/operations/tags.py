"""
Tags of pools: TagResource, UntagResource, ListTagsForResource.

They come and go without a word in LastModifiedDate.
"""

from typing import TYPE_CHECKING

from cenote.domain import tags
from cenote.errors import ResourceNotFoundException
from cenote.operations.changing import change_pool
from cenote.operations.registered import pool_of
from cenote.registry import Answer, operation
from cenote.services import Services

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import (
        ListTagsForResourceRequestTypeDef,
        TagResourceRequestTypeDef,
        UntagResourceRequestTypeDef,
    )


@operation("TagResource")
def tag_resource(services: Services, request: "TagResourceRequestTypeDef") -> Answer:
    """Give a pool more tags."""
    change_pool(
        services,
        _pool_id(services, request["ResourceArn"]),
        lambda pool: pool.changed(tags.with_tags(pool.document, request["Tags"])),
    )
    return {}


@operation("UntagResource")
def untag_resource(services: Services, request: "UntagResourceRequestTypeDef") -> Answer:
    """Take tags from a pool."""
    change_pool(
        services,
        _pool_id(services, request["ResourceArn"]),
        lambda pool: pool.changed(tags.without_tags(pool.document, request["TagKeys"])),
    )
    return {}


@operation("ListTagsForResource")
def list_tags_for_resource(services: Services, request: "ListTagsForResourceRequestTypeDef") -> Answer:
    """Show the tags of a pool."""
    pool = pool_of(services, _pool_id(services, request["ResourceArn"]))
    return {"Tags": tags.of(pool.document)}


def _pool_id(services: Services, arn: str) -> str:
    """The pool of an ARN, which another region, account or partition may have too: that is not this one."""
    pool_id = tags.pool_id_of(arn)
    if arn != services.locality.arn_of(pool_id):
        raise ResourceNotFoundException(f"User pool {pool_id} does not exist.")
    return pool_id
