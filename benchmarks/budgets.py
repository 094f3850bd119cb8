"""
The budgets: what each call may cost on each engine, and whether a run kept them.

Where the machine was not the server's own, a missed rate or latency says little: the verdict tells.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.measure import SRP_SIGN_IN, Measurement
from benchmarks.results import OTHERS_CORES_MAX, all_cpu_ms
from benchmarks.slots import SlotsCost

SQLITE, POSTGRES = "Cenote, SQLite", "Cenote, PostgreSQL"
CALLERS = 32
FLAT_TIMES_MAX = 1.2  # the dearest size may cost so many times what the smallest does
SLOTS_RATE_TIMES_MIN = 0.7
SLOTS_READ_US_MAX = 2.0
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


@dataclass(frozen=True, slots=True)
class Flat:
    """What a call costs at each size, the database server's time included, in ms, and what to make of it."""

    scenario: str
    server: str
    cpu_ms: dict[int, float]  # by users
    times: float  # the largest size's cost, as a multiple of the smallest one's
    verdict: str


def flatness(rows: Sequence[Measurement]) -> Iterator[Flat]:
    """Each call that was measured at several sizes with the callers of the budgets."""
    for server in (SQLITE, POSTGRES):
        for scenario in dict.fromkeys(row.scenario for row in rows):
            costs = {
                row.users: cost
                for row in rows
                if (row.scenario, row.server, row.callers) == (scenario, server, CALLERS)
                and (cost := all_cpu_ms(row))
            }
            if len(costs) > 1:
                times = costs[max(costs)] / costs[min(costs)]
                verdict = "kept" if times <= FLAT_TIMES_MAX else "missed"
                yield Flat(scenario, server, dict(sorted(costs.items())), times, verdict)


def slot_verdicts(costs: Sequence[SlotsCost]) -> Iterator[Verdict]:
    """What slots may cost, engine by engine."""
    for cost in costs:
        busy = ", on a shared machine" if cost.others_cores > OTHERS_CORES_MAX else ""
        kept = cost.rate_times >= SLOTS_RATE_TIMES_MIN
        yield Verdict(
            "an erasure in the store",
            cost.server,
            f"at least {SLOTS_RATE_TIMES_MIN} times as many a second with slots as without",
            f"{cost.rate_times:.2f} times at {cost.users:,} users",
            "kept" if kept else f"missed{busy}",
        )
        kept = cost.dearer_us <= SLOTS_READ_US_MAX
        yield Verdict(
            "opening a user's key",
            cost.server,
            f"at most {SLOTS_READ_US_MAX:.0f} us dearer with slots than without",
            f"{cost.dearer_us:.1f} us at {cost.users:,} users",
            "kept" if kept else "missed",
        )
