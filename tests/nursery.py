"""
Servers and commands that start at once: the real command line, in a process forked from one that has read
its modules.

A `kill -9` and a start cost a tenth of what they cost with a new interpreter, so a test can afford hundreds.
The process, its worker, its port and its files are the real ones; only the imports were done before, and the
RSA keys that pools take in turn: to make two is nearly all of what a pool costs.
"""

import atexit
import base64
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from itertools import cycle
from pathlib import Path
from random import SystemRandom
from typing import IO, NoReturn

from cenote.cli.serving import PR_SET_PDEATHSIG
from cenote.vault.signing import KID_BYTES, SigningKey
from tests.house import House, environment

ASKED_BYTES_MAX = 65_536
DEATH_WAIT_S_MAX = 30
COMMAND_WAIT_S_MAX = 120
RSA_KEYS = 16  # no two of so many that a server makes in a row are the same
_asking = threading.Lock()


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

    _worker = -1  # the process that serves, who may die by itself; none of a server that was not forked

    def _fork(self, *flags: str) -> Born:
        assert not self.variables, "a forked server has the nursery's own environment"
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
        worker, *_others = Path(f"/proc/{born.pid}/task/{born.pid}/children").read_text().split()
        self._worker = os.pidfd_open(int(worker))
        return self

    def wait_for_death(self) -> None:
        """Wait for the end of the process that serves, without its parent's leisurely notice of it."""
        assert self.process is not None
        if self._worker >= 0:
            assert select.select([self._worker], [], [], DEATH_WAIT_S_MAX)[0], "the worker lives"
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
        if self._worker >= 0:
            os.close(self._worker)
        self._worker = -1


def run_command(*words: str) -> "subprocess.CompletedProcess[str]":
    """`cenote WORDS` in a process of its own, from its beginning to its end."""
    ours, theirs = os.pipe()
    with (
        tempfile.TemporaryFile("r+", encoding="utf-8") as stdout,
        tempfile.TemporaryFile("r+", encoding="utf-8") as stderr,
        os.fdopen(ours) as told,
    ):
        pid = _fork(list(words), stdout.fileno(), stderr.fileno(), theirs)
        os.close(theirs)
        status = _status_told(told, pid)
        stdout.seek(0)
        stderr.seek(0)
        return subprocess.CompletedProcess(["cenote", *words], status, stdout.read(), stderr.read())


def _status_told(told: IO[str], pid: int) -> int:
    """The exit status that a process tells before its end; -1 of one that an error or a signal ended."""
    if not select.select([told], [], [], COMMAND_WAIT_S_MAX)[0]:
        os.kill(pid, signal.SIGKILL)
        raise subprocess.TimeoutExpired("cenote", COMMAND_WAIT_S_MAX)
    return int(told.read() or "-1")


def _fork(words: list[str], *descriptors: int) -> int:
    """Have `cenote WORDS` started with these for stdout, stderr and its exit status; its process id."""
    with _asking:
        nursery = _nursery()
        socket.send_fds(nursery, [json.dumps(words).encode()], descriptors)
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
    keys = [SigningKey.new().private_der for _ in range(RSA_KEYS)]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system reaps them
    while True:
        request, descriptors, _flags, _from = socket.recv_fds(line, ASKED_BYTES_MAX, 3)
        if not request:
            return
        pid = os.fork()
        if pid == 0:
            line.close()
            _take_turns(keys)
            _become(json.loads(request), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        line.send(str(pid).encode())


def _take_turns(keys: list[bytes]) -> None:
    """Have pools sign with these RSA keys in turn, from anywhere among them, each under an id of its own."""
    turns = cycle(SystemRandom().sample(keys, len(keys)))

    def new() -> SigningKey:
        return SigningKey(base64.b64encode(os.urandom(KID_BYTES)).decode(), next(turns))

    SigningKey.new = staticmethod(new)  # type: ignore[method-assign]


def _become(words: list[str], stdout: int, stderr: int, told: int | None = None) -> NoReturn:
    """In the child: be what `python -m cenote WORDS` would be, and end with the nursery."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for descriptor, number in ((stdout, 1), (stderr, 2)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    from cenote.cli.main import main

    sys.argv = ["cenote", *words]
    status: str | int | None = 0
    try:
        main()
    except SystemExit as end:
        status = end.code or 0
    if told is not None:
        os.write(told, str(status).encode())
    sys.exit(status)


if __name__ == "__main__":
    import cenote.app
    import cenote.cli.main
    import cenote.cli.serving
    import cenote.store.postgres

    cenote.app.load_operations()
    _serve_forks(socket.socket(fileno=int(sys.argv[1])))
