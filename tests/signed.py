"""
A server that asks for signatures, and requests signed by botocore's own signers at any moment.
"""

import http.client
import re
import subprocess
import time
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.house import REGION, House, check_answer, environment
from tests.nursery import run_command

CONTENT_TYPE = "application/x-amz-json-1.1"
TARGET_PREFIX = "AWSCognitoIdentityProviderService."
SHOWN = re.compile(
    r"\[(\S+)\]\naws_access_key_id = (AKIA[A-Z2-7]{16})\naws_secret_access_key = ([A-Za-z0-9/+]{40})\n"
)


class Pair(NamedTuple):
    """An access key as its owner has it."""

    key_id: str
    secret: str


class SignedHouse(House):
    """A server without `--dev`, and the root key that its first start showed."""

    said = ""

    def command(self, *flags: str) -> list[str]:
        return [flag for flag in super().command(*flags) if flag != "--dev"]

    def start(self, *flags: str) -> "SignedHouse":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(*flags),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment() | self.variables,
            )
        self.said = ""
        while "Cenote answers at" not in self.said:
            self.said += self.next_line()
        return self

    def next_line(self) -> str:
        """What the server says next on stdout."""
        assert self.process is not None
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"no start: {self.said!r} {self.log.read_text()[-2000:]}"
        return line

    @property
    def root_key(self) -> Pair:
        """The key that this start showed."""
        (shown,) = SHOWN.findall(self.said)
        assert shown[0] == "root"
        return Pair(*shown[1:])

    def run_keys(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """`cenote keys ...` in a process of its own, beside the server."""
        return run_command("keys", *words, "--data", str(self.data), *self.flags)

    def new_key(self, name: str, *words: str) -> Pair:
        """A key out of `cenote keys create`."""
        return shown(self.run_keys("create", name, *words), name)

    def signing(self, pair: Pair, *, region: str = REGION, session_token: str | None = None) -> BaseClient:
        """An unmodified boto3 client that signs with this key."""
        client = boto3.client(
            "cognito-idp",
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=pair.key_id,
            aws_secret_access_key=pair.secret,
            aws_session_token=session_token,
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=32),
        )
        client.meta.events.register("before-parse.cognito-idp.*", check_answer)
        return client

    def send(self, request: AWSRequest, *, body: bytes | None = None) -> tuple[int, bytes]:
        """The request as it stands, over a socket; status and body."""
        url = urlsplit(request.url)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            path = url.path + (f"?{url.query}" if url.query else "")
            connection.putrequest("POST", path, skip_host=True, skip_accept_encoding=True)
            sent = request.body or b"" if body is None else body
            for name, value in request.headers.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(sent)))
            connection.endheaders(sent)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def shown(done: "subprocess.CompletedProcess[str]", name: str) -> Pair:
    """The key that a command showed on stdout."""
    assert done.returncode == 0, (done.stdout, done.stderr)
    (found,) = SHOWN.findall(done.stdout)
    assert found[0] == name
    return Pair(*found[1:])


def refused(call: Any, **request: Any) -> tuple[str, str, int]:
    """The wire name, text and status of a refusal that no operation of the model lists."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    response = caught.value.response
    return (
        response["Error"]["Code"],
        response["Error"]["Message"],
        response["ResponseMetadata"]["HTTPStatusCode"],
    )


class _At:
    """A signer whose clock stands at a moment of the test's."""

    at_s: float

    def add_auth(self: Any, request: AWSRequest) -> None:
        request.context["timestamp"] = datetime.fromtimestamp(self.at_s, UTC).strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        text = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(text, request))


class HeaderSigner(_At, SigV4Auth):  # type: ignore[misc]
    """botocore's own, for the header."""


class QuerySigner(_At, SigV4QueryAuth):  # type: ignore[misc]
    """botocore's own, for the query.  It would move a body into the query; we leave it, and sign its hash."""

    content = b""

    def payload(self, request: AWSRequest) -> str:
        return str(SigV4Auth.payload(self, AWSRequest("POST", request.url, data=self.content)))


def unsigned(operation: str, body: bytes, *, host: str, query: str = "", **headers: str) -> AWSRequest:
    """A request as an SDK makes it, before it is signed."""
    sent = {"Host": host, "X-Amz-Target": TARGET_PREFIX + operation, "Content-Type": CONTENT_TYPE}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"http://{host}/{'?' + query if query else ''}"
    return AWSRequest("POST", url, headers=sent, data=body)


def signed(
    request: AWSRequest,
    pair: Pair,
    *,
    late_s: float = 0,
    region: str = REGION,
    service: str = "cognito-idp",
    token: str | None = None,
) -> AWSRequest:
    """The request with an Authorization header, signed so many seconds ago."""
    signer = HeaderSigner(Credentials(*pair, token), service, region)
    signer.at_s = time.time() - late_s
    signer.add_auth(request)
    return request


def presigned(
    request: AWSRequest, pair: Pair, *, late_s: float = 0, expires_s: int = 60, region: str = REGION
) -> tuple[AWSRequest, bytes]:
    """The request with its signature in the query, and its body apart."""
    signer = QuerySigner(Credentials(*pair), "cognito-idp", region, expires=expires_s)
    signer.at_s, signer.content = time.time() - late_s, request.data
    request.data = b""
    signer.add_auth(request)
    return request, signer.content
