"""
The service model: which operations there are, and the check of every request and answer.

Owns the compiled model and its one door.  Leaves out the reading (`shapes.py`), what the live service does
otherwise (`overrides.py`), what shapes demand (`constraints.py`, `checks.py`) and the words of a refusal
(`grammar.py`).  No operation checks a shape again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from types import MappingProxyType
from typing import Any, Self

from cenote.errors import InvalidParameterException
from cenote.wire import grammar
from cenote.wire.answers import answer_faults
from cenote.wire.checks import Check, Compiler
from cenote.wire.overrides import overridden
from cenote.wire.shapes import Document, OperationShape, Shape, read_document


@dataclass(frozen=True, slots=True)
class Operation:
    """What the model says of an operation: is it signed, has its answer a body, which errors does it list."""

    name: str
    signed: bool
    answers: bool
    errors: tuple[str, ...]
    resource_member: str | None = None  # of its request, where it names the pool that it is about
    tags_member: str | None = None  # of its request, where it gives tags to a pool
    carries_token: bool = False  # an access token, that is


class Model:
    """The service model, safe to ask from any thread.  A check is compiled at its operation's first call."""

    def __init__(self, document: Document) -> None:
        self._shapes = overridden(document.shapes)
        self._operations = document.operations
        self._compiler = Compiler(self._shapes)
        self._requests: dict[str, Check] = {}
        self._compiling = Lock()
        self.operations = MappingProxyType(
            {name: _operation(name, shape, document.shapes) for name, shape in document.operations.items()}
        )

    @classmethod
    def load(cls) -> Self:
        """The model of the installed botocore, with the live service's deviations."""
        return cls(read_document())

    def check_request(self, operation_name: str, request: object) -> dict[str, Any]:
        """
        The request, or the refusal of one that breaks the model, naming every broken constraint as AWS does.

        Raises InvalidParameterException, or SerializationException for a wrong JSON type, which wins.  Null
        members count as absent, as Amplify sends them (`SMSMfaSettings: null`), and stay in the request;
        unknown members are ignored, and taken out of it wherever they are.
        """
        if not isinstance(request, dict):
            raise grammar.unreadable(request)
        check = self._requests.get(operation_name) or self._compiled(operation_name)
        if faults := check(request):
            raise InvalidParameterException(grammar.refusal(faults))
        return request

    def _compiled(self, operation_name: str) -> Check:
        with self._compiling:
            check = self._compiler.check(self._operations[operation_name].input.shape)
            self._requests[operation_name] = check
        return check

    def check_answer(self, operation_name: str, answer: object) -> list[str]:
        """Every fault of an answer, as sentences for a test's output; none for an answer that is right."""
        return answer_faults(self._shapes, self._operations[operation_name].output, answer)


def _operation(name: str, shape: OperationShape, shapes: Mapping[str, Shape]) -> Operation:
    members = shapes[shape.input.shape].members
    return Operation(
        name=name,
        signed=shape.authtype != "none",
        answers=shape.output is not None,
        errors=tuple(error.shape for error in shape.errors),
        resource_member=next((one for one in ("UserPoolId", "ResourceArn") if one in members), None),
        tags_member=next((one for one in ("UserPoolTags", "Tags") if one in members), None),
        carries_token="AccessToken" in members,
    )
