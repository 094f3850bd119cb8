"""
What is done behind the answers, once a second: tombstones still owed, the ledger's chain, rows of fallen
pools, things past their time.

Each step is safe to do twice and safe to leave undone.  Leaves out what must happen before an answer.
"""

import threading
from collections.abc import Callable
from functools import partial

from cenote.agreement import (
    bury,
    is_look_back_owed,
    look_back_is_done,
    note_how_far,
    notice_another_history,
    owe_look_back,
    owed_behind,
    save_counters,
    seen_counters,
)
from cenote.alarms import Watch
from cenote.chaining import LINES_PER_COMMIT, ChainCheck, chain, is_unchained, trouble_at_start
from cenote.changeover import Follower
from cenote.errands import carry_out_all, drop_old
from cenote.log import logger
from cenote.lookback import look_back
from cenote.opening import Vault
from cenote.store.contract import Store
from cenote.store.pools import TOKEN_LIFETIME_MS_MAX
from cenote.store.transaction import Transaction

TICK_S = 1.0
ROWS_PER_STEP = 200
FRESH_MS = 2_000  # a line so young is most likely in the hands of the tombstone writer
MESSAGES_KEPT_MS = 24 * 3_600_000
ROUNDS_PER_CLEARING = 10

log = logger("cenote.housekeeping")


class Housekeeper:
    """A thread that keeps the house in order."""

    def __init__(self, store: Store, vault: Vault, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._vault = vault
        self._now_ms = now_ms
        self._stop = threading.Event()
        self._seen = seen_counters(store)
        self._rounds = 0
        self.watch = Watch(store, vault)
        self._follower = Follower(store, vault.master)
        self._is_vouched_for = False
        self.ledger = ChainCheck(store, vault.witness, trouble_at_start(store, vault.witness))
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
        """Do every step, whatever becomes of another; the next round tries again."""
        for name, step in (
            ("follow the master key", self._follower.step),
            ("carry out errands", self._carry_out_errands),
            ("notice a rollback", self._notice_a_rollback),
            ("look back", self._look_back),
            ("pay what is owed", partial(self._pay_what_is_owed, fresh_ms)),
            ("chain the ledger", self._chain_the_ledger),
            ("check the ledger", self.ledger.step),
            ("note the counters", partial(save_counters, self._store, self._vault.folder)),
            ("erase who can't be brought back any more", self._erase_overdue),
            ("sweep fallen pools", self._sweep_fallen_pools),
            ("sweep fallen groups", self._sweep_fallen_groups),
            ("drop what is past its time", self._drop_expired),
            ("watch", self._watch),
        ):
            try:
                step()
            except Exception as failure:  # noqa: BLE001 - whatever it was
                log.error("housekeeping failed", step=name, failure=repr(failure))

    def _notice_a_rollback(self) -> None:
        """What the data once saw of the keys it can't unsee, unless an older database took its place."""
        seen = seen_counters(self._store)
        if any(was > seen.get(number, (0, 0)) for number, was in self._seen.items()):
            log.warning("the database is older than it was")
            owe_look_back(self._store)
        if notice_another_history(self._store):
            self._is_vouched_for = False  # its ledger may lack what was vouched for
        self._seen = seen

    def _watch(self) -> None:
        self.watch.step(self._now_ms())

    def _carry_out_errands(self) -> None:
        carry_out_all(self._store, self._vault, self._now_ms())

    def _look_back(self) -> None:
        if not is_look_back_owed(self._store):
            return
        seen = look_back(self._store, self._vault.keyring, self._now_ms())
        self.watch.wrong_slots = seen.unread + seen.foreign
        if not seen.unread:  # else a chunk is away, and may come back
            look_back_is_done(self._store)
        if seen.erased_users or seen.erased_pools:
            gone = {"users": seen.erased_users, "pools": seen.erased_pools}
            log.warning("erased ones cleared", **gone, living=seen.living_users)

    def _pay_what_is_owed(self, fresh_ms: int) -> None:
        """Write the tombstones that are still owed, and note the ones that are written."""
        if self._vault.tombstones.retry():
            owe_look_back(self._store)  # where their lines are lost, their rows are there
        after, now_ms = b"", self._now_ms()
        while owed := self._store.read(partial(owed_behind, after)):
            paid = self._vault.tombstones.take_buried([line.digest for line in owed])
            late = [
                line
                for line in owed
                if line.digest not in paid
                # One from the future is not fresh: the clock was set back, or another node's is ahead.
                and not now_ms - fresh_ms < line.erased_ms <= now_ms
            ]
            paid |= bury(self._vault.folder, late)
            if paid:
                note_how_far(self._store, self._vault.folder)
                self._chain(frozenset(paid))
            after = owed[-1].digest

    def _chain_the_ledger(self) -> None:
        """Chain what is there; and, first of all after a start, hold the ledger against its voucher."""
        while not self._is_vouched_for or is_unchained(self._store):
            lines = self._chain(frozenset())
            self._is_vouched_for = True
            if lines < LINES_PER_COMMIT or self._stop.is_set():
                return

    def _chain(self, buried: frozenset[bytes]) -> int:
        folder, witness = self._vault.folder, self._vault.witness
        made = chain(self._store, witness, now_ms=self._now_ms(), buried=buried, reach=folder.reach)
        return made.lines

    def _erase_overdue(self) -> None:
        """Erase whom administrators deleted, once the days are over that their pool keeps them for."""
        now_ms = self._now_ms()
        while subs := self._store.read(partial(_overdue, now_ms)):
            self._store.write(partial(_erase_overdue, subs, now_ms))
            if self._stop.is_set():
                return

    def _sweep_fallen_pools(self) -> None:
        """Delete the rows of pools that are erased already, some users at once."""
        for pool_id in self._store.read(lambda tx: tx.fallen.list_page(ROWS_PER_STEP)):
            while self._store.write(partial(_forget_some, pool_id)):
                if self._stop.is_set():
                    return

    def _sweep_fallen_groups(self) -> None:
        """Delete the memberships of groups that are gone already, some at once."""
        for group_id in self._store.read(lambda tx: tx.groups.list_fallen(ROWS_PER_STEP)):
            while self._store.write(partial(_forget_members, group_id)):
                if self._stop.is_set():
                    return

    def _drop_expired(self) -> None:
        """Clear away what is past its time: seldom, for it costs a commit even where there is nothing."""
        self._rounds += 1
        if self._rounds % ROUNDS_PER_CLEARING == 0:
            while self._store.write(partial(_drop_expired, self._now_ms())) and not self._stop.is_set():
                pass


def _overdue(now_ms: int, tx: Transaction) -> list[str]:
    return tx.recoverable.list_overdue(now_ms, ROWS_PER_STEP)


def _erase_overdue(subs: list[str], now_ms: int, tx: Transaction) -> None:
    for sub in sorted(subs):
        tx.recoverable.erase_overdue(sub, now_ms)


def _drop_expired(now_ms: int, tx: Transaction) -> bool:
    """
    Delete some of what is past its time; whether there may be more of it.

    A session's row stays for as long as the last access token that it gave may live.
    """
    dropped = (
        tx.sessions.drop_expired(now_ms - TOKEN_LIFETIME_MS_MAX, ROWS_PER_STEP),
        tx.activity.drop_expired(now_ms, ROWS_PER_STEP),
    )
    tx.outbox.drop_older(now_ms - MESSAGES_KEPT_MS)
    drop_old(tx)
    tx.pools.drop_expired_keys(now_ms)
    return max(dropped) == ROWS_PER_STEP


def _forget_some(pool_id: str, tx: Transaction) -> bool:
    """Delete some rows of users, then of groups; False once there are none, and the pool is forgotten too."""
    subs = tx.users.list_subs(pool_id, ROWS_PER_STEP)
    tx.users.forget(subs)
    if subs or tx.groups.sweep_pool(pool_id, ROWS_PER_STEP):
        return True
    tx.fallen.drop(pool_id)
    return False


def _forget_members(group_id: str, tx: Transaction) -> bool:
    return tx.groups.sweep(group_id, ROWS_PER_STEP)
