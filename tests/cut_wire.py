"""A wire between a server and PostgreSQL: it counts round trips, and is cut when a commit goes through it."""

import re
import socket
import threading
import time
from urllib.parse import parse_qs, urlsplit

COMMIT = re.compile(rb"\0commit\0")
PREPARED = re.compile(rb"(_pg3_[0-9a-f]+)\0commit\0")


class Wire:
    """A wire between a server and its database that can be cut when a commit goes through it."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.cut_before_commit = self.cut_after_commit = 0
        self.is_dead = False
        self.round_trips = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The database at the other end."""
        port = self._listener.getsockname()[1]
        name = self._target.path.removeprefix("/")
        return f"postgresql://postgres@127.0.0.1:{port}/{name}?sslmode=disable&gssencmode=disable"

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _address = self._listener.accept()
            except OSError:
                return
            if self.is_dead:
                near.close()
                continue
            threading.Thread(target=self._join, args=(near, self._connected()), daemon=True).start()

    def _join(self, near: socket.socket, far: socket.socket) -> None:
        turn = ["back"]
        back = threading.Thread(target=self._back, args=(far, near, turn), daemon=True)
        with near, far:
            back.start()
            self._forward(near, far, turn)
            back.join()

    def _connected(self) -> socket.socket:
        folder = parse_qs(self._target.query).get("host")
        if folder is None:
            return socket.create_connection((self._target.hostname or "127.0.0.1", self._target.port or 5432))
        far = socket.socket(socket.AF_UNIX)
        far.connect(f"{folder[0]}/.s.PGSQL.5432")
        return far

    def _forward(self, near: socket.socket, far: socket.socket, turn: list[str]) -> None:
        commit = COMMIT
        while piece := _received(near):
            if turn[0] == "back":  # what goes out after an answer came in begins a round trip
                self.round_trips += 1
            turn[0] = "forth"
            if self.is_dead:
                break
            if named := PREPARED.search(piece):  # later the statement goes by this name
                commit = re.compile(COMMIT.pattern + b"|" + re.escape(named[1]) + rb"\0")
            is_commit = commit.search(piece) is not None
            if is_commit and self.cut_before_commit:
                self.cut_before_commit -= 1
                break
            if is_commit and self.cut_after_commit:
                self.cut_after_commit -= 1
                near.shutdown(socket.SHUT_RDWR)  # the answer finds nobody, and the commit is on its way
                far.sendall(piece)
                time.sleep(0.2)
                break
            far.sendall(piece)
        _end(near, far)

    def _back(self, far: socket.socket, near: socket.socket, turn: list[str]) -> None:
        while piece := _received(far):
            turn[0] = "back"
            try:
                near.sendall(piece)
            except OSError:
                break
        _end(near, far)


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(65_536)
    except OSError:
        return b""


def _end(*ends: socket.socket) -> None:
    for end in ends:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue
