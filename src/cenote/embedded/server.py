"""
A server in this process: from its folder to its end.

Owns which settings make sense without a port, the temporary folder, and that nobody calls a server that is
closed or that a fork left behind.
"""

import atexit
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from cenote import setting_values as values
from cenote.app import Application, build
from cenote.embedded.access import own_access_key
from cenote.embedded.clients import ENDPOINT_URL, SERVICE, new_client
from cenote.embedded.clock import MovableClock
from cenote.embedded.exchange import Answer, exchange
from cenote.embedded.inbox import Inbox
from cenote.errors import CenoteError
from cenote.http.buffering import WholeRequests
from cenote.settings import Settings, of_arguments
from cenote.store.transaction import Transaction

CLOSE_WAIT_S_MAX = 10.0
NOT_HERE = {"dev", "host", "port", "data", "workers"}  # there is no port, one process, and the path
T = TypeVar("T")

_open: set["Server"] = set()


class Server:
    """
    A running server without a port, for any number of clients and threads of this process.

    It answers as `cenote serve` does, signatures and policies included, and its own clients sign with a key
    that may do everything.  Close it, or use it as a context manager; one that is still open at the end of
    the program is closed then.  A forked child can't use its parent's.
    """

    def __init__(
        self, application: Application, settings: Settings, path: Path, *, is_temporary: bool
    ) -> None:
        self.path = path
        self.region = settings.region
        self._application = application
        self._store = application.services.store
        self._whole = WholeRequests(application.wsgi, application.turns, application.peers)
        self._key_id, self._secret = own_access_key(application.services)
        self._is_temporary = is_temporary
        self._process_id = os.getpid()
        self._is_closed = False
        self._closing = threading.Lock()
        self._calls = 0
        self._change = threading.Condition()
        self.inbox = Inbox(self._read, self._now_ms)
        self.clock = MovableClock(self._now_ms, self._advance)
        _open.add(self)

    def client(self, service_name: str = SERVICE, region_name: str | None = None, **choices: Any) -> Any:
        """
        A boto3 client of this server, by the arguments of `boto3.client`; None counts as not given.

        Without others it signs with the server's own key for the server's own region.  Whatever it is told of
        endpoints, it is answered here, and opens no connection.
        """
        own = {
            "region_name": region_name or self.region,
            "endpoint_url": ENDPOINT_URL,
            "aws_access_key_id": self._key_id,
            "aws_secret_access_key": self._secret,
        }
        given = {name: choice for name, choice in choices.items() if choice is not None}
        return new_client(self._exchange, service_name, own | given)

    def jwks(self, pool_id: str) -> dict[str, Any]:
        """The JWK set that a pool's URL serves, to check its tokens with; LookupError without a pool."""
        answer = self._exchange("GET", f"{ENDPOINT_URL}/{pool_id}/.well-known/jwks.json", {}, b"")
        if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
            raise LookupError(f"There is no pool {pool_id}.")
        keys: dict[str, Any] = msgspec.json.decode(answer.body)
        return keys

    def wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The server as a WSGI application (PEP 3333), for clients that are no boto3 clients."""
        with self._staying_open():
            return self._whole(environ, start_response)

    def close(self) -> None:
        """
        End it: calls under way are answered, later ones refused, threads and files let go.

        A temporary folder goes too.  A second call does nothing.
        """
        if os.getpid() != self._process_id:
            return  # threads don't cross a fork, and the folder is the parent's
        with self._closing:
            if self._is_closed:
                return
            with self._change:
                self._is_closed = True
                self._change.wait_for(lambda: self._calls == 0, CLOSE_WAIT_S_MAX)
            _open.discard(self)
            try:
                self._application.close()
            finally:
                if self._is_temporary:
                    shutil.rmtree(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<cenote.Server on {self.path}, {'closed' if self._is_closed else 'open'}>"

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return exchange(self.wsgi, method, url, headers, body)

    def _read(self, body: Callable[[Transaction], T]) -> T:
        with self._staying_open():
            return self._store.read(body)

    def _now_ms(self) -> int:
        with self._staying_open():
            return self._application.clock.now_ms()

    def _advance(self, by_ms: int) -> int:
        with self._staying_open():
            return self._application.clock.advance(by_ms)

    @contextmanager
    def _staying_open(self) -> Iterator[None]:
        """Keep the server open for as long as the block lasts, or refuse to begin it."""
        if os.getpid() != self._process_id:
            raise CenoteError("This server is its parent's: a forked process needs one of its own.")
        with self._change:
            if self._is_closed:
                raise CenoteError("This server is closed.")
            self._calls += 1
        try:
            yield
        finally:
            with self._change:
                self._calls -= 1
                self._change.notify_all()


def start(path: "str | os.PathLike[str] | None", arguments: Mapping[str, Any]) -> Server:
    """A server on this folder, or on a temporary one; `CenoteError` says why not."""
    if path is None and arguments.get("database_url") is not None:
        raise CenoteError("database_url needs a path beside it: its keys must outlive this server.")
    known = [one.name for one in fields(Settings) if one.name not in NOT_HERE]
    for name in arguments:
        if name not in known:
            raise CenoteError(
                f"{name} is no setting of a server without a port; its settings are {', '.join(known)}."
            )
    folder = Path(tempfile.mkdtemp(prefix="cenote-")) if path is None else _folder(path)
    try:
        settings = of_arguments({"data": folder / "data", "issuer": "aws", **arguments}, Path.cwd())
        return _opened(settings, folder, is_temporary=path is None)
    except BaseException:
        if path is None:
            shutil.rmtree(folder)
        raise


def _opened(settings: Settings, folder: Path, *, is_temporary: bool) -> Server:
    application = build(settings, keeps_messages=True)
    try:
        return Server(application, settings, folder, is_temporary=is_temporary)
    except BaseException:
        application.close()
        raise


def _folder(path: "str | os.PathLike[str]") -> Path:
    try:
        return Path.cwd() / values.path(os.fspath(path))
    except ValueError as wrong:
        raise CenoteError(f"path {wrong}.") from wrong


@atexit.register
def _close_what_is_open() -> None:
    """At the end of the program: threads end, journals are folded, temporary folders go."""
    for server in list(_open):
        server.close()
