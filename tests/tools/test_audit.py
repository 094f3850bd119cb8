"""What the dependency audit refuses."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.audit import LOCK, ROOT, RUN_LOCK, advisories, differences, read_lock

HASH = "--hash=sha256:" + "a" * 64
AUDIT_WAIT_S_MAX = 120
NOT_CONSULTED = "ADVISORIES WERE NOT CONSULTED"
# It stands in for pip-audit, since no test asks anybody outside, and knows whatever it is asked about.
SERVICE = """
import json, sys
lines = open(sys.argv[sys.argv.index("-r") + 1]).read().split("\\n")
names = [line.split("==")[0] for line in lines if "==" in line]
weakness = {{"id": "PYSEC-2026-1", "fix_versions": ["99.0"]}}
known = [
    {{"name": name, "version": "1", "vulns": [weakness] if name == {weak!r} else []}} for name in names
]
print(json.dumps({{"dependencies": known}}))
"""


def test_the_locks_of_this_repository_are_sound():
    for lock in (LOCK, RUN_LOCK):
        locked, faults = read_lock(lock.read_text(encoding="utf-8"))
        assert faults == []
        assert "botocore" in {one.name for one in locked}


@pytest.mark.parametrize(
    "line,fault",
    [
        ("six==1.17.0", "no sha256 hash"),
        (f"six {HASH}", "not pinned"),
        (f"six>=1.17 {HASH}", "not pinned"),
        (f"six==1.* {HASH}", "not pinned"),
        (f"six @ https://example.com/six.whl {HASH}", "names no host"),
        ("--index-url https://example.com/simple", "names no host"),
        ("--no-binary :all:", "carries no option"),
        ("# made by somebody", "carries no comment"),
        (f"six = = 1 {HASH}", "not a requirement"),
    ],
)
def test_a_line_that_leaves_something_open_is_refused(line, fault):
    locked, faults = read_lock(line)
    assert locked == []
    assert fault in faults[0]


def test_a_line_for_another_platform_is_locked_and_not_for_here():
    locked, faults = read_lock(f"colorama==0.4.6 ; sys_platform == 'plan9' \\\n    {HASH} \\\n    {HASH}\n")
    assert faults == []
    assert locked == [("colorama", "0.4.6", False)]


def test_what_is_installed_must_be_what_is_locked():
    locked, _ = read_lock(f"six==1.17.0 {HASH}\nrich==15.0.0 {HASH}\nregex==1.0 {HASH}\n")
    installed = {"six": "1.17.0", "rich": "14.0.0", "typer": "1.0", "pip": "26.3", "cenote": "0.1.0"}
    assert differences(locked, installed) == [
        "regex 1.0 is locked and not installed",
        "rich is 14.0.0, the lock says 15.0.0",
        "typer 1.0 is installed and not locked",
    ]


def test_a_known_vulnerability_is_named_with_its_remedy():
    weakness = {"id": "PYSEC-1", "fix_versions": ["1.18.0"]}
    report = {"dependencies": [{"name": "six", "version": "1.17.0", "vulns": [weakness]}]}
    assert advisories(json.dumps(report)) == (1, ["six 1.17.0: PYSEC-1 (fixed in 1.18.0)"])


def test_a_service_that_knows_nothing_has_not_been_consulted():
    report = {"dependencies": [{"name": "six", "skip_reason": "not found"}]}
    assert advisories(json.dumps(report)) == (0, [])


class Checkout:
    """The audit and what it reads, in a place of its own, with an advisory service of our own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        shutil.copytree(ROOT / "tools", place / "tools")
        for lock in ROOT.glob("requirements*.lock"):
            shutil.copy(lock, place)
        (place / "tests" / "clients").mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / "tests" / "clients" / name, place / "tests" / "clients")
        self.service("print('nobody answers')")

    def service(self, source: str) -> None:
        """What answers in the place of the advisory services."""
        (self.place / "pip_audit.py").write_text(source)

    def change(self, name: str, pattern: str, new: str) -> None:
        """Change a lock in one place."""
        file = self.place / name
        text, count = re.subn(pattern, new, file.read_text(encoding="utf-8"), count=1)
        assert count == 1, pattern
        file.write_text(text, encoding="utf-8")

    def audit(self, *flags: str) -> "subprocess.CompletedProcess[str]":
        """`python -m tools.audit`, as `make audit` runs it."""
        return subprocess.run(
            [sys.executable, "-m", "tools.audit", *flags],
            cwd=self.place,
            capture_output=True,
            text=True,
            timeout=AUDIT_WAIT_S_MAX,
            env=os.environ | {"PYTHONPATH": str(self.place)},
            check=False,
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_make_check_asks_the_audit():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (line,) = re.findall(r"^check:(.*)##", text, re.MULTILINE)
    assert "audit" in line.split()
    assert re.search(r"^audit:.*\n\t@\$\(PY\) -m tools.audit$", text, re.MULTILINE)


def test_what_is_here_passes_and_a_silent_service_is_named(checkout):
    done = checkout.audit()
    assert (done.returncode, NOT_CONSULTED in done.stdout) == (0, True), done.stdout


def test_a_weak_package_ends_the_audit(checkout):
    checkout.service(SERVICE.format(weak="falcon"))
    done = checkout.audit()
    assert done.returncode == 1
    assert "audit: falcon 1: PYSEC-2026-1 (fixed in 99.0)" in done.stdout
    assert NOT_CONSULTED not in done.stdout


def test_a_service_that_knows_no_weakness_is_a_clean_bill(checkout):
    checkout.service(SERVICE.format(weak="nothing"))
    done = checkout.audit()
    assert (done.returncode, NOT_CONSULTED in done.stdout) == (0, False), done.stdout


FALCON = r"(?m)^falcon==[0-9.]+"


@pytest.mark.parametrize(
    "lock,pattern,new,fault",
    [
        (
            "requirements.lock",
            FALCON,
            "falcon==0.0.1",
            "in requirements-run.lock and not in requirements.lock",
        ),
        ("requirements-run.lock", FALCON, "falcon==0.0.1", "not in requirements.lock"),
        (
            "requirements.lock",
            r"(?m)^(falcon==[0-9.]+)[^\n]*\n(?:    --hash[^\n]*\n)+",
            r"\1\n",
            "no sha256 hash",
        ),
        (
            "requirements-run.lock",
            r"(?m)^(falcon==.*\n.*sha256:)[0-9a-f]{64}",
            r"\g<1>" + "a" * 64,
            "falcon: requirements-run.lock takes files that requirements.lock does not",
        ),
        ("requirements-clients.lock", r"(?m)^boto3==", "boto3>=", "boto3"),
        ("requirements-node.lock", r"(?m)\A", "--index-url https://example.com\n", "names no host"),
        ("tests/clients/package-lock.json", r"sha512-[A-Za-z0-9+/]{86}==", "", "no sha512 hash"),
        ("tests/clients/package.json", r'"aws-amplify": "', '"aws-amplify": "^', "not pinned"),
    ],
)
def test_a_lock_that_was_tampered_with_ends_the_audit(checkout, lock, pattern, new, fault):
    checkout.change(lock, pattern, new)
    done = checkout.audit("--lock-only")
    assert done.returncode == 1
    assert fault in done.stdout


def test_what_is_installed_otherwise_ends_the_audit(checkout):
    for lock in ("requirements.lock", "requirements-run.lock"):
        checkout.change(lock, FALCON, "falcon==0.0.1")
    done = checkout.audit()
    assert done.returncode == 1
    assert re.search(r"audit: falcon is [0-9.]+, the lock says 0.0.1", done.stdout)
