"""
Places between two durable steps where a test may end the process, as a power cut would.

In production nothing ever arms one; the only way to is a door of development.
"""

import os
import signal
import threading


class Seams:
    """The seam that is armed, if any."""

    def __init__(self) -> None:
        self._armed: str | None = None
        self._passes = 0
        self._guard = threading.Lock()

    def arm(self, name: str, passes: int = 0) -> None:
        """End the process when this seam is reached, after letting so many arrivals pass."""
        with self._guard:
            self._armed, self._passes = name, passes

    def reach(self, name: str) -> None:
        """Pass by; or, if this is the one, end here and now, without any clean-up."""
        if self._armed != name:
            return
        with self._guard:
            if self._passes > 0:
                self._passes -= 1
                return
        os.kill(os.getpid(), signal.SIGKILL)
