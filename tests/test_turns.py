"""Turns: so many at a time, in the order of coming, those who read first, and nobody is starved or lost."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from itertools import pairwise

import pytest

from cenote import turns as module
from cenote.turns import (
    DEAR_PER_ADDRESS_MAX,
    FREE_PLACES,
    LIGHT_IN_A_ROW,
    WAITING_MAX,
    LineFull,
    Rank,
    Turns,
    aside,
)

WAIT_S_MAX = 20
LIGHT, DEAR = Rank.LIGHT, Rank.DEAR


class Caller(threading.Thread):
    """A call that runs until it is let go, then steps aside (if it waits) until it is let back, and ends."""

    def __init__(
        self,
        turns: Turns,
        rank: Rank = LIGHT,
        *,
        name: str = "",
        order: list[str] | None = None,
        waits: bool = True,
        address: str = "",
    ) -> None:
        super().__init__(daemon=True, name=name)
        self._turns, self._rank, self._waits, self._address = turns, rank, waits, address
        self._order = [] if order is None else order
        self.runs, self.go, self.away = threading.Event(), threading.Event(), threading.Event()
        self.back, self.runs_again, self.end = threading.Event(), threading.Event(), threading.Event()
        self.is_placed = False

    def run(self) -> None:
        with self._turns.mine(self._rank, self._address):
            self.is_placed = True
            self._order.append(self.name)
            self.runs.set()
            assert self.go.wait(WAIT_S_MAX)
            if not self._waits:
                return
            with aside():
                self.away.set()
                assert self.back.wait(WAIT_S_MAX)
            self._order.append(f"{self.name} again")
            self.runs_again.set()
            assert self.end.wait(WAIT_S_MAX)

    def finish(self) -> None:
        """Let it do all that is left."""
        for event in (self.go, self.back, self.end):
            event.set()


def end(*callers: Caller) -> None:
    """Let them do all that is left, and wait until they have."""
    for caller in callers:
        caller.finish()
    for caller in callers:
        caller.join(WAIT_S_MAX)
        assert not caller.is_alive()


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread brings about."""
    end = time.monotonic() + WAIT_S_MAX
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.001)


def in_line(turns: Turns) -> int:
    return turns.waiting


def queued(turns: Turns, caller: Caller) -> Caller:
    """Start a caller, and wait until it stands in line behind those before it."""
    before = in_line(turns)
    caller.start()
    until(lambda: in_line(turns) == before + 1)
    return caller


def await_watch(turns: Turns) -> None:
    """Wait until somebody has stood in line."""
    until(lambda: turns._watcher is not None)


@pytest.fixture(autouse=True)
def _patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is overdue, but where a test is about that."""
    if "overdue" not in request.node.name:
        monkeypatch.setattr(module, "OVERDUE_S", WAIT_S_MAX * 2)


def running(turns: Turns, rank: Rank = LIGHT, **words: object) -> Caller:
    caller = Caller(turns, rank, **words)  # type: ignore[arg-type]
    caller.start()
    assert caller.runs.wait(WAIT_S_MAX)
    return caller


@pytest.mark.parametrize("at_once", [1, 3])
def test_so_many_run_at_once_and_the_others_in_the_order_of_their_coming(at_once: int) -> None:
    turns = Turns(64, at_once)
    inside = [running(turns, waits=False) for _one in range(at_once)]
    others = [queued(turns, Caller(turns, waits=False)) for _one in range(5)]
    while others:
        assert not any(caller.runs.is_set() for caller in others)
        end(inside.pop(0))
        inside.append(others.pop(0))
        assert inside[-1].runs.wait(WAIT_S_MAX)
    end(*inside)


def test_who_steps_aside_lets_the_next_run_and_returns_before_who_has_not_begun() -> None:
    turns, order = Turns(64), list[str]()
    one = running(turns, name="one", order=order)
    two = queued(turns, Caller(turns, name="two", order=order))
    three = queued(turns, Caller(turns, name="three", order=order))
    one.go.set()
    assert two.runs.wait(WAIT_S_MAX)
    one.back.set()
    until(lambda: in_line(turns) == 2)
    assert not one.runs_again.is_set()
    two.go.set()
    assert one.runs_again.wait(WAIT_S_MAX)
    assert not three.runs.is_set()
    assert order == ["one", "two", "one again"]
    end(one, two, three)


def test_who_reads_goes_before_who_signs_in_and_starves_nobody() -> None:
    turns, order = Turns(64), list[str]()
    first = running(turns, waits=False)
    names = [(DEAR, "dear 0"), (DEAR, "dear 1"), *((LIGHT, f"light {n}") for n in range(2 * LIGHT_IN_A_ROW))]
    others = [queued(turns, Caller(turns, rank, name=name, order=order, waits=False)) for rank, name in names]
    end(first, *others)
    places = [order.index("dear 0"), order.index("dear 1")]
    assert places[0] in range(1, LIGHT_IN_A_ROW + 1)
    assert places[1] - places[0] == LIGHT_IN_A_ROW + 1
    assert [name for name in order if name.startswith("light")] == [name for _rank, name in names[2:]]


@pytest.mark.parametrize("places", [1, 2, 4, 64])
def test_a_flood_of_sign_ins_leaves_places_for_who_reads_and_its_line_has_an_end(places: int) -> None:
    turns = Turns(places)
    dear_places = max(1, places - max(1, places // FREE_PLACES))
    inside = [running(turns, DEAR) for _one in range(1)]
    for _one in range(dear_places - 1):  # each of them waits for something, and keeps its place
        inside[-1].go.set()
        inside.append(running(turns, DEAR))
    inside[-1].go.set()
    assert all(caller.away.wait(WAIT_S_MAX) for caller in inside)
    waiting = [queued(turns, Caller(turns, DEAR, address=f"{n % 3}")) for n in range(WAITING_MAX)]
    with pytest.raises(LineFull), turns.mine(DEAR, "elsewhere"):
        pass
    assert turns.refused_total == 1
    if places > dear_places:
        reader = running(turns)
        assert reader.is_placed is True
        end(reader)
    assert not any(caller.runs.is_set() for caller in waiting)
    end(*inside, *waiting)
    assert all(caller.is_placed for caller in (*inside, *waiting))
    assert turns._begun == [0, 0]


def test_one_address_does_not_fill_the_line_alone() -> None:
    turns = Turns(64)
    first = running(turns, waits=False)
    its = [queued(turns, Caller(turns, DEAR, address="eve")) for _one in range(DEAR_PER_ADDRESS_MAX)]
    with pytest.raises(LineFull), turns.mine(DEAR, "eve"):
        pass
    others = queued(turns, Caller(turns, DEAR, address="ann"))
    end(first, *its, others)
    with turns.mine(DEAR, "eve"):  # what is over counts no more
        assert list(turns._dear_of) == ["eve"]
    assert not turns._dear_of


def test_whoever_is_refused_keeps_nobody_from_reading() -> None:
    """However many are refused meanwhile: of two turns one is for others."""
    turns = Turns(2)
    inside = running(turns, DEAR)
    inside.go.set()
    assert inside.away.wait(WAIT_S_MAX)
    waiting = [queued(turns, Caller(turns, DEAR, address=f"{n % 3}")) for n in range(WAITING_MAX)]
    goes_on = threading.Event()

    def flood() -> None:
        while not goes_on.is_set():
            with suppress(LineFull), turns.mine(DEAR, "flood"):
                pass
            with turns.refusing():
                pass

    floods = [threading.Thread(target=flood, daemon=True) for _one in range(4)]
    for one in floods:
        one.start()
    until(lambda: turns.refused_total > 1_000)
    for _reader in range(20):
        with turns.mine(LIGHT):
            pass
    goes_on.set()
    for one in floods:
        one.join(WAIT_S_MAX)
    end(inside, *waiting)


class Interrupted(BaseException):
    """What a signal may raise in the main thread, anywhere."""


class Cut:
    """What a call waits at, as often as it may before it is interrupted."""

    def __init__(self, waits: int) -> None:
        self._lock, self._waits = threading.Lock(), waits
        self._lock.acquire()

    def acquire(self) -> None:
        if not self._waits:
            raise Interrupted
        self._waits -= 1
        self._lock.acquire()

    def release(self) -> None:
        self._lock.release()


@pytest.mark.parametrize("waits", [0, 1], ids=["in line", "on its return"])
@pytest.mark.parametrize("is_busy", [True, False])
def test_who_is_interrupted_while_it_waits_takes_nothing_along(
    monkeypatch: pytest.MonkeyPatch, waits: int, *, is_busy: bool
) -> None:
    turns = Turns(2, at_once=1 if waits == 0 else 2)
    others = [running(turns, waits=False)] if is_busy else []
    with monkeypatch.context() as patch:
        patch.setattr(module._Call, "__post_init__", lambda call: setattr(call, "called", Cut(waits)))
        with pytest.raises(Interrupted), turns.mine(DEAR), aside():
            pass
    end(*others)
    with turns.mine(DEAR):
        pass
    assert (turns._begun, turns._running, turns.waiting) == ([0, 0], set(), 0)
    assert not turns._dear_of


def test_not_more_calls_are_under_way_than_there_are_places() -> None:
    turns = Turns(2)
    inside = [running(turns)]
    inside[0].go.set()
    inside.append(running(turns))
    inside[1].go.set()
    assert all(caller.away.wait(WAIT_S_MAX) for caller in inside)
    third = queued(turns, Caller(turns))
    assert not third.runs.is_set()
    inside[0].finish()
    assert third.runs.wait(WAIT_S_MAX)
    end(*inside, third)


def test_a_call_that_fails_gives_its_turn_and_its_place_back() -> None:
    turns = Turns(1)
    for _time in range(3):
        with pytest.raises(ZeroDivisionError), turns.mine(LIGHT):
            1 // 0  # noqa: B018
        with pytest.raises(ZeroDivisionError), turns.mine(DEAR), aside():
            1 // 0  # noqa: B018
    with turns.mine(DEAR):
        pass
    assert (turns._begun, turns._running) == ([0, 0], set())


def test_an_overdue_call_goes_on_and_nobody_waits_for_it() -> None:
    turns = Turns(64)
    stuck = running(turns)
    others = [running(turns) for _one in range(3)]  # each of them is overdue before the next has its turn
    end(*others, stuck)
    assert (turns._begun, turns._running) == ([0, 0], set())


def test_the_watch_ends_at_whatever_moment_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OVERDUE_S", 0.001)
    for step in range(200):
        turns = Turns(4)
        first, second = running(turns, waits=False), Caller(turns, waits=False)
        second.start()
        await_watch(turns)  # it stood in line, and may have its turn by now
        end(first, second)
        time.sleep(step / 100_000)
        closing = threading.Thread(target=turns.close, daemon=True)
        closing.start()
        closing.join(WAIT_S_MAX)
        assert not closing.is_alive()


def test_a_thread_without_a_turn_steps_aside_for_nobody() -> None:
    with aside(), aside():
        pass


def test_of_many_threads_never_more_run_than_may_and_all_get_through() -> None:
    turns, guard = Turns(16, 2), threading.Lock()
    inside, most, done = 0, 0, list[int]()

    def count(by: int) -> None:
        nonlocal inside, most
        with guard:
            inside += by
            most = max(most, inside)

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _call in range(60):
            with turns.mine(chance.choice((LIGHT, DEAR))):
                for wait in range(chance.randrange(1, 4)):
                    with aside() if wait else nullcontext():
                        time.sleep(chance.random() / 5_000)
                    count(1)
                    time.sleep(chance.random() / 20_000)
                    count(-1)
            done.append(seed)

    with ThreadPoolExecutor(24) as threads:
        for result in [threads.submit(work, seed) for seed in range(24)]:
            result.result(WAIT_S_MAX * 2)
    assert most == 2
    assert len(done) == 24 * 60
    assert (turns._begun, turns._running, in_line(turns)) == ([0, 0], set(), 0)


def test_a_waiting_thread_is_called_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One turn after another, from one thread to the next: the order of the calls is that of the turns."""
    turns, spans = Turns(64), list[tuple[float, float]]()

    def work(_number: int) -> None:
        with turns.mine(LIGHT):
            began = time.perf_counter()
            sum(range(200))
            spans.append((began, time.perf_counter()))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(400)))
    assert all(one[1] <= two[0] for one, two in pairwise(sorted(spans)))
