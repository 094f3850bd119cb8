"""
One HTTP exchange with a WSGI application in this process: what an HTTP server does, without a socket.

Owns the environment that the application sees (PEP 3333) and the header that every server adds, `Date`.
"""

import io
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

CALLER = "127.0.0.1"
_PORTS = {"http": 80, "https": 443}
_UNPREFIXED = {"CONTENT_TYPE", "CONTENT_LENGTH"}

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the names of headers are as the application spelled them."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def exchange(wsgi: Wsgi, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
    """Hand the application one request, as if it came from this machine, and take its whole answer."""
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, its_headers: list[tuple[str, str]], _failure: Any = None) -> None:
        begun.append((status, its_headers))

    pieces = wsgi(environ_of(method, url, headers, body), start_response)
    try:
        whole = b"".join(pieces)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    status, its_headers = begun[-1]
    return Answer(int(status.split(maxsplit=1)[0]), [*its_headers, ("date", formatdate(usegmt=True))], whole)


def environ_of(method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The environment of a request; `Host` is made of the URL, as an HTTP client does."""
    place = urlsplit(url)
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(place.path or "/").decode("latin-1"),
        "QUERY_STRING": place.query,
        "SERVER_NAME": place.hostname or "",
        "SERVER_PORT": str(place.port or _PORTS[place.scheme]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": CALLER,
        "HTTP_HOST": _host(place),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": place.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key in _UNPREFIXED else f"HTTP_{key}"] = value
    return environ


def _host(place: SplitResult) -> str:
    name = place.netloc.rpartition("@")[2]
    return name.removesuffix(f":{_PORTS[place.scheme]}")
