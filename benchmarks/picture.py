# /// script
# requires-python = ">=3.11"
# dependencies = ["matplotlib>=3.9"]
# ///
"""
`docs/performance.png`: what a call costs against how many users there are, one panel a call; in each, what it
costs at the largest size of Cenote's as a multiple of the smallest.

    uv run benchmarks/picture.py RESULTS.json [MORE.json ...] PICTURE.png

matplotlib is fetched by uv for this script alone, so that no lock file and no environment carries it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, LogLocator, NullFormatter

CALLS = (
    *("DeleteUser", "GetUser", "ListUsers"),
    *("SignUp", "USER_PASSWORD_AUTH", "SRP sign-in, both legs"),
)
COLUMNS = 3
STYLES = {
    "Cenote, SQLite": ("#0b6e75", "o", 2.6),
    "Cenote, PostgreSQL": ("#3aa6a0", "s", 2.2),
    "ministack": ("#c0562f", "^", 1.4),
    "moto server": ("#8c6bb1", "v", 1.4),
    "cognito-local": ("#b08c1e", "D", 1.4),
}
INCHES = (14.0, 7.6)
OURS = "Cenote, "
DOTS_PER_INCH = 130


def costs(rows: list[dict[str, Any]], call: str, server: str) -> dict[int, float]:
    """By users: the processor time of a call, the database server's included, with the most callers."""
    found = [row for row in rows if (row["scenario"], row["server"]) == (call, server) and row["cpu_ms"]]
    most = max((row["callers"] for row in found), default=0)
    return {
        row["users"]: row["cpu_ms"] + (row["database_cpu_ms"] or 0.0)
        for row in sorted(found, key=lambda row: int(row["users"]))
        if row["callers"] == most
    }


def flatness(by_server: dict[str, dict[int, float]]) -> str:
    """What the largest size costs of what the smallest does, engine by engine of Cenote's."""
    said = []
    for server, by_users in by_server.items():
        if server.startswith(OURS) and len(by_users) > 1:
            least, most = min(by_users), max(by_users)
            times = by_users[most] / by_users[least]
            said.append(f"{server.removeprefix(OURS)}: {times:.2f} times, {least:,} to {most:,}")
    return "\n".join(said)


def draw_call(panel: Any, call: str, rows: list[dict[str, Any]]) -> list[int]:
    """One panel; the numbers of users that it has."""
    by_server = {server: costs(rows, call, server) for server in STYLES}
    for server, by_users in by_server.items():
        color, marker, width = STYLES[server]
        if by_users:
            sizes, times_ms = list(by_users), list(by_users.values())
            panel.plot(sizes, times_ms, color=color, marker=marker, lw=width, label=server)
    panel.set(title=call, xscale="log", yscale="log")
    panel.margins(y=0.35)
    panel.text(0.03, 0.96, flatness(by_server), transform=panel.transAxes, va="top", fontsize=8)
    panel.grid(visible=True, which="both", alpha=0.2)
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter("{x:g}")
    panel.yaxis.set_minor_formatter(NullFormatter())
    return [users for by_users in by_server.values() for users in by_users]


def draw(runs: list[dict[str, Any]], file: Path) -> None:
    """Draw the picture of some runs; where two measured the same, the first is shown."""
    rows = [row for run in reversed(runs) for row in run["rows"]]
    lines = len(CALLS) // COLUMNS
    figure, panels = plt.subplots(lines, COLUMNS, figsize=INCHES, sharex=True, layout="constrained")
    drawn = [draw_call(panel, call, rows) for panel, call in zip(panels.flat, CALLS, strict=True)]
    sizes = sorted({users for its_sizes in drawn for users in its_sizes})
    for panel in panels[:, 0]:
        panel.set_ylabel("CPU of the server, ms a call")
    for panel in panels[-1, :]:
        panel.set_xlabel("users")
        panel.xaxis.set_major_locator(FixedLocator(sizes))
        panel.xaxis.set_major_formatter("{x:,.0f}")
        panel.xaxis.set_minor_formatter(NullFormatter())
    named = {
        label: handle
        for panel in panels.flat
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=len(named), frameon=False)
    figure.suptitle(f"What a call costs — {runs[0]['machine']}", fontsize=11)
    figure.savefig(file, dpi=DOTS_PER_INCH)


if __name__ == "__main__":
    *results, picture = (Path(argument) for argument in sys.argv[1:])
    draw([json.loads(file.read_text(encoding="utf-8")) for file in results], picture)
