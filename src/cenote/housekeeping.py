"""
What is done behind the answers, once a second: tombstones still owed, rows of fallen pools, things past their
time.

Each step is safe to do twice and safe to leave undone.  Leaves out what must happen before an answer.
"""

import threading
from collections import defaultdict
from collections.abc import Callable
from functools import partial

import structlog

from cenote.domain.registrations import LedgerLine
from cenote.lookback import look_back
from cenote.opening import Vault, bury, note_buried, owed_behind, save_counters
from cenote.store.contract import Store
from cenote.store.transaction import Transaction
from cenote.vault.chunks import SLOTS_PER_CHUNK

TICK_S = 1.0
ROWS_PER_STEP = 200
FRESH_MS = 2_000  # a line so young is most likely in the hands of the tombstone writer
MESSAGES_KEPT_MS = 24 * 3_600_000
ROUNDS_PER_CLEARING = 10

log = structlog.get_logger("cenote.housekeeping")


class Housekeeper:
    """A thread that keeps the house in order."""

    def __init__(self, store: Store, vault: Vault, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._vault = vault
        self._now_ms = now_ms
        self._stop = threading.Event()
        self._must_look_back = vault.is_ahead
        self._rounds = 0
        self._thread = threading.Thread(target=self._run, name="cenote-housekeeper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish the round under way and do a last one, so that the next start finds nothing owed."""
        self._stop.set()
        self._thread.join()
        self._round(fresh_ms=0)

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            self._round(fresh_ms=FRESH_MS)

    def _round(self, *, fresh_ms: int) -> None:
        try:
            self._pay_what_is_owed(fresh_ms)
            save_counters(self._store, self._vault.folder)
            if self._must_look_back:
                seen = look_back(self._store, self._vault.keyring, self._now_ms())
                self._must_look_back = False
                if seen.erased_users or seen.erased_pools:
                    log.warning("erased ones cleared", users=seen.erased_users, pools=seen.erased_pools)
            self._sweep_fallen_pools()
            self._drop_expired()
        except Exception as failure:  # noqa: BLE001 - the next round tries again, whatever it was
            log.error("housekeeping failed", failure=repr(failure))

    def _pay_what_is_owed(self, fresh_ms: int) -> None:
        """Write the tombstones that are still owed, and note the ones that are written."""
        after, latest_ms = b"", self._now_ms() - fresh_ms
        while owed := self._store.read(partial(owed_behind, after)):
            paid = self._vault.tombstones.take_buried([line.digest for line in owed])
            late = [line for line in owed if line.digest not in paid and line.erased_ms <= latest_ms]
            paid |= self._bury_late(late)
            if paid:
                note_buried(self._store, self._vault.folder, paid)
            after = owed[-1].digest

    def _bury_late(self, late: list[LedgerLine]) -> set[bytes]:
        """Chunk by chunk, so that one that can't be written holds up no other."""
        by_chunk: defaultdict[int, list[LedgerLine]] = defaultdict(list)
        for line in late:
            by_chunk[line.slot // SLOTS_PER_CHUNK].append(line)
        buried: set[bytes] = set()
        for number, lines in by_chunk.items():
            try:
                buried |= bury(self._vault.folder, lines)
            except OSError as failure:
                log.error("tombstones pending", chunk=number, count=len(lines), failure=repr(failure))
        return buried

    def _sweep_fallen_pools(self) -> None:
        """Delete the rows of pools that are erased already, some users at once."""
        for pool_id in self._store.read(lambda tx: tx.fallen.list_page(ROWS_PER_STEP)):
            while self._store.write(partial(_forget_some, pool_id)):
                if self._stop.is_set():
                    return

    def _drop_expired(self) -> None:
        """Clear away what is past its time: seldom, for it costs a commit even where there is nothing."""
        self._rounds += 1
        if self._rounds % ROUNDS_PER_CLEARING == 0:
            self._store.write(partial(_drop_expired, self._now_ms()))


def _drop_expired(now_ms: int, tx: Transaction) -> None:
    tx.sessions.drop_expired(now_ms, ROWS_PER_STEP)
    tx.outbox.drop_older(now_ms - MESSAGES_KEPT_MS)
    tx.pools.drop_expired_keys(now_ms)


def _forget_some(pool_id: str, tx: Transaction) -> bool:
    """Delete some users' rows; False once the pool has none left, and then it is forgotten too."""
    subs = tx.users.list_subs(pool_id, ROWS_PER_STEP)
    tx.users.forget(subs)
    if not subs:
        tx.fallen.drop(pool_id)
    return bool(subs)
