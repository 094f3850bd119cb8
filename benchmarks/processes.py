"""
What a tree of processes has used: processor time to the nanosecond, memory as the kernel shares it out.

Reads Linux's own books and asks no process anything.  Leaves out whose processes they are (`servers.py`).
"""

import contextlib
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_WAITED_FOR = slice(13, 15)  # cutime and cstime, counted from the state behind the name
_BACKEND = re.compile(rb"postgres: \S+ \S+ (\[local\]|\S+\([0-9]+\))")  # user, database, from where
_CPU_CLOCK = 2  # the kind of a clock id: all the processor time of one process


@dataclass(frozen=True, slots=True)
class Memory:
    """
    Bytes: resident as each process counts it, and with shared pages divided by who shares them.

    Of the latter what is no file's: a library's pages weigh more once another program that used it has ended.
    """

    resident: int
    proportional: int
    anonymous: int


def tree_of(roots: Iterable[int]) -> Iterator[int]:
    """These processes and all that descend from them, as far as they are there now."""
    for pid in roots:
        yield pid
        children: list[int] = []
        with contextlib.suppress(OSError):
            for task in (_PROC / str(pid) / "task").iterdir():
                children += [int(child) for child in (task / "children").read_text().split()]
        yield from tree_of(children)


def cpu_s(roots: Iterable[int]) -> float:
    """
    The processor time of a tree so far, user and system, its ended children's included.

    The kernel's clock of a process, not the ticks of its `stat`: a tick is the price of forty calls.
    """
    total = 0.0
    for pid in tree_of(roots):
        with contextlib.suppress(OSError):
            total += time.clock_gettime(~pid << 3 | _CPU_CLOCK)
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[_WAITED_FOR])) / _TICKS_PER_S
    return total


def memory(roots: Iterable[int]) -> Memory:
    """What a tree holds in memory now."""
    sizes = dict.fromkeys(("Rss", "Pss", "Pss_Anon"), 0)
    for pid in tree_of(roots):
        with contextlib.suppress(OSError):
            for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
                name, _, size = line.partition(":")
                if name in sizes:
                    sizes[name] += int(size.split()[0]) * 1024
    return Memory(sizes["Rss"], sizes["Pss"], sizes["Pss_Anon"])


def threads(roots: Iterable[int]) -> int:
    """How many threads a tree has now."""
    return sum(_entries(pid, "task") for pid in tree_of(roots))


def files(roots: Iterable[int]) -> int:
    """How many files a tree holds open now, sockets and pipes among them."""
    return sum(_entries(pid, "fd") for pid in tree_of(roots))


def backends(roots: Iterable[int]) -> int:
    """How many connections of clients a PostgreSQL server has, by the titles of its processes."""
    count = 0
    for pid in tree_of(roots):
        with contextlib.suppress(OSError):
            title = (_PROC / str(pid) / "cmdline").read_bytes()
            count += _BACKEND.match(title) is not None
    return count


def _entries(pid: int, kind: str) -> int:
    try:
        return sum(1 for _entry in (_PROC / str(pid) / kind).iterdir())
    except OSError:
        return 0


def machine_busy_s() -> float:
    """The processor time that the whole machine has spent so far, on whatever it was."""
    words = (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts = map(int, words[:7])
    return (user + nice + system + interrupts + soft_interrupts) / _TICKS_PER_S
