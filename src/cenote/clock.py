"""
The server's clock: milliseconds since the epoch, movable in development by an offset that is a row in the
store.
"""

import time

from cenote.store.contract import Store

_ROW = "clock_offset_ms"


class Clock:
    """What time it is for every rule of the service.  Signatures of requests keep to the real time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._offset_ms = int(store.read(lambda tx: tx.meta.find(_ROW)) or b"0")

    def now_ms(self) -> int:
        """Now."""
        return time.time_ns() // 1_000_000 + self._offset_ms

    def advance(self, by_ms: int) -> int:
        """Move the clock, for this server's life and the next; return the time it shows now."""
        self._offset_ms += by_ms
        value = str(self._offset_ms).encode()
        self._store.write(lambda tx: tx.meta.put(_ROW, value))
        return self.now_ms()
