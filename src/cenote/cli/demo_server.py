"""
The demo's server: a real `cenote serve --dev` in a process of its own, on temporary folders.

Leaves out what is asked of it (`demo.py`).  Neither the operator's settings nor their AWS profile, proxies or
endpoints reach it or its client.
"""

import contextlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cenote.errors import CenoteError

START_WAIT_S_MAX = 30
STOP_WAIT_S_MAX = 30
INBOX_WAIT_S_MAX = 5
CALL_WAIT_S_MAX = 20
READY = "Cenote answers at "


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: an unmodified boto3 client of it, and its inbox."""

    url: str
    client: Any

    def inbox(self, address: str, *, wait_s: int = INBOX_WAIT_S_MAX) -> list[dict[str, Any]]:
        """The messages that were sent to this address, newest first."""
        query = urllib.parse.urlencode({"to": address, "wait": wait_s})
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=CALL_WAIT_S_MAX)
        with contextlib.closing(connection):
            connection.request("GET", f"/_cenote/inbox?{query}")
            messages: list[dict[str, Any]] = json.loads(connection.getresponse().read())
        return messages


@dataclass(frozen=True, slots=True)
class House:
    """The demo's folders: the data, the keys apart from it, and a backup of the data."""

    root: Path

    @property
    def data(self) -> Path:
        """Where the server keeps its database."""
        return self.root / "data"

    @property
    def backup(self) -> Path:
        """A copy of it from before the deletion."""
        return self.root / "backup"

    def back_up(self) -> int:
        """Copy the data folder, as a nightly job would; the number of bytes copied."""
        shutil.copytree(self.data, self.backup)
        return sum(file.stat().st_size for file in self.backup.rglob("*"))

    @contextlib.contextmanager
    def serving(self, data: Path) -> Iterator[Server]:
        """A server on this copy of the data and the one keys folder, for as long as the block lasts."""
        log = self.root / "server.log"
        with log.open("wb") as errors:
            process = subprocess.Popen(  # noqa: S603 - this program, by the interpreter that runs it
                self._command("serve", "--dev", "--port", "0", data=data),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=self.root,
                env=_surroundings(),
            )
        try:
            line = _first_line(process)
            if not line.startswith(READY):
                raise CenoteError(f"the server said: {log.read_text().strip() or 'nothing'}")
            url = line.removeprefix(READY).split()[0]
            yield Server(url, _client(url))
        finally:
            _stop(process)

    def verify(self, sub: str, *also: Path) -> subprocess.CompletedProcess[str]:
        """What `cenote erasure verify` says of the data and of other folders."""
        more = [word for path in also for word in ("--also", str(path))]
        return subprocess.run(  # noqa: S603 - this program, by the interpreter that runs it
            self._command("erasure", "verify", sub, *more, data=self.data),
            capture_output=True,
            text=True,
            cwd=self.root,
            env=_surroundings(),
            timeout=START_WAIT_S_MAX,
            check=False,
        )

    def _command(self, *words: str, data: Path) -> list[str]:
        places = {"--data": data, "--keys": self.root / "keys", "--master-key-file": self.root / "master.key"}
        flags = [word for flag, path in places.items() for word in (flag, str(path))]
        return [sys.executable, "-m", "cenote", *words, *flags]


def _surroundings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("CENOTE_")}


def _first_line(process: subprocess.Popen[str]) -> str:
    """The line with which a server says that it answers; the empty text when it ends before, or hangs."""
    alarm = threading.Timer(START_WAIT_S_MAX, process.kill)
    alarm.start()
    try:
        return process.stdout.readline() if process.stdout else ""
    finally:
        alarm.cancel()


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WAIT_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


def _client(url: str) -> Any:
    """Plain boto3: it is told where the server is, and neither to use a proxy nor to try twice."""
    import boto3
    from botocore.config import Config

    _forget_profiles()
    return boto3.client(
        "cognito-idp",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="anybody",
        aws_secret_access_key="anything",
        config=Config(
            proxies={},
            retries={"total_max_attempts": 1},
            connect_timeout=CALL_WAIT_S_MAX,
            read_timeout=CALL_WAIT_S_MAX,
        ),
    )


def _forget_profiles() -> None:
    """Keep boto3 from reading an AWS profile, which may be missing or broken without any harm to the demo."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
