"""
The soak: a server under a mixed load at half of what it can take, for long, and nothing of it may grow.

    python -m benchmarks.soak --minutes 60 --engine postgres

Memory, threads, files and connections are sampled, and latencies slice by slice; a steady growth, or one
answer that is not 200, fails the run.  The first third is for warming up: caches fill, pools grow.
"""

import random
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.calls import request_bytes
from benchmarks.load import Load, Outcome, run
from benchmarks.people import PASSWORD, People, name_of, some_of
from benchmarks.processes import backends, cpu_s, files, machine_busy_s, memory, threads
from benchmarks.results import OTHERS_CORES_MAX
from benchmarks.scenarios import DELETE_USER, LIST_USERS, SIGN_UP
from benchmarks.servers import CenoteOnPostgres, CenoteOnSQLite, Running, Server
from benchmarks.trends import Limit, Trend, trend

ENGINES: dict[str, Callable[[], Server]] = {"sqlite": CenoteOnSQLite, "postgres": CenoteOnPostgres}
ERASED_PER_S_MAX = 8.0
CALLERS = 32
COLUMNS = (
    *("minute", "calls/s", "errors", "p50 ms", "p99 ms", "MiB", "its own"),
    *("of its db", "threads", "files", "backends", "others"),
)
WIDE, WIDTH = 10, 120  # of a column, and of a table that nobody watches
CAPACITY_RATE_MAX = 2_000  # more than the mix will ever reach
SHARE_OF_CAPACITY = 0.5
SLICES_MIN = 12
SLICE_S_MAX = 60.0
WARMING_SHARE = 1 / 3
OK = 200
MIB = 1024 * 1024
# What share of the calls is which.
SHARES = {
    "GetUser": 0.62,
    "USER_PASSWORD_AUTH": 0.15,
    "UpdateUserAttributes": 0.10,
    "SignUp": 0.05,
    "DeleteUser": 0.05,
    "ListUsers": 0.03,
}
LIMITS = {
    "memory, MiB": Limit(5.0, 0.05),
    "threads": Limit(4.0),
    "open files": Limit(4.0),
    "connections": Limit(2.0),
    "p50, ms": Limit(2.0, 0.5),
    "p99, ms": Limit(20.0, 0.5),
}
LATENCIES = ("p50, ms", "p99, ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long, and on how much."""

    seconds: float
    staying: int = 1_000  # signed-in people who are never erased
    capacity_s: float = 5.0  # twice, the first time for warming up

    @property
    def signed_in(self) -> int:
        """How many people must be signed in at first."""
        return self.staying + int((self.seconds + 4 * self.capacity_s) * ERASED_PER_S_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A slice of the load, and what the server held at its end, when nobody called."""

    at_s: float
    seconds: float
    calls: int
    errors: int
    held_back: int
    p50_ms: float
    p99_ms: float
    memory_mib: float
    own_mib: float  # of it, what is no file's
    database_mib: float
    threads: int
    files: int
    connections: int
    others_cores: float

    def values(self) -> dict[str, float]:
        """What may not grow, under the names of the limits."""
        return {
            "memory, MiB": self.own_mib,
            "threads": self.threads,
            "open files": self.files,
            "connections": self.connections,
            "p50, ms": self.p50_ms,
            "p99, ms": self.p99_ms,
        }


@dataclass(frozen=True, slots=True)
class Soaked:
    """The whole run."""

    server: str
    capacity: float
    rate: float
    samples: list[Sample]

    @property
    def judged(self) -> list[Sample]:
        """What comes after the warming up."""
        return self.samples[int(len(self.samples) * WARMING_SHARE) :]

    @property
    def errors(self) -> int:
        """Answers that were not 200."""
        return sum(sample.errors for sample in self.samples)

    def trends(self, limits: Mapping[str, Limit] = LIMITS) -> list[Trend]:
        """
        What became of everything that may not grow.

        Latencies count only where the machine had little else to do, if that was so most of the time.
        """
        free = [sample for sample in self.judged if sample.others_cores <= OTHERS_CORES_MAX]
        is_free = 2 * len(free) > len(self.judged)
        found = []
        for name, limit in limits.items():
            samples = free if name in LATENCIES else self.judged
            if is_free or name not in LATENCIES:
                at = [sample.at_s for sample in samples]
                found.append(trend(name, at, [sample.values()[name] for sample in samples], limit))
        return found

    @property
    def is_flat(self) -> bool:
        """Whether nothing grew and nothing failed."""
        return not self.errors and not any(found.is_there for found in self.trends())


def soak(server: Server, plan: Plan, tell: Callable[[Sample], None] = lambda _sample: None) -> Soaked:
    """Fill a server, see how much it takes, and let it do half of that for so long."""
    with server.inhabited(2 * plan.signed_in, plan.signed_in) as house, house.running() as running:
        mix = _Mix(running.people, plan)
        capacity = _capacity(running, mix, plan.capacity_s)
        rate = capacity * SHARE_OF_CAPACITY
        samples = []
        for sample in watch(running, mix.requests, rate, plan.seconds):
            samples.append(sample)
            tell(sample)
        return Soaked(server.name, capacity, rate, samples)


def watch(
    running: Running, requests: Callable[[float, float], list[bytes]], rate: float, seconds: float
) -> Iterator[Sample]:
    """Put a steady load on a server, slice by slice, and look at it after each."""
    slice_s = min(SLICE_S_MAX, seconds / SLICES_MIN)
    elapsed_s = 0.0
    while elapsed_s + slice_s <= seconds + slice_s / 2:
        asked = requests(rate, slice_s)
        load = Load(callers=CALLERS, seconds_max=slice_s, calls_max=len(asked), once=True, rate=rate)
        before = machine_busy_s() - cpu_s([*running.processes, *running.database_processes])
        outcome = run(running.port, asked, load)
        after = machine_busy_s() - cpu_s([*running.processes, *running.database_processes])
        elapsed_s += slice_s
        yield _sample(running, elapsed_s, outcome, (after - before - outcome.cpu_s) / outcome.seconds)


def _sample(running: Running, at_s: float, outcome: Outcome, others_cores: float) -> Sample:
    held = memory(running.processes)
    return Sample(
        at_s=at_s,
        seconds=outcome.seconds,
        calls=outcome.calls,
        errors=outcome.calls - outcome.statuses[OK],
        held_back=outcome.held_back,
        p50_ms=outcome.latency_ms(0.50),
        p99_ms=outcome.latency_ms(0.99),
        memory_mib=held.proportional / MIB,
        own_mib=held.anonymous / MIB,
        database_mib=memory(running.database_processes).proportional / MIB,
        threads=threads(running.processes),
        files=files(running.processes),
        connections=backends(running.database_processes),
        others_cores=max(others_cores, 0.0),
    )


class _Mix:
    """Calls of every kind, each of which is answered with 200, in no order."""

    def __init__(self, people: People, plan: Plan) -> None:
        self._people = people
        self._staying = plan.staying
        # The tokens come in the order of these numbers, and the first are erased first.
        numbers = some_of(people.users, plan.signed_in)[-plan.staying :]
        self._names = [name_of(number) for number in numbers]
        self._tokens = people.access_tokens[-plan.staying :]
        self._chance = random.Random(1)  # noqa: S311 - an order, no secret

    def requests(self, rate: float, slice_s: float) -> list[bytes]:
        """Enough of them for a slice of this length."""
        calls = rate * slice_s
        most = min(calls * SHARES["DeleteUser"], slice_s * ERASED_PER_S_MAX)
        leaving = min(int(most), self._people.victims_left - self._staying)
        made = [
            *DELETE_USER.requests(self._people, max(leaving, 0)),
            *SIGN_UP.requests(self._people, int(most)),
            *self._repeated(LIST_USERS.requests(self._people, 1), int(calls * SHARES["ListUsers"])),
            *self._repeated(self._sign_ins(), int(calls * SHARES["USER_PASSWORD_AUTH"])),
            *self._repeated(self._changes(), int(calls * SHARES["UpdateUserAttributes"])),
        ]
        reads = [request_bytes("GetUser", {"AccessToken": token}) for token in self._tokens]
        made += self._repeated(reads, max(int(calls * 1.05) - len(made), 1))  # a little more than is due
        self._chance.shuffle(made)
        return made

    def _repeated(self, requests: Sequence[bytes], number: int) -> list[bytes]:
        return [self._chance.choice(requests) for _ in range(number)]

    def _sign_ins(self) -> list[bytes]:
        request = {"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": self._people.client_id}
        return [
            request_bytes(
                "InitiateAuth", request | {"AuthParameters": {"USERNAME": name, "PASSWORD": PASSWORD}}
            )
            for name in self._names
        ]

    def _changes(self) -> list[bytes]:
        pairs = [{"Name": "nickname", "Value": f"nick {self._chance.random()}"}]
        return [
            request_bytes("UpdateUserAttributes", {"AccessToken": token, "UserAttributes": pairs})
            for token in self._tokens
        ]


def _capacity(running: Running, mix: _Mix, seconds: float) -> float:
    """How many calls of the mix a second the server takes from callers who never pause, once it is warm."""
    rate = 0.0
    for _time in range(2):
        asked = mix.requests(CAPACITY_RATE_MAX, seconds)
        load = Load(callers=CALLERS, seconds_max=seconds, calls_max=len(asked), once=True)
        outcome = run(running.port, asked, load)
        rate = outcome.calls / outcome.seconds
    return rate


def main(
    *,
    minutes: Annotated[float, typer.Option(help="For how long.")] = 60.0,
    engine: Annotated[str, typer.Option(help="sqlite or postgres.")] = "sqlite",
    json: Annotated[Path | None, typer.Option(help="Keep the samples in this file.")] = None,
) -> None:
    """Soak, show what was seen, and exit with 1 when something grew or failed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # servers are stopped on the way
    if engine not in ENGINES:
        raise typer.BadParameter(f"{engine} is unknown")
    console = Console(width=None if sys.stdout.isatty() else WIDTH)

    def show(cells: Sequence[str]) -> None:
        console.print("".join(f"{cell:>{WIDE}}" for cell in cells), highlight=False)

    show(COLUMNS)
    soaked = soak(ENGINES[engine](), Plan(seconds=minutes * 60), lambda sample: show(_cells(sample)))
    console.print(
        f"{soaked.server}: {soaked.capacity:.0f} calls/s at most, of which {soaked.rate:.0f} were asked."
    )
    console.print(_verdicts(soaked))
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(soaked), indent=1) + b"\n")
    raise typer.Exit(0 if soaked.is_flat else 1)


def _cells(sample: Sample) -> list[str]:
    return [
        f"{sample.at_s / 60:.1f}",
        f"{sample.calls / sample.seconds:.0f}",
        str(sample.errors),
        f"{sample.p50_ms:.1f}",
        f"{sample.p99_ms:.1f}",
        f"{sample.memory_mib:.1f}",
        f"{sample.own_mib:.1f}",
        f"{sample.database_mib:.0f}",
        str(sample.threads),
        str(sample.files),
        str(sample.connections),
        f"{sample.others_cores:.1f}",
    ]


def _verdicts(soaked: Soaked) -> Table:
    """Each quantity that may not grow: what is usual, what came on top, and what may."""
    shown = Table("", "usual", "growth", "may grow", "")
    for found in soaked.trends():
        usual, growth, limit = (f"{value:.1f}" for value in (found.usual, found.growth, found.limit))
        shown.add_row(found.name, usual, growth, limit, "[red]grows" if found.is_there else "[green]flat")
    missing = set(LIMITS) - {found.name for found in soaked.trends()}
    for name in sorted(missing):
        shown.add_row(name, "", "", "", "not judged: the machine was shared")
    shown.add_row("errors", "", str(soaked.errors), "0", "[red]failed" if soaked.errors else "[green]none")
    return shown


if __name__ == "__main__":
    typer.run(main)
