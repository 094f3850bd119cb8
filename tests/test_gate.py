"""The gate before powers and signatures: so many at once, a queue with an end, nothing lost by a failure."""

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from cenote.errors import TooManyRequestsException
from cenote.gate import Gate

WAITING = 2
PERMITS = os.cpu_count() or 1
WAIT_S_MAX = 20


class Crowd:
    """Threads in the gate and before it, until they are let go."""

    def __init__(self, gate: Gate, size: int) -> None:
        self._gate, self._open = gate, threading.Event()
        self._inside, self._change = 0, threading.Condition()
        self.most = 0
        self._threads = ThreadPoolExecutor(size)
        self.works: list[Future[str]] = [self._threads.submit(gate.run, self._work) for _one in range(size)]

    def _work(self) -> str:
        with self._change:
            self._inside += 1
            self.most = max(self.most, self._inside)
            self._change.notify_all()
        assert self._open.wait(WAIT_S_MAX)
        with self._change:
            self._inside -= 1
        return "done"

    def wait_until_inside(self, count: int) -> None:
        with self._change:
            assert self._change.wait_for(lambda: self._inside == count, WAIT_S_MAX)

    def let_go(self) -> list[str]:
        self._open.set()
        with self._threads:
            return [work.result(WAIT_S_MAX) for work in self.works]


def test_so_many_are_inside_at_once_and_who_finds_the_queue_full_is_refused_at_once() -> None:
    gate = Gate(waiting_max=WAITING)
    crowd = Crowd(gate, PERMITS + WAITING)
    crowd.wait_until_inside(PERMITS)
    while gate._places._value:  # until the others stand before the gate
        pass
    with pytest.raises(TooManyRequestsException):
        gate.run(lambda: "never")
    assert crowd.let_go() == ["done"] * (PERMITS + WAITING)
    assert crowd.most == PERMITS
    assert gate.run(lambda: "again") == "again"


def test_work_that_fails_gives_its_place_back() -> None:
    gate = Gate(waiting_max=0)
    for _time in range(2 * PERMITS + 2):
        with pytest.raises(ZeroDivisionError):
            gate.run(lambda: 1 // 0)
    assert gate.run(lambda: "still open") == "still open"
