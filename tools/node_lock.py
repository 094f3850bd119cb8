"""
The lock of the Node packages that the tests drive: what must hold of it, and how it is stripped.

npm writes beside each package where its authors take money, and by default from which host it came.  A lock
says what is installed, by version and hash, and names no host.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "tests" / "clients"
WANTED, LOCK = FOLDER / "package.json", FOLDER / "package-lock.json"

_BESIDE_THE_POINT = {"deprecated", "funding", "license", "resolved"}
_PINNED = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(-[\w.]+)?")
_HASH = re.compile(r"sha512-[A-Za-z0-9+/]{86}==")


def stripped(text: str) -> str:
    """The lock without what does not decide what is installed."""
    lock = json.loads(text)
    for package in lock["packages"].values():
        for member in _BESIDE_THE_POINT & package.keys():
            del package[member]
    return json.dumps(lock, indent=2) + "\n"


def faults_of(lock: str, wanted: str) -> Iterator[str]:
    """What is wrong with a lock, and with the list that it was made from, in sentences."""
    if "://" in lock:
        yield f"{LOCK.name}: a lock names no host"
    for name, version in json.loads(wanted)["dependencies"].items():
        if not _PINNED.fullmatch(version):
            yield f"{WANTED.name}: {name} is not pinned to one version"
    packages: dict[str, Any] = json.loads(lock)["packages"]
    if packages.pop("", {}).get("dependencies") != json.loads(wanted)["dependencies"]:
        yield f"{LOCK.name}: it was made from another {WANTED.name}"
    for place, package in packages.items():
        if not _PINNED.fullmatch(package.get("version", "")):
            yield f"{LOCK.name}: {place} is not pinned to one version"
        if not _HASH.fullmatch(package.get("integrity", "")):
            yield f"{LOCK.name}: {place} has no sha512 hash, so anything could be installed under this name"


def main() -> None:
    """Strip the lock where it stands."""
    LOCK.write_text(stripped(LOCK.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
