"""
Which processor cores a process uses: one for Python, the others for what needs no Python.

The interpreter's lock lets one thread run at a time.  On several cores it is torn from one to the other at
every call that gives it up, which costs more than the work (measured: 0.82 ms a GetUser among 32 threads, and
0.32 on one core, at more than twice the rate).  Powers and signatures run without the lock, and elsewhere: on
the same core a flood of sign-ins would starve whoever only reads.  Leaves out how many of them run at once
(`gate.py`).
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Cores:
    """The core on which Python stays, and the others that this process may use."""

    def __init__(self, share: int) -> None:
        """
        Choose a core; processes with other shares choose others.

        Where the system has no such call, or one core only, every thread goes where it likes.
        """
        allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._all = frozenset(allowed)
        self._one = frozenset({allowed[share % len(allowed)]} if len(allowed) > 1 else ())
        self._thread = threading.local()

    @property
    def elsewhere_count(self) -> int:
        """On how many cores powers and signatures may run."""
        return len(self._all - self._one) or os.cpu_count() or 1

    def stay(self) -> None:
        """Keep this thread, and those that it starts, on Python's core; a second call costs nothing."""
        if self._one and not getattr(self._thread, "stays", False):
            _go_to(self._one)
            self._thread.stays = True

    def roam(self) -> None:
        """Let this thread, and those that it starts, run anywhere again."""
        if self._one:
            _go_to(self._all)
            self._thread.stays = False

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Leave Python's core to others meanwhile."""
        if not getattr(self._thread, "stays", False):
            yield
            return
        _go_to(self._all - self._one)
        try:
            yield
        finally:
            _go_to(self._one)


def _go_to(cores: frozenset[int]) -> None:
    """Where a container has taken the cores away since the start, the thread stays where it is."""
    with suppress(OSError):
        os.sched_setaffinity(0, cores)
