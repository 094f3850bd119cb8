"""
What one run found out, as a file, as a table on a terminal, and against the budgets.

Ratios are to Cenote on SQLite, in the same run, for the same call, users and callers.
"""

import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from rich.table import Table

from benchmarks.backups import BackupTimes
from benchmarks.houses import Filling
from benchmarks.measure import Measurement
from benchmarks.slots import SlotsCost

OURS = "Cenote, SQLite"
OTHERS_CORES_MAX = 0.3  # more than that was busy with something else: the rate says little
MS_PER_S = 1000.0
COLUMNS = (
    *("call", "server", "users", "callers", "calls/s", "p50 ms", "p99 ms"),
    *("CPU ms/call", "times Cenote's", "MiB", "others"),
)
Finding = Measurement | Filling | BackupTimes | SlotsCost


@dataclass(frozen=True, slots=True)
class Results:
    """A run: on what, how dear the generator was, and the rows."""

    machine: str
    python: str
    cenote: str
    own_call_us: float
    own_calls_per_s_max: float
    rows: list[Measurement]
    told: list[str]  # what was left out, and why
    fillings: list[Filling] = field(default_factory=list)
    backups: list[BackupTimes] = field(default_factory=list)
    slots: list[SlotsCost] = field(default_factory=list)

    def note(self, finding: Finding) -> None:
        """Add what has just been found."""
        match finding:
            case Measurement():
                self.rows.append(finding)
            case Filling():
                self.fillings.append(finding)
            case BackupTimes():
                self.backups.append(finding)
            case SlotsCost():
                self.slots.append(finding)

    def write(self, file: Path) -> None:
        """Keep the run."""
        file.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")

    @staticmethod
    def read(file: Path) -> "Results":
        """A run that was kept."""
        return msgspec.json.decode(file.read_bytes(), type=Results)


def machine() -> str:
    """What the processor calls itself, and how many cores there are."""
    model = "unknown processor"
    cores = 0
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "processor":
            cores += 1
        elif name.strip() == "model name":
            model = value.strip()
    return f"{model}, {cores} cores, Linux {platform.release().partition('-')[0]}"


def all_cpu_ms(row: Measurement) -> float | None:
    """Processor time of a call, the database server's included."""
    return None if row.cpu_ms is None else row.cpu_ms + (row.database_cpu_ms or 0.0)


def ratio(row: Measurement, rows: Iterable[Measurement]) -> float | None:
    """How many times Cenote's processor time a call costs; None without a row to compare with."""
    for ours in rows:
        same = (ours.scenario, ours.users, ours.callers) == (row.scenario, row.users, row.callers)
        if same and ours.server == OURS:
            its, cost = all_cpu_ms(ours), all_cpu_ms(row)
            return cost / its if its and cost is not None else None
    return None


def cells(row: Measurement, rows: Sequence[Measurement]) -> list[str]:
    """A row in words, under COLUMNS."""
    times = ratio(row, rows)
    return [
        row.scenario,
        row.server,
        f"{row.users:,}",
        str(row.callers),
        "generator-bound" if row.rate is None else f"{row.rate:,.0f}",
        f"{row.p50_ms:.2f}",
        f"{row.p99_ms:.1f}",
        _cost(row),
        "" if times is None or row.server == OURS else f"{times:.1f}",
        f"{row.memory_mib:.0f}",
        others(row.others_cores),
    ]


def others(cores: float) -> str:
    """How many cores were busy with something else; marked where that was too much."""
    return f"{cores:.1f}" + ("!" if cores > OTHERS_CORES_MAX else "")


def told_of(finding: Filling | BackupTimes | SlotsCost) -> str:
    """What is no measured call, in one line of a terminal."""
    match finding:
        case Filling():
            words = f"filled at {finding.rate:,.0f} users/s in {finding.seconds:,.0f} s:"
            return f"{words} {finding.data_mib:,.0f} MiB of data, {finding.keys_mib:,.0f} MiB of keys"
        case BackupTimes():
            words = f"{finding.way}: out in {finding.backup_s:,.1f} s, {finding.mib:,.0f} MiB;"
            return f"{words} back in {finding.restore_s:,.1f} s, {finding.users_back:,} users"
        case SlotsCost():
            words = f"with slots {finding.rate_times:.2f} times the erasures a second;"
            return f"{words} a key opens {finding.dearer_us:.1f} us later"


def _cost(row: Measurement) -> str:
    if row.cpu_ms is None:
        return ""
    database = f" + {row.database_cpu_ms:.2f}" if row.database_cpu_ms else ""
    return f"{row.cpu_ms:.3f}{database}"


def ordered(rows: Sequence[Measurement]) -> list[Measurement]:
    """By call, users and callers, so that what is compared stands together; servers as they were measured."""
    servers = list(dict.fromkeys(row.server for row in rows))
    calls = list(dict.fromkeys(row.scenario for row in rows))
    return sorted(
        rows,
        key=lambda row: (calls.index(row.scenario), row.users, row.callers, servers.index(row.server)),
    )


def table(results: Results) -> Table:
    """The run for a terminal."""
    shown = Table(title=f"Cenote {results.cenote} on {results.machine}")
    for number, column in enumerate(COLUMNS):
        shown.add_column(column, justify="left" if number < COLUMNS.index("users") else "right")
    last = None
    for row in ordered(results.rows):
        group = (row.scenario, row.users, row.callers)
        if last is not None and group != last:
            shown.add_section()
        shown.add_row(*cells(row, results.rows))
        last = group
    return shown
