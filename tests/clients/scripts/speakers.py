"""
boto3 and the AWS CLI, each as a function of an operation and its request, named as on the wire.

Both are AWS's own and unmodified.  The CLI is the program itself: a process a call, a flag for each member.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable
from typing import Any, NamedTuple

import boto3
from botocore import UNSIGNED, xform_name
from botocore.config import Config

from tests.clients.scripts.steps import PLACE

Speaker = Callable[..., dict[str, Any]]
CALL_S_MAX = 60
REFUSAL = re.compile(
    r"An error occurred \((\w+)\) when calling the \w+ operation(?: \(.*?\))?: (.*)", re.DOTALL
)


class Key(NamedTuple):
    """An access key."""

    key_id: str
    secret: str


ANYBODY = Key("anybody", "anything")


class RefusedError(Exception):
    """What the CLI said on stderr, in the form of boto3's own error."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        if found := REFUSAL.search(said):
            self.response = {"Error": {"Code": found[1], "Message": found[2].strip()}}


def by_boto3(key: Key | None) -> Speaker:
    """boto3 with this key, or without one."""
    retries = {"total_max_attempts": 1}
    config = Config(retries=retries) if key else Config(retries=retries, signature_version=UNSIGNED)
    client = boto3.client(
        "cognito-idp",
        endpoint_url=PLACE["endpoint"],
        region_name=PLACE["region"],
        aws_access_key_id=key and key.key_id,
        aws_secret_access_key=key and key.secret,
        config=config,
    )

    def speak(operation: str, **request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(client, xform_name(operation))(**request)
        return answer

    return speak


def by_aws_cli(key: Key | None) -> Speaker:
    """The program `aws` with this key, or without one."""
    place = ["--endpoint-url", PLACE["endpoint"], "--region", PLACE["region"], "--output", "json"]
    surroundings = dict(os.environ)
    if key is None:
        place.append("--no-sign-request")
    else:
        surroundings |= {"AWS_ACCESS_KEY_ID": key.key_id, "AWS_SECRET_ACCESS_KEY": key.secret}

    def speak(operation: str, **request: Any) -> dict[str, Any]:
        flags = [word for member, value in request.items() for word in _flag(member, value)]
        done = subprocess.run(
            ["aws", "cognito-idp", xform_name(operation, "-"), *flags, *place],
            capture_output=True,
            text=True,
            check=False,
            timeout=CALL_S_MAX,
            env=surroundings,
        )
        if done.returncode != 0:
            raise RefusedError(done.stderr.strip())
        answer: dict[str, Any] = json.loads(done.stdout or "{}")
        return answer

    return speak


def _flag(member: str, value: object) -> list[str]:
    name = xform_name(member, "-")
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", value if isinstance(value, str) else json.dumps(value)]


SPEAKERS: dict[str, Callable[[Key | None], Speaker]] = {"boto3": by_boto3, "AWS CLI": by_aws_cli}
