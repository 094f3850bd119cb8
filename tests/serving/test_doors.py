"""The doors beside the API: health and figures, and those that exist in development only."""

import fcntl
import http.client
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any

import falcon
import falcon.testing
import pytest

from cenote import errors
from cenote.http.development import WAIT_S_MAX
from cenote.http.edge import MetricsResource
from cenote.http.metrics import Metrics
from tests.by_hand import TARGET_PREFIX, ask, post
from tests.house import MODEL, PASSWORD, House, Tenant
from tests.signed import SignedHouse

SIOCGIFADDR = 0x8915
DOORS = [
    ("GET", "/_cenote/inbox"),
    ("POST", "/_cenote/clock"),
    ("POST", "/_cenote/fault"),
    ("GET", "/_cenote/"),
    ("GET", "/_cenote"),
]
BARRED = [
    *("_", "CognitoError", "WireError", "CenoteError", "Exception", "SystemExit", "Nobody", "", "x" * 5_000),
    *("__class__", "GetUser", "notAuthorizedException"),
]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedHouse]:
    """A server without `--dev`, which strangers can reach."""
    running = SignedHouse(tmp_path_factory.mktemp("plain"), "--host", "0.0.0.0")
    running.start()
    yield running
    running.stop()


def outer_addresses() -> list[str]:
    """The addresses of this machine that are not loopback; nothing is sent to learn them."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _index, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(probe, SIOCGIFADDR, struct.pack("256s", name[:15].encode()))
            except OSError:
                continue
            found.append(socket.inet_ntoa(answer[20:24]))
    return [address for address in found if not address.startswith("127.")]


def figures(house: House) -> str:
    """The text of /metrics."""
    status, headers, body = house.http("GET", "/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain")
    return body.decode()


# Health and figures.


def test_health_is_200_as_long_as_the_database_answers(house: House, plain: SignedHouse):
    for server in (house, plain):
        status, headers, body = server.http("GET", "/health")
        assert (status, json.loads(body)) == (200, {"status": "ok"})
        assert headers["content-type"] == "application/json"


def test_figures_count_calls_by_operation_and_outcome(house: House):
    name = r'cenote_calls_total\{operation="GetUser",outcome="InvalidParameterException"\}'

    def counted() -> float:
        found = re.search(rf"^{name} (\S+)$", figures(house), re.MULTILINE)
        return float(found[1]) if found else 0.0

    before = counted()
    for _call in range(3):
        ask(house.port, post("GetUser"))
    assert counted() == before + 3
    assert "cenote_call_seconds_bucket" in figures(house)
    assert re.search(r"^cenote_tombstones_owed [0-9.]+$", figures(house), re.MULTILINE)


def test_nobody_can_add_a_label_of_their_own_to_the_figures(house: House):
    for odd in ("Evil1", 'x"} 1\nevil2', "Evil3" * 1_000):
        house.http("POST", "/", b"{}", {"X-Amz-Target": TARGET_PREFIX + odd.replace("\n", " ")})
    told = figures(house)
    assert "vil" not in told
    operations = set(re.findall(r'operation="([^"]*)"', told))
    assert operations <= MODEL.operations.keys() | {"-"}


@pytest.mark.parametrize(
    "address, status",
    [
        ("127.0.0.1", 200),
        ("127.8.8.8", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("10.0.0.1", 404),
        ("192.168.1.2", 404),
        ("8.8.8.8", 404),
        ("::ffff:10.0.0.1", 404),
        ("fe80::1", 404),
        ("localhost.example.com", 404),
    ],
)
def test_the_figures_are_for_the_machine_itself(address: str, status: int):
    app = falcon.App()
    app.add_route("/metrics", MetricsResource(Metrics([])))
    asked = falcon.testing.TestClient(app).simulate_get("/metrics", remote_addr=address)
    assert asked.status_code == status


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP"])
def test_a_proxy_on_the_machine_gets_no_figures_for_others(house: House, header: str):
    assert house.http("GET", "/metrics", headers={header: "127.0.0.1"})[0] == 404


def test_from_another_address_there_are_no_figures_and_no_doors(plain: SignedHouse):
    addresses = outer_addresses()
    if not addresses:
        pytest.skip("this machine has no other address")
    assert plain.http("GET", "/metrics")[0] == 200
    for address in addresses:
        connection = http.client.HTTPConnection(address, plain.port, timeout=10)
        for path, status in (("/health", 200), ("/metrics", 404), ("/_cenote/inbox", 404)):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status, path
        connection.close()


# Without development.


@pytest.mark.parametrize("method, path", DOORS)
def test_without_development_no_door_exists(plain: SignedHouse, method: str, path: str):
    body = b'{"advance_seconds":1}' if method == "POST" else None
    status, _headers, told = plain.http(method, path, body)
    nowhere = plain.http(method, "/nowhere/at", body)
    assert (status, told) == (404, nowhere[2])


def test_without_development_a_fault_header_is_a_header_like_any_other(plain: SignedHouse):
    token = {"AccessToken": "not-a-token"}
    with_header = plain.call("GetUser", token, x_cenote_fault="InternalErrorException")
    assert (with_header[0], json.loads(with_header[2])["__type"]) == (400, "NotAuthorizedException")


def test_without_development_the_line_does_not_speak_of_it(plain: SignedHouse):
    assert f"Cenote answers at http://0.0.0.0:{plain.port}\n" in plain.said
    assert "development" not in plain.said


# The fault header.


def test_a_fault_header_answers_the_exception_that_it_names(house: House):
    for name in (
        "TooManyRequestsException",
        "ForbiddenException",
        "InternalErrorException",
        "LimitExceededException",
    ):
        kind = getattr(errors, name)
        status, headers, body = house.call("GetUser", {}, x_cenote_fault=name)
        assert (status, json.loads(body)) == (kind.status, {"__type": name, "message": kind.message})
        assert headers["x-amzn-errortype"] == f"{name}:"


@pytest.mark.parametrize("name", BARRED)
def test_a_fault_header_that_names_no_exception_is_told_so(house: House, name: str):
    status, _headers, body = house.call("GetUser", {"AccessToken": "a"}, x_cenote_fault=name)
    assert (status, json.loads(body)["__type"]) == (400, "InvalidParameterException")
    assert len(body) < 500


def test_a_fault_changes_nothing(house: House, tenant: Tenant):
    token = tenant.user("ann")["AccessToken"]
    for operation, request in (
        ("DeleteUser", {"AccessToken": token}),
        ("GlobalSignOut", {"AccessToken": token}),
    ):
        assert house.call(operation, request, x_cenote_fault="TooManyRequestsException")[0] == 400
    assert tenant.cognito.get_user(AccessToken=token)["Username"] == "ann"


# The inbox.


def test_the_inbox_shows_what_was_sent_newest_first(house: House, tenant: Tenant):
    for name in ("ann", "bob"):
        tenant.sign_up(name, confirmed=False, email=f"{name}-inbox@example.com")
    tenant.cognito.resend_confirmation_code(ClientId=tenant.client_id, Username="ann")
    mails = [mail for mail in house.inbox() if mail["pool_id"] == tenant.pool_id]
    assert [mail["to"].partition("-")[0] for mail in mails] == ["ann", "bob", "ann"]
    assert len({mail["code"] for mail in mails}) > 1
    for mail in mails:
        assert set(mail) == {"to", "medium", "pool_id", "code", "subject", "body", "created"}
        assert (mail["medium"], mail["subject"]) == ("EMAIL", "Your verification code")
        assert re.fullmatch(r"[0-9]{6}", mail["code"])
        assert mail["code"] in mail["body"]
    times = [mail["created"] for mail in mails]
    assert times == sorted(times, reverse=True)
    assert [mail["code"] for mail in house.inbox("bob-inbox@example.com")] == [mails[1]["code"]]


def test_the_inbox_waits_for_the_first_message_and_no_longer(house: House, tenant: Tenant):
    found: list[list[dict[str, Any]]] = []
    waiting = threading.Thread(target=lambda: found.append(house.inbox("late-inbox@example.com", wait=20)))
    began = time.monotonic()
    waiting.start()
    time.sleep(0.3)
    tenant.sign_up("late", confirmed=False, email="late-inbox@example.com")
    waiting.join()
    assert [mail["to"] for mail in found[0]] == ["late-inbox@example.com"]
    assert time.monotonic() - began < 15


def test_the_inbox_gives_up_when_its_time_is_over(house: House):
    began = time.monotonic()
    assert house.inbox("nobody-inbox@example.com", wait=0.6) == []
    assert 0.6 <= time.monotonic() - began < 10
    began = time.monotonic()
    assert house.http("GET", "/_cenote/inbox?to=nobody-inbox@example.com")[2] == b"[]"
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("wait", ["-1", str(WAIT_S_MAX + 1), "inf", "1e9", "soon", "1,2"])
def test_an_inbox_is_not_waited_for_senselessly(house: House, wait: str):
    began = time.monotonic()
    assert house.http("GET", f"/_cenote/inbox?wait={wait}")[0] == 400
    assert time.monotonic() - began < 10


# The clock and the seams.


def test_the_clock_moves_and_stays_moved_after_a_start(own_house: House):
    own_house.start()
    cognito = own_house.client()

    def now() -> float:
        return float(cognito.create_user_pool(PoolName="clock")["UserPool"]["CreationDate"].timestamp())

    began = time.time()
    own_house.advance(86_400.5)
    status, _headers, body = own_house.http("POST", "/_cenote/clock", b'{"advance_seconds":3600}')
    assert status == 200
    moved = 86_400.5 + 3_600
    assert 0 <= json.loads(body)["now"] - began - moved < 60
    assert 0 <= now() - began - moved < 60
    own_house.stop()
    own_house.start()
    assert 0 <= now() - began - moved < 120


@pytest.mark.parametrize(
    "door, body",
    [
        ("clock", b""),
        ("clock", b"{}"),
        ("clock", b"1"),
        ("clock", b'{"advance_seconds":"1"}'),
        ("clock", b'{"advance_seconds":null}'),
        ("clock", b'{"advance_seconds":1e300}'),
        ("clock", b'{"advance_seconds":-1e18}'),
        ("clock", b'{"advance_seconds":1,"extra":1}'),
        ("clock", b'{"advance_seconds":1' + b" " * 70_000 + b"}"),
        ("fault", b"{}"),
        ("fault", b'{"stop_at":1}'),
        ("fault", b'{"stop_at":"x","passes":"many"}'),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_a_door_that_is_knocked_at_wrongly_does_nothing(house: House, door: str, body: bytes):
    before = house.client().create_user_pool(PoolName="before")["UserPool"]["CreationDate"]
    assert house.http("POST", f"/_cenote/{door}", body)[0] == 400
    after = house.client().create_user_pool(PoolName="after")["UserPool"]["CreationDate"]
    assert 0 <= (after - before).total_seconds() < 60


def test_a_seam_that_is_armed_ends_the_server_and_only_there(own_house: House):
    own_house.start()
    tenant = Tenant(own_house)
    own_house.arm("no.such.seam")
    assert tenant.user("ann")["AccessToken"]
    own_house.arm("commit.before")
    with pytest.raises(Exception, match="Connection"):
        tenant.cognito.sign_up(ClientId=tenant.client_id, Username="bob", Password=PASSWORD)
    own_house.wait_for_death()
