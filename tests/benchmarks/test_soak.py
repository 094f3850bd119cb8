"""A server is soaked for a moment and stays as it was; and whatever grows would be seen."""

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.people import People
from benchmarks.servers import Running, free_port
from benchmarks.soak import ENGINES, LIMITS, Plan, Sample, Soaked, soak, watch
from benchmarks.trends import Limit, trend
from tests.conftest import ENGINES as TESTED
from tests.everyday import of_which

MOMENT = Plan(seconds=6, staying=200, capacity_s=1.0)
WARMING = LIMITS | {"memory, MiB": Limit(16.0)}  # within seconds each thread fills its caches
RATE, SECONDS = 100.0, 2.4
REQUEST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
# A server that answers everybody, and at each answer keeps what it is told to keep.
KEEPER = """
import os, socket, sys, threading
port, kind = int(sys.argv[1]), sys.argv[2]
kept, waits = [], threading.Event()
def keep():
    if kind == "memory, MiB":
        kept.append(os.urandom(200_000))
    elif kind == "open files":
        kept.append(open(os.devnull))
    elif kind == "threads":
        threading.Thread(target=waits.wait, daemon=True).start()
def serve(near):
    with near:
        while near.recv(65_536):
            keep()
            near.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
with socket.create_server(("127.0.0.1", port), backlog=64) as listener:
    print("ready", flush=True)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


@contextmanager
def keeper(kind: str) -> Iterator[Running]:
    """A process that keeps something at each call."""
    port = free_port()
    command = [sys.executable, "-c", KEEPER, str(port), kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield Running(port, (process.pid,), (), People("", "", 0, []), 0.0)
        finally:
            process.kill()


def grown(samples: list[Sample], limits: dict[str, Limit] = LIMITS) -> set[str]:
    return {found.name for found in Soaked("", RATE, RATE, samples).trends(limits) if found.is_there}


@pytest.mark.parametrize(
    "kind", of_which(["memory, MiB", "open files", "threads", "nothing"], ["open files"])
)
def test_whatever_a_server_keeps_at_each_call_is_seen(kind):
    with keeper(kind) as running:
        samples = list(watch(running, lambda rate, slice_s: [REQUEST] * int(rate * slice_s), RATE, SECONDS))
    assert sum(sample.calls for sample in samples) > RATE
    assert grown(samples, WARMING) - {"p50, ms", "p99, ms"} == ({kind} - {"nothing"})


@pytest.mark.thorough
@pytest.mark.parametrize("engine", TESTED)
def test_a_server_under_half_of_the_load_that_it_can_take_stays_as_it_was(engine):
    soaked = soak(ENGINES[engine](), MOMENT)
    assert soaked.errors == 0
    assert all(sample.calls for sample in soaked.samples)
    assert grown(soaked.samples, WARMING) - {"p50, ms", "p99, ms"} == set()


def noise(seed: int, size: float = 1.0) -> list[float]:
    chance = random.Random(seed)
    return [100 + chance.uniform(-size, size) for _ in range(40)]


@pytest.mark.parametrize("seed", range(20))
def test_a_slow_growth_is_found_in_noise_and_noise_is_no_growth(seed):
    at, flat, limit = list(range(40)), noise(seed), Limit(5.0)
    assert not trend("memory", at, flat, limit).is_there
    leaking = [value + 0.2 * moment for moment, value in zip(at, flat, strict=True)]
    assert trend("memory", at, leaking, limit).is_there


@pytest.mark.parametrize("seed", range(20))
def test_outliers_neither_make_a_trend_nor_hide_one(seed):
    chance, at, limit = random.Random(seed), list(range(40)), Limit(5.0)
    values, leaking = noise(seed), [100 + 0.3 * moment for moment in at]
    for place in chance.sample(at, 4):
        values[place] += 500
        leaking[place] += chance.choice((-500, 500))
    assert not trend("memory", at, values, limit).is_there
    assert trend("memory", at, leaking, limit).is_there


def test_one_answer_that_is_wrong_fails_the_soak():
    sample = Sample(
        at_s=1.0,
        seconds=1.0,
        calls=10,
        errors=1,
        held_back=0,
        p50_ms=1.0,
        p99_ms=2.0,
        memory_mib=90.0,
        own_mib=80.0,
        database_mib=0.0,
        threads=10,
        files=10,
        connections=1,
        others_cores=0.0,
    )
    assert not Soaked("", RATE, RATE, [sample]).is_flat


def test_latencies_are_not_judged_on_a_machine_that_has_much_else_to_do():
    def run(others_cores: float) -> set[str]:
        samples = [
            Sample(
                at_s=float(moment),
                seconds=1.0,
                calls=10,
                errors=0,
                held_back=0,
                p50_ms=1.0 + moment,
                p99_ms=10.0 * moment,
                memory_mib=90.0,
                own_mib=80.0,
                database_mib=0.0,
                threads=10,
                files=10,
                connections=1,
                others_cores=others_cores,
            )
            for moment in range(1, 13)
        ]
        return grown(samples)

    assert run(0.0) == {"p50, ms", "p99, ms"}
    assert run(1.0) == set()
    assert {"p50, ms", "p99, ms"} <= set(LIMITS)
