"""What the house tells its operator, caught in this process."""

from collections.abc import Iterator
from contextlib import contextmanager

from structlog.testing import LogCapture
from structlog.typing import EventDict

from cenote.log import write_through


@contextmanager
def caught_lines() -> Iterator[list[EventDict]]:
    """The lines of every logger of the house for as long as the block lasts, each with its `log_level`."""
    capture = LogCapture()
    former = write_through(capture)
    try:
        yield capture.entries
    finally:
        write_through(*former)
