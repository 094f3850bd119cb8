"""The database taken away from under a running server, and given back: on each engine in its own way."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.house import House
from tests.postgres import OwnServer

ROOM_BYTES = 4096
BACK_WAIT_S_MAX = 60


def worker_of(house: House) -> int:
    """The process that serves: the only child of the one that was started."""
    assert house.process is not None
    children = Path(f"/proc/{house.process.pid}/task/{house.process.pid}/children").read_text().split()
    return int(children[0])


@contextmanager
def full_disk(house: House, room_bytes: int = ROOM_BYTES) -> Iterator[None]:
    """No file of the server's may grow by more: what a full disk does, to this one process."""
    pid, journal = worker_of(house), house.data / "cenote.db-wal"
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (journal.stat().st_size + room_bytes, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def stopped_postgres(house: House, server: OwnServer) -> Iterator[None]:
    """The server of the database is stopped; afterwards it runs, and the house has noticed."""
    server.stop()
    try:
        yield
    finally:
        server.start()
    until = time.monotonic() + BACK_WAIT_S_MAX
    while house.http("GET", "/health")[0] != 200:
        assert time.monotonic() < until, "the house did not come back"
        time.sleep(0.05)
