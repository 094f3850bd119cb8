"""
Turns at Python: so many calls at a time run in it, in the order of their coming; whoever waits steps aside.

CPython's lock goes to whichever thread is quickest: of thirty callers some waited a hundred times as long as
others, and a flood of sign-ins kept everybody from reading.  With turns the threads stand in line here and
not before that lock.  A call gives its turn up while it waits for a commit, a signature or another core
(`aside`), and stands in line again.  Leaves out what a call does, and which calls are dear (`gate.py`).
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum

WAITING_MAX = 128  # dear calls that have not begun; more are refused
FREE_PLACES = 4  # one place in so many is never a dear call's
LIGHT_IN_A_ROW = 3  # then a dear call has its turn: whoever only reads goes first, and starves nobody
OVERDUE_S = 0.05  # who runs for so long is no longer waited for
DEAR_LOOK_S = 1.0  # what a dear call that has not begun waits before it looks for whoever is overdue


class Rank(IntEnum):
    """What a call costs, as far as its name tells."""

    LIGHT = 0
    DEAR = 1


@dataclass(slots=True, eq=False)
class _Call:
    """One call: its rank, and since when it has its turn."""

    rank: Rank
    turns: "Turns"
    called: threading.Lock = field(default_factory=threading.Lock)
    since_s: float = 0.0

    def __post_init__(self) -> None:
        self.called.acquire()


_mine = threading.local()


class Turns:
    """Who runs now, who comes next, and how many have begun."""

    def __init__(self, places: int, at_once: int = 1) -> None:
        """`places`: how many calls may be under way, those that have stepped aside included."""
        self._at_once = at_once
        self._places, self._dear_places = places, max(1, places - places // FREE_PLACES)
        self._begun = [0, 0]
        self._coming: tuple[deque[_Call], deque[_Call]] = (deque(), deque())
        self._returning: tuple[deque[_Call], deque[_Call]] = (deque(), deque())
        self._running: set[_Call] = set()
        self._light_in_a_row = 0
        self._guard = threading.Lock()

    @contextmanager
    def mine(self, rank: Rank) -> Iterator[bool]:
        """Have a turn, and a place; False for a call that is to be refused, since too many wait for one."""
        with self._guard:
            is_placed = rank is Rank.LIGHT or len(self._coming[rank]) < WAITING_MAX
            call = _Call(rank if is_placed else Rank.LIGHT, self)
            (self._coming if is_placed else self._returning)[call.rank].append(call)
            self._call_next()
        self._wait(call, DEAR_LOOK_S if call.rank is Rank.DEAR else OVERDUE_S)
        _mine.call = call
        try:
            yield is_placed
        finally:
            _mine.call = None
            with self._guard:
                self._begun[rank] -= is_placed
                self._running.discard(call)
                self._call_next()

    def step_aside(self, call: _Call) -> None:
        """Let the next have its turn; the place is kept."""
        with self._guard:
            self._running.discard(call)
            self._call_next()

    def return_to(self, call: _Call) -> None:
        """Stand in line again, before those who have not begun."""
        with self._guard:
            self._returning[call.rank].append(call)
            self._call_next()
        self._wait(call, OVERDUE_S)

    def _wait(self, call: _Call, look_s: float) -> None:
        """Until it is this call's turn; who has had theirs for too long goes on, and is not waited for."""
        while not call.called.acquire(timeout=look_s):
            with self._guard:
                now_s = time.monotonic()
                self._running = {one for one in self._running if now_s - one.since_s < OVERDUE_S}
                self._call_next()

    def _call_next(self) -> None:
        """Give free turns to whose they are; the guard is held."""
        while len(self._running) < self._at_once:
            call = self._next()
            if call is None:
                return
            call.since_s = time.monotonic()
            self._running.add(call)
            call.called.release()

    def _next(self) -> _Call | None:
        ranks = (Rank.LIGHT, Rank.DEAR) if self._light_in_a_row < LIGHT_IN_A_ROW else (Rank.DEAR, Rank.LIGHT)
        for rank in ranks:
            call = self._first(rank)
            if call is not None:
                self._light_in_a_row = self._light_in_a_row + 1 if rank is Rank.LIGHT else 0
                return call
        return None

    def _first(self, rank: Rank) -> _Call | None:
        """The first in line of a rank: whoever returns, else who comes and finds a place."""
        if self._returning[rank]:
            return self._returning[rank].popleft()
        is_full = rank is Rank.DEAR and self._begun[rank] >= self._dear_places
        if not self._coming[rank] or is_full or sum(self._begun) >= self._places:
            return None
        self._begun[rank] += 1
        return self._coming[rank].popleft()


@contextmanager
def aside() -> Iterator[None]:
    """Step aside while this thread waits for something; a thread that has no turn does nothing."""
    call: _Call | None = getattr(_mine, "call", None)
    if call is None:
        yield
        return
    _mine.call = None
    call.turns.step_aside(call)
    try:
        yield
    finally:
        call.turns.return_to(call)
        _mine.call = call
