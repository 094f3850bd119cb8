"""
One measurement: a load on a running server, what it cost, and what else the machine was doing meanwhile.

Owns how much is asked (bounded in time and in number).  Leaves out the order of measurements (`tour.py`).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from benchmarks.load import Load, Outcome, run
from benchmarks.processes import cpu_s, machine_busy_s, memory
from benchmarks.scenarios import GET_USER, SIGN_IN, Scenario
from benchmarks.servers import Running

T = TypeVar("T")

SRP_SIGN_IN = "SRP sign-in, both legs"
OK, REFUSED = 200, 400
CALLS_MAX = 20_000
WARM_UP_S = 0.3
WARM_UP_CALLS_MAX = 200
FLOOD_TIMES_CAPACITY = 2.0
FLOOD_CALLERS = 512  # more than the server has places for: the flood must not be held back
PROBE_CALLERS = 16
PROBE_RATE = 100.0
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A row of the table."""

    scenario: str
    server: str
    users: int
    callers: int
    calls: int
    seconds: float
    rate: float | None  # None: the generator was the bottleneck
    p50_ms: float
    p99_ms: float
    cpu_ms: float | None  # of the server's processes, a call; None where two kinds of call share it
    database_cpu_ms: float | None  # of a database server's processes, a call
    memory_mib: float
    generator_us: float  # of the generator, a call
    others_cores: float  # how many cores were busy with something else
    start_s: float
    note: str = ""


def measure(
    name: str,
    running: Running,
    scenario: Scenario,
    callers: int,
    *,
    seconds: float,
    calls_max: int = CALLS_MAX,
) -> Measurement:
    """Ask a server, warm, as fast as so many callers can; an error when an answer is wrong."""
    warm_up = Load(callers=callers, seconds_max=WARM_UP_S, calls_max=WARM_UP_CALLS_MAX, once=scenario.once)
    calls_max = min(calls_max, CALLS_MAX)
    warming = min(WARM_UP_CALLS_MAX, max(calls_max // 10, 1)) if scenario.once else WARM_UP_CALLS_MAX
    if requests := scenario.requests(running.people, warming):
        check(scenario, running, run(running.port, requests, warm_up))
    requests = scenario.requests(running.people, calls_max)
    load = Load(callers=callers, seconds_max=seconds, calls_max=calls_max, once=scenario.once)
    outcome, spent = _watched(running, lambda: run(running.port, requests, load))
    wrong = check(scenario, running, outcome)
    row = _row(scenario.name, name, running, callers, (outcome, spent))
    return replace(row, note=f"{wrong} of {outcome.calls} answers were wrong" if wrong else "")


def beside_a_flood(name: str, running: Running, capacity: float, *, seconds: float) -> Measurement:
    """
    GetUser, asked at a steady rate, while sign-ins come at twice the rate that the server can take.

    A sign-in may be refused with TooManyRequests; GetUser may not.
    """
    reading = Load(callers=PROBE_CALLERS, seconds_max=seconds, calls_max=CALLS_MAX, rate=PROBE_RATE)
    rate = capacity * FLOOD_TIMES_CAPACITY
    flooding = Load(callers=FLOOD_CALLERS, seconds_max=seconds, calls_max=CALLS_MAX, rate=rate)
    reads = GET_USER.requests(running.people, CALLS_MAX)
    sign_ins = SIGN_IN.requests(running.people, CALLS_MAX)

    def both() -> tuple[Outcome, Outcome]:
        with ThreadPoolExecutor(2) as threads:
            flood = threads.submit(run, running.port, sign_ins, flooding)
            return run(running.port, reads, reading), flood.result()

    (outcome, flood), spent = _watched(running, both)
    check(GET_USER, running, outcome)
    let_in, turned_away = flood.statuses[OK], flood.statuses[REFUSED]
    note = (
        f"{rate:.0f} sign-ins a second were due; {let_in / flood.seconds:.0f} a second succeeded,"
        f" {turned_away / flood.seconds:.0f} were refused, {flood.held_back / flood.seconds:.0f} had no line;"
        f" {outcome.held_back} of GetUser's calls had none"
    )
    row = _row("GetUser beside a sign-in flood", name, running, PROBE_CALLERS, (outcome, spent))
    return replace(row, cpu_ms=None, database_cpu_ms=None, note=note)


def both_legs(asked: Measurement, proven: Measurement) -> Measurement:
    """What one sign-in by SRP costs, whose two calls were measured one after the other."""

    def both(one: float | None, other: float | None) -> float | None:
        return None if one is None or other is None else one + other

    return replace(
        proven,
        scenario=SRP_SIGN_IN,
        calls=min(asked.calls, proven.calls),
        seconds=asked.seconds + proven.seconds,
        rate=None if not asked.rate or not proven.rate else 1 / (1 / asked.rate + 1 / proven.rate),
        p50_ms=asked.p50_ms + proven.p50_ms,
        p99_ms=asked.p99_ms + proven.p99_ms,
        cpu_ms=both(asked.cpu_ms, proven.cpu_ms),
        database_cpu_ms=both(asked.database_cpu_ms, proven.database_cpu_ms),
        generator_us=asked.generator_us + proven.generator_us,
        others_cores=max(asked.others_cores, proven.others_cores),
    )


def check(scenario: Scenario, running: Running, outcome: Outcome) -> int:
    """
    How many answers were wrong: by their status, and a sample by their bodies.

    One of Cenote's is an error; a peer may get some wrong (ministack's DeleteUser refuses callers while
    another deletes), and then its row says so.
    """
    refused = outcome.calls - outcome.statuses[OK]
    odd = [body for status, body in outcome.samples if status == OK and not _is_right(scenario, body)]
    wrong = refused + len(odd)
    if wrong == outcome.calls or (wrong and running.is_ours):
        shown = next((body for status, body in outcome.samples if status != OK or body in odd), b"")[:300]
        raise RuntimeError(f"{scenario.name} was answered wrongly: {dict(outcome.statuses)} {shown!r}")
    return wrong


def _is_right(scenario: Scenario, body: bytes) -> bool:
    try:
        return scenario.is_right(body)
    except (ValueError, KeyError, TypeError):
        return False


@dataclass(frozen=True, slots=True)
class _Spent:
    cpu_s: float
    database_cpu_s: float
    machine_s: float
    memory_bytes: int


def _watched(running: Running, work: Callable[[], T]) -> tuple[T, _Spent]:
    before = cpu_s(running.processes), cpu_s(running.database_processes), machine_busy_s()
    done = work()
    after = cpu_s(running.processes), cpu_s(running.database_processes), machine_busy_s()
    server, database, machine = (later - earlier for earlier, later in zip(before, after, strict=True))
    held = memory([*running.processes, *running.database_processes]).proportional
    return done, _Spent(server, database, machine, held)


def _row(
    scenario: str, server: str, running: Running, callers: int, came: tuple[Outcome, _Spent]
) -> Measurement:
    outcome, spent = came
    others_s = spent.machine_s - spent.cpu_s - spent.database_cpu_s - outcome.cpu_s
    return Measurement(
        scenario=scenario,
        server=server,
        users=running.people.users,
        callers=callers,
        calls=outcome.calls,
        seconds=outcome.seconds,
        rate=outcome.rate,
        p50_ms=outcome.latency_ms(0.50),
        p99_ms=outcome.latency_ms(0.99),
        cpu_ms=spent.cpu_s / outcome.calls * 1000,
        database_cpu_ms=spent.database_cpu_s / outcome.calls * 1000,
        memory_mib=spent.memory_bytes / MIB,
        generator_us=outcome.cpu_s / outcome.calls * 1e6,
        others_cores=max(others_s / outcome.seconds, 0.0),
        start_s=running.start_s,
    )
