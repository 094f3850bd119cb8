"""What a key may do: each signed operation against each kind of policy, and what is served over a socket."""

import dataclasses
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest

from cenote.app import Application, build, load_operations
from cenote.domain.access_keys import AccessKey, new_access_key, rotated
from cenote.errors import (
    AccessDeniedException,
    CenoteError,
    InvalidSignatureException,
    UnrecognizedClientException,
)
from cenote.services import Services
from cenote.settings import Settings
from cenote.store.contract import Store
from cenote.wire.authorization import AccessKeys
from cenote.wire.policy import ALL
from cenote.wire.sigv4 import Head
from tests.house import MODEL
from tests.signed import Pair, SignedHouse, refused, signed, unsigned

T = TypeVar("T")

ACCOUNT = "123456789012"
POOL, OTHER = "us-east-1_Example1", "us-east-1_Example2"
ARN, OTHER_ARN = (f"arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/{one}" for one in (POOL, OTHER))
SIGNED = sorted(one.name for one in MODEL.operations.values() if one.signed)
ABOUT_NO_POOL = {
    "CreateUserPool",
    "DescribeUserPoolDomain",
    "GetClientToken",
    "GetDerivedToken",
    "GetProvisionedLimit",
    "ListUserPools",
    "UpdateProvisionedLimit",
}
SERVED = sorted(name for name in load_operations() if MODEL.operations[name].signed)


def policy(effect: str, action: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": effect, "Action": f"cognito-idp:{action}", "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


@dataclass
class Watched:
    """A store that counts what is asked of it."""

    store: Store
    met: list[str] = field(default_factory=list)
    is_broken: bool = False

    def read(self, body: Callable[[Any], T], *, at_one_moment: bool = True) -> T:
        self.met.append("read")
        return self.store.read(body, at_one_moment=at_one_moment)

    def write(self, body: Callable[[Any], T]) -> T:
        self.met.append("write")
        if self.is_broken:
            raise CenoteError("The disk is full.")
        return self.store.write(body)

    def attach(self, *_parts: Any) -> None:
        raise AssertionError("it has its vault")

    def close(self) -> None:
        raise AssertionError("it is somebody else's")


class Desk:
    """The access keys of a real store, and calls as if they had come in."""

    def __init__(self, services: Services) -> None:
        self.watched = Watched(services.store)
        self.services = dataclasses.replace(services, store=self.watched)
        self.keys = AccessKeys(self.services)

    def key(self, *statements: dict[str, Any], name: str = "ann") -> Pair:
        text = json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else ALL
        key, secret = new_access_key(
            os.urandom(40), self.services.master.sealing_key, name=name, policy=text, now_ms=0
        )
        self.services.store.write(lambda tx: tx.access_keys.add(key))
        return Pair(key.key_id, secret)

    def call(self, pair: Pair, operation: str, address: str = "203.0.113.9", **request: Any) -> None:
        body = json.dumps(request).encode()
        made = signed(unsigned(operation, body, host="localhost"), pair)
        sent = {name.lower(): value for name, value in made.headers.items()}
        head = Head(urlsplit(made.url).query, lambda name: sent.get(name.lower()), address)
        self.watched.met.clear()
        self.keys.authorize(MODEL.operations[operation], head, body, request)

    def denied(self, pair: Pair, operation: str, **request: Any) -> str:
        with pytest.raises(AccessDeniedException) as caught:
            self.call(pair, operation, **request)
        return caught.value.message or ""


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    built = build(Settings(data=tmp_path_factory.mktemp("desk") / "data"))
    yield built
    built.close()


@pytest.fixture
def desk(application: Application) -> Desk:
    return Desk(application.services)


def about(operation: str, pool_id: str = POOL) -> dict[str, str]:
    """The members of a request that say which pool it is about."""
    member = MODEL.operations[operation].resource_member
    if member is None:
        return {}
    arn = f"arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/{pool_id}"
    return {member: pool_id if member == "UserPoolId" else arn}


def sentence(operation: str, resource: str, because: str, name: str = "ann") -> str:
    return (
        f"User: arn:aws:iam::{ACCOUNT}:user/{name} is not authorized to perform: cognito-idp:{operation}"
        f" on resource: {resource} {because}"
    )


def unmentioned(operation: str, resource: str) -> str:
    because = f"because no identity-based policy allows the cognito-idp:{operation} action"
    return sentence(operation, resource, because)


@pytest.mark.parametrize("operation", SIGNED)
def test_every_signed_operation_asks_the_policy_about_its_own_name_and_its_own_pool(desk, operation):
    request, names_a_pool = about(operation), operation not in ABOUT_NO_POOL
    resource = ARN if names_a_pool else "*"
    desk.call(desk.key(), operation, **request)
    desk.call(desk.key(policy("Allow", operation)), operation, **request)
    others = desk.key(policy("Allow", "*"), policy("Deny", operation))
    explicit = "with an explicit deny in an identity-based policy"
    assert desk.denied(others, operation, **request) == sentence(operation, resource, explicit)
    another = "TagResource" if operation != "TagResource" else "UntagResource"
    assert desk.denied(desk.key(policy("Allow", another)), operation, **request) == unmentioned(
        operation, resource
    )
    one_pool = desk.key(policy("Allow", "*", ARN))
    if names_a_pool:
        desk.call(one_pool, operation, **request)
        assert desk.denied(one_pool, operation, **about(operation, OTHER)) == unmentioned(
            operation, OTHER_ARN
        )
    else:
        assert desk.denied(one_pool, operation, **request) == unmentioned(operation, "*")
        smuggled = {"UserPoolId": POOL, "ResourceArn": ARN, "UserPoolTags": {"team": "red"}}
        assert desk.denied(one_pool, operation, **smuggled) == unmentioned(operation, "*")


@pytest.mark.parametrize("given", [None, 5, ["x"], {"a": "b"}])
def test_a_pool_that_is_no_text_counts_as_none(desk, given):
    one_pool = desk.key(policy("Allow", "*", ARN))
    assert desk.denied(one_pool, "AdminGetUser", UserPoolId=given) == unmentioned("AdminGetUser", "*")


def test_an_arn_is_judged_by_the_pool_at_its_end(desk):
    """An operation may read it as leniently as it likes: the pool that it finds was the one judged."""
    odd = OTHER_ARN.replace(ACCOUNT, "000000000000").replace("us-east-1:", "eu-west-1:")
    not_that_one = desk.key(policy("Allow", "*"), policy("Deny", "*", OTHER_ARN))
    desk.call(not_that_one, "TagResource", ResourceArn=ARN, Tags={})
    assert OTHER_ARN in desk.denied(not_that_one, "TagResource", ResourceArn=odd, Tags={})


def test_a_long_resource_is_told_in_part(desk):
    told = desk.denied(desk.key(policy("Allow", "*", ARN)), "AdminGetUser", UserPoolId="x" * 100_000)
    assert len(told) < 700


def test_the_source_address_decides_where_a_policy_says_so(desk):
    inside = desk.key(policy("Allow", "*", IpAddress={"aws:SourceIp": "10.0.0.0/8"}))
    desk.call(inside, "ListUserPools", address="10.1.2.3")
    assert desk.denied(inside, "ListUserPools") == unmentioned("ListUserPools", "*")


def test_the_tags_of_a_request_decide_where_a_policy_says_so(desk):
    red = desk.key(policy("Allow", "*", StringEquals={"aws:RequestTag/team": "red"}))
    desk.call(red, "CreateUserPool", PoolName="p", UserPoolTags={"team": "red"})
    desk.call(red, "TagResource", ResourceArn=ARN, Tags={"team": "red"})
    for tags in ({"team": "blue"}, {}, None, ["team"], {"team": 5}):
        assert desk.denied(red, "CreateUserPool", PoolName="p", UserPoolTags=tags)
    assert desk.denied(red, "CreateUserPool", PoolName="p", Tags={"team": "red"})
    assert desk.denied(
        red, "AdminGetUser", UserPoolId=POOL, Tags={"team": "red"}, UserPoolTags={"team": "red"}
    )


def test_a_call_costs_one_read_and_the_pools_tags_another_only_where_they_matter(desk):
    pair = desk.key()
    desk.call(pair, "AdminGetUser", UserPoolId=POOL)
    desk.call(pair, "AdminGetUser", UserPoolId=POOL)
    assert desk.watched.met == ["read"]
    tagged = desk.key(
        policy("Allow", "*"),
        policy("Deny", "*", StringEquals={"aws:ResourceTag/team": "red"}),
        policy("Deny", "*", StringEquals={"aws:ResourceTag/team": "blue"}),
    )
    desk.call(tagged, "AdminGetUser", UserPoolId=POOL)
    desk.call(tagged, "AdminGetUser", UserPoolId=POOL)
    assert desk.watched.met == ["read", "read"]


def test_the_former_secret_of_a_rotation_signs_until_its_grace_is_over(desk):
    pair, moment = desk.key(), [time.time()]
    desk.keys = AccessKeys(desk.services, lambda: moment[0])
    until_ms = int(moment[0] * 1000) + 60_000
    newer = Pair(pair.key_id, "n" * 40)

    def rotate(tx: Any) -> None:
        held, sealing_key = tx.access_keys.hold(pair.key_id), desk.services.master.sealing_key
        tx.access_keys.save(rotated(held, sealing_key, newer.secret, former_until_ms=until_ms))

    desk.services.store.write(rotate)
    moment[0] += 59
    for one in (pair, newer):
        desk.call(one, "ListUserPools")
    moment[0] += 1.1
    desk.call(newer, "ListUserPools")
    with pytest.raises(InvalidSignatureException):
        desk.call(pair, "ListUserPools")


def test_a_use_is_noted_once_a_minute_at_most(desk):
    moment = [time.time()]
    desk.keys = AccessKeys(desk.services, lambda: moment[0])
    pair = desk.key()

    def used_ms() -> int | None:
        held: AccessKey | None = desk.services.store.read(lambda tx: tx.access_keys.find(pair.key_id))
        assert held is not None
        return held.used_ms

    assert used_ms() is None
    began = int(moment[0] * 1000)
    desk.call(pair, "ListUserPools")
    assert desk.watched.met == ["read", "write"]
    moment[0] += 59
    desk.call(pair, "ListUserPools")
    assert desk.watched.met == ["read"]
    assert used_ms() == began
    moment[0] += 1.1
    desk.call(pair, "ListUserPools")
    assert (used_ms() or 0) >= began + 60_000


def test_a_use_that_cannot_be_noted_is_no_reason_to_refuse_and_is_not_tried_at_every_call(desk):
    pair = desk.key()
    desk.watched.is_broken = True
    desk.call(pair, "ListUserPools")
    assert desk.watched.met == ["read", "write"]
    desk.call(pair, "ListUserPools")
    assert desk.watched.met == ["read"]


def test_a_key_whose_policy_is_not_understood_any_more_may_do_nothing(desk):
    pair = desk.key(policy("Allow", "*") | {"NotYet": 1})
    with pytest.raises(CenoteError, match="A statement has 'NotYet'"):
        desk.call(pair, "ListUserPools")


def test_a_revoked_key_is_unrecognized_from_the_next_call_on(desk):
    pair = desk.key()
    desk.call(pair, "ListUserPools")

    def revoke(tx: Any) -> None:
        tx.access_keys.save(tx.access_keys.hold(pair.key_id).revoked())

    desk.services.store.write(revoke)
    with pytest.raises(UnrecognizedClientException):
        desk.call(pair, "ListUserPools")


# What follows goes over a real socket to a server that was started without --dev.


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedHouse]:
    running = SignedHouse(tmp_path_factory.mktemp("policies"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def reader(server: SignedHouse) -> Pair:
    return server.new_key("reader", "--read-only")


@pytest.mark.parametrize("operation", SERVED)
def test_a_policy_is_asked_before_the_model_and_the_pool(server, reader, operation):
    host = f"127.0.0.1:{server.port}"
    status, body = server.send(signed(unsigned(operation, b"{}", host=host), server.root_key))
    assert b"AccessDenied" not in body
    status, body = server.send(signed(unsigned(operation, b"{}", host=host), reader))
    if operation.startswith(("AdminGet", "AdminList", "Describe", "Get", "List")):
        assert b"AccessDenied" not in body
        return
    because = f"because no identity-based policy allows the cognito-idp:{operation} action"
    told = sentence(operation, "*", because, name="reader")
    assert (status, body) == (
        400,
        json.dumps({"Message": told, "__type": "AccessDeniedException"}, separators=(",", ":")).encode(),
    )


def test_boto3_knows_a_denial_by_its_name_and_text(server, reader):
    cognito = server.signing(reader)
    told = sentence(
        "AdminDeleteUser",
        ARN,
        "because no identity-based policy allows the cognito-idp:AdminDeleteUser action",
        "reader",
    )
    assert refused(cognito.admin_delete_user, UserPoolId=POOL, Username="ann") == (
        "AccessDeniedException",
        told,
        400,
    )
    kind, _text, _status = refused(cognito.admin_get_user, UserPoolId=POOL, Username="ann")
    assert kind == "ResourceNotFoundException"


def test_tags_and_addresses_decide_over_a_socket(server, tmp_path):
    file = tmp_path / "policy.json"
    home, red = {"aws:SourceIp": "127.0.0.0/8"}, {"aws:ResourceTag/team": "red"}
    statements = [
        policy("Allow", "DescribeUserPool", StringEquals=red, IpAddress=home),
        policy("Allow", "ListUserPools", IpAddress={"aws:SourceIp": "10.0.0.0/8"}),
    ]
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    cognito, root = (
        server.signing(server.new_key("red", "--policy", str(file))),
        server.signing(server.root_key),
    )
    pools = {
        team: root.create_user_pool(PoolName=team, UserPoolTags={"team": team})["UserPool"]["Id"]
        for team in ("red", "blue")
    }
    assert cognito.describe_user_pool(UserPoolId=pools["red"])["UserPool"]["Name"] == "red"
    assert refused(cognito.describe_user_pool, UserPoolId=pools["blue"])[0] == "AccessDeniedException"
    assert refused(cognito.describe_user_pool, UserPoolId="us-east-1_Nowhere1")[0] == "AccessDeniedException"
    assert refused(cognito.list_user_pools, MaxResults=1)[0] == "AccessDeniedException"
