"""
Between the HTTP server and the application: a request is whole before it stands in line.

A thread that waits for a body waits here, and holds nothing that anybody needs: there are more such threads
than places, and one address gets only a share of them.  The HTTP server has no deadline for bodies, so who
serves the open internet puts a proxy in front that buffers requests.  Leaves out what a request means
(`edge.py`).
"""

import io
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from cenote.gate import DEAR_OPERATIONS
from cenote.http.edge import ARRIVED_S, BODY_BYTES_MAX, EXPOSED_HEADERS
from cenote.http.peers import Peers
from cenote.services import uuid_of
from cenote.turns import LineFull, Rank, Turns
from cenote.wire.protocol import CONTENT_TYPE

READING_THREADS_MAX = 512
READINGS_PER_ADDRESS_MAX = 128
_FULL = b'{"__type":"TooManyRequestsException","message":"Too many requests"}'
_FULL_HEADERS = [
    ("content-type", CONTENT_TYPE),
    ("x-amzn-errortype", "TooManyRequestsException:"),
    ("x-amzn-errormessage", "Too many requests"),
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", EXPOSED_HEADERS),
]

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WholeRequests:
    """A WSGI application that sees whole requests only, and each when it is its turn."""

    def __init__(self, wsgi: Wsgi, turns: Turns, peers: Peers | None = None) -> None:
        self._wsgi = wsgi
        self._peers = peers or Peers()
        self._turns = turns
        self._reading: Counter[str] = Counter()
        self._guard = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """
        Read the whole request, then answer it when there is a place and a turn; or refuse it.

        A refusal has turns that nobody else wants, and few more: a flood of them would keep others away.
        """
        address = self._peers.address(environ)
        with self._share_of(address) as has_one:
            if not has_one:
                return _refused(start_response, [("connection", "close")])  # its body is not read
            body, length = _body_of(environ)
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(length)
        environ[ARRIVED_S] = time.perf_counter()
        try:
            with self._turns.mine(_rank_of(environ), address):
                return list(self._wsgi(environ, start_response))
        except LineFull:
            with self._turns.refusing():
                return _refused(start_response, [])

    @contextmanager
    def _share_of(self, address: str) -> Iterator[bool]:
        """One of the readings that an address may have under way."""
        with self._guard:
            has_one = self._reading[address] < READINGS_PER_ADDRESS_MAX
            self._reading[address] += has_one
        try:
            yield has_one
        finally:
            with self._guard:
                self._reading[address] -= has_one
                if not self._reading[address]:
                    del self._reading[address]


def _refused(start_response: Callable[..., Any], besides: list[tuple[str, str]]) -> list[bytes]:
    """TooManyRequestsException as any client understands it."""
    this = ("x-amzn-requestid", uuid_of(os.urandom(16)))
    start_response("400 Bad Request", [*_FULL_HEADERS, this, *besides])
    return [_FULL]


def _rank_of(environ: dict[str, Any]) -> Rank:
    operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    return Rank.DEAR if operation in DEAR_OPERATIONS else Rank.LIGHT


def _body_of(environ: dict[str, Any]) -> tuple[bytes, int]:
    """
    The body, and the size to judge it by; one that is declared or found too large is not read to its end.
    """
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared.isdecimal() and int(declared) > BODY_BYTES_MAX:
        return b"", int(declared)
    read, pieces, size = environ["wsgi.input"].read, [], 0
    while piece := read(BODY_BYTES_MAX + 1 - size):
        pieces.append(piece)
        size += len(piece)
        if size > BODY_BYTES_MAX:
            return b"", size
    return b"".join(pieces), max(size, int(declared)) if declared.isdecimal() else size
