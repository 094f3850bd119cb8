"""
The clock of a server in this process, in the hand of the program that holds it.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cenote.errors import CenoteError
from cenote.http.development import ADVANCE_S_MAX


class MovableClock:
    """What time it is for every rule of the service.  It goes on by itself, and may be moved forward only."""

    def __init__(self, now_ms: Callable[[], int], advance: Callable[[int], int]) -> None:
        self._now_ms = now_ms
        self._advance = advance
        self._guard = threading.Lock()

    def now(self) -> datetime:
        """The time it shows, in UTC."""
        return _moment(self._now_ms())

    def advance(self, by: float | timedelta) -> datetime:
        """
        Move it by so many seconds, for this server and every later one on its folder; return what it shows.

        Never back: rows and tokens would come from the future.
        """
        seconds = by.total_seconds() if isinstance(by, timedelta) else by
        if not 0 <= seconds <= ADVANCE_S_MAX:
            raise CenoteError(f"A clock is moved forward, by 0 to {ADVANCE_S_MAX} seconds, and not by {by}.")
        with self._guard:
            return _moment(self._advance(round(seconds * 1000)))


def _moment(moment_ms: int) -> datetime:
    return datetime.fromtimestamp(moment_ms / 1000, UTC)
