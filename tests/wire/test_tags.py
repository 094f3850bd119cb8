"""Tags of a pool, as boto3 sees them."""

from typing import Any

import pytest

from tests.house import Tenant
from tests.wire.steps import refused

ACCOUNT = "000000000000"
FULL = {f"key {number}": "" for number in range(50)}
TOO_MANY = "A user pool can have at most 50 tags."
RESERVED = "Tag keys must not begin with aws:, which is reserved."
UNWRITABLE = "Tags can hold only letters, digits, spaces and the characters _ . : / = + - @."


def arn_of(tenant: Tenant) -> str:
    arn: str = tenant.cognito.describe_user_pool(UserPoolId=tenant.pool_id)["UserPool"]["Arn"]
    return arn


def tag(tenant: Tenant, **tags: str) -> dict[str, Any]:
    answer: dict[str, Any] = tenant.cognito.tag_resource(ResourceArn=arn_of(tenant), Tags=tags)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def untag(tenant: Tenant, *keys: str) -> dict[str, Any]:
    answer: dict[str, Any] = tenant.cognito.untag_resource(ResourceArn=arn_of(tenant), TagKeys=list(keys))
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def tags_of(tenant: Tenant) -> dict[str, str]:
    tags: dict[str, str] = tenant.cognito.list_tags_for_resource(ResourceArn=arn_of(tenant))["Tags"]
    return tags


def test_a_fresh_pool_has_no_tags_and_says_so(tenant):
    assert tags_of(tenant) == {}
    assert tenant.cognito.describe_user_pool(UserPoolId=tenant.pool_id)["UserPool"]["UserPoolTags"] == {}


def test_tags_are_merged_and_taken_away(tenant):
    assert tag(tenant, team="red", stage="test") == {}
    assert tag(tenant, team="blue") == {}
    assert tags_of(tenant) == {"team": "blue", "stage": "test"}
    assert untag(tenant, "team", "none") == {}
    assert tags_of(tenant) == {"stage": "test"}
    untag(tenant, "stage")
    assert tags_of(tenant) == {}


def test_the_tags_of_a_pool_are_the_same_by_every_name(tenants):
    tenant = tenants(pool={"UserPoolTags": {"team": "red"}})
    assert tags_of(tenant) == {"team": "red"}
    tag(tenant, stage="test")
    both = {"team": "red", "stage": "test"}
    assert tenant.cognito.describe_user_pool(UserPoolId=tenant.pool_id)["UserPool"]["UserPoolTags"] == both
    tenant.cognito.update_user_pool(UserPoolId=tenant.pool_id)
    assert tags_of(tenant) == both
    tenant.cognito.update_user_pool(UserPoolId=tenant.pool_id, UserPoolTags={"crew": "blue"})
    assert tags_of(tenant) == {"crew": "blue"}


def test_tagging_does_not_change_the_date_of_a_pool(tenant):
    before = tenant.cognito.describe_user_pool(UserPoolId=tenant.pool_id)["UserPool"]
    tenant.house.advance(60)
    tag(tenant, team="red")
    after = tenant.cognito.describe_user_pool(UserPoolId=tenant.pool_id)["UserPool"]
    assert after["LastModifiedDate"] == before["LastModifiedDate"]


@pytest.mark.parametrize(
    "tags,text",
    [({"aws:team": "red"}, RESERVED), ({"team": "red!"}, UNWRITABLE), ({**FULL, "one more": ""}, TOO_MANY)],
)
def test_a_tag_that_may_not_be_is_refused_everywhere(tenant, tags, text):
    cognito, pool = tenant.cognito, {"UserPoolId": tenant.pool_id}
    assert refused(tag, tenant, **tags) == f"InvalidParameterException: {text}"
    assert refused(cognito.update_user_pool, **pool, UserPoolTags=tags) == f"UserPoolTaggingException: {text}"
    assert refused(cognito.create_user_pool, PoolName="no", UserPoolTags=tags) == (
        f"UserPoolTaggingException: {text}"
    )
    assert tags_of(tenant) == {}


def test_fifty_tags_are_the_most_whenever_they_come(tenant):
    tag(tenant, **FULL)
    assert refused(tag, tenant, more="") == f"InvalidParameterException: {TOO_MANY}"
    assert tags_of(tenant) == FULL


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:cognito-identity:us-east-1:000000000000:identitypool/us-east-1",
        "arn:aws:cognito-idp:us-east-1:000000000000:userpool/none",
        "arn:aws:s3:us-east-1:000000000000:bucket",
    ],
)
def test_only_pools_are_tagged(house, arn):
    cognito, text = house.client(), f"InvalidParameterException: Invalid user pool ARN: {arn}"
    assert refused(cognito.list_tags_for_resource, ResourceArn=arn) == text
    assert refused(cognito.tag_resource, ResourceArn=arn, Tags={"team": "red"}) == text
    assert refused(cognito.untag_resource, ResourceArn=arn, TagKeys=["team"]) == text


def test_what_is_no_arn_at_all_is_refused_by_the_model(house):
    assert refused(
        house.client().list_tags_for_resource, ResourceArn="us-east-1_nonexist1-and-more"
    ).startswith(
        "InvalidParameterException: 1 validation error detected: Value 'us-east-1_nonexist1-and-more' at"
        " 'resourceArn' failed to satisfy constraint: Member must satisfy regular expression pattern:"
    )


@pytest.mark.parametrize(
    "region,account", [("us-east-1", ACCOUNT), ("eu-west-1", ACCOUNT), ("us-east-1", "111122223333")]
)
def test_a_pool_that_is_not_here_is_not_there(house, region, account):
    arn = f"arn:aws:cognito-idp:{region}:{account}:userpool/us-east-1_nonexist1"
    assert refused(house.client().list_tags_for_resource, ResourceArn=arn) == (
        "ResourceNotFoundException: User pool us-east-1_nonexist1 does not exist."
    )


def test_a_pool_of_ours_has_one_arn(tenant):
    foreign = arn_of(tenant).replace("us-east-1:", "eu-west-1:")
    assert refused(tenant.cognito.tag_resource, ResourceArn=foreign, Tags={"team": "red"}) == (
        f"ResourceNotFoundException: User pool {tenant.pool_id} does not exist."
    )
