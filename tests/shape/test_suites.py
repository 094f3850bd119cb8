"""The everyday suite and the thorough one are all that there is, and CI runs both."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
OF_MAKE = {"MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "ARGS"}
EVERYDAY, THOROUGH = "-m 'not thorough'", "-m thorough"
DEAR = ("crash", "failover", "proof", "races", "simulation")
# What has no everyday test, and why.
ALL_THOROUGH = {
    "tests/failover/test_archive.py": "its past is a cluster with a base backup and an archive",
    "tests/failover/test_older_history.py": "its past is a cluster whose standby has taken over",
}


def made(target: str, picked: str = "") -> str:
    """How `make TARGET ARGS=PICKED` would call pytest."""
    surroundings = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    words = ["make", "--dry-run", target, f"ARGS={picked}"]
    done = subprocess.run(words, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=True)
    return next(line for line in done.stdout.splitlines() if "-m pytest" in line)


def test_what_one_suite_leaves_out_the_other_has():
    assert EVERYDAY in made("test")
    assert THOROUGH in made("test-thorough")


PLACES = ["tests/crash -v", "-x tests/races", "./tests/crash", f"{ROOT}/tests/crash"]
PICKED = ["-k kill", "-m thorough", *PLACES, "--lf", "--nf", "--sw", "--sw-skip", "--stepwise"]


@pytest.mark.parametrize("picked", PICKED)
def test_what_somebody_picks_is_run_whichever_suite_it_is_of(picked: str):
    assert EVERYDAY not in made("test", picked)
    assert made("test", picked).endswith(f" {picked}")


@pytest.mark.parametrize("told", ["-x", "-v --durations=9", "--maxfail=2", "--no-header"])
def test_whoever_picks_nothing_has_every_day_s_tests(told: str):
    assert EVERYDAY in made("test", told)


def test_ci_runs_both():
    needs = re.search(r"^check: ([a-z -]+)", MAKEFILE, re.MULTILINE)
    assert needs is not None
    assert {"test", "test-thorough", "test-clients"} <= set(needs[1].split())
    assert "\nmake check\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_of_every_dear_file_something_is_run_every_day():
    listing = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", "-m", "not thorough"]
    listing += [f"tests/{place}" for place in DEAR]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    run = {line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line}
    files = {
        str(file.relative_to(ROOT)) for place in DEAR for file in (ROOT / "tests" / place).glob("test_*.py")
    }
    assert files - run == ALL_THOROUGH.keys()
