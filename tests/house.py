"""
A real server for tests: `cenote serve` in a process of its own, on its own folders, reached as a user would.

Every answer that comes through its boto3 client is held against the service model's output shape: members,
their order, compact JSON, the headers.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError

from cenote.wire.model import Model

REGION = "us-east-1"
PASSWORD = "Correct-horse1"
MODEL = Model.load()
MODELLED = {error for operation in MODEL.operations.values() for error in operation.errors}
START_WAIT_S_MAX = 30


class House:
    """One server, its folders, and the doors of development."""

    def __init__(self, root: Path, *flags: str) -> None:
        self.root = root
        self.data, self.keys, self.master = root / "data", root / "data-keys", root / "data-master.key"
        self.log = root / "server.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.flags = flags
        self.variables: dict[str, str] = {}  # settings that it is given by its environment
        self.process: subprocess.Popen[str] | None = None

    def command(self, *flags: str) -> list[str]:
        """The command line that serves this house."""
        place = ["--port", str(self.port), "--data", str(self.data)]
        return [sys.executable, "-m", "cenote", "serve", "--dev", *place, *self.flags, *flags]

    def start(self, *flags: str) -> "House":
        """Serve, and return once the server says that it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(*flags),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment() | self.variables,
            )
        assert self.process.stdout is not None
        line = next((line for line in self.process.stdout if line.startswith("Cenote answers at")), "")
        assert line.startswith("Cenote answers at"), f"no start: {line!r} {self.log.read_text()[-2000:]}"
        return self

    def refuses_to_start(self, *flags: str) -> str:
        """The one sentence with which a start is refused."""
        done = subprocess.run(
            self.command(*flags),
            capture_output=True,
            text=True,
            timeout=START_WAIT_S_MAX,
            check=False,
            env=environment(),
        )
        assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
        sentences = [line for line in done.stderr.splitlines() if line.startswith("cenote: ")]
        assert len(sentences) == 1, done.stderr
        return sentences[0].removeprefix("cenote: ")

    def stop(self) -> None:
        """A clean stop; a server that was killed before is fine too."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=30)
            self._close()

    def kill(self) -> None:
        """`kill -9`, as an operator would: the parent; its worker must not outlive it."""
        assert self.process is not None
        self.process.kill()
        self.wait_for_death()

    def wait_for_death(self) -> None:
        """Wait until the process, which a seam may have ended, is gone."""
        assert self.process is not None
        self.process.wait(timeout=30)
        self._close()
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                    return
            time.sleep(0.01)
        raise AssertionError("the worker outlived its parent")

    def _close(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None

    def client(self, **changes: Any) -> BaseClient:
        """An unmodified boto3 client without retries, whose answers are held against the model."""
        config = Config(retries={"total_max_attempts": 1}, read_timeout=60, max_pool_connections=64)
        client = boto3.client(
            "cognito-idp",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="anybody",
            aws_secret_access_key="anything",
            config=changes.pop("config", config),
        )
        client.meta.events.register("before-parse.cognito-idp.*", check_answer)
        return client

    def call(self, operation: str, request: object, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """One raw, unsigned call: status, headers (in lower case), body."""
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        sent = {
            "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http("POST", "/", body, sent)

    def http(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One raw HTTP request."""
        request = urllib.request.Request(self.url + path, data=body, headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, _lower(answer.headers), answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, _lower(refusal.headers), refusal.read()

    def inbox(self, to: str | None = None, wait: float = 5) -> list[dict[str, Any]]:
        """The messages that were sent, newest first."""
        query = f"wait={wait}" if to is None else f"wait={wait}&to={urllib.parse.quote(to)}"
        _status, _headers, body = self.http("GET", f"/_cenote/inbox?{query}")
        messages: list[dict[str, Any]] = json.loads(body)
        return messages

    def advance(self, seconds: float) -> None:
        """Move the server's clock."""
        status, _headers, body = self.http(
            "POST", "/_cenote/clock", json.dumps({"advance_seconds": seconds}).encode()
        )
        assert status == 200, body

    def arm(self, seam: str, passes: int = 0) -> None:
        """End the server, as `kill -9` would, when it next comes to this seam."""
        door = json.dumps({"stop_at": seam, "passes": passes}).encode()
        status, _headers, body = self.http("POST", "/_cenote/fault", door)
        assert status == 200, body

    def copy_data(self, name: str) -> Path:
        """A copy of the data folder as it is now, journal and all, as a backup would take it."""
        target = self.root / name
        shutil.copytree(self.data, target)
        return target

    def put_data_back(self, copy: Path) -> None:
        """Replace the data folder by a copy: a rollback."""
        shutil.rmtree(self.data)
        shutil.copytree(copy, self.data)


class Tenant:
    """A pool with one client, and the things that tests do in it."""

    def __init__(
        self, house: House, *, pool: dict[str, Any] | None = None, client: dict[str, Any] | None = None
    ) -> None:
        self.house = house
        self.cognito = house.client()
        wanted = {"PoolName": "tests", "AutoVerifiedAttributes": ["email"]} | (pool or {})
        self.pool_id = self.cognito.create_user_pool(**wanted)["UserPool"]["Id"]
        self.client = self.new_client(**(client or {}))
        self.client_id = self.client["ClientId"]

    def new_client(self, **changes: Any) -> dict[str, Any]:
        """One more client of the pool, which may sign in by password and refresh."""
        flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        wanted = {"ClientName": "app", "ExplicitAuthFlows": flows} | changes
        made = self.cognito.create_user_pool_client(UserPoolId=self.pool_id, **wanted)
        client: dict[str, Any] = made["UserPoolClient"]
        return client

    def sign_up(self, username: str, *, confirmed: bool = True, **attributes: str) -> str:
        """A new user; their `sub`."""
        pairs = [{"Name": name, "Value": value} for name, value in attributes.items()]
        made = self.cognito.sign_up(
            ClientId=self.client_id, Username=username, Password=PASSWORD, UserAttributes=pairs
        )
        if confirmed:
            self.cognito.admin_confirm_sign_up(UserPoolId=self.pool_id, Username=username)
        sub: str = made["UserSub"]
        return sub

    def sign_in(self, username: str, client_id: str | None = None) -> dict[str, Any]:
        """The AuthenticationResult of a password sign-in."""
        answer = self.cognito.initiate_auth(
            ClientId=client_id or self.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": PASSWORD},
        )
        result: dict[str, Any] = answer["AuthenticationResult"]
        return result

    def user(self, username: str, **attributes: str) -> dict[str, Any]:
        """A new, confirmed, signed-in user: their AuthenticationResult."""
        self.sign_up(username, confirmed=True, **attributes)
        return self.sign_in(username)


def check_answer(response_dict: dict[str, Any], operation_model: Any, **_rest: Any) -> None:
    """Hold an answer as it was on the wire against the model: a hook of boto3's, before it parses."""
    name, status, body = operation_model.name, response_dict["status_code"], response_dict["body"]
    headers = response_dict["headers"]
    assert headers["x-amzn-requestid"]
    assert headers["content-type"] == "application/x-amz-json-1.1"
    if status != 200:
        answer = json.loads(body)
        spelled = "Message" if answer["__type"] == "AccessDeniedException" else "message"
        assert set(answer) <= {"__type", spelled, "reasonCode"}, answer
        assert headers["x-amzn-errortype"] == f"{answer['__type']}:"
        return
    if operation_model.output_shape is None:
        assert body == b"", (name, body)
        assert headers["content-length"] == "0"
        return
    answer = json.loads(body)
    assert MODEL.check_answer(name, answer) == [], (name, answer)
    assert json.dumps(answer, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode() == body


def environment() -> dict[str, str]:
    """The surroundings of a server under test: nothing of the operator's own settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CENOTE_")}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def error_of(call: Any, **request: Any) -> tuple[str, str, int]:
    """The exception (its wire name, text and status) with which a boto3 call is refused."""
    with pytest.raises(ClientError) as refused:
        call(**request)
    response = refused.value.response
    code: str = response["Error"]["Code"]
    assert type(refused.value).__name__ == code or code not in MODELLED, type(refused.value)
    return code, response["Error"].get("Message", ""), response["ResponseMetadata"]["HTTPStatusCode"]


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
