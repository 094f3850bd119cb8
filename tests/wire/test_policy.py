"""Policies: what IAM's words mean here, and what is refused when a policy is made."""

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cenote.errors import CenoteError
from cenote.wire.policy import (
    ALL,
    POLICY_CHARACTERS_MAX,
    READ_ONLY,
    Question,
    Verdict,
    new_policy,
    read_policy,
    verdict,
)
from tests.house import MODEL

SIGNED = [one.name for one in MODEL.operations.values() if one.signed]
POOL = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Example1"
ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "cognito-idp:*", "Resource": "*"}
DENY = ALLOW | {"Effect": "Deny"}


def document(*statements: Any, **members: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)} | members)


def answer(*statements: Any, **changes: Any) -> str:
    values: dict[str, Any] = {
        "action": "cognito-idp:AdminGetUser",
        "resource": POOL,
        "address": "203.0.113.9",
        "request_tags": {},
        "resource_tags": dict,
    }
    return verdict(read_policy(document(*statements)), Question(**values | changes)).value


def wrong(*statements: Any, **members: Any) -> str:
    with pytest.raises(CenoteError) as caught:
        new_policy(document(*statements, **members), SIGNED)
    return str(caught.value)


def test_what_nobody_speaks_of_is_not_allowed_and_a_deny_beats_every_allow():
    assert answer(ALLOW) == "allowed"
    assert answer(ALLOW | {"Action": "cognito-idp:AdminDeleteUser"}) == "unmentioned"
    assert answer(DENY) == answer(ALLOW, DENY) == answer(DENY, ALLOW) == "denied"
    assert answer(ALLOW, DENY | {"Action": "cognito-idp:AdminDeleteUser"}) == "allowed"


@pytest.mark.parametrize(
    "pattern, is_meant",
    [
        ("*", True),
        ("cognito-idp:*", True),
        ("cognito-idp:AdminGetUser", True),
        ("COGNITO-IDP:admingetuser", True),
        ("cognito-idp:Admin*", True),
        ("cognito-idp:*User", True),
        ("cognito-idp:A*n*G*User", True),
        ("cognito-idp:Admin???User", True),
        ("cognito-idp:Admin??User", False),
        ("cognito-idp:AdminGet", False),
        ("cognito-idp:GetUser*", False),
        ("cognito-idp:*s", False),
    ],
)
def test_an_action_may_have_wildcards_and_any_capitals(pattern, is_meant):
    assert (answer(ALLOW | {"Action": ["cognito-idp:TagResource", pattern]}) == "allowed") == is_meant


@pytest.mark.parametrize(
    "pattern, is_meant",
    [
        (POOL, True),
        ("arn:aws:cognito-idp:us-east-1:123456789012:userpool/*", True),
        ("arn:*:cognito-idp:*:*:userpool/us-east-1_Exampl??", True),
        (POOL.lower(), False),
        (POOL + "x", False),
        (POOL.replace("us-east-1:", "eu-west-1:"), False),
        (POOL.replace("123456789012", "000000000000"), False),
    ],
)
def test_a_resource_is_a_pattern_of_arns_in_its_own_capitals(pattern, is_meant):
    assert (answer(ALLOW | {"Resource": [POOL + "other", pattern]}) == "allowed") == is_meant


def test_what_is_about_no_pool_is_allowed_by_a_star_alone():
    assert answer(ALLOW, resource="*") == "allowed"
    assert answer(ALLOW | {"Resource": "arn:aws:cognito-idp:*:*:*"}, resource="*") == "unmentioned"


@pytest.mark.parametrize(
    "networks, address, is_in",
    [
        ("203.0.113.0/24", "203.0.113.9", True),
        ("203.0.113.9", "203.0.113.9", True),
        (["10.0.0.0/8", "203.0.113.8/31"], "203.0.113.9", True),
        ("203.0.113.0/24", "203.0.114.9", False),
        ("203.0.113.0/24", "::ffff:203.0.113.9", True),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "203.0.113.9", False),
        ("0.0.0.0/0", "no address", False),
    ],
)
def test_an_address_is_looked_for_in_networks(networks, address, is_in):
    inside = ALLOW | {"Condition": {"IpAddress": {"aws:SourceIp": networks}}}
    outside = DENY | {"Condition": {"NotIpAddress": {"AWS:sourceip": networks}}}
    assert answer(inside, address=address) == ("allowed" if is_in else "unmentioned")
    assert answer(ALLOW, outside, address=address) == ("allowed" if is_in else "denied")


@pytest.mark.parametrize(
    "operator, text, tags, is_met",
    [
        ("StringEquals", "red", {"team": "red"}, True),
        ("StringEquals", ["blue", "red"], {"team": "red"}, True),
        ("StringEquals", "red", {"TEAM": "red"}, True),
        ("StringEquals", "red", {"team": "Red"}, False),
        ("StringEquals", "r*", {"team": "red"}, False),
        ("StringEquals", "red", {"teams": "red"}, False),
        ("StringEquals", "red", {}, False),
        ("StringLike", "r*", {"team": "red"}, True),
        ("StringLike", "*", {"team": ""}, True),
        ("StringLike", "r?d", {"team": "rod"}, True),
        ("StringLike", "r?d", {"team": "rd"}, False),
        ("StringLike", "(.*)[a]+", {"team": "red"}, False),
        ("StringLike", "*", {}, False),
    ],
)
@pytest.mark.parametrize("whose", ["ResourceTag", "RequestTag"])
def test_a_tag_is_compared_with_its_values(operator, text, tags, is_met, whose):
    statement = ALLOW | {"Condition": {operator: {f"aws:{whose}/Team": text}}}
    mine, other = (lambda: tags, {}) if whose == "ResourceTag" else (dict, tags)
    expected = "allowed" if is_met else "unmentioned"
    assert answer(statement, resource_tags=mine, request_tags=other) == expected


def test_every_operator_and_key_of_a_condition_must_hold():
    both = {
        "StringEquals": {"aws:ResourceTag/team": "red", "aws:ResourceTag/stage": "test"},
        "IpAddress": {"aws:SourceIp": "203.0.113.0/24"},
    }
    right = {"team": "red", "stage": "test"}
    assert answer(ALLOW | {"Condition": both}, resource_tags=lambda: right) == "allowed"
    assert answer(ALLOW | {"Condition": both}, resource_tags=lambda: {"team": "red"}) == "unmentioned"
    assert answer(ALLOW | {"Condition": both}, resource_tags=lambda: right, address="::1") == "unmentioned"


def test_a_pools_tags_are_asked_for_only_by_a_statement_that_depends_on_them():
    def never() -> Any:
        raise AssertionError("asked for")

    tagged = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}}
    elsewhere = ALLOW | {"Action": "cognito-idp:TagResource"} | tagged
    assert answer(ALLOW, elsewhere, resource_tags=never) == "allowed"
    with pytest.raises(AssertionError, match="asked for"):
        answer(ALLOW | tagged, resource_tags=never)


@pytest.mark.parametrize(
    "statement, expected",
    [
        ({"Action": "s3:GetObject"}, "The action 's3:GetObject' is none of cognito-idp:Operation"),
        (
            {"Action": "cognito-idp:AdminGetUsr"},
            "'cognito-idp:AdminGetUsr' names no operation that is signed",
        ),
        ({"Action": "cognito-idp:DeleteUser"}, "'cognito-idp:DeleteUser' names no operation that is signed"),
        ({"Action": []}, "Action must be a text, or a list of texts that is not empty."),
        ({"Action": ["cognito-idp:*", 1]}, "Action must be a text"),
        ({"Action": None}, "Action must be a text"),
        (
            {"Resource": "us-east-1_Example1"},
            "The resource 'us-east-1_Example1' is neither * nor the ARN of a pool",
        ),
        ({"Resource": "arn:aws:s3:::bucket"}, "is neither * nor the ARN of a pool"),
        ({"Resource": "arn:aws:cognito-idp:*"}, "is neither * nor the ARN of a pool"),
        ({"Resource": POOL + "${aws:username}"}, "policy variables are not understood"),
        ({"Effect": "allow"}, "Effect must be Allow or Deny."),
        (
            {"NotAction": "cognito-idp:*"},
            "A statement has 'NotAction'; understood are Action, Condition, Effect",
        ),
        ({"Principal": "*"}, "A statement has 'Principal'"),
        ({"NotResource": "*"}, "A statement has 'NotResource'"),
        ({"Condition": []}, "A Condition must be an object of operators."),
        (
            {"Condition": {"StringEqualsIfExists": {"aws:ResourceTag/a": "b"}}},
            "the operator 'StringEqualsIfExists'",
        ),
        ({"Condition": {"StringEquals": {}}}, "The operator StringEquals must have keys with their values."),
        (
            {"Condition": {"StringEquals": {"aws:SourceIp": "::1"}}},
            "has the key 'aws:SourceIp'; understood are aws:R",
        ),
        ({"Condition": {"StringEquals": {"aws:ResourceTag/": "b"}}}, "has the key 'aws:ResourceTag/'"),
        ({"Condition": {"StringEquals": {"aws:PrincipalTag/a": "b"}}}, "has the key 'aws:PrincipalTag/a'"),
        ({"Condition": {"IpAddress": {"aws:ResourceTag/a": "b"}}}, "understood are aws:SourceIp."),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.9/24"}}}, "is no address and no network"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": []}}}, "aws:SourceIp must be a text"),
    ],
)
def test_what_is_not_understood_is_refused_when_a_policy_is_made(statement, expected):
    assert expected in wrong(ALLOW | statement)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "The policy is no JSON"),
        ("[" * 90_000, "The policy is no JSON"),
        ("[]", "The policy must be a JSON object"),
        ('{"Statement":[]}', 'The policy\'s Version must be "2012-10-17".'),
        ('{"Version":"2008-10-17","Statement":[]}', "Version must be"),
        ('{"Version":"2012-10-17"}', "The policy's Statement must be an object, or a list of objects"),
        ('{"Version":"2012-10-17","Statement":[]}', "Statement must be"),
        ('{"Version":"2012-10-17","Statement":["x"]}', "Statement must be"),
        (
            '{"Version":"2012-10-17","Id":"x","Statement":[]}',
            "The policy has 'Id'; only Version and Statement",
        ),
        (
            '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Effect":"Allow"}}',
            "has 'Effect' twice in one place.",
        ),
    ],
)
def test_what_is_no_policy_is_refused(text, expected):
    with pytest.raises(CenoteError, match=re.escape(expected)):
        new_policy(text, SIGNED)


def test_a_policy_is_kept_without_white_space_and_has_a_limit():
    kept = new_policy(
        json.dumps({"Version": "2012-10-17", "Statement": ALLOW | {"Sid": "Zoë"}}, indent=9), SIGNED
    )
    assert kept.startswith('{"Version":"2012-10-17","Statement":{"Effect":"Allow"')
    assert (
        verdict(read_policy(kept), Question("cognito-idp:ListUserPools", "*", "", {}, dict))
        is Verdict.ALLOWED
    )
    assert (
        wrong(ALLOW | {"Sid": "x" * POLICY_CHARACTERS_MAX}) == "The policy must have at most 6144 characters."
    )


def test_the_two_policies_that_come_along_allow_everything_and_every_reading():
    def allowed(policy: str) -> set[str]:
        questions = ((name, Question(f"cognito-idp:{name}", POOL, "", {}, dict)) for name in SIGNED)
        return {name for name, one in questions if verdict(read_policy(policy), one) is Verdict.ALLOWED}

    assert allowed(new_policy(ALL, SIGNED)) == set(SIGNED)
    reading = re.compile("(Admin)?(Get|List)[A-Z].*|Describe[A-Z].*")
    assert allowed(new_policy(READ_ONLY, SIGNED)) == {name for name in SIGNED if reading.fullmatch(name)}


@given(st.lists(st.sampled_from("a*?"), max_size=12).map("".join), st.text("ab", max_size=12))
def test_wildcards_mean_what_a_slow_and_simple_reading_says(pattern, text):
    def slow(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return any(slow(pattern[1:], text[at:]) for at in range(len(text) + 1))
        return bool(text) and pattern[0] in {"?", text[0]} and slow(pattern[1:], text[1:])

    statement = ALLOW | {"Condition": {"StringLike": {"aws:RequestTag/t": "x" + pattern}}}
    assert (answer(statement, request_tags={"t": "x" + text}) == "allowed") == slow(pattern, text)


def test_no_pattern_makes_a_long_text_slow():
    statement = ALLOW | {"Condition": {"StringLike": {"aws:RequestTag/t": "*a" * 200 + "b"}}}
    began = time.perf_counter()
    assert answer(statement, request_tags={"t": "a" * 200_000}) == "unmentioned"
    assert time.perf_counter() - began < 1
