"""
The gate before powers and signatures: as many at once as there are cores for them, and a queue with an end.

A flood of sign-ins then waits here and nowhere else, and a call that only reads is left alone.
"""

import os
import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

from cenote.cores import Cores
from cenote.errors import TooManyRequestsException

T = TypeVar("T")

WAITING_MAX = 256
FREE_THREADS = 4  # one in so many threads is never in the gate or before it: it stays free for who only reads
WAIT_S_MAX = 10.0


def waiting_max(threads: int) -> int:
    """How many may wait, of so many threads, so that some are left for calls that only read."""
    return max(1, threads - threads // FREE_THREADS - (os.cpu_count() or 1))


class Gate:
    """Permits for work that is dear in processor time."""

    def __init__(self, cores: Cores | None = None, *, waiting_max: int = WAITING_MAX) -> None:
        permits = cores.elsewhere_count if cores is not None else os.cpu_count() or 1
        self._elsewhere = nullcontext if cores is None else cores.elsewhere
        self._permits = threading.Semaphore(permits)
        self._places = threading.Semaphore(permits + waiting_max)

    def run(self, work: Callable[[], T]) -> T:
        """Do the work when it is its turn; `TooManyRequestsException` when the queue is full or too slow."""
        if not self._places.acquire(blocking=False):
            raise TooManyRequestsException(detail="the gate's queue is full")
        try:
            if not self._permits.acquire(timeout=WAIT_S_MAX):
                raise TooManyRequestsException(detail="the gate's queue is too slow")
            try:
                with self._elsewhere():
                    return work()
            finally:
                self._permits.release()
        finally:
            self._places.release()
