"""Without a socket the service answers as it does over one, byte by byte."""

import json
from collections.abc import Callable
from typing import Any
from wsgiref.validate import validator

import pytest
from botocore.client import BaseClient

import cenote
from cenote.embedded.exchange import environ_of, exchange
from tests.embedded.steps import tenant_of
from tests.house import PASSWORD, House, Tenant
from tests.signed import SignedHouse

URL = "http://cenote.invalid"
OF_EACH_ANSWER = {"date", "x-amzn-requestid"}  # its own every time
OF_THE_CONNECTION = {"connection", "server"}
Call = Callable[..., tuple[int, dict[str, str], bytes]]


class RootsHouse(SignedHouse):
    """A server that asks for signatures, and whose clients make them."""

    def client(self, **changes: Any) -> BaseClient:
        return self.signing(self.root_key, **changes)


def calls_of(server: cenote.Server) -> Call:
    """`House.call` for a server in this process."""

    def call(operation: str, request: object, **headers: str) -> tuple[int, dict[str, str], bytes]:
        sent = {
            "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        answer = exchange(server.wsgi, "POST", f"{URL}/", sent, body)
        assert len({name.lower() for name, _value in answer.headers}) == len(answer.headers)
        return answer.status, dict(answer.headers), answer.body

    return call


def compared(status: int, headers: dict[str, str], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    """What of an answer must be the same: all but what is of its moment."""
    assert headers.keys() >= OF_EACH_ANSWER
    kept = sorted((n, v) for n, v in headers.items() if n not in OF_EACH_ANSWER | OF_THE_CONNECTION)
    return status, [*kept, *((name, "") for name in sorted(OF_EACH_ANSWER))], body


@pytest.mark.parametrize(
    "operation, request_body, headers",
    [
        ("DeleteUser", {"AccessToken": "string"}, {}),
        ("DeleteUser", {}, {}),
        ("GetUser", {"AccessToken": "not a token"}, {}),
        ("InitiateAuth", {"ClientId": "0" * 26, "AuthFlow": "USER_PASSWORD_AUTH"}, {}),
        ("SignUp", {"ClientId": "x", "Username": "änn", "Password": "p"}, {}),
        ("NoSuchOperation", {}, {}),
        ("GetUser", b"{", {}),
        ("GetUser", b"", {}),
        ("GetUser", b"{}", {"Content_Type": "text/plain"}),
        ("ListUserPools", {"MaxResults": 1}, {}),
        ("ListUserPools", {"MaxResults": 1}, {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}),
    ],
)
def test_a_refusal_is_the_same_as_over_a_socket(
    served: House, kept: cenote.Server, operation: str, request_body: Any, headers: dict[str, str]
):
    over_a_socket = served.call(operation, request_body, **headers)
    in_process = calls_of(kept)(operation, request_body, **headers)
    assert compared(*in_process) == compared(*over_a_socket)


def deletion(call: Call, tenant: Tenant) -> tuple[int, dict[str, str], bytes]:
    """The answer to a user who deletes themself."""
    return call("DeleteUser", {"AccessToken": tenant.user("ann")["AccessToken"]})


def test_a_deletion_is_the_same_as_over_a_socket_and_zero_bytes_long(served: House, kept: cenote.Server):
    over_a_socket = deletion(served.call, Tenant(served))
    in_process = deletion(calls_of(kept), tenant_of(kept))
    assert compared(*in_process) == compared(*over_a_socket)
    assert in_process[0] == 200
    assert in_process[1]["content-length"] == "0"
    assert in_process[2] == b""


def test_what_boto3_makes_of_an_answer_is_the_same_too(served: House, kept: cenote.Server):
    def met(tenant: Tenant) -> dict[str, Any]:
        answer: dict[str, Any] = tenant.cognito.sign_up(
            ClientId=tenant.client_id, Username="bob", Password=PASSWORD
        )
        told = answer["ResponseMetadata"]
        for name in ("RequestId", "HTTPHeaders"):
            assert told.pop(name)
        told.pop("MaxAttemptsReached", None)  # of the client: the one over a socket never tries again
        assert answer.pop("UserSub")
        return answer

    assert met(tenant_of(kept)) == met(Tenant(served))


@pytest.fixture(scope="module")
def kept() -> Any:
    """A server in this process for all of these."""
    with cenote.start() as server:
        yield server


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same over a socket."""
    running = RootsHouse(tmp_path_factory.mktemp("served")).start()
    yield running
    running.stop()


def test_the_application_sees_an_environment_as_pep_3333_wants_it(kept: cenote.Server):
    answer = exchange(validator(kept.wsgi), "GET", f"{URL}/health?x=1", {"X-Name": "value"})
    assert (answer.status, answer.body) == (200, b'{"status": "ok"}')


@pytest.mark.parametrize(
    "url, host, port",
    [
        ("http://cenote.invalid/", "cenote.invalid", "80"),
        ("http://cenote.invalid:8080/", "cenote.invalid:8080", "8080"),
        ("https://cenote.invalid:443/", "cenote.invalid", "443"),
        ("http://[::1]:9229", "[::1]:9229", "9229"),
        ("http://user:word@cenote.invalid/", "cenote.invalid", "80"),
    ],
)
def test_the_host_is_the_urls_as_a_client_would_send_it(url: str, host: str, port: str):
    environ = environ_of("GET", url, {}, b"")
    assert (environ["HTTP_HOST"], environ["SERVER_PORT"], environ["PATH_INFO"]) == (host, port, "/")


class Closing:
    """An answer in pieces, one of them broken if so told, that notices its end."""

    def __init__(self, *, breaks: bool) -> None:
        self.breaks, self.is_closed = breaks, False

    def __call__(self, _environ: dict[str, Any], start_response: Callable[..., Any]) -> "Closing":
        start_response("201 Created", [("x-name", "value")])
        return self

    def __iter__(self) -> Any:
        yield b"one, "
        if self.breaks:
            raise OSError("broken")
        yield b"two"

    def close(self) -> None:
        self.is_closed = True


def test_an_answer_in_pieces_is_whole_and_closed():
    application = Closing(breaks=False)
    answer = exchange(application, "GET", URL, {})
    assert (answer.status, answer.headers[0], answer.body) == (201, ("x-name", "value"), b"one, two")
    assert application.is_closed


def test_an_answer_that_breaks_is_closed_and_raised():
    application = Closing(breaks=True)
    with pytest.raises(OSError, match="broken"):
        exchange(application, "GET", URL, {})
    assert application.is_closed
