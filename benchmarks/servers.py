"""
The servers under measurement, Cenote's two: filled once, copied for each measurement, started and stopped.

A measurement begins on a house just as the bulk loader left it.  Cenote runs as it would in production: no
development doors, every commit and tombstone on the disk, a log line a call (to a file).  Leaves out how a
house is kept (`houses.py`) and other servers (`peers.py`).
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from benchmarks.houses import FILLED, Filling, filled, folder_mib, found, place_of, signed_anew
from benchmarks.load import HOST
from benchmarks.people import People
from benchmarks.postgres import Postgres, postgres
from benchmarks.scenarios import SCENARIOS, Scenario
from cenote.settings import Settings

STOP_WAIT_S_MAX = 30
START_WAIT_S_MAX = 60
START_POLL_S = 0.01
COPY = "copy"  # the folder, and the database


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


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a filled house, stopped; whoever has it may do with it what they like."""

    folder: Path
    people: People
    database: Postgres | None = None
    database_name: str = COPY

    @property
    def settings(self) -> Settings:
        """What opens it."""
        url = None if self.database is None else self.database.url(self.database_name)
        return _settings(self.folder, url)

    def running(self) -> AbstractContextManager[Running]:
        """Serve it."""
        processes = () if self.database is None else (self.database.pid,)
        url = self.settings.database_url
        return cenote(self.folder, self.people, database_url=url, database_processes=processes)


@runtime_checkable
class CenoteHouse(House, Protocol):
    """A filled house of Cenote's, of which there are as many copies as are asked for, one at a time."""

    root: Path  # of whatever belongs to it
    filling: Filling
    people: People
    database: Postgres | None

    def copied(self) -> AbstractContextManager[Copy]:
        """A copy of it as it was filled."""
        ...


class CenoteOnSQLite:
    """`cenote serve` on its embedded database."""

    name = "Cenote, SQLite"
    scenarios = all_of()
    is_fresh = True
    users_max = 1_000_000

    def __init__(self, houses: Path | None = None) -> None:
        self._houses = houses

    @contextmanager
    def inhabited(self, users: int, signed_in: int) -> Iterator[CenoteHouse]:
        """A filled folder."""
        with place_of(self._houses, "sqlite", users) as folder:
            settings = _settings(folder / FILLED)
            kept = found(folder, users, signed_in) or filled(
                folder, settings, self.name, (users, signed_in), lambda: folder_mib(settings.data)
            )
            kept = signed_anew(folder, settings, kept)
            yield _Filled(folder, kept.filling, kept.people)


@dataclass(slots=True)
class _Filled:
    root: Path
    filling: Filling
    people: People
    database: Postgres | None = None

    @contextmanager
    def copied(self) -> Iterator[Copy]:
        """A copy of the filled folder, and of the database where a server has it."""
        with _copied(self.root) as folder, _copied_rows(self.database):
            yield Copy(folder, self.people, self.database)

    @contextmanager
    def running(self) -> Iterator[Running]:
        """Serve a copy."""
        with self.copied() as copy, copy.running() as running:
            yield running


class CenoteOnPostgres:
    """`cenote serve` on a PostgreSQL of its own, from the wheel that brings one."""

    name = "Cenote, PostgreSQL"
    scenarios = all_of()
    is_fresh = True
    users_max = 1_000_000

    def __init__(self, houses: Path | None = None) -> None:
        self._houses = houses

    @contextmanager
    def inhabited(self, users: int, signed_in: int) -> Iterator[CenoteHouse]:
        """A filled database, and its keys."""
        with place_of(self._houses, "postgres", users) as folder:
            kept = found(folder, users, signed_in)
            with postgres(folder) as database:
                settings = _settings(folder / FILLED, database.url(FILLED))
                if kept is None:
                    database.run(f"create database {FILLED}")
                    people = users, signed_in
                    kept = filled(folder, settings, self.name, people, lambda: database.mib(FILLED))
                kept = signed_anew(folder, settings, kept)
                yield _Filled(folder, kept.filling, kept.people, database)


@contextmanager
def _copied(root: Path) -> Iterator[Path]:
    """A copy of the filled folder that is on the disk: nobody's measurement pays for writing it."""
    copy = root / COPY
    shutil.copytree(root / FILLED, copy)
    os.sync()
    try:
        yield copy
    finally:
        shutil.rmtree(copy)


@contextmanager
def _copied_rows(database: Postgres | None) -> Iterator[None]:
    if database is None:
        yield
        return
    database.drop(COPY)  # as a run that was cut off may have left it
    database.copy(FILLED, COPY)
    try:
        yield
    finally:
        database.drop(COPY)


def _settings(folder: Path, database_url: str | None = None) -> Settings:
    return Settings(data=folder / "data", database_url=database_url)


def command(settings: Settings, *words: str) -> tuple[list[str], dict[str, str]]:
    """A command of Cenote's for a house, and the environment that it needs."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CENOTE_")}
    if settings.database_url is not None:
        environment["CENOTE_DATABASE_URL"] = settings.database_url
    return [sys.executable, "-m", "cenote", *words, "--data", str(settings.data)], environment


@contextmanager
def cenote(
    folder: Path, people: People, *, database_url: str | None = None, database_processes: tuple[int, ...] = ()
) -> Iterator[Running]:
    """Cenote on a filled folder, serving until the block ends."""
    port = free_port()
    serve, environment = command(_settings(folder, database_url), "serve", "--port", str(port))
    with started(serve, port, folder, environment) as (pid, start_s):
        yield Running(port, (pid,), database_processes, people.again(port), start_s)


@contextmanager
def started(
    program: list[str], port: int, folder: Path, environment: dict[str, str]
) -> Iterator[tuple[int, float]]:
    """A server's process, once its port answers, and how long that took; it is stopped at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "server.log").open("wb") as log:
        began = time.perf_counter()
        process = subprocess.Popen(program, stdout=log, stderr=log, env=environment, cwd=folder)
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
