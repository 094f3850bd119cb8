"""Whatever a request asks for, the answer about it has the shape of the model, or there is a refusal."""

import gzip
import importlib.resources
import json
from functools import cache, partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cenote.domain import clients, mfa, pools
from cenote.domain.schema import read_schema, schema_attributes
from cenote.errors import CognitoError

MODEL = "data/cognito-idp/2016-04-18/service-2.json.gz"
TYPES = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "timestamp": int | float,
    "structure": dict,
    "map": dict,
    "list": list,
}
ARNS = [
    "arn:aws:lambda:us-east-1:000000000000:function:f",
    "arn:aws:lambda:us-east-1:000000000000:function:g",
]
# Texts that a pattern of the model asks for, and values at which the domain decides something.
TEXTS = {
    "ArnType": ARNS,
    "OptionalArnType": ARNS,
    "EncryptionKeyArnType": ARNS,
    "EmailAddressType": ["ann@example.com"],
    "EmailVerificationMessageByLinkType": ["Click {##here##}"],
    "StringType": ["0", "10", "2049", "-1", "many", ""],
    "CustomAttributeNameType": ["email", "name", "team", "age", "email_verified"],
    "ClientPermissionType": ["email", "name", "custom:team", "sub", "email_verified", "custom:none"],
    "ScopeType": ["openid", "email", "api/read", "opened"],
    "RedirectUrlType": [
        "https://a.example/cb",
        "http://localhost/cb",
        "http://a.example/cb",
        "app://x",
        "/cb",
    ],
    "ClientSecretType": ["s" * 24],
    "AcrLevelKeyType": ["Level1", "Level2", "Level4"],
    "AcrValueType": ["urn:one", "urn:two", "urn:cognito:loa:4"],
    "UserPoolIdType": ["us-east-1_SbeSpjvX7"],
    "HexStringType": ["0a"],
}
MESSAGE = ["Your code is {####}"]
NAMED = read_schema(schema_attributes([{"Name": "team", "AttributeDataType": "String"}]))


@cache
def shapes():
    packed = (importlib.resources.files("botocore") / MODEL).read_bytes()
    return json.loads(gzip.decompress(packed))["shapes"]


def requests(name):
    """Requests of a shape, each optional member there or not, and each value one that the model takes."""
    shape = shapes()[name]
    match shape["type"]:
        case "structure":
            members = {member: requests(of["shape"]) for member, of in shape["members"].items()}
            required = {member: members.pop(member) for member in shape.get("required", [])}
            return st.fixed_dictionaries(required, optional=members)
        case "list":
            return st.lists(requests(shape["member"]["shape"]), min_size=shape.get("min", 0), max_size=3)
        case "map":
            return st.dictionaries(
                requests(shape["key"]["shape"]), requests(shape["value"]["shape"]), max_size=3
            )
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(shape["min"], min(shape["max"], 90))
        case _:
            return st.sampled_from(shape.get("enum") or TEXTS.get(name) or MESSAGE)


def faults(value, name, path):
    """Where a value departs from its shape."""
    shape = shapes()[name]
    kind = shape["type"]
    is_of_its_kind = isinstance(value, TYPES[kind]) and isinstance(value, bool) == (kind == "boolean")
    if not is_of_its_kind:
        return [f"{path} is {value!r}, no {kind}"]
    match kind:
        case "structure":
            return faults_of_members(value, shape, path)
        case "list":
            return [f for item in value for f in faults(item, shape["member"]["shape"], f"{path}[]")]
        case "map":
            values = shape["value"]["shape"]
            return [f for key, inner in value.items() for f in faults(inner, values, f"{path}.{key}")]
        case _:
            return [] if value in shape.get("enum", [value]) else [f"{path} is {value!r}: not enumerated"]


def faults_of_members(value, shape, path):
    found = [f"{path}.{member} is no member" for member in value.keys() - shape["members"]]
    found += [f"{path}.{member} is missing" for member in set(shape.get("required", [])) - value.keys()]
    for member in value.keys() & shape["members"]:
        found += faults(value[member], shape["members"][member]["shape"], f"{path}.{member}")
    return found


def pool_of(request):
    arn = f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{TEXTS['UserPoolIdType'][0]}"
    return pools.new_document(request, pool_id=TEXTS["UserPoolIdType"][0], arn=arn, region="us-east-1")


def client_of(request, tier):
    return clients.new_document(request, client_id="a" * 26, pool_schema=NAMED, pool_tier=tier)


def check_pool(document):
    shown = pools.described(document, created_ms=1500, modified_ms=2000, estimated_users=3)
    assert faults(shown, "UserPoolType", "UserPool") == []
    assert faults(pools.created(document, created_ms=1500), "UserPoolType", "UserPool") == []
    item = pools.summary(document, created_ms=1500, modified_ms=2000)
    assert faults(item, "UserPoolDescriptionType", "UserPool") == []


def check_client(document):
    shown = clients.described(document, created_ms=1500, modified_ms=2000, secret="s" * 24)
    assert faults(shown, "UserPoolClientType", "UserPoolClient") == []
    assert faults(clients.summary(document), "UserPoolClientDescription", "UserPoolClient") == []


def outcome(make, *arguments):
    try:
        return make(*arguments)
    except CognitoError as refusal:
        return refusal


def members_of(name):
    return sorted(shapes()[name]["members"])


def a_few_members(data, name, needed):
    """A request of the members it needs and up to four more: with many, nearly all would be refused."""
    of = shapes()[name]["members"]
    chosen = data.draw(st.sets(st.sampled_from(members_of(name)), max_size=4))
    return needed | {member: data.draw(requests(of[member]["shape"])) for member in chosen - needed.keys()}


@given(st.data())
def test_any_pool_is_described_in_the_models_shape_or_refused(data):
    made = outcome(pool_of, a_few_members(data, "CreateUserPoolRequest", {"PoolName": "people"}))
    if isinstance(made, CognitoError):
        assert made.message
        return
    check_pool(made)
    assert len(pools.schema(made)) >= 21
    assert pools.password_policy(made).minimum_length >= 6


@given(st.data())
def test_any_pool_stays_in_the_models_shape_whatever_is_asked_of_it_next(data):
    made = outcome(pool_of, a_few_members(data, "CreateUserPoolRequest", {"PoolName": "people"}))
    if isinstance(made, CognitoError):
        return
    needed = {"UserPoolId": TEXTS["UserPoolIdType"][0]}
    for change, name in (
        (pools.updated, "UpdateUserPoolRequest"),
        (pools.with_mfa, "SetUserPoolMfaConfigRequest"),
    ):
        changed = outcome(partial(change, made, region="us-east-1"), a_few_members(data, name, needed))
        if isinstance(changed, CognitoError):
            assert changed.message
        else:
            check_pool(changed)
            assert faults(mfa.shown(changed), "GetUserPoolMfaConfigResponse", "answer") == []
            made = changed


@given(st.data(), st.sampled_from(["LITE", "ESSENTIALS", "PLUS"]))
def test_any_client_is_described_in_the_models_shape_or_refused(data, tier):
    needed = {"UserPoolId": "us-east-1_SbeSpjvX7", "ClientName": "app"}
    made = outcome(client_of, a_few_members(data, "CreateUserPoolClientRequest", needed), tier)
    if isinstance(made, CognitoError):
        assert made.message
        return
    check_client(made)
    assert 300 <= clients.access_token_lifetime_s(made) <= clients.refresh_token_lifetime_s(made)


def is_carried_over(member, request, document, shown):
    """Whether a member that a description has too was not forgotten on the way."""
    return member in document or not request[member] or member not in shapes()[shown]["members"]


@pytest.mark.parametrize("member", members_of("CreateUserPoolRequest"))
@given(st.data())
def test_any_one_member_of_a_pool_is_carried_over_in_the_models_shape(member, data):
    shape = shapes()["CreateUserPoolRequest"]["members"][member]["shape"]
    request = {"PoolName": "people", member: data.draw(requests(shape))}
    made = outcome(pool_of, request)
    if isinstance(made, CognitoError):
        return
    check_pool(made)
    assert is_carried_over(member, request, made, "UserPoolType")


@pytest.mark.parametrize("member", members_of("CreateUserPoolClientRequest"))
@given(st.data())
def test_any_one_member_of_a_client_is_carried_over_in_the_models_shape(member, data):
    shape = shapes()["CreateUserPoolClientRequest"]["members"][member]["shape"]
    request = {"UserPoolId": "us-east-1_SbeSpjvX7", "ClientName": "app", member: data.draw(requests(shape))}
    made = outcome(client_of, request, "PLUS")
    if isinstance(made, CognitoError):
        return
    check_client(made)
    assert member == "ClientSecret" or is_carried_over(member, request, made, "UserPoolClientType")
