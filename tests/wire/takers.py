"""
The operations that take a token, as model and registry say: whoever is served joins the forging by itself.

And how they are asked: with the least that the model wants, on a connection that is kept open.
"""

import http.client
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from cenote.app import load_operations
from cenote.wire.constraints import constraints_of
from tests.by_hand import CONTENT_TYPE, TARGET_PREFIX
from tests.house import MODEL
from tests.wire.bodies import SHAPES, WORDS

ANSWER_WAIT_S_MAX = 60
# Operations of users pass it over; those of administrators want to see one, in development of whatever kind.
SIGNATURE = "AWS4-HMAC-SHA256 Credential=any"
_IDS = (
    *("00000000-0000-4000-8000-000000000000", "import-abcdefghij", f"tkn{'0' * 25}", "terms-of-use"),
    *("a" * 32, "0" * 16),
)

Outcome = tuple[int, str, str]


@cache
def takers_of(member: str) -> tuple[str, ...]:
    """The served operations whose request has this member."""
    return tuple(name for name in sorted(load_operations()) if member in SHAPES[_input_of(name)].members)


def least_request(operation: str) -> dict[str, Any]:
    """A request with the members that the model wants, and nothing else."""
    wanted: dict[str, Any] = _least(_input_of(operation))
    return wanted


def _input_of(operation: str) -> str:
    return MODEL._operations[operation].input.shape


def _least(name: str) -> Any:
    shape = SHAPES[name]
    if shape.type == "structure":
        return {member: _least(shape.members[member].shape) for member in shape.required}
    if shape.type == "list":
        return [_least(shape.member.shape)]
    if shape.type == "map":
        return {}
    if shape.enum:
        return shape.enum[0]
    if shape.type == "string":
        holds = [constraint.holds for constraint in constraints_of(shape)]
        words = (*WORDS, *_IDS, "a" * (shape.min or 1))
        return next(word for word in words if all(test(word) for test in holds))
    return {"boolean": False, "blob": ""}.get(shape.type, shape.min or 0)


class Line:
    """One connection to a server."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_WAIT_S_MAX)

    def send(
        self, operation: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and body of an answer, to whatever body and headers."""
        usual = {
            "X-Amz-Target": TARGET_PREFIX + operation,
            "Content-Type": CONTENT_TYPE,
            "Authorization": SIGNATURE,
        }
        self._connection.request("POST", "/", body, usual | dict(headers or {}))
        response = self._connection.getresponse()
        return response.status, response.read()

    def answer(self, operation: str, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body of an answer; zero bytes are an empty object."""
        status, body = self.send(operation, json.dumps(request).encode())
        answer: dict[str, Any] = json.loads(body or b"{}")
        return status, answer

    def outcome(self, operation: str, request: Mapping[str, Any]) -> Outcome:
        """Status, exception and text of an answer."""
        status, answer = self.answer(operation, request)
        return status, answer.get("__type", ""), answer.get("message", "")

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
