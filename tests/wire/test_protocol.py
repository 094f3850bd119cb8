"""The wire as bytes: statuses, headers and bodies, for what clients send and for what nobody should."""

import json
import re
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from cenote.app import load_operations
from cenote.http.edge import BODY_BYTES_MAX, ERROR_MESSAGE_HEADER_CHARACTERS_MAX
from tests.by_hand import CONTENT_TYPE, TARGET_PREFIX, ask, chunked, kind, post, said, talk
from tests.house import MODEL, House, Tenant
from tests.signed import SignedHouse

SIGNED = ("Authorization: AWS4-HMAC-SHA256 whatever",)
NOT_UNDERSTOOD = {
    "code": "BadRequest",
    "message": "The server did not understand the operation that was requested.",
    "type": "client",
}
BROKEN_TOKEN = (
    "1 validation error detected: Value at 'accessToken' failed to satisfy constraint: Member must "
)
NO_TOKEN = BROKEN_TOKEN + "not be null"
ODD_TOKEN = BROKEN_TOKEN + "satisfy regular expression pattern: [A-Za-z0-9-_=.]+"
UNREADABLE = b'{"__type":"SerializationException"}'
TOO_LARGE = f"Request body is larger than {BODY_BYTES_MAX} bytes"
PATIENCE_S_MAX = 10


# What an answer looks like.


def test_an_answer_is_compact_json_with_its_members_in_alphabetical_order(house: House, tenant: Tenant):
    asked = json.dumps({"UserPoolId": tenant.pool_id}).encode()
    body = ask(house.port, post("DescribeUserPool", asked, headers=SIGNED)).body
    document = json.loads(body)
    assert body == json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
    assert list(document["UserPool"])[:3] == ["AccountRecoverySetting", "AdminCreateUserConfig", "Arn"]


def test_a_time_is_a_number_of_seconds_with_at_most_three_decimals_and_no_zero_at_its_end(house: House):
    for _attempt in range(5):
        body = ask(house.port, post("CreateUserPool", b'{"PoolName":"times"}', headers=SIGNED)).body
        created, modified = re.findall(rb'"(?:CreationDate|LastModifiedDate)":([^,}]+)', body)
        assert re.fullmatch(rb"[0-9]{10}(\.[0-9]{0,2}[1-9])?", created), created
        assert created == modified
        assert abs(float(created) - time.time()) < 2 * 365 * 86_400  # other tests move this clock


def test_an_operation_without_an_output_answers_zero_bytes_and_says_so(house: House, tenant: Tenant):
    token = tenant.user("ann")["AccessToken"]
    tenant.sign_up("bob")
    pool = {"UserPoolId": tenant.pool_id}
    for operation, request in [
        ("DeleteUser", {"AccessToken": token}),
        ("AdminDeleteUser", pool | {"Username": "bob"}),
        ("DeleteUserPoolClient", pool | {"ClientId": tenant.client_id}),
        ("DeleteUserPool", pool),
    ]:
        assert not MODEL.operations[operation].answers
        answer = ask(house.port, post(operation, json.dumps(request).encode(), headers=SIGNED))
        assert (answer.status, answer.body) == (200, b""), operation
        assert answer.headers["content-length"] == "0"
        assert answer.headers["content-type"] == CONTENT_TYPE
        assert "transfer-encoding" not in answer.headers


def test_an_operation_with_an_empty_output_answers_two_bytes(house: House, tenant: Tenant):
    tenant.sign_up("ann", confirmed=False)
    ann = {"UserPoolId": tenant.pool_id, "Username": "ann"}
    for operation in ("AdminConfirmSignUp", "AdminDisableUser", "AdminEnableUser"):
        answer = ask(house.port, post(operation, json.dumps(ann).encode(), headers=SIGNED))
        assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"{}", "2"), operation
    token = tenant.sign_in("ann")["AccessToken"]
    answer = ask(house.port, post("GlobalSignOut", json.dumps({"AccessToken": token}).encode()))
    assert (answer.status, answer.body) == (200, b"{}")


def test_text_beyond_ascii_is_not_escaped(house: House, tenant: Tenant):
    tenant.sign_up("añn", name="Ann 水 💥")
    asked = json.dumps({"UserPoolId": tenant.pool_id, "Username": "añn"}).encode()
    body = ask(house.port, post("AdminGetUser", asked, headers=SIGNED)).body
    assert "Ann 水 💥".encode() in body
    assert b"\\u" not in body


def test_every_answer_has_an_id_of_its_own_which_is_a_random_uuid(house: House):
    answers = talk(house.port, post("GetUser", keeps_alive=True) * 3 + post("Nobody"))
    ids = [answer.headers["x-amzn-requestid"] for answer in answers]
    assert len(set(ids)) == 4
    assert all(str(uuid.UUID(one)) == one and uuid.UUID(one).version == 4 for one in ids)


def test_a_refusal_is_told_in_the_body_and_again_in_the_headers(house: House):
    answer = ask(house.port, post("GetUser"))
    assert answer.status == 400
    assert answer.body == b'{"__type":"InvalidParameterException","message":"%b"}' % NO_TOKEN.encode()
    assert answer.headers["x-amzn-errortype"] == "InvalidParameterException:"
    assert answer.headers["x-amzn-errormessage"] == NO_TOKEN
    assert answer.headers["content-type"] == CONTENT_TYPE


def test_a_refusal_without_a_message_has_neither_member_nor_header(house: House):
    answer = ask(house.port, post("GetUser", b"{"))
    assert answer.body == UNREADABLE
    assert "x-amzn-errormessage" not in answer.headers


@pytest.mark.parametrize(
    "value",
    ["x\r\nSet-Cookie: a=b\r\n\r\n<html>", "x\0y", "ñ水💥", "\x7f\x1b[31m", "\u2028\x85", " x ", "x" * 5_000],
)
def test_what_a_caller_sent_can_not_break_out_of_a_header(house: House, value: str):
    asked = json.dumps({"UserPoolId": value}).encode()
    answer = ask(house.port, post("DescribeUserPool", asked, headers=SIGNED))
    assert kind(answer) == "InvalidParameterException"
    assert "set-cookie" not in answer.headers
    shown = answer.headers["x-amzn-errormessage"]
    assert re.fullmatch(r"[ -~]+", shown)
    assert len(shown) <= ERROR_MESSAGE_HEADER_CHARACTERS_MAX
    assert len(answer.body) < 5_000


# What a browser needs.


def test_a_browser_may_call_from_any_origin_with_the_headers_that_it_names(house: House):
    wanted = "cache-control,content-type,x-amz-target,x-amz-user-agent,amz-sdk-request"
    preflight = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": wanted,
    }
    status, headers, body = house.http("OPTIONS", "/", headers=preflight)
    assert (status, body) == (200, b"")
    assert headers["access-control-allow-origin"] == "*"
    assert "POST" in headers["access-control-allow-methods"]
    assert headers["access-control-allow-headers"] == wanted
    assert int(headers["access-control-max-age"]) > 0
    assert "access-control-allow-credentials" not in headers


def test_a_script_may_read_every_answer_and_its_headers(house: House, tenant: Tenant):
    token = tenant.user("ann")["AccessToken"].encode()
    well = ask(house.port, post("GetUser", b'{"AccessToken":"%b"}' % token))
    ill = ask(house.port, post("GetUser", headers=("Origin: https://app.example.com",)))
    large = ask(house.port, post("GetUser", b"", length=BODY_BYTES_MAX + 1))
    strange = ask(house.port, post(None))
    assert [answer.status for answer in (well, ill, large, strange)] == [200, 400, 413, 404]
    for answer in (well, ill, large, strange):
        assert answer.headers["access-control-allow-origin"] == "*"
        exposed = answer.headers["access-control-expose-headers"].lower().split(",")
        assert {"x-amzn-requestid", "x-amzn-errortype", "x-amzn-errormessage", "date"} <= set(exposed)


def test_a_preflight_can_not_put_anything_into_the_answer(house: House):
    asked = post(None, headers=("Access-Control-Request-Headers: a\xff,b\x01",))
    answer = ask(house.port, asked.replace(b"POST", b"OPTIONS"))
    assert answer.status in {200, 400}
    assert re.fullmatch(r"[ -~]*", answer.headers.get("access-control-allow-headers", ""))


# What is not a call.


@pytest.mark.parametrize(
    "target",
    [
        None,
        "AWSCognitoIdentityService.GetId",
        "AWSCognitoIdentityProviderServiceGetUser.x",
        ".",
        "\xff.GetUser",
    ],
)
def test_a_call_of_nothing_or_of_another_service_is_not_understood(house: House, target: str | None):
    answer = ask(house.port, post(target))
    assert (answer.status, json.loads(answer.body)) == (404, NOT_UNDERSTOOD)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "TRACE"])
def test_another_method_is_not_understood(house: House, method: str):
    status, headers, body = house.http(method, "/", headers={"X-Amz-Target": TARGET_PREFIX + "GetUser"})
    assert status == 404
    assert headers["content-type"] == CONTENT_TYPE
    if method != "HEAD":
        assert body == json.dumps(NOT_UNDERSTOOD, separators=(",", ":")).encode()


@pytest.mark.parametrize("path", ["/x", "/GetUser", "/.well-known/jwks.json", "/a/b/c", "/%00", "/_cenote"])
def test_another_path_is_not_understood(house: House, path: str):
    status, headers, body = house.http("POST", path, b"{}", {"X-Amz-Target": TARGET_PREFIX + "GetUser"})
    assert (status, json.loads(body)) == (404, NOT_UNDERSTOOD)
    assert headers["x-amzn-requestid"]


@pytest.mark.parametrize(
    "operation", ["Nobody", "getUser", "GetUser ", "GetUser;DeleteUser", "", "__init__", "x" * 9_000]
)
def test_an_operation_that_the_api_does_not_have_is_unknown(house: House, operation: str):
    answer = ask(house.port, post(TARGET_PREFIX + operation + "/", headers=SIGNED))
    assert (answer.status, answer.body) == (400, b'{"__type":"UnknownOperationException"}')
    assert kind(answer) == "UnknownOperationException"


def test_an_operation_of_the_model_that_is_not_served_is_unknown_too(house: House):
    missing = sorted(MODEL.operations.keys() - load_operations().keys())
    for operation in missing:
        answer = ask(house.port, post(operation, headers=SIGNED))
        assert answer.body == b'{"__type":"UnknownOperationException"}', operation


def test_two_targets_are_no_target(house: House):
    twice = post("GetUser", headers=(f"X-Amz-Target: {TARGET_PREFIX}DeleteUser",))
    assert kind(ask(house.port, twice)) == "UnknownOperationException"


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "application/x-amz-json-1.0", "text/plain", "", "\xff"]
)
def test_another_content_type_is_refused(house: House, content_type: str | None):
    answer = ask(house.port, post("GetUser", content_type=content_type))
    assert (answer.status, kind(answer)) == (400, "UnknownOperationException")


@pytest.mark.parametrize("ending", ["; charset=UTF-8", ";charset=utf-8", " ; charset=x", ";"])
def test_a_charset_beside_the_content_type_is_ignored(house: House, ending: str):
    assert said(ask(house.port, post("GetUser", content_type=CONTENT_TYPE + ending))) == NO_TOKEN
    assert said(ask(house.port, post("GetUser", content_type=CONTENT_TYPE.upper() + ending))) == NO_TOKEN


# What a body may be.


def test_no_body_stands_for_an_empty_object(house: House):
    assert said(ask(house.port, post("GetUser", b""))) == NO_TOKEN
    assert said(ask(house.port, chunked("GetUser", b""))) == NO_TOKEN


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"}",
        b"{} {}",
        b"{}x",
        b"   ",
        b"{'AccessToken':'a'}",
        b'{"AccessToken":"a",}',
        b"{AccessToken:1}",
        b'{"AccessToken":undefined}',
        b'{"AccessToken":NaN}',
        b'{"AccessToken":-Infinity}',
        b'{"AccessToken":1e999}',
        b'{"AccessToken":01}',
        b'{"AccessToken":+1}',
        b'{"AccessToken":0x1}',
        b'{"AccessToken":"a\x00b"}',
        b'{"AccessToken":"a\nb"}',
        b'{"AccessToken":"\\x41"}',
        b'{"AccessToken":"\\u12"}',
        b'{"AccessToken":"\xff"}',
        b'{"AccessToken":"\xc0\x80"}',
        b'{"AccessToken":"\xed\xa0\x80"}',
        b'{"AccessToken":"\\ud800"}',
        b'{"AccessToken":"\\udc00\\ud800"}',
        b'{"Unknown":"\\ud83d"}',
        b'{"\\ud800":1}',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        "{}".encode("utf-32"),
        b"// {}",
        b"null",
        b"true",
        b"1",
        b'"{}"',
        b"9" * 100_000,
        b'{"AccessToken":%b}' % (b"9" * 100_000),
        b'{"Unknown":0.%b}' % (b"9" * 100_000 + b"e" + b"9" * 100_000),
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"Unknown":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"Unknown":%b}' % (b"[" * 100_000 + b"]" * 100_000),
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_is_no_json_object_is_unreadable(house: House, body: bytes):
    answer = ask(house.port, post("GetUser", body))
    assert (answer.status, answer.body) == (400, UNREADABLE)
    assert kind(answer) == "SerializationException"


def test_a_list_is_named_and_still_no_object(house: House):
    answer = ask(house.port, post("GetUser", b"[]"))
    assert (kind(answer), said(answer)) == (
        "SerializationException",
        "Start of list found where not expected",
    )


@pytest.mark.parametrize(
    "body, message",
    [
        (b'{"AccessToken":1}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"AccessToken":%b}' % (b"9" * 4_000), "NUMBER_VALUE can not be converted to a String"),
        (b'{"AccessToken":true}', "TRUE_VALUE can not be converted to a String"),
        (b'{"AccessToken":[]}', "Start of list found where not expected"),
        (b'{"AccessToken":{}}', "Start of structure or map found where not expected."),
        (b'{"AccessToken":null}', NO_TOKEN),
        (b'{"AccessToken":"a\\u0000"}', ODD_TOKEN),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_a_member_of_another_type_is_told(house: House, body: bytes, message: str):
    assert said(ask(house.port, post("GetUser", body))) == message


def test_of_two_members_with_one_name_the_last_counts(house: House):
    first, last = b'{"MaxResults":0,"MaxResults":1}', b'{"MaxResults":1,"MaxResults":0}'
    assert ask(house.port, post("ListUserPools", first, headers=SIGNED)).status == 200
    assert kind(ask(house.port, post("ListUserPools", last, headers=SIGNED))) == "InvalidParameterException"


def test_members_that_the_model_does_not_know_are_ignored(house: House, tenant: Tenant):
    asked = {"UserPoolId": tenant.pool_id, "Nobody": {"knows": [None, 1.5, "me"]}, "userPoolId": 1, "": ""}
    answer = ask(house.port, post("DescribeUserPool", json.dumps(asked).encode(), headers=SIGNED))
    assert answer.status == 200


def test_white_space_and_escapes_are_json_as_usual(house: House, tenant: Tenant):
    spelled = "".join(f"\\u{ord(letter):04x}" for letter in tenant.pool_id)
    body = f'\r\n\t {{ "\\u0055serPoolId" :\n"{spelled}" }} \n'.encode()
    assert ask(house.port, post("DescribeUserPool", body, headers=SIGNED)).status == 200


# Who may call.


@pytest.mark.parametrize("header", ["garbage", "AWS4-HMAC-SHA256 Credential=x", "Bearer x", "", "\xff"])
def test_an_operation_without_a_signature_ignores_whatever_is_sent_as_one(
    house: House, tenant: Tenant, header: str
):
    token = tenant.user("ann")["AccessToken"].encode()
    answer = ask(
        house.port, post("GetUser", b'{"AccessToken":"%b"}' % token, headers=(f"Authorization: {header}",))
    )
    assert answer.status == 200


def test_in_development_a_signed_operation_wants_some_signature(house: House):
    unsigned = ask(house.port, post("ListUserPools", b'{"MaxResults":1}'))
    assert (unsigned.status, kind(unsigned)) == (400, "MissingAuthenticationTokenException")
    assert said(unsigned) == "Missing Authentication Token"
    assert ask(house.port, post("ListUserPools", b'{"MaxResults":1}', headers=SIGNED)).status == 200


def test_the_signature_is_asked_for_before_the_model_and_after_the_json(house: House):
    assert kind(ask(house.port, post("ListUserPools", b"{"))) == "SerializationException"
    assert kind(ask(house.port, post("ListUserPools", b"{}"))) == "MissingAuthenticationTokenException"
    assert kind(ask(house.port, post("ListUserPools", b"{}", headers=SIGNED))) == "InvalidParameterException"


def test_without_development_a_strangers_signature_opens_nothing(tmp_path):
    house = SignedHouse(tmp_path)
    house.start()
    try:
        bare = ask(house.port, post("ListUserPools", b'{"MaxResults":1}'))
        assert (bare.status, kind(bare)) == (400, "MissingAuthenticationTokenException")
        with pytest.raises(ClientError) as refused:
            house.client().list_user_pools(MaxResults=1)
        assert refused.value.response["Error"] == {
            "Code": "UnrecognizedClientException",
            "Message": "The security token included in the request is invalid.",
        }
        assert said(ask(house.port, post("GetUser"))) == NO_TOKEN
    finally:
        house.stop()
