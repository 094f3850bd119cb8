"""How requests may come: large, slow, cut, in one piece or in many; and that none of them hurts another."""

import json
import socket
import time

import pytest
from botocore.exceptions import ClientError

from cenote.http.edge import BODY_BYTES_MAX
from tests.by_hand import ask, chunked, connect, kind, post, rest_of, said, talk
from tests.house import House, Tenant

BROKEN_TOKEN = (
    "1 validation error detected: Value at 'accessToken' failed to satisfy constraint: Member must "
)
NO_TOKEN = BROKEN_TOKEN + "not be null"
SIGNED = ("Authorization: AWS4-HMAC-SHA256 whatever",)
TOO_LARGE = f"Request body is larger than {BODY_BYTES_MAX} bytes"
PATIENCE_S_MAX = 10


def is_alive(house: House) -> bool:
    """Whether the server answers a plain call, soon."""
    began = time.monotonic()
    return said(ask(house.port, post("GetUser"))) == NO_TOKEN and time.monotonic() - began < PATIENCE_S_MAX


# How large a body may be.


def test_a_body_as_large_as_allowed_is_read(house: House):
    filling = BODY_BYTES_MAX - len(b'{"AccessToken":""}')
    for call in (post, chunked):
        answer = ask(house.port, call("GetUser", b'{"AccessToken":"%b"}' % (b"a" * filling)))
        assert (answer.status, said(answer)) == (400, "Invalid Access Token")


def test_a_larger_body_is_refused_by_its_declared_length_and_the_limit_is_named(house: House):
    answer = ask(house.port, post("GetUser", b"", length=BODY_BYTES_MAX + 1))
    assert (answer.status, kind(answer), said(answer)) == (413, "RequestEntityTooLargeException", TOO_LARGE)
    assert answer.headers["x-amzn-errormessage"] == TOO_LARGE
    assert answer.headers["x-amzn-requestid"]


def test_a_larger_body_in_chunks_is_refused_once_it_is_too_large(house: House):
    answer = ask(house.port, chunked("GetUser", b" " * (BODY_BYTES_MAX + 1)))
    assert (answer.status, kind(answer), said(answer)) == (413, "RequestEntityTooLargeException", TOO_LARGE)


def test_a_client_that_sends_a_larger_body_whole_can_read_the_refusal(house: House):
    flood = {"PASSWORD": "x" * (2 * BODY_BYTES_MAX)}
    with pytest.raises(ClientError) as refused:
        house.client().initiate_auth(ClientId="abc", AuthFlow="USER_PASSWORD_AUTH", AuthParameters=flood)
    assert refused.value.response["Error"]["Code"] == "RequestEntityTooLargeException"
    assert refused.value.response["Error"]["Message"] == TOO_LARGE
    assert is_alive(house)


# How a body may come.


def test_a_body_that_ends_before_its_length_is_no_call(house: House, tenant: Tenant):
    token = tenant.user("ann")["AccessToken"]
    body = json.dumps({"AccessToken": token}).encode()
    cut = ask(house.port, post("DeleteUser", body, length=len(body) + 1), ends=True)
    assert cut.status == 400
    assert tenant.cognito.get_user(AccessToken=token)["Username"] == "ann"


def test_bodies_that_never_come_to_an_end_hold_up_nobody_else(own_house: House):
    own_house.start("--threads", "4")
    unfinished = [post("GetUser", b"{", length=100), chunked("GetUser", b"{}")[:-5]]
    held = [connect(own_house.port, unfinished[number % 2]) for number in range(40)]
    held += [connect(own_house.port, post("GetUser")[:40]) for _number in range(300)]
    try:
        assert all(is_alive(own_house) for _call in range(20))
    finally:
        for connection in held:
            connection.close()
    assert is_alive(own_house)


def test_connections_that_say_nothing_hold_up_nobody_else(house: House):
    held = [connect(house.port) for _ in range(500)]
    try:
        assert is_alive(house)
    finally:
        for connection in held:
            connection.close()


def test_a_body_that_comes_byte_by_byte_is_a_body(house: House):
    head, body = post("GetUser", b"", length=4), b"{  }"
    with connect(house.port, head) as connection:
        for place in range(len(body)):
            time.sleep(0.02)
            connection.sendall(body[place : place + 1])
        assert NO_TOKEN.encode() in rest_of(connection)


def test_calls_follow_one_another_on_one_connection(house: House):
    with connect(house.port) as connection:
        for _call in range(3):
            connection.sendall(post("GetUser", keeps_alive=True))
            assert connection.recv(65_536).startswith(b"HTTP/1.1 400")
        connection.sendall(post("GetUser"))
        assert rest_of(connection).startswith(b"HTTP/1.1 400")


def test_calls_sent_at_once_are_answered_in_their_order(house: House, tenant: Tenant):
    pool = json.dumps({"UserPoolId": tenant.pool_id}).encode()
    together = [
        post("GetUser", keeps_alive=True),
        post("DescribeUserPool", pool, headers=SIGNED, keeps_alive=True),
        post("Nobody", keeps_alive=True),
        post("GetUser", b"{"),
    ]
    answers = talk(house.port, b"".join(together))
    assert [answer.status for answer in answers] == [400, 200, 400, 400]
    assert [kind(answers[place]) for place in (0, 2, 3)] == [
        "InvalidParameterException",
        "UnknownOperationException",
        "SerializationException",
    ]


def test_a_client_that_asks_first_is_told_to_continue(house: House):
    head = post("GetUser", b"", headers=("Expect: 100-continue",), length=2)
    with connect(house.port, head) as connection:
        assert connection.recv(65_536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"{}")
        assert NO_TOKEN.encode() in rest_of(connection)


def test_a_client_that_asks_first_is_spared_a_body_that_is_too_large(house: House):
    head = post("GetUser", b"", headers=("Expect: 100-continue",), length=BODY_BYTES_MAX + 1)
    with connect(house.port, head) as connection:
        assert rest_of(connection).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "sent",
    [
        post("GetUser", headers=("X-Large: " + "a" * 1_000_000,)),
        post("GetUser", headers=tuple(f"X-{number}: a" for number in range(1_000))),
        post("GetUser").replace(b"POST / ", b"POST /" + b"a" * 100_000 + b" "),
        post("GetUser", length=-1),
        post("GetUser", headers=("Content-Length: 7",)),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=["large header", "many headers", "long path", "negative length", "two lengths", "TLS", "HTTP/2"],
)
def test_what_is_no_http_is_refused_and_the_server_lives(house: House, sent: bytes):
    assert all(400 <= answer.status < 500 for answer in talk(house.port, sent, ends=True))
    assert is_alive(house)


def test_connections_cut_anywhere_leave_the_server_alive(house: House):
    whole = post("GetUser", b'{"AccessToken":"a"}')
    for place in range(0, len(whole), 7):
        connection = connect(house.port, whole[:place])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    assert is_alive(house)
