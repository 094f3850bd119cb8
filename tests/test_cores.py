"""Python stays on one core of the machine, and powers go elsewhere."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from cenote.cores import Cores
from cenote.gate import Gate
from tests.house import House, Tenant

T = TypeVar("T")
ALL = os.sched_getaffinity(0)
needs_two = pytest.mark.skipif(len(ALL) < 2, reason="a machine of one core has nothing to choose")


def in_a_thread(body: Callable[[], T]) -> T:
    """What the body answers in a thread of its own, so that the test's own thread goes where it likes."""
    answers: list[T] = []
    thread = threading.Thread(target=lambda: answers.append(body()))
    thread.start()
    thread.join()
    return answers[0]


def here() -> set[int]:
    return os.sched_getaffinity(0)


@needs_two
def test_a_thread_stays_on_one_core_and_its_powers_leave_that_core_alone():
    cores = Cores(share=0)

    def body():
        cores.stay()
        return here(), Gate(cores).run(here), here()

    before, during, after = in_a_thread(body)
    assert before == after == {min(ALL)}
    assert during == ALL - before


@needs_two
def test_a_thread_that_did_not_ask_goes_where_it_likes():
    cores = Cores(share=0)
    assert in_a_thread(lambda: (here(), Gate(cores).run(here))) == (ALL, ALL)


@needs_two
def test_threads_begun_by_one_that_stays_stay_too_until_it_roams():
    cores = Cores(share=0)

    def body():
        cores.stay()
        held = in_a_thread(here)
        cores.roam()
        return held, here(), in_a_thread(here)

    assert in_a_thread(body) == ({min(ALL)}, ALL, ALL)


@needs_two
def test_processes_with_other_shares_take_other_cores():
    def core_of(share: int) -> set[int]:
        cores = Cores(share)

        def body():
            cores.stay()
            return here()

        return in_a_thread(body)

    assert {frozenset(core_of(share)) for share in range(len(ALL))} == {frozenset({core}) for core in ALL}


def test_on_one_core_nothing_is_changed(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _thread: {0})
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: pytest.fail("moved"))
    cores = Cores(share=3)
    cores.stay()
    assert cores.elsewhere_count >= 1
    assert Gate(cores).run(lambda: "done") == "done"
    cores.roam()


def test_cores_that_were_taken_away_since_the_start_are_missed_by_nobody(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _thread: {1_000, 1_001})  # no machine has them here
    cores = Cores(share=0)
    monkeypatch.undo()

    def body():
        cores.stay()
        done = Gate(cores).run(lambda: "done")
        cores.roam()
        return done, here()

    assert in_a_thread(body) == ("done", ALL)


@needs_two
def test_a_server_answers_on_one_core(own_house: House):
    tenant = Tenant(own_house.start())
    tokens = tenant.user("ann")
    tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])
    assert own_house.process is not None
    children = Path(f"/proc/{own_house.process.pid}/task/{own_house.process.pid}/children").read_text()
    worker = Path(f"/proc/{children.split()[-1]}/task")
    where = [os.sched_getaffinity(int(task.name)) for task in worker.iterdir()]
    staying = [cores for cores in where if len(cores) == 1]
    assert staying
    assert all(cores == staying[0] for cores in staying)
    assert ALL in where  # the HTTP server's own threads
