"""
Requests of the API: as bytes for the generator, or asked one by one while a server is made ready.

The credentials are made up.  A server that checks signatures is not asked for anything that needs one.
"""

import http.client
import json
from collections.abc import Mapping
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks.load import HOST

_TARGET = "AWSCognitoIdentityProviderService"
_TYPE = "application/x-amz-json-1.1"
# By the scope in it, a server of many services knows which one is meant.
_CREDENTIALS = (
    "AWS4-HMAC-SHA256 Credential=anybody/20260101/us-east-1/cognito-idp/aws4_request,"
    " SignedHeaders=host, Signature=0"
)
ASK_TIMEOUT_S = 60
OK = 200


def request_bytes(operation: str, request: Mapping[str, object]) -> bytes:
    """The HTTP request of one call, unsigned as SDKs send a user's calls."""
    body = json.dumps(request, separators=(",", ":")).encode()
    head = (
        f"POST / HTTP/1.1\r\nHost: {HOST}\r\nX-Amz-Target: {_TARGET}.{operation}\r\n"
        f"Content-Type: {_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def signed_bytes(operation: str, request: Mapping[str, object], access_key: tuple[str, str]) -> bytes:
    """The HTTP request of an administrator's call, signed now, which is good for some minutes."""
    body = json.dumps(request, separators=(",", ":")).encode()
    headers = {"Host": HOST, "X-Amz-Target": f"{_TARGET}.{operation}", "Content-Type": _TYPE}
    whole = AWSRequest("POST", f"http://{HOST}/", data=body, headers=headers)
    SigV4Auth(Credentials(*access_key), "cognito-idp", "us-east-1").add_auth(whole)
    lines = [f"{name}: {value}" for name, value in whole.headers.items()]
    return "\r\n".join(["POST / HTTP/1.1", *lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


class Line:
    """A connection to a server, for calls whose answers matter and whose cost does not."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=ASK_TIMEOUT_S)

    def ask(self, operation: str, **request: object) -> dict[str, Any]:
        """The answer; whatever is refused ends the benchmark."""
        headers = {
            "X-Amz-Target": f"{_TARGET}.{operation}",
            "Content-Type": _TYPE,
            "Authorization": _CREDENTIALS,
        }
        self._connection.request("POST", "/", json.dumps(request), headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != OK:
            raise RuntimeError(f"{operation} was answered with {answer.status}: {body[:200]!r}")
        given: dict[str, Any] = json.loads(body or b"{}")
        return given

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
