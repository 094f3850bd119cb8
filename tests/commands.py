"""The commands that an operator gives beside a running server, each in a process of its own."""

import subprocess

from tests.house import House
from tests.nursery import run_command


def run_beside(house: House, *words: str) -> "subprocess.CompletedProcess[str]":
    """`cenote ...` on the data of this house."""
    place = ["--data", str(house.data)]
    if "--database-url" in house.flags:
        place += ["--database-url", house.flags[house.flags.index("--database-url") + 1]]
    return run_command(*words, *place)


def said_beside(house: House, *words: str) -> str:
    """What a command says that does what it is told."""
    done = run_beside(house, *words)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def refused_beside(house: House, *words: str) -> str:
    """The one sentence with which a command is refused."""
    done = run_beside(house, *words)
    assert (done.returncode, done.stdout) == (2, ""), (done.returncode, done.stdout, done.stderr)
    assert done.stderr.startswith("cenote: ")
    return done.stderr.removeprefix("cenote: ").strip()


def new_rule(house: House, *words: str) -> str:
    """The id of a rule that is added."""
    return said_beside(house, "rules", "add", *words).split()[0]
