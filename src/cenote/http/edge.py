"""
The routes: the API's one POST, its preflight, keys and discovery, health and metrics.

Owns headers and sizes.  Leaves out the protocol (`wire/`) and the doors of development (`development.py`).
"""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

import falcon
from falcon import Request, Response

from cenote.errors import RequestEntityTooLargeException
from cenote.http.metrics import Metrics
from cenote.http.peers import Peers
from cenote.http.wellknown import JwksResource, OpenIdConfigurationResource
from cenote.log import logger
from cenote.services import Services, uuid_of
from cenote.settings import is_loopback
from cenote.wire.protocol import CONTENT_TYPE, Call, Protocol, Reply, not_understood
from cenote.wire.sigv4 import Head

BODY_BYTES_MAX = 4 * 1024 * 1024
ERROR_MESSAGE_HEADER_CHARACTERS_MAX = 1_024
PREFLIGHT_AGE_S = 172_800
EXPOSED_HEADERS = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"
FAULT_HEADER = "X-CENOTE-FAULT"
ARRIVED_S = "cenote.arrived_s"  # when the request was whole (`buffering.py`)
PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-IP")

log = logger("cenote.access")


class ApiResource:
    """`POST /`: every operation of the API."""

    def __init__(self, protocol: Protocol, metrics: Metrics, peers: Peers, *, heeds_faults: bool) -> None:
        self._protocol = protocol
        self._metrics = metrics
        self._peers = peers
        self._heeds_faults = heeds_faults

    def on_post(self, request: Request, response: Response) -> None:
        """Serve one call, whatever comes of it."""
        began = request.env.get(ARRIVED_S) or time.perf_counter()
        call_id = uuid_of(os.urandom(16))
        body = read_body(request, BODY_BYTES_MAX)
        if body is None:
            reply = _too_large()
        else:
            reply = self._protocol.answer(
                Call(
                    call_id,
                    request.get_header("X-Amz-Target"),
                    request.content_type,
                    Head(request.query_string, request.get_header, self._peers.address(request.env)),
                    body,
                    request.get_header(FAULT_HEADER) if self._heeds_faults else None,
                )
            )
        _put(response, reply, call_id)
        spent_s = time.perf_counter() - began
        self._metrics.count(reply.operation, reply.error or "ok", spent_s)
        log.info(
            "call",
            id=call_id,
            operation=reply.operation,
            status=reply.status,
            error=reply.error,
            ms=round(spent_s * 1000, 2),
        )

    def on_options(self, request: Request, response: Response) -> None:
        """Let a browser's script call from any origin: a token, never a cookie, authorises here."""
        response.set_header("Access-Control-Allow-Origin", "*")
        response.set_header("Access-Control-Allow-Methods", "POST")
        wanted = request.get_header("Access-Control-Request-Headers")
        response.set_header("Access-Control-Allow-Headers", _printable(wanted or "*"))
        response.set_header("Access-Control-Expose-Headers", EXPOSED_HEADERS)
        response.set_header("Access-Control-Max-Age", str(PREFLIGHT_AGE_S))


class HealthResource:
    """`GET /health`: 200 as long as the database answers."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, _request: Request, response: Response) -> None:
        """Read one row."""
        try:
            self._services.store.read(lambda tx: tx.meta.find("pair"))
        except Exception as failure:  # noqa: BLE001 - whatever it was, the answer is "unavailable"
            log.error("unhealthy", kind=type(failure).__name__)
            response.status = falcon.HTTP_503
            response.media = {"status": "unavailable"}
            return
        response.media = {"status": "ok"}


class MetricsResource:
    """`GET /metrics`: Prometheus text, for the machine itself only."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def on_get(self, request: Request, response: Response) -> None:
        """The figures, or nothing at all for a stranger."""
        is_forwarded = any(request.get_header(name) is not None for name in PROXY_HEADERS)
        if is_forwarded or not is_loopback(request.remote_addr):
            raise falcon.HTTPNotFound
        response.content_type = "text/plain; version=0.0.4; charset=utf-8"
        response.data = self._metrics.text()


def application(
    protocol: Protocol,
    services: Services,
    metrics: Metrics,
    peers: Peers,
    doors: Iterable[tuple[str, Any]] = (),
) -> falcon.App[Request, Response]:
    """The WSGI application; `doors` are the routes of development, of which there are none elsewhere."""
    doors = list(doors)
    app = falcon.App()
    app.add_error_handler(Exception, _fault)
    app.add_error_handler(falcon.HTTPError, _not_understood)
    app.add_route("/", ApiResource(protocol, metrics, peers, heeds_faults=bool(doors)))
    app.add_route("/{pool_id}/.well-known/jwks.json", JwksResource(services))
    app.add_route("/{pool_id}/.well-known/openid-configuration", OpenIdConfigurationResource(services))
    app.add_route("/health", HealthResource(services))
    app.add_route("/metrics", MetricsResource(metrics))
    for path, resource in doors:
        app.add_route(path, resource)
    return app


def read_body(request: Request, bytes_max: int) -> bytes | None:
    """
    The whole body, or None when it is larger than allowed; a declared size is refused unread.

    A body that ends before its declared size is refused too, for what came of it may read as something else.
    """
    if (request.content_length or 0) > bytes_max:
        return None
    read: Callable[[int], bytes] = request.env["wsgi.input"].read
    pieces, size = [], 0
    while piece := read(bytes_max + 1 - size):
        pieces.append(piece)
        size += len(piece)
        if size > bytes_max:
            return None
    if size < (request.content_length or 0):
        raise falcon.HTTPBadRequest(title="Incomplete")
    return b"".join(pieces)


def _put(response: Response, reply: Reply, call_id: str) -> None:
    response.status = reply.status
    response.data = reply.body
    response.content_type = CONTENT_TYPE
    response.content_length = len(reply.body)
    response.set_header("x-amzn-requestid", call_id)
    response.set_header("Access-Control-Allow-Origin", "*")
    response.set_header("Access-Control-Expose-Headers", EXPOSED_HEADERS)
    if reply.error is not None:
        response.set_header("x-amzn-errortype", f"{reply.error}:")
        if reply.message:
            response.set_header("x-amzn-errormessage", _printable(reply.message))


def _printable(text: str) -> str:
    """Text fit for a header: what a caller sent must not end a line or hide in one."""
    cut = text.rstrip("\n")[:ERROR_MESSAGE_HEADER_CHARACTERS_MAX]
    return "".join(letter if " " <= letter <= "~" else "?" for letter in cut)


def _too_large() -> Reply:
    name = RequestEntityTooLargeException.__name__
    message = f"Request body is larger than {BODY_BYTES_MAX} bytes"
    body = b'{"__type":"%b","message":"%b"}' % (name.encode(), message.encode())
    return Reply(RequestEntityTooLargeException.status, body, "-", name, message)


def _not_understood(_request: Request, response: Response, error: falcon.HTTPError, _params: Any) -> None:
    """No such route, or another method: what AWS's front end says to whatever it does not understand."""
    is_method_wrong = isinstance(error, falcon.HTTPMethodNotAllowed)
    reply = not_understood() if is_method_wrong else not_understood(error.status_code)
    _put(response, reply, uuid_of(os.urandom(16)))


def _fault(_request: Request, response: Response, error: Exception, _params: Any) -> None:
    log.error("fault", kind=type(error).__name__)
    response.status = falcon.HTTP_500
    response.media = {"__type": "InternalErrorException", "message": "Something went wrong"}
