"""Signatures: botocore's own signers are believed, over a socket too, and nothing that was altered is."""

import functools
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.awsrequest import AWSRequest
from hypothesis import given
from hypothesis import strategies as st

from cenote.errors import CognitoError, IncompleteSignatureException, InvalidSignatureException
from cenote.wire import sigv4
from cenote.wire.model import Model
from cenote.wire.sigv4 import Head, read_claim, verify
from tests.house import MODEL, error_of
from tests.signed import TARGET_PREFIX, Pair, SignedHouse, presigned, refused, signed, unsigned

PAIR = Pair("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
HOST = "cognito.example.com:9229"
BODY = '{"UserPoolId":"us-east-1_Example1","Username":"Zoë"}'.encode()
LIST = b'{"MaxResults":1}'
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
    " Access Key and signing method. Consult the service documentation for details."
)
NO_TOKEN = "The security token included in the request is invalid."
WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
SIGNED = sorted(one.name for one in MODEL.operations.values() if one.signed)
UNSIGNED = sorted(one.name for one in MODEL.operations.values() if not one.signed)


def head_of(request: AWSRequest) -> Head:
    """What the edge would make of a request: WSGI hands the bytes of a header as Latin-1."""
    sent = {name.lower(): str(value).encode().decode("latin-1") for name, value in request.headers.items()}
    return Head(urlsplit(request.url).query, lambda name: sent.get(name.lower()), "203.0.113.9")


def check(request: AWSRequest, body: bytes, **changes: Any) -> None:
    settings: dict[str, Any] = {
        "secrets": [PAIR.secret],
        "region": "us-east-1",
        "now_s": time.time(),
    } | changes
    head = head_of(request)
    verify(read_claim(head), head, body, **settings)


def refusal(call: Callable[[], object], kind: type[CognitoError] = InvalidSignatureException) -> str | None:
    with pytest.raises(kind) as caught:
        call()
    return caught.value.message


def test_the_signature_of_aws_own_example_is_the_one_we_calculate():
    """`post-vanilla` of the test suite that AWS published for this algorithm."""
    head = Head("", {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}.get, "")
    secret, scope = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830/us-east-1/service/aws4_request"
    claim = sigv4.Claim(
        key_id="AKIDEXAMPLE",
        scope=scope,
        moment="20150830T123600Z",
        signed_headers=("host", "x-amz-date"),
        signature="",
        canonical_query="",
        required_headers=(),
        expires_s=None,
        has_session_token=False,
    )
    expected = b"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    assert sigv4._signature(secret, scope, sigv4._string_to_sign(claim, head, b"")) == expected


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X_Odd": "  two  words \t and   more  "},
        {"X_Empty": ""},
        {"X_Quoted": '"a   b",  c=d; e'},
        {"X_Unicode": "Zoë Łukasz 日本"},
        {"Amz_Sdk_Invocation_Id": "5e2b6c7e", "Amz_Sdk_Request": "attempt=1; max=3", "Accept": "*/*"},
    ],
)
@pytest.mark.parametrize("body", [b"", b"{}", BODY, b"\x00\xff" * 4_000], ids=len)
@pytest.mark.parametrize("query", ["", "b=2&a=1&a=%20x&c", "x=%C3%A9~-_.&empty="])
def test_what_botocore_signs_is_believed_in_both_forms(headers, body, query):
    check(signed(unsigned("AdminGetUser", body, host=HOST, query=query, **headers), PAIR), body)
    check(*presigned(unsigned("AdminGetUser", body, host=HOST, query=query, **headers), PAIR))


@given(st.binary(max_size=200), WORDS, st.lists(st.tuples(WORDS, WORDS), max_size=4))
def test_whatever_botocore_signs_is_believed(body, value, pairs):
    query = "&".join(f"{quote(name, safe='-_.~')}={quote(text, safe='-_.~')}" for name, text in pairs)
    check(signed(unsigned("AdminGetUser", body, host=HOST, query=query, X_Any=value), PAIR), body)


@given(st.data())
def test_a_request_that_was_altered_anywhere_is_not_believed(data):
    request = signed(unsigned("AdminGetUser", BODY, host=HOST, query="a=1"), PAIR)
    place = data.draw(st.sampled_from([*request.headers, "query", "body"]))
    letter = data.draw(st.sampled_from("ABCxyz019/"))
    body = BODY

    def altered(text: str) -> str:
        at: int = data.draw(st.integers(0, len(text)))
        return f"{text[:at]}{letter}{text[at:]}"

    if place == "body":
        body = altered(BODY.decode("latin-1")).encode("latin-1")
    elif place == "query":
        request.url = altered(request.url.replace("?a=1", "?a=1&z="))
        if urlsplit(request.url).query == "a=1":
            request.url += "&z"
    else:
        text = str(request.headers[place])
        del request.headers[place]
        request.headers[place] = altered(text)
    with pytest.raises((InvalidSignatureException, IncompleteSignatureException)):
        check(
            request, body, secrets=[PAIR.secret] if read_claim(head_of(request)).key_id == PAIR.key_id else []
        )


def test_a_header_that_was_not_signed_may_come_and_go():
    request = signed(unsigned("AdminGetUser", BODY, host=HOST), PAIR)
    request.headers["Via"] = "1.1 proxy"
    check(request, BODY)


def test_either_secret_of_a_rotation_is_believed_and_no_third_one():
    request = signed(unsigned("AdminGetUser", BODY, host=HOST), PAIR)
    check(request, BODY, secrets=["new", PAIR.secret])
    assert refusal(lambda: check(request, BODY, secrets=["new", "newer"])) == MISMATCH
    assert refusal(lambda: check(request, BODY, secrets=[])) == MISMATCH


@pytest.mark.parametrize("missing", ["Host", "X-Amz-Target", "X-Amz-Date"])
def test_what_must_be_signed_and_is_not_is_refused(missing):
    """An unsigned target would let a recorded AdminGetUser be played again as AdminDeleteUser."""
    request = signed(unsigned("AdminGetUser", BODY, host=HOST), PAIR)
    authorization = request.headers["Authorization"]
    del request.headers["Authorization"]
    request.headers["Authorization"] = re.sub(rf"(?<=[=;]){missing.lower()};?", "", authorization)
    name = "Host' or ':authority" if missing == "Host" else missing
    expected = f"'{name}' must be a 'SignedHeader' in the AWS Authorization."
    assert refusal(lambda: check(request, BODY)) == expected


def test_a_date_header_will_do_where_there_is_no_other():
    request = signed(unsigned("AdminGetUser", BODY, host=HOST, Date="now"), PAIR)
    assert "X-Amz-Date" not in request.headers
    assert request.headers["Date"].endswith("-0000")
    check(request, BODY)
    late = signed(unsigned("AdminGetUser", BODY, host=HOST, Date="now"), PAIR, late_s=302)
    assert (refusal(lambda: check(late, BODY)) or "").startswith("Signature expired: ")


@pytest.mark.parametrize("late_s", [298, -298, 0])
def test_five_minutes_either_way_are_borne(late_s):
    check(signed(unsigned("AdminGetUser", BODY, host=HOST), PAIR, late_s=late_s), BODY)


def test_older_and_newer_signatures_are_told_the_times_that_were_compared():
    now_s = 1_767_226_200  # 20260101T001000Z
    late = signed(unsigned("AdminGetUser", BODY, host=HOST), PAIR, late_s=time.time() - now_s + 600)
    assert refusal(lambda: check(late, BODY, now_s=now_s)) == (
        "Signature expired: 20260101T000000Z is now earlier than 20260101T000500Z (20260101T001000Z - 5 min.)"
    )
    early = signed(unsigned("AdminGetUser", BODY, host=HOST), PAIR, late_s=time.time() - now_s - 600)
    assert refusal(lambda: check(early, BODY, now_s=now_s)) == (
        "Signature not yet current: 20260101T002000Z is still later than 20260101T001500Z"
        " (20260101T001000Z + 5 min.)"
    )


def test_a_presigned_request_lives_as_long_as_it_says():
    check(*presigned(unsigned("AdminGetUser", BODY, host=HOST), PAIR, late_s=3_500, expires_s=3_600))
    late = presigned(unsigned("AdminGetUser", BODY, host=HOST), PAIR, late_s=95, expires_s=90)
    assert re.fullmatch(
        r"Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 90 sec\.\)",
        refusal(lambda: check(*late)) or "",
    )
    early = presigned(unsigned("AdminGetUser", BODY, host=HOST), PAIR, late_s=-302)
    assert "not yet current" in (refusal(lambda: check(*early)) or "")


@pytest.mark.parametrize("expires", ["0", "604801", "-1", "1.5", "many", "9" * 400])
def test_a_presigned_request_lives_a_week_at_most(expires):
    request, body = presigned(unsigned("AdminGetUser", BODY, host=HOST), PAIR)
    request.url = request.url.replace("X-Amz-Expires=60", f"X-Amz-Expires={expires}")
    assert "X-Amz-Expires must be" in (
        refusal(lambda: check(request, body), IncompleteSignatureException) or ""
    )


def test_a_wrong_scope_is_told_element_by_element():
    request = signed(unsigned("AdminGetUser", BODY, host=HOST), PAIR, region="eu-west-1", service="s3")
    assert refusal(lambda: check(request, BODY)) == (
        "Credential should be scoped to a valid region. "
        "Credential should be scoped to correct service: 'cognito-idp'. "
    )
    request = signed(unsigned("AdminGetUser", BODY, host=HOST), PAIR)
    text = request.headers["Authorization"].replace("/aws4_request", "/aws5_request")
    del request.headers["Authorization"]
    request.headers["Authorization"] = re.sub("/2[0-9]{7}/", "/20200101/", text)
    told = refusal(lambda: check(request, BODY)) or ""
    assert told.startswith(
        "Credential should be scoped with a valid terminator: 'aws4_request'. Date in Credential scope does"
        " not match YYYYMMDD from ISO-8601 version of date from HTTP: '20200101' != '"
    )


def with_authorization(text: str, **headers: str) -> Head:
    sent = {"authorization": text} | {
        name.replace("_", "-").lower(): value for name, value in headers.items()
    }
    return Head("", lambda name: sent.get(name.lower()), "")


LACKING = {
    "Credential": "Authorization header requires 'Credential' parameter.",
    "Signature": "Authorization header requires 'Signature' parameter.",
    "SignedHeaders": "Authorization header requires 'SignedHeaders' parameter.",
    "date": "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
}


@pytest.mark.parametrize("lacking", [*([one] for one in LACKING), ["Signature", "date"], [*LACKING]])
def test_an_incomplete_signature_is_told_what_it_lacks_and_nothing_else(lacking):
    parts = {
        "Credential": "AKIA/2026/us-east-1/cognito-idp/aws4_request",
        "SignedHeaders": "host",
        "Signature": "0",
    }
    given = ", ".join(f"{name}={value}" for name, value in parts.items() if name not in lacking)
    head = with_authorization(
        f"AWS4-HMAC-SHA256 {given}", **({} if "date" in lacking else {"x_amz_date": "now"})
    )
    expected = " ".join([*(LACKING[one] for one in lacking), f"Authorization=AWS4-HMAC-SHA256 {given}"])
    assert refusal(lambda: read_claim(head), IncompleteSignatureException) == expected


@pytest.mark.parametrize(
    "text",
    ["Bearer eyJ", "Basic YTpi", "AWS4-HMAC-SHA256", "AWS AKIA:xyz", "%%%", "AWS4-HMAC-SHA512 Credential=a"],
)
def test_another_kind_of_authorization_lacks_everything(text):
    told = refusal(lambda: read_claim(with_authorization(text)), IncompleteSignatureException)
    assert told == " ".join([*LACKING.values(), f"Authorization={text}"])


@pytest.mark.parametrize(
    "given, expected",
    [
        (
            "Credential=AKIA, SignedHeaders=host, Signature=0",
            "Credential must have exactly 5 slash-delimited",
        ),
        ("Credential=a/b/c/d/e/f, SignedHeaders=host, Signature=0", "Credential must have exactly 5"),
        (f"Credential=a/b/c/d/e, SignedHeaders={'h;' * 65}, Signature=0", "More than 64 headers are signed."),
        (f"Credential={'a' * 9_000}", "Authorization header is longer than 8192 characters."),
    ],
)
def test_a_crooked_signature_is_refused_before_anything_is_calculated(given, expected):
    head = with_authorization(f"AWS4-HMAC-SHA256 {given}", x_amz_date="20260101T000000Z")
    assert (refusal(lambda: read_claim(head), IncompleteSignatureException) or "").startswith(expected)


@pytest.mark.parametrize(
    "text",
    [
        "now",
        "20269999T000000Z",
        "20260101",
        "20260101T000000",
        "2026-01-01T00:00:00Z",
        "Thu, 99 Foo",
        "٢" * 8,
    ],
)
def test_a_date_in_another_form_is_refused(text):
    parts = "Credential=a/b/c/d/e, SignedHeaders=host, Signature=0"
    head = with_authorization(f"AWS4-HMAC-SHA256 {parts}", x_amz_date=text)
    told = refusal(lambda: read_claim(head), IncompleteSignatureException)
    assert told == (
        f"Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601"
    )


def test_an_incomplete_query_is_told_what_it_lacks():
    request, _body = presigned(unsigned("AdminGetUser", BODY, host=HOST), PAIR)
    request.url = re.sub("&X-Amz-(Date|Signature)=[^&]*", "", request.url)
    assert refusal(lambda: check(request, BODY), IncompleteSignatureException) == (
        "AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must include"
        " 'X-Amz-Date'. Re-examine the query-string parameters."
    )
    endless = Head("X-Amz-Date=" + "9" * 20_000, lambda _name: None, "")
    told = refusal(lambda: read_claim(endless), IncompleteSignatureException)
    assert told == "The query is longer than 16384 characters."


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_no_header_and_no_query_breaks_it(authorization, query):
    text = "AWS4-HMAC-SHA256 " + authorization.decode("latin-1")
    for head in (
        Head("", {"Authorization": text, "x-amz-date": "20260101T000000Z"}.get, ""),
        Head("X-Amz-" + query.decode("latin-1"), lambda _name: None, ""),
    ):
        with pytest.raises(CognitoError) as caught:
            verify(read_claim(head), head, b"", secrets=["x"], region="us-east-1", now_s=time.time())
        assert caught.value.status == 400


# What follows goes over a real socket to a server that was started without --dev.


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedHouse]:
    running = SignedHouse(tmp_path_factory.mktemp("signed"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def root(server: SignedHouse) -> Pair:
    return server.root_key


@pytest.fixture
def host(server: SignedHouse) -> str:
    return f"127.0.0.1:{server.port}"


def told(answer: tuple[int, bytes]) -> tuple[str, str, int]:
    status, body = answer
    said = json.loads(body)
    return said["__type"], said.get("message", ""), status


def test_unmodified_boto3_with_the_root_key_administers_a_pool(server, root):
    cognito = server.signing(root)
    pool_id = cognito.create_user_pool(PoolName="mine", UserPoolTags={"team": "Zoë"})["UserPool"]["Id"]
    assert cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"]["Name"] == "mine"
    assert [pool["Id"] for pool in cognito.list_user_pools(MaxResults=60)["UserPools"]] == [pool_id]
    missing = error_of(cognito.admin_get_user, UserPoolId=pool_id, Username="Zoë Łukasz".replace(" ", "_"))
    assert missing == ("UserNotFoundException", "User does not exist.", 400)
    cognito.delete_user_pool(UserPoolId=pool_id)


def test_whoever_does_not_sign_is_told_that_a_token_is_missing(server):
    status, headers, body = server.call("ListUserPools", {"MaxResults": 1})
    assert (status, body) == (
        400,
        b'{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}',
    )
    assert headers["x-amzn-errortype"] == "MissingAuthenticationTokenException:"
    assert server.call("ListUserPools", {"MaxResults": 1}, Authorization="")[0] == 400


@pytest.mark.parametrize("operation", SIGNED)
def test_no_signed_operation_is_served_without_a_signature(server, operation):
    status, _headers, body = server.call(operation, {})
    assert status == 400
    assert json.loads(body)["__type"] in {"MissingAuthenticationTokenException", "UnknownOperationException"}


def test_a_malformed_header_is_told_what_it_lacks(server):
    answer = server.call("ListUserPools", {"MaxResults": 1}, Authorization="AWS4-HMAC-SHA256 Credential=a")
    assert told((answer[0], answer[2])) == (
        "IncompleteSignatureException",
        " ".join(
            [
                *(LACKING[one] for one in ("Signature", "SignedHeaders", "date")),
                "Authorization=AWS4-HMAC-SHA256 Credential=a",
            ]
        ),
        400,
    )


@pytest.mark.parametrize("key_id", ["AKIAAAAAAAAAAAAAAAAA", "ASIAAAAAAAAAAAAAAAAA", "x", "AKIA' or 1=1--"])
def test_a_key_that_nobody_has_is_unrecognized(server, root, key_id):
    cognito = server.signing(Pair(key_id, root.secret))
    expected = ("UnrecognizedClientException", NO_TOKEN, 400)
    assert refused(cognito.list_user_pools, MaxResults=1) == expected


def test_a_session_token_is_unrecognized_for_none_was_handed_out(server, root, host):
    cognito = server.signing(root, session_token="FwoGZXIvYXdzE")
    expected = ("UnrecognizedClientException", NO_TOKEN, 400)
    assert refused(cognito.list_user_pools, MaxResults=1) == expected
    request, body = presigned(unsigned("ListUserPools", LIST, host=host), root)
    request.url += "&X-Amz-Security-Token=x"
    assert told(server.send(request, body=body)) == expected


def test_a_wrong_secret_does_not_match(server, root):
    cognito = server.signing(Pair(root.key_id, root.secret[::-1]))
    assert refused(cognito.list_user_pools, MaxResults=1) == ("InvalidSignatureException", MISMATCH, 400)


def test_another_region_and_another_service_are_refused(server, root, host):
    cognito = server.signing(root, region="eu-west-1")
    text = "Credential should be scoped to a valid region. "
    assert refused(cognito.list_user_pools, MaxResults=1) == ("InvalidSignatureException", text, 400)
    request = signed(unsigned("ListUserPools", LIST, host=host), root, service="sts")
    text = "Credential should be scoped to correct service: 'cognito-idp'. "
    assert told(server.send(request)) == ("InvalidSignatureException", text, 400)


def test_a_request_can_be_played_again_within_five_minutes_and_never_after(server, root, host):
    request = signed(unsigned("ListUserPools", LIST, host=host), root, late_s=280)
    assert [server.send(request)[0] for _ in range(2)] == [200, 200]
    for late_s, word in ((305, "expired"), (-310, "not yet current")):
        request = signed(unsigned("ListUserPools", LIST, host=host), root, late_s=late_s)
        kind, text, status = told(server.send(request))
        assert (kind, text.startswith(f"Signature {word}: "), status) == (
            "InvalidSignatureException",
            True,
            400,
        )


def test_a_body_a_header_or_a_query_that_was_altered_does_not_match(server, root, host):
    def fresh(**headers: str) -> AWSRequest:
        return signed(unsigned("ListUserPools", LIST, host=host, **headers), root)

    expected = ("InvalidSignatureException", MISMATCH, 400)
    assert told(server.send(fresh(), body=b'{"MaxResults":2}')) == expected
    for name, value in (
        ("X-Amz-Target", f"{TARGET_PREFIX}DescribeUserPool"),
        ("Content-Type", "application/x-amz-json-1.1; charset=utf-8"),
        ("Host", "localhost"),
        ("X-Mine", "b"),
    ):
        request = fresh(X_Mine="a")
        del request.headers[name]
        request.headers[name] = value
        assert told(server.send(request)) == expected, name
    request = fresh()
    request.url += "?a=1"
    assert told(server.send(request)) == expected


def test_another_path_is_no_operation(server, root, host):
    request = signed(unsigned("ListUserPools", LIST, host=host), root)
    request.url += "other"
    status, body = server.send(request)
    assert (status, json.loads(body)["code"]) == (404, "BadRequest")


def test_the_body_counts_as_it_came_whatever_a_header_says_of_it(server, root, host):
    """UNSIGNED-PAYLOAD is S3's; here it would let anybody put another body under a signature."""
    request = signed(
        unsigned("ListUserPools", LIST, host=host, X_Amz_Content_SHA256="UNSIGNED-PAYLOAD"), root
    )
    assert told(server.send(request))[0] == "InvalidSignatureException"
    digest = hashlib.sha256(LIST).hexdigest()
    request = signed(unsigned("ListUserPools", LIST, host=host, X_Amz_Content_SHA256=digest), root)
    assert server.send(request)[0] == 200


def test_a_presigned_request_is_served_and_its_alterations_are_not(server, root, host):
    def fresh() -> tuple[AWSRequest, bytes]:
        return presigned(unsigned("ListUserPools", LIST, host=host), root, late_s=30)

    request, body = fresh()
    status, answer = server.send(request, body=body)
    assert (status, json.loads(answer)) == (200, {"UserPools": []})
    assert told(server.send(request, body=b'{"MaxResults":2}'))[0] == "InvalidSignatureException"
    request.url = request.url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")
    assert told(server.send(request, body=body)) == ("InvalidSignatureException", MISMATCH, 400)


def test_odd_headers_are_read_over_a_socket_as_they_were_signed(server, root, host):
    odd = {"X_Odd": "  two  words \t and   more  ", "X_Quoted": '"a   b",  c', "X_Empty": ""}
    assert server.send(signed(unsigned("ListUserPools", LIST, host=host, **odd), root))[0] == 200


def test_the_host_that_a_proxy_passes_on_is_the_one_that_was_signed(server, root):
    request = signed(unsigned("ListUserPools", LIST, host="id.example.com"), root)
    assert server.send(request)[0] == 200


def test_an_empty_body_is_signed_as_one(server, root, host):
    request = signed(unsigned("ListUserPools", b"", host=host), root)
    assert told(server.send(request))[0] == "InvalidParameterException"


@functools.cache
def refusals_of_signatures() -> set[str]:
    return {
        "MissingAuthenticationTokenException",
        "IncompleteSignatureException",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "AccessDeniedException",
    }


@pytest.mark.parametrize("operation", UNSIGNED)
def test_an_operation_without_a_signature_ignores_whatever_is_sent_as_one(server, root, host, operation):
    wrong = signed(unsigned(operation, b"{}", host=host), Pair(root.key_id, "wrong"), late_s=4_000)
    nonsense = unsigned(
        operation, b"{}", host=host, Authorization="AWS4-HMAC-SHA256 nonsense", query="X-Amz-Date=x"
    )
    for request in (wrong, nonsense, signed(unsigned(operation, b"{}", host=host), root)):
        kind, _text, status = told(server.send(request))
        assert kind not in refusals_of_signatures()
        assert status == 400


def test_there_are_as_many_of_each_kind_as_the_model_says():
    assert (len(SIGNED), len(UNSIGNED)) == (119, 34)
    assert set(SIGNED) | set(UNSIGNED) == Model.load().operations.keys()
