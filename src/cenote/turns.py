"""
Turns at Python: so many calls at a time run in it, in the order of their coming; whoever waits steps aside.

CPython's lock goes to whichever thread is quickest: of thirty callers some waited a hundred times as long as
others, and a flood of sign-ins kept everybody from reading.  With turns the threads stand in line here and
not before that lock.  A call gives its turn up while it waits for a commit, a signature or another core
(`aside`), and stands in line again.  Leaves out what a call does, and which calls are dear (`gate.py`).
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum

WAITING_MAX = 128  # dear calls that have not begun; more are refused
DEAR_PER_ADDRESS_MAX = 96  # dear calls of one address, in line and under way: it does not fill the line alone
FREE_PLACES = 4  # one place in so many, and at least one of several, is never a dear call's
LIGHT_IN_A_ROW = 3  # then a dear call has its turn: whoever only reads goes first, and starves nobody
REFUSED_EVERY = 2  # so many turns, at least, one goes to somebody who is being refused
OVERDUE_S = 0.05  # who runs for so long is no longer waited for


class Rank(IntEnum):
    """What a call costs, as far as its name tells."""

    LIGHT = 0
    DEAR = 1


class LineFull(Exception):
    """Too many dear calls wait, or too many of one address: this one does not stand in line."""


@dataclass(slots=True, eq=False)
class _Call:
    """One call: its rank, the line in which it stands, whether it has begun, since when it has its turn."""

    rank: Rank
    turns: "Turns"
    called: threading.Lock = field(default_factory=threading.Lock)
    line: "deque[_Call] | None" = None
    has_begun: bool = False
    since_s: float = 0.0

    def __post_init__(self) -> None:
        self.called.acquire()


_mine = threading.local()


class Turns:
    """Who runs now, who comes next, and how many have begun."""

    def __init__(self, places: int, at_once: int = 1) -> None:
        """`places`: how many calls may be under way, those that have stepped aside included."""
        self._at_once = at_once
        self._places, self._dear_places = places, max(1, places - max(1, places // FREE_PLACES))
        self._begun = [0, 0]
        self._dear_of: Counter[str] = Counter()
        self._coming: tuple[deque[_Call], deque[_Call]] = (deque(), deque())
        self._returning: tuple[deque[_Call], deque[_Call]] = (deque(), deque())
        self._refused: deque[_Call] = deque()
        self._turns_since_refused = 0
        self._running: set[_Call] = set()
        self._light_in_a_row = 0
        self._guard = threading.Lock()
        self._somebody_waits = threading.Event()
        self._watcher: threading.Thread | None = None
        self._is_closed = False
        self.refused_total = 0

    @property
    def waiting(self) -> int:
        """How many stand in line now."""
        return sum(map(len, (*self._coming, *self._returning, self._refused)))

    @contextmanager
    def mine(self, rank: Rank, address: str = "") -> Iterator[None]:
        """Have a place and a turn; `LineFull` when too many dear calls wait for one."""
        call = _Call(rank, self)
        with self._guard:
            if rank is Rank.DEAR:
                self._let_in(address)
            self._stand_in(self._coming[rank], call)
        try:
            call.called.acquire()
            _mine.call = call
            yield
        finally:
            _mine.call = None
            with self._guard:
                if rank is Rank.DEAR:
                    self._let_out(address)
                self._leave(call)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """A turn without a place, when nobody else wants it, or each second one: what a refusal takes."""
        call = _Call(Rank.LIGHT, self)
        with self._guard:
            self._stand_in(self._refused, call)
        try:
            call.called.acquire()
            yield
        finally:
            with self._guard:
                self._leave(call)

    def step_aside(self, call: _Call) -> None:
        """Let the next have its turn; the place is kept."""
        with self._guard:
            self._running.discard(call)
            self._call_next()

    def return_to(self, call: _Call) -> None:
        """Stand in line again, before those who have not begun."""
        with self._guard:
            self._stand_in(self._returning[call.rank], call)
        call.called.acquire()

    def close(self) -> None:
        """Watch no more."""
        with self._guard:
            self._is_closed = True
            self._somebody_waits.set()
        if self._watcher is not None:
            self._watcher.join()

    def _let_in(self, address: str) -> None:
        if len(self._coming[Rank.DEAR]) >= WAITING_MAX or self._dear_of[address] >= DEAR_PER_ADDRESS_MAX:
            self.refused_total += 1
            raise LineFull
        self._dear_of[address] += 1

    def _let_out(self, address: str) -> None:
        self._dear_of[address] -= 1
        if not self._dear_of[address]:
            del self._dear_of[address]

    def _leave(self, call: _Call) -> None:
        """Give everything back, from wherever the call was interrupted; the guard is held."""
        if call.line is not None:
            call.line.remove(call)
        self._begun[call.rank] -= call.has_begun
        self._running.discard(call)
        self._call_next()

    def _stand_in(self, line: deque[_Call], call: _Call) -> None:
        """Join a line, and have it watched unless it is this call's turn already; the guard is held."""
        line.append(call)
        call.line = line
        self._call_next()
        if call not in self._running and not self._somebody_waits.is_set():
            self._somebody_waits.set()
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="cenote-turns", daemon=True)
                self._watcher.start()

    def _watch(self) -> None:
        """While somebody waits: who has had their turn for too long goes on, and is not waited for."""
        while self._somebody_waits.wait() and not self._is_closed:
            time.sleep(OVERDUE_S)
            with self._guard:
                now_s = time.monotonic()
                self._running = {one for one in self._running if now_s - one.since_s < OVERDUE_S}
                self._call_next()
                if not self.waiting and not self._is_closed:
                    self._somebody_waits.clear()

    def _call_next(self) -> None:
        """Give free turns to whose they are; the guard is held."""
        while len(self._running) < self._at_once:
            call = self._next()
            if call is None:
                return
            call.line, call.since_s = None, time.monotonic()
            self._running.add(call)
            call.called.release()

    def _next(self) -> _Call | None:
        self._turns_since_refused += 1
        call = None if self._turns_since_refused >= REFUSED_EVERY and self._refused else self._next_placed()
        if call is None and self._refused:
            self._turns_since_refused = 0
            return self._refused.popleft()
        return call

    def _next_placed(self) -> _Call | None:
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
        call = self._coming[rank].popleft()
        call.has_begun = True
        self._begun[rank] += 1
        return call


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
        _mine.call = call
        call.turns.return_to(call)
