"""
The budgets: what each call may cost on each engine, and whether a run kept them.

Where the machine was not the server's own, a missed rate or latency says little: the verdict tells.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.measure import SRP_SIGN_IN, Measurement
from benchmarks.results import OTHERS_CORES_MAX

SQLITE, POSTGRES = "Cenote, SQLite", "Cenote, PostgreSQL"
CALLERS = 32
FLAT_TIMES_MAX = 1.2  # the dearest size may cost so many times what the smallest does
FLOOD = "GetUser beside a sign-in flood"


@dataclass(frozen=True, slots=True)
class Budget:
    """One promise about one call on one engine."""

    scenario: str
    server: str
    words: str
    callers: int
    value: Callable[[Measurement], float | None]
    low: float = float("-inf")
    high: float = float("inf")
    is_timed: bool = False  # by the clock on the wall, which runs for the neighbours too


def _rate(scenario: str, server: str, low: float) -> Budget:
    words = f"at least {low:,.0f} calls/s"
    return Budget(scenario, server, words, CALLERS, lambda row: row.rate, low=low, is_timed=True)


def _cpu(scenario: str, server: str, high: float) -> Budget:
    words = f"at most {high:.2f} ms of the server's processor time"
    return Budget(scenario, server, words, CALLERS, lambda row: row.cpu_ms, high=high)


def _p99(scenario: str, server: str, high: float, callers: int = CALLERS) -> Budget:
    words = f"p99 at most {high:.0f} ms"
    return Budget(scenario, server, words, callers, lambda row: row.p99_ms, high=high, is_timed=True)


BUDGETS: Sequence[Budget] = (
    _rate("DeleteUser", SQLITE, 3_000),
    _cpu("DeleteUser", SQLITE, 0.30),
    _p99("DeleteUser", SQLITE, 50),
    _cpu("DeleteUser", POSTGRES, 0.80),
    _rate("GetUser", SQLITE, 4_000),
    _cpu("GetUser", SQLITE, 0.25),
    _cpu("GetUser", POSTGRES, 0.40),
    _rate("SignUp", SQLITE, 1_500),
    _rate("SignUp", POSTGRES, 1_000),
    _cpu("USER_PASSWORD_AUTH", SQLITE, 2.6),
    _cpu("USER_PASSWORD_AUTH", POSTGRES, 3.2),
    _cpu(SRP_SIGN_IN, SQLITE, 4.8),
    _cpu(SRP_SIGN_IN, POSTGRES, 5.5),
    _cpu("ListUsers", SQLITE, 2.0),
    _cpu("ListUsers", POSTGRES, 3.0),
    _p99(FLOOD, SQLITE, 20, 16),
    _p99(FLOOD, POSTGRES, 20, 16),
    Budget(
        "GetUser",
        SQLITE,
        "first answer within 0.8 s",
        CALLERS,
        lambda row: row.start_s,
        high=0.8,
        is_timed=True,
    ),
    Budget("GetUser", SQLITE, "at most 120 MiB", CALLERS, lambda row: row.memory_mib, high=120),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A promise, what was measured (at the worst size), and what to make of it."""

    scenario: str
    server: str
    words: str
    measured: str
    verdict: str


def verdicts(rows: Sequence[Measurement]) -> Iterator[Verdict]:
    """Each budget that the run can say something about."""
    for budget in BUDGETS:
        found = [
            (value, row)
            for row in rows
            if (row.scenario, row.server, row.callers) == (budget.scenario, budget.server, budget.callers)
            and (value := budget.value(row)) is not None
        ]
        if not found:
            continue
        value, row = (min if budget.high == float("inf") else max)(found, key=lambda one: one[0])
        kept = budget.low <= value <= budget.high
        disturbed = budget.is_timed and not kept and row.others_cores > OTHERS_CORES_MAX
        verdict = "kept" if kept else "missed, on a shared machine" if disturbed else "missed"
        measured = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"  # noqa: PLR2004 - three digits
        yield Verdict(
            budget.scenario, budget.server, budget.words, f"{measured} at {row.users:,} users", verdict
        )
    yield from _flatness(rows)


def _flatness(rows: Sequence[Measurement]) -> Iterator[Verdict]:
    """What a call costs at the largest size, as a multiple of what it costs at the smallest."""
    for server in (SQLITE, POSTGRES):
        for scenario in dict.fromkeys(row.scenario for row in rows):
            costs = {
                row.users: row.cpu_ms
                for row in rows
                if (row.scenario, row.server, row.callers) == (scenario, server, CALLERS) and row.cpu_ms
            }
            if len(costs) > 1:
                least, most = min(costs), max(costs)
                times = costs[most] / costs[least]
                measured = f"{times:.2f} times, {least:,} to {most:,} users"
                words = f"at most {FLAT_TIMES_MAX} times the cost at the smallest size"
                verdict = "kept" if times <= FLAT_TIMES_MAX else "missed"
                yield Verdict(scenario, server, words, measured, verdict)
