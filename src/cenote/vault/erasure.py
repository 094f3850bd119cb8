"""
The second step of an erasure: tombstones, written off the committer's thread, one fsync a batch.

Owns the thread that writes them and what is owed when it can't.  Leaves out the first step (the commit, in
the store) and the redo of what a crash left (`housekeeping.py`).
"""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from cenote.domain.sealed import Grave
from cenote.errors import CenoteError
from cenote.log import logger

BATCH_GRAVES_MAX = 512

log = logger("cenote.vault")


class Buries(Protocol):
    """Whatever overwrites slots durably: the keys folder."""

    def bury(self, graves: Sequence[Grave]) -> None:
        """Overwrite the slots of these graves; on return they are gone for good."""
        ...


class TombstoneWriter:
    """
    Buries what commits hand over, in batches, while the next commit is already under way.

    A tombstone that can't be written is no reason to fail the call: the user is gone for every client, the
    ledger line stays open, and the redo buries it as soon as the folder lets it.
    """

    def __init__(self, folder: Buries, reach: Callable[[str], None] = lambda _name: None) -> None:
        self._folder = folder
        self._reach = reach
        self._waiting: queue.SimpleQueue[tuple[Sequence[Grave], Callable[[], None]] | None] = (
            queue.SimpleQueue()
        )
        self._buried: set[bytes] = set()
        self._failed: list[Grave] = []
        self._guard = threading.Lock()
        self.failures_total = 0
        self._thread = threading.Thread(target=self._run, name="cenote-tombstones", daemon=True)
        self._thread.start()

    def submit(self, graves: Sequence[Grave], done: Callable[[], None]) -> None:
        """Bury these graves soon; `done` is called once they are durable, or are owed to the redo."""
        self._waiting.put((graves, done))

    def take_buried(self, digests: Sequence[bytes]) -> set[bytes]:
        """Which of these were buried by this process since last asked; each is told once."""
        with self._guard:
            known = self._buried.intersection(digests)
            self._buried -= known
        return known

    def retry(self) -> int:
        """
        Bury what could not be buried before; how many there were, or 0 as long as it still can't.

        The redo goes by the ledger, whose line a fail-over may have lost; this process still knows.
        """
        with self._guard:
            graves, self._failed = self._failed, []
        try:
            self._folder.bury(graves)
        except (OSError, CenoteError):  # the redo says so, each second
            with self._guard:
                self._failed += graves
            return 0
        return len(graves)

    def close(self) -> None:
        """Write what is waiting and end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, ends = [first], False
            while len(batch) < BATCH_GRAVES_MAX and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    ends = True
                    break
                batch.append(following)
            self._bury(batch)
            if ends:
                return

    def _bury(self, batch: list[tuple[Sequence[Grave], Callable[[], None]]]) -> None:
        graves = [grave for its_graves, _done in batch for grave in its_graves]
        try:
            self._folder.bury(graves)
        except Exception as failure:  # noqa: BLE001 - owed to the redo, whatever it was
            self.failures_total += 1
            log.error("tombstones pending", count=len(graves), failure=repr(failure))
            with self._guard:
                self._failed += graves
        else:
            self._reach("tombstones.durable")
            with self._guard:
                self._buried.update(grave.digest for grave in graves)
        for _graves, done in batch:
            done()
