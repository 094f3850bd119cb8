"""
The dependency audit behind `make audit`.

Two halves.  The first needs no network: every line of the lock files is pinned, hashed and names no host, and
what is installed is what the lock says.  The second asks the public advisory services, and says plainly when
none of them answered: an unanswered question is no clean bill.  They are asked about what Cenote runs and is
built with; the clients that the tests drive are taken as people have them.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from tools import node_lock

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"
RUN_LOCK = ROOT / "requirements-run.lock"
CLIENT_LOCKS = (ROOT / "requirements-clients.lock", ROOT / "requirements-node.lock")
ADVISORY_SERVICES = ("pypi", "osv")
ADVISORY_TIMEOUT_S = 300
AUDIT_OPTIONS = ("-f", "json", "--disable-pip", "--no-deps", "--progress-spinner", "off")

_HASH = re.compile(r"\s--hash=sha256:[0-9a-f]{64}(?=\s|$)")
_PIN = re.compile(r"==[^=*,]+")
_OURS = {"cenote"}
_MADE_BY_VENV = {"pip", "setuptools"}


class Locked(NamedTuple):
    """One line of a lock: a distribution, its only version, and whether it is for this machine."""

    name: str
    version: str
    is_for_here: bool


def read_lock(text: str) -> tuple[list[Locked], list[str]]:
    """The distributions that a lock names, and what is wrong with its lines."""
    locked, faults = [], []
    for line in _joined_lines(text):
        fault = _fault_of(line)
        if fault:
            faults.append(f"{line.split()[0]}: {fault}")
            continue
        wanted = Requirement(_HASH.sub("", line).strip())
        is_for_here = wanted.marker is None or wanted.marker.evaluate()
        version = str(wanted.specifier).removeprefix("==")
        locked.append(Locked(canonicalize_name(wanted.name), version, is_for_here))
    return locked, faults


def _joined_lines(text: str) -> Iterator[str]:
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            yield line.strip()


def _fault_of(line: str) -> str | None:
    if "://" in line or line.startswith("-"):
        return "a lock names no host and carries no option"
    if line.startswith("#"):
        return "a lock carries no comment: it would say how and where it was made"
    if not _HASH.search(line):
        return "no sha256 hash, so anything could be installed under this name"
    try:
        wanted = Requirement(_HASH.sub("", line).strip())
    except InvalidRequirement:
        return "not a requirement"
    if not _PIN.fullmatch(str(wanted.specifier)):
        return "not pinned to one version"
    return None


def differences(locked: list[Locked], installed: Mapping[str, str]) -> list[str]:
    """What is installed otherwise than locked, in sentences; what is installed beside the lock counts too."""
    here = {one.name: one.version for one in locked if one.is_for_here}
    missing = [
        f"{name} {version} is locked and not installed"
        for name, version in here.items()
        if name not in installed
    ]
    other = [
        f"{name} is {installed[name]}, the lock says {version}"
        for name, version in here.items()
        if installed.get(name, version) != version
    ]
    extra = [
        f"{name} {version} is installed and not locked"
        for name, version in installed.items()
        if name not in here and name not in _OURS | _MADE_BY_VENV
    ]
    return sorted(missing + other + extra)


def advisories(report: str) -> tuple[int, list[str]]:
    """How many distributions an advisory service knew, and the vulnerabilities that it named."""
    known, found = 0, []
    for one in json.loads(report)["dependencies"]:
        if "skip_reason" in one:
            continue
        known += 1
        for weakness in one["vulns"]:
            fixed = ", ".join(weakness["fix_versions"]) or "no version yet"
            found.append(f"{one['name']} {one['version']}: {weakness['id']} (fixed in {fixed})")
    return known, found


def check_lock() -> list[str]:
    """What is wrong with the lock files, each on its own and held against each other."""
    locked, faults = read_lock(LOCK.read_text(encoding="utf-8"))
    run, run_faults = read_lock(RUN_LOCK.read_text(encoding="utf-8"))
    apart = [
        f"{one.name} {one.version} is in {RUN_LOCK.name} and not in {LOCK.name}"
        for one in run
        if one not in locked
    ]
    return faults + run_faults + apart + _other_hashes() + _check_client_locks()


def hashes_of(text: str) -> dict[str, set[str]]:
    """What may be installed under each name of a lock."""
    lines = (line for line in _joined_lines(text) if _fault_of(line) is None)
    return {
        canonicalize_name(Requirement(_HASH.sub("", line).strip()).name): set(_HASH.findall(line))
        for line in lines
    }


def _other_hashes() -> list[str]:
    """A server is installed from one lock, and what is tested from the other: both mean the same files."""
    tested = hashes_of(LOCK.read_text(encoding="utf-8"))
    return [
        f"{name}: {RUN_LOCK.name} takes files that {LOCK.name} does not"
        for name, hashes in hashes_of(RUN_LOCK.read_text(encoding="utf-8")).items()
        if not hashes <= tested.get(name, set())
    ]


def _check_client_locks() -> list[str]:
    read = [read_lock(lock.read_text(encoding="utf-8"))[1] for lock in CLIENT_LOCKS]
    of_node = node_lock.faults_of(
        node_lock.LOCK.read_text(encoding="utf-8"), node_lock.WANTED.read_text(encoding="utf-8")
    )
    return [fault for faults in read for fault in faults] + list(of_node)


def check_installed() -> list[str]:
    """Where this environment differs from the lock, or contradicts itself."""
    locked, _ = read_lock(LOCK.read_text(encoding="utf-8"))
    installed: dict[str, str] = {canonicalize_name(one.name): one.version for one in metadata.distributions()}
    return differences(locked, installed) + _pip_check()


def _pip_check() -> list[str]:
    done = _run("pip", "check")
    return [] if done.returncode == 0 else done.stdout.splitlines()


def check_advisories() -> list[str]:
    """The known vulnerabilities in the locked versions; says on the way who was asked and who answered."""
    lines = list(_joined_lines(LOCK.read_text(encoding="utf-8")))
    for service in ADVISORY_SERVICES:
        if not _ask(service, lines[:1])[0]:  # one question first: seventy to a silent service take long
            continue
        known, found = _ask(service, lines)
        print(f"audit: {service} knows {known} of the {len(lines)} locked distributions")
        return found
    print("audit: ADVISORIES WERE NOT CONSULTED: no advisory service could be reached from here")
    return []


def _ask(service: str, lines: list[str]) -> tuple[int, list[str]]:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as question:
        question.write("\n".join(lines) + "\n")
        question.flush()
        try:
            answer = _run("pip_audit", "-r", question.name, "-s", service, *AUDIT_OPTIONS)
            return advisories(answer.stdout)
        except (subprocess.TimeoutExpired, ValueError, KeyError):
            return 0, []


def _run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=ADVISORY_TIMEOUT_S,
    )


def main() -> int:
    """Run every check, print what is wrong, and answer the exit status; `--lock-only` leaves the rest out."""
    faults = check_lock()
    if not faults and "--lock-only" not in sys.argv:
        faults = check_installed() + check_advisories()
    for fault in faults:
        print(f"audit: {fault}")
    if faults:
        print(f"audit: {len(faults)} to mend; for a fresh environment: rm -r .venv && make check")
        return 1
    print("audit: nothing found against the locked dependencies")
    return 0


if __name__ == "__main__":
    sys.exit(main())
