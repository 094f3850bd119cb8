"""
What a server holds in its memory stays there: it leaves no core dump, and no other process of its user reads
it.

Root may look into everything, unless its capabilities are gone: so whoever runs these tests as root has both
server and reader begin without any, and is then no more than a user.
"""

import contextlib
import ctypes
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import environment
from tests.serving.test_what_is_told import processes_of
from tests.signed import SignedHouse

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the calls are Linux's")

PR_CAPBSET_DROP = 24
CAPABILITIES_MAX = 64
READY_WAIT_S_MAX = 30
# Everything by which one process may read another: its environment, its memory, a place in it.
LOOK = """
import ctypes, os, sys
from pathlib import Path

def environment(place):
    return Path(place, "environ").read_bytes()

def memory(place):
    with open(f"{place}/mem", "rb") as file:
        file.seek(int(Path(place, "maps").read_text().split("-")[0], 16))
        return file.read(16)

def attached(place):
    if ctypes.CDLL(None, use_errno=True).ptrace(16, int(place.rpartition("/")[2]), 0, 0):
        raise PermissionError
    return b"attached"

for place in sys.argv[1:]:
    for look in (environment, memory, attached):
        try:
            look(place)
            print(place, look.__name__)
        except PermissionError:
            pass
"""
SLEEPER = "import sys, time; print('ready', flush=True); time.sleep(600)"
SHIELD = "from cenote.cli.shielding import shield; shield(); "


def without_capabilities() -> None:
    """Let the process that begins now have none, whoever its user is; only root has any to lose."""
    for capability in range(CAPABILITIES_MAX):
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


class PowerlessHouse(SignedHouse):
    """A server without capabilities, and with its master key in its environment."""

    def start(self, *flags: str) -> "PowerlessHouse":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(*flags),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self.root,
                env=environment() | self.variables,
                preexec_fn=without_capabilities,  # noqa: PLW1509 - this process has one thread here
            )
        while "Cenote answers at" not in self.next_line():
            pass
        return self


@pytest.fixture
def house(tmp_path: Path) -> Iterator[PowerlessHouse]:
    """A running server."""
    own = PowerlessHouse(tmp_path)
    own.variables = {"CENOTE_MASTER_KEY": secrets.token_hex(32)}
    own.start()
    yield own
    own.stop()


@contextlib.contextmanager
def running(program: str) -> Iterator[int]:
    """A process of the same user; its id."""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        preexec_fn=without_capabilities,  # noqa: PLW1509 - the same
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield process.pid
        finally:
            process.kill()


def seen_by_another_process(places: list[str]) -> list[str]:
    """What a process of the same user can read of these."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *places],
        capture_output=True,
        text=True,
        timeout=READY_WAIT_S_MAX,
        preexec_fn=without_capabilities,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_no_other_process_reads_a_server(house: PowerlessHouse) -> None:
    processes = processes_of(house)
    assert len(processes) == 2, "the parent and its worker"
    threads = [str(task) for one in processes for task in Path(f"/proc/{one}/task").iterdir()]
    assert len(threads) > 8
    assert seen_by_another_process([*(f"/proc/{one}" for one in processes), *threads]) == []
    assert house.http("GET", "/health")[0] == 200


def test_the_look_would_see_a_process_that_is_not_shielded() -> None:
    with running(SLEEPER) as open_one, running(SHIELD + SLEEPER) as shielded:
        places = [f"/proc/{one}" for one in (open_one, shielded)]
        assert seen_by_another_process(places) == [
            f"{places[0]} {look}" for look in ("environment", "memory", "attached")
        ]


def test_a_server_that_breaks_leaves_no_core(house: PowerlessHouse) -> None:
    for one in processes_of(house):
        limits = Path(f"/proc/{one}/limits").read_text().splitlines()
        (limit,) = [line.split() for line in limits if line.startswith("Max core file size")]
        assert limit[4:6] == ["0", "0"]
    _parent, worker = processes_of(house)
    os.kill(worker, signal.SIGSEGV)
    assert house.process is not None
    house.process.wait(READY_WAIT_S_MAX)
    assert [one.name for one in house.root.rglob("core*") if one.is_file()] == []


UNLIMITED = """
import contextlib, os, resource
with contextlib.suppress(ValueError):
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
os.abort()
"""


def is_dumped(program: str, folder: Path) -> bool:
    """Whether a process leaves a core dump, or pipes one into a program, when it breaks."""
    process = subprocess.Popen([sys.executable, "-c", program], cwd=folder)
    _process_id, status = os.waitpid(process.pid, 0)
    process.returncode = status
    assert os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status)


def test_a_limit_that_somebody_raises_again_brings_no_core_back(tmp_path: Path) -> None:
    if not is_dumped(UNLIMITED, tmp_path):
        pytest.skip("this system keeps no core dumps")
    assert not is_dumped(SHIELD + UNLIMITED, tmp_path)
