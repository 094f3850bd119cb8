"""
What a backup costs, and the way back: the house copied, restored beside its present keys, and looked at.

Each way ends with a count, with the doctor, and with a user who asks the restored house who they are.  Leaves
out archives of a journal, whose time depends on how much there is to replay.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks.calls import Line
from benchmarks.houses import FILLED, MIB, folder_mib
from benchmarks.postgres import Postgres, postgres
from benchmarks.processes import cpu_s, machine_busy_s
from benchmarks.servers import CenoteHouse, Copy, command
from cenote.settings import Settings

CENOTES_OWN = "cenote backup, cenote restore"
BASE_BACKUP = "pg_basebackup, a server on the copy"
_BACK = re.compile(r"(\d+) users are back")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupTimes:
    """One way out and back, at one size."""

    way: str
    server: str
    users: int
    backup_s: float
    mib: float
    restore_s: float
    doctor_s: float
    users_back: int
    others_cores: float


def backups(name: str, house: CenoteHouse) -> Iterator[BackupTimes]:
    """Each way of the engine; an error when somebody is missing, or the doctor finds an alarm."""
    with _emptied(house.root / "backup") as folder:
        yield complete(_cenotes_own(name, house, folder))
    if house.database is not None:
        with _emptied(house.root / "backup") as folder:
            yield complete(_base_backup(name, house, house.database, folder))


def _cenotes_own(name: str, house: CenoteHouse, folder: Path) -> BackupTimes:
    """The stream of either engine, into a file and out of it."""
    shutil.copytree(house.root / FILLED, folder / "restored", ignore=shutil.ignore_patterns("data"))
    watch, file = _Watch(_pids(house.database)), folder / "backup"
    with house.copied() as copy:
        backup_s, _said = _timed(copy.settings, "backup", str(file))
    restored = Copy(folder / "restored", house.people, house.database, "restored")
    with _new_database(restored):
        restore_s, said = _timed(restored.settings, "restore", str(file))
        back = _BACK.search(said)
        if back is None:
            raise RuntimeError(f"the restore did not say who is back: {said[-300:]}")
        doctor_s, _said = _timed(restored.settings, "doctor")
        _ask_who(restored)
    return BackupTimes(
        way=CENOTES_OWN,
        server=name,
        users=house.people.users,
        backup_s=backup_s,
        mib=file.stat().st_size / MIB,
        restore_s=restore_s,
        doctor_s=doctor_s,
        users_back=int(back[1]),
        others_cores=watch.others_cores(),
    )


def _base_backup(name: str, house: CenoteHouse, database: Postgres, folder: Path) -> BackupTimes:
    """PostgreSQL's own files, as `docs/guides/postgresql.md` advises, without an archive."""
    shutil.copytree(house.root / FILLED, folder / "restored")
    watch, began = _Watch([database.pid]), time.perf_counter()
    database.base_backup(folder / "cluster")
    backup_s = time.perf_counter() - began
    mib, began = folder_mib(folder / "cluster"), time.perf_counter()
    with postgres(folder / "cluster") as server:
        restore_s = time.perf_counter() - began
        restored = Copy(folder / "restored", house.people, server, FILLED)
        doctor_s, _said = _timed(restored.settings, "doctor")
        _ask_who(restored)
        return BackupTimes(
            way=BASE_BACKUP,
            server=name,
            users=house.people.users,
            backup_s=backup_s,
            mib=mib,
            restore_s=restore_s,
            doctor_s=doctor_s,
            users_back=_count(restored),
            others_cores=watch.others_cores(server.pid),
        )


def complete(times: BackupTimes) -> BackupTimes:
    """The same times; an error where somebody is missing."""
    if times.users_back != times.users:
        raise RuntimeError(f"{times.way}: {times.users_back:,} of {times.users:,} users are back")
    return times


def _timed(settings: Settings, *words: str) -> tuple[float, str]:
    """Seconds of a command of Cenote's, and what it said; an error when it fails."""
    program, environment = command(settings, *words)
    began = time.perf_counter()
    done = subprocess.run(program, capture_output=True, text=True, check=False, env=environment)
    seconds, said = time.perf_counter() - began, done.stdout + done.stderr
    if done.returncode != 0:
        raise RuntimeError(f"cenote {words[0]} failed: {said[-500:]}")
    return seconds, said


def _ask_who(house: Copy) -> None:
    """One who was signed in before still is, and their profile opens."""
    with house.running() as running, closing(Line(running.port)) as line:
        line.ask("GetUser", AccessToken=running.people.access_tokens[0])


def _count(house: Copy) -> int:
    with psycopg.connect(house.settings.database_url or "") as connection:
        row = connection.execute("select count(*) from users").fetchone()
    return 0 if row is None else int(row[0])


@contextmanager
def _new_database(house: Copy) -> Iterator[None]:
    """Where the house needs a database server, an empty database for as long as the block lasts."""
    if house.database is None:
        yield
        return
    house.database.drop(house.database_name)
    house.database.run(f"create database {house.database_name}")
    try:
        yield
    finally:
        house.database.drop(house.database_name)


@contextmanager
def _emptied(folder: Path) -> Iterator[Path]:
    """A new folder that is gone afterwards; a server of another account may look into it."""
    folder.mkdir(mode=0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _pids(database: Postgres | None) -> list[int]:
    return [] if database is None else [database.pid]


@dataclass(slots=True)
class _Watch:
    """How much the machine does meanwhile that is none of ours: neither a command nor a database server."""

    pids: Sequence[int]
    began_s: float = field(init=False)
    foreign_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.began_s, self.foreign_s = time.perf_counter(), _foreign_s(self.pids)

    def others_cores(self, *more: int) -> float:
        """On average since the beginning, in cores; with more servers of ours that came later."""
        foreign_s = _foreign_s([*self.pids, *more]) - self.foreign_s
        return max(foreign_s / (time.perf_counter() - self.began_s), 0.0)


def _foreign_s(pids: Sequence[int]) -> float:
    """Processor time so far of everything but this process, its children that have ended, and these trees."""
    return machine_busy_s() - sum(os.times()[:4]) - cpu_s(pids)
