"""
Runs a client's script in a process of its own, against a real server, and reads what each step met.

Owns which interpreter and which surroundings a script gets.  What it is told is `places.py`'s, what it must
meet `claims.py`'s.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.house import REGION

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CLIENTS = ROOT / ".clients"
SCRIPTS = HERE / "scripts"
WALK_S_MAX = 300  # a script that hangs ends here; none takes a fifth of it
SAID_CHARACTERS_MAX = 4000


class Client(NamedTuple):
    """A client as people use it: its script, and who runs that: `node`, or Python of `clients` or `tests`."""

    name: str
    script: str
    runs_on: str

    def command(self) -> list[str]:
        """The command line up to what the script is told."""
        pythons = {"tests": sys.executable, "clients": str(CLIENTS / "python/bin/python")}
        return [pythons.get(self.runs_on) or node(), str(SCRIPTS / self.script)]


class Walk(NamedTuple):
    """What each step met, in order, and what the script said beside it."""

    met: dict[str, str]
    said: str


def walk(client: Client, place: dict[str, Any]) -> Walk:
    """Let a client go its way at this place."""
    done = subprocess.run(
        [*client.command(), json.dumps(place)],
        capture_output=True,
        text=True,
        check=False,
        timeout=WALK_S_MAX,
        env=surroundings(),
    )
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    said = f"exit status {done.returncode}\n{done.stderr[-SAID_CHARACTERS_MAX:]}"
    return Walk({one["step"]: _without_ids(one["met"], place) for one in steps}, said)


def _without_ids(met: str, place: dict[str, Any]) -> str:
    """A text without the ids that are of this run alone."""
    for client_id in filter(None, (place.get("client"), place.get("secretClient"))):
        met = met.replace(client_id, "CLIENT")
    return re.sub(rf"{REGION}_\w+", "POOL", met)


def node() -> str:
    """The Node.js that `make test-clients` brought, else the machine's own."""
    found = shutil.which("node", path=surroundings()["PATH"])
    assert found, "there is no Node.js: `make test-clients` brings one"
    return found


def surroundings() -> dict[str, str]:
    """What a script's process sees: its programs, and nothing of the operator's own settings and keys."""
    brought = [str(CLIENTS / part / "bin") for part in ("node", "python")]
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {
        "PATH": os.pathsep.join([*brought, os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",  # of other people's code
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
