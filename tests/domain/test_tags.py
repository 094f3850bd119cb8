"""Tags of a pool, and the ARNs that name one."""

import pytest

from cenote.domain import tags
from cenote.errors import InvalidParameterException

POOL: dict[str, object] = {"Id": "us-east-1_SbeSpjvX7", "UserPoolTags": {"team": "red", "cost": "7"}}
FULL = {f"key {number}": "" for number in range(50)}


def refusal_of(pool, given):
    with pytest.raises(InvalidParameterException) as refused:
        tags.with_tags(pool, given)
    return refused.value.message


def test_tags_are_added_and_overwritten():
    assert tags.of(tags.with_tags(POOL, {"team": "blue", "stage": "a"})) == {
        "team": "blue",
        "cost": "7",
        "stage": "a",
    }
    assert tags.of(POOL) == {"team": "red", "cost": "7"}


def test_tags_are_taken_away_and_the_last_one_leaves_nothing():
    assert tags.of(tags.without_tags(POOL, ["team", "none"])) == {"cost": "7"}
    assert tags.without_tags(POOL, ["team", "cost"]) == {"Id": "us-east-1_SbeSpjvX7"}


def test_keys_differ_by_their_capitals():
    assert tags.of(tags.with_tags(POOL, {"Team": "blue"}))["team"] == "red"


@pytest.mark.parametrize("text", ["Größe 7", "a_b.c:d/e=f+g-h@i", "", "x" * 256])
def test_a_value_may_hold_this(text):
    assert tags.refusal({"key": text}) is None


@pytest.mark.parametrize("tag", [("a!", "b"), ("a", "b?"), ("a#", ""), ("a", "line\nbreak")])
def test_a_tag_may_not_hold_this(tag):
    assert refusal_of(POOL, dict([tag])) == (
        "Tags can hold only letters, digits, spaces and the characters _ . : / = + - @."
    )


@pytest.mark.parametrize("key", ["aws:team", "AWS:team", "aws:"])
def test_a_prefix_is_reserved(key):
    assert refusal_of(POOL, {key: "red"}) == "Tag keys must not begin with aws:, which is reserved."


def test_fifty_tags_are_enough_for_everybody():
    pool = tags.with_tags({}, FULL)
    assert refusal_of(pool, {"one more": ""}) == "A user pool can have at most 50 tags."
    assert len(tags.of(tags.with_tags(pool, {"key 7": "again"}))) == 50


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_an_arn_names_a_pool(partition):
    arn = f"arn:{partition}:cognito-idp:us-east-1:000000000000:userpool/us-east-1_SbeSpjvX7"
    assert tags.pool_id_of(arn) == "us-east-1_SbeSpjvX7"


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:cognito-identity:us-east-1:000000000000:identitypool/us-east-1:1",
        "arn:aws:cognito-idp:us-east-1:000000000000:userpool/none",
        "arn:aws:cognito-idp:us-east-1:000000000000:us-east-1_SbeSpjvX7",
        "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_SbeSpjvX7/client/7",
        "us-east-1_SbeSpjvX7",
    ],
)
def test_other_arns_name_none(arn):
    with pytest.raises(InvalidParameterException) as refused:
        tags.pool_id_of(arn)
    assert refused.value.message == f"Invalid user pool ARN: {arn}"
