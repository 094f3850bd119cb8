"""
Servers that start at once: the real command line, in a process forked from one that has read its modules.

A `kill -9` and a start cost a tenth of what they cost with a new interpreter, so a test can afford hundreds.
The process, its worker, its port and its files are the real ones; only the imports were done before.
"""

import atexit
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import NoReturn

from cenote.cli.serving import PR_SET_PDEATHSIG
from tests.house import House, environment

ASKED_BYTES_MAX = 65_536
DEATH_WAIT_S_MAX = 30


class Born:
    """A process that the nursery forked, with the part of Popen's face that a house needs."""

    def __init__(self, pid: int, stdout: int) -> None:
        self.pid = pid
        self.stdout = os.fdopen(stdout, "r", encoding="utf-8")
        try:
            self._ended = os.pidfd_open(pid)
        except ProcessLookupError:  # it is dead already, and its pidfd would say just that
            self._ended = -1

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def wait(self, timeout: float) -> None:
        """Wait for the end, which the nursery reaps."""
        if self._ended < 0:
            return
        if not select.select([self._ended], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("a forked server", timeout)
        os.close(self._ended)
        self._ended = -1

    def _send(self, number: signal.Signals) -> None:
        if self._ended >= 0 and not select.select([self._ended], [], [], 0)[0]:
            signal.pidfd_send_signal(self._ended, number)


class QuickHouse(House):
    """A house whose server is forked."""

    _worker = -1  # the process that serves: who may die by itself

    def _fork(self, *flags: str) -> Born:
        ours, theirs = os.pipe()
        with self.log.open("ab") as log:
            pid = _fork(self.command(*flags)[3:], theirs, log.fileno())
        os.close(theirs)
        return Born(pid, ours)

    def start_and_kill(self, after_s: float, *flags: str) -> None:
        """A start that is ended after so long, whether it came to its end by then or not."""
        born = self._fork(*flags)
        time.sleep(after_s)
        born.kill()
        born.wait(timeout=DEATH_WAIT_S_MAX)
        born.stdout.read()  # until whoever else holds the other end, the worker, is gone too
        born.stdout.close()

    def start(self, *flags: str) -> "QuickHouse":
        born = self._fork(*flags)
        self.process = born  # type: ignore[assignment]  # it has of Popen what a house asks for
        line = next((line for line in born.stdout if line.startswith("Cenote answers at")), "")
        assert line, f"no start: {self.log.read_text()[-2000:]}"
        (worker,) = Path(f"/proc/{born.pid}/task/{born.pid}/children").read_text().split()
        self._worker = os.pidfd_open(int(worker))
        return self

    def wait_for_death(self) -> None:
        """Wait for the end of the process that serves, without its parent's leisurely notice of it."""
        assert self.process is not None
        ended, _, _ = select.select([self._worker], [], [], DEATH_WAIT_S_MAX)
        assert ended, "the worker lives"
        self.process.kill()
        super().wait_for_death()

    def kill(self) -> None:
        """As `kill -9` of the parent, with which the worker goes."""
        assert self.process is not None
        self.process.kill()
        self.wait_for_death()

    def kill_worker(self) -> None:
        """As a machine that runs out of memory would."""
        signal.pidfd_send_signal(self._worker, signal.SIGKILL)
        self.wait_for_death()

    def _close(self) -> None:
        super()._close()
        os.close(self._worker)


def _fork(words: list[str], stdout: int, stderr: int) -> int:
    """Have `cenote WORDS` started with these for its output; its process id."""
    nursery = _nursery()
    request = json.dumps(words).encode()
    socket.send_fds(nursery, [request], [stdout, stderr])
    return int(nursery.recv(ASKED_BYTES_MAX))


@cache
def _nursery() -> socket.socket:
    """The line to this process's nursery, which ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        forking = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            cwd=Path(__file__).parents[1],
            env=environment(),
        )
    atexit.register(_end, ours, forking)
    return ours


def _end(line: socket.socket, forking: "subprocess.Popen[bytes]") -> None:
    line.close()
    forking.wait()


def _serve_forks(line: socket.socket) -> None:
    """Fork for whoever asks, until nobody is there any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system reaps them
    while True:
        request, descriptors, _flags, _from = socket.recv_fds(line, ASKED_BYTES_MAX, 2)
        if not request:
            return
        pid = os.fork()
        if pid == 0:
            line.close()
            _become(json.loads(request), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        line.send(str(pid).encode())


def _become(words: list[str], stdout: int, stderr: int) -> NoReturn:
    """In the child: be what `python -m cenote WORDS` would be, and end with the nursery."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for descriptor, number in ((stdout, 1), (stderr, 2)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    from cenote.cli.main import main

    sys.argv = ["cenote", *words]
    main()
    sys.exit(0)


if __name__ == "__main__":
    import cenote.app
    import cenote.cli.main
    import cenote.cli.serving
    import cenote.store.postgres

    cenote.app.load_operations()
    _serve_forks(socket.socket(fileno=int(sys.argv[1])))
