"""
What is done behind the answers, once a second: tombstones still owed, rows of fallen pools, things past their
time.

Each step is safe to do twice and safe to leave undone.  Leaves out what must happen before an answer.
"""

import threading
from collections.abc import Callable
from functools import partial

import structlog

from cenote.domain.registrations import LedgerLine
from cenote.opening import LEDGER_PAGE_LINES, Vault, bury, save_counters
from cenote.store.contract import Store
from cenote.store.transaction import Transaction

TICK_S = 1.0
ROWS_PER_STEP = 200
FRESH_MS = 2_000  # a line so young is most likely in the hands of the tombstone writer
MESSAGES_KEPT_MS = 24 * 3_600_000
SLOTS_PER_PAGE = 2_000

log = structlog.get_logger("cenote.housekeeping")


class Housekeeper:
    """A thread that keeps the house in order."""

    def __init__(self, store: Store, vault: Vault, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._vault = vault
        self._now_ms = now_ms
        self._stop = threading.Event()
        self._must_look_back = vault.is_ahead
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
                self._look_back()
                self._must_look_back = False
            self._sweep_fallen_pools()
            self._drop_expired()
        except Exception as failure:  # noqa: BLE001 - the next round tries again, whatever it was
            log.error("housekeeping failed", failure=repr(failure))  # noqa: TRY400 - a trace may hold values

    def _pay_what_is_owed(self, fresh_ms: int) -> None:
        """Write the tombstones that are still owed, and note the ones that are written."""
        owed = self._store.read(lambda tx: tx.ledger.list_owed(LEDGER_PAGE_LINES))
        if not owed:
            return
        written = self._vault.tombstones.take_buried([line.digest for line in owed])
        latest_ms = self._now_ms() - fresh_ms
        late = [line for line in owed if line.digest not in written and line.erased_ms <= latest_ms]
        paid = written | {line.digest for line in late if self._buried(line)}
        if paid:
            self._vault.folder.reach("ledger.before_done")
            self._store.write(lambda tx: tx.ledger.mark_done(paid))

    def _buried(self, line: LedgerLine) -> bool:
        try:
            bury(self._vault.folder, [line])
        except OSError as failure:
            log.error("tombstone pending", slot=line.slot, failure=repr(failure))  # noqa: TRY400
            return False
        return True

    def _look_back(self) -> None:
        """Clear away the rows of erased users and pools that an older copy of the database brought back."""
        for pool_id, slot in self._store.read(lambda tx: tx.pools.list_slots()):
            if self._vault.keyring.is_erased(pool_id, slot):
                self._store.write(partial(_erase_pool, pool_id, self._now_ms()))
        cleared, after = 0, ""
        while page := self._store.read(partial(_slots_behind, after)):
            cleared += self._clear_erased(page)
            after = page[-1][0]
        if cleared:
            log.warning("rows of erased users cleared after a rollback", count=cleared)

    def _clear_erased(self, page: list[tuple[str, int]]) -> int:
        erased = [(sub, slot) for sub, slot in page if self._vault.keyring.is_erased(sub, slot)]
        if erased:
            self._store.write(partial(_bury_again, erased, self._now_ms()))
        return len(erased)

    def _sweep_fallen_pools(self) -> None:
        """Delete the rows of pools that are erased already, some users at once."""
        for pool_id in self._store.read(lambda tx: tx.fallen.list_page(ROWS_PER_STEP)):
            while self._store.write(partial(_forget_some, pool_id)):
                if self._stop.is_set():
                    return

    def _drop_expired(self) -> None:
        now_ms = self._now_ms()
        self._store.write(lambda tx: tx.sessions.drop_expired(now_ms, ROWS_PER_STEP))
        self._store.write(lambda tx: tx.outbox.drop_older(now_ms - MESSAGES_KEPT_MS))
        self._store.write(lambda tx: tx.pools.drop_expired_keys(now_ms))


def _erase_pool(pool_id: str, now_ms: int, tx: Transaction) -> None:
    tx.pools.erase(pool_id, now_ms)


def _slots_behind(after: str, tx: Transaction) -> list[tuple[str, int]]:
    return tx.users.list_slots(after, SLOTS_PER_PAGE)


def _bury_again(erased: list[tuple[str, int]], now_ms: int, tx: Transaction) -> None:
    for sub, slot in erased:
        tx.users.bury_again(sub, slot, now_ms=now_ms)


def _forget_some(pool_id: str, tx: Transaction) -> bool:
    """Delete some users' rows; False once the pool has none left, and then it is forgotten too."""
    subs = tx.users.list_subs(pool_id, ROWS_PER_STEP)
    tx.users.forget(subs)
    if not subs:
        tx.fallen.drop(pool_id)
    return bool(subs)
