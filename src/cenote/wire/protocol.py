"""
One call of the JSON 1.1 protocol: from headers and a body to a status and a body.

Owns the order of refusals before an operation runs: target, content type, rules about addresses, JSON,
signature and policy, model, quotas, read-only pools.  Leaves out sizes (`http/`), what those rules and quotas
say (`admission.py`), who may call (`authorization.py`) and what an operation does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from cenote import errors
from cenote.errors import (
    CenoteError,
    CognitoError,
    InternalErrorException,
    InvalidParameterException,
    SerializationException,
    UnknownOperationException,
)
from cenote.log import logger
from cenote.registry import OPERATIONS, Answer, Operation
from cenote.services import Services, begin_call, end_call
from cenote.wire.admission import Admission
from cenote.wire.authorization import Authorizer
from cenote.wire.model import Model
from cenote.wire.sigv4 import Head

CONTENT_TYPE = "application/x-amz-json-1.1"
TARGET_PREFIX = "AWSCognitoIdentityProviderService."
NOT_UNDERSTOOD = {
    "code": "BadRequest",
    "message": "The server did not understand the operation that was requested.",
    "type": "client",
}

log = logger("cenote.wire")
_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it came in."""

    call_id: str
    target: str | None
    content_type: str | None
    head: Head
    body: bytes
    fault: str | None = None  # the name of the exception that a developer wants to meet


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back; `error` and `message` are the headers' copy of the body's."""

    status: int
    body: bytes
    operation: str
    error: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Protocol:
    """The served operations behind the model's checks."""

    model: Model
    services: Services
    authorizer: Authorizer
    admission: Admission
    operations: Mapping[str, Operation]

    def answer(self, call: Call) -> Reply:
        """Serve one call; whatever goes wrong is answered in AWS's form and told to the log, never raised."""
        if call.target is None or not call.target.startswith(TARGET_PREFIX):
            return not_understood()
        name = call.target.removeprefix(TARGET_PREFIX)
        begin_call(call.call_id)
        shown = name if name in self.model.operations else "-"
        try:
            answer = self._run(name, call)
        except CognitoError as failure:
            if failure.detail is not None:
                log.warning("refused", operation=shown, error=type(failure).__name__, detail=failure.detail)
            return _refusal(shown, failure)
        except CenoteError as failure:
            log.error("alarm", operation=shown, alarm=str(failure))
            return _refusal(shown, InternalErrorException())
        except Exception as failure:  # noqa: BLE001 - the client meets InternalErrorException
            at, kind = _place_of(failure), type(failure).__name__
            log.error("fault", operation=shown, at=at, kind=kind)
            return _refusal(shown, InternalErrorException())
        finally:
            end_call()
        return Reply(200, b"" if answer is None else _encoder.encode(answer), name)

    def _run(self, name: str, call: Call) -> Answer:
        known = self.model.operations.get(name)
        serve = self.operations.get(name)
        if known is None or serve is None or not _is_json_1_1(call.content_type):
            raise UnknownOperationException
        self.admission.check_server_rules(known, call.head.address)
        request = _decoded(call.body)
        self.admission.check_pool_rules(known, call.head.address, request)
        if call.fault is not None:
            raise _asked_for(call.fault)
        if known.signed:
            self.authorizer.authorize(known, call.head, call.body, request)
        checked = self.model.check_request(name, request)
        self.admission.check_quota(known, checked)
        self.admission.check_read_only(known, checked)
        return serve(self.services, checked)


def not_understood(status: int = 404) -> Reply:
    """What AWS's front end says to whatever it does not take for a call of this API."""
    return Reply(status, _encoder.encode(NOT_UNDERSTOOD), "-", NOT_UNDERSTOOD["code"])


def served() -> dict[str, Operation]:
    """The operations that are served, once their modules are imported."""
    return dict(OPERATIONS)


def _is_json_1_1(content_type: str | None) -> bool:
    return content_type is not None and content_type.partition(";")[0].strip().lower() == CONTENT_TYPE


def _decoded(body: bytes) -> object:
    """The body's JSON; nothing at all stands for an empty object."""
    if not body:
        return {}
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, ValueError) as failure:
        raise SerializationException from failure


def _asked_for(fault: str) -> CognitoError:
    kind = getattr(errors, fault, None)
    if not (isinstance(kind, type) and issubclass(kind, CognitoError) and fault.endswith("Exception")):
        raise InvalidParameterException(f"There is no exception {fault[:64]!r} to answer.")
    failure: CognitoError = kind()
    return failure


def _refusal(operation: str, failure: CognitoError) -> Reply:
    name = type(failure).__name__
    body = {"__type": name}
    if failure.message is not None:
        body[failure.message_key] = failure.message
    return Reply(failure.status, _encoder.encode(body), operation, name, failure.message)


def _place_of(failure: BaseException) -> str:
    """Where it broke, without any value: the trace of a fault may hold a password."""
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    code = trace.tb_frame.f_code
    return f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}"
