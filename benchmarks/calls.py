"""
Requests of the API: as bytes for the generator, or asked one by one while a server is made ready.

The credentials are made up.  A server that checks signatures is not asked for anything that needs one.
"""

import http.client
import json
from collections.abc import Mapping
from typing import Any

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
