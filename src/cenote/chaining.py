"""
The ledger's chain, behind the answers: lines get their place in it, and its head is vouched for and checked.

No erasure waits for another's place: the erasing commit writes a line, and whoever keeps the house chains
what is there, one process at a time.  A database that is behind what the keys folder vouches for is served,
and the gap is on record for good.  A chain that is broken is an alarm, and no reason to refuse anybody.  Why:
`docs/decisions/0031-the-ledger-is-chained-behind-the-commit.md`.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cenote.agreement import owe_look_back
from cenote.domain.ledger import BrokenChain, Gap, Head, followed, gap, linked
from cenote.log import logger
from cenote.store.contract import Store
from cenote.store.transaction import Transaction
from cenote.vault.witness import Witness

LINES_PER_COMMIT = 1_000
LINES_AT_START_MAX = 1_000
LINES_PER_CHECK = 2_000
CHECK_EVERY_S = 24 * 3_600

log = logger("cenote.ledger")


@dataclass(frozen=True, slots=True)
class Chained:
    """What one commit made of the chain."""

    head: Head
    lines: int
    gap: Gap | None


def chain(
    store: Store,
    witness: Witness,
    *,
    now_ms: int,
    buried: frozenset[bytes] = frozenset(),
    reach: Callable[[str], None] = lambda _name: None,
) -> Chained:
    """
    Give some lines their place in the chain, note the tombstones of `buried`, and vouch for the head.

    What was vouched for is read before the transaction begins: it stands in the database by then, unless the
    database is older.  Cut off between commit and voucher, the chain is ahead, which the next one mends.
    """
    vouched = witness.head()
    made = store.write(partial(_append, witness.first, vouched, buried, now_ms))
    reach("ledger.before_head")
    if made.gap is not None:
        log.error(
            "ledger is not what was vouched for", holds=made.gap.present.number, knew=made.gap.vouched.number
        )
        owe_look_back(store)
    if made.head.number > (vouched or witness.first).number:
        witness.vouch(made.head, now_ms)
    return made


def is_unchained(store: Store) -> bool:
    """Whether a line has no place in the chain yet."""
    return store.read(lambda tx: tx.ledger.has_unchained())


def is_astray(tx: Transaction, head: Head, vouched: Head | None) -> bool:
    """
    Whether this database does not hold what was vouched for.

    Not where a gap says already that it does not.
    """
    if vouched is None or vouched.number == 0 or vouched == head:
        return False
    if vouched.number >= head.number:
        return True
    return tx.ledger.find_hash(vouched.number) != vouched.hash and not tx.ledger.is_in_a_gap(vouched.number)


def _append(
    first: Head, vouched: Head | None, buried: frozenset[bytes], now_ms: int, tx: Transaction
) -> Chained:
    head, hole = tx.ledger.hold_head(first), None
    held = head
    if vouched is not None and is_astray(tx, head, vouched):
        hole = gap(vouched, head, now_ms)
        tx.ledger.add_gap(hole)
        head = Head(hole.number, hole.hash)
    links = linked(tx.ledger.list_unchained(LINES_PER_COMMIT), head)
    tx.ledger.save_links(links, buried)
    tx.ledger.mark_done(buried.difference(link.line.digest for link in links))
    if links:
        head = Head(links[-1].number, links[-1].hash)
    if head != held:
        tx.ledger.save_head(head)
    return Chained(head, len(links), hole)


def trouble_at_start(store: Store, witness: Witness) -> str | None:
    """
    What is wrong with the chain's end, looked at before the first answer; logged, and None when nothing is.

    It costs the same at any length: some entries before the voucher and behind it are walked, the whole chain
    behind the answers.
    """
    vouched = witness.head()
    found = store.read(partial(_trouble, witness.first, vouched))
    if found is not None:
        log.error("ledger broken", found=found)
    elif vouched is None and (store.read(lambda tx: tx.ledger.find_head()) or witness.first).number:
        log.error("ledger head missing")
    return found


def _trouble(first: Head, vouched: Head | None, tx: Transaction) -> str | None:
    head = tx.ledger.find_head() or first
    if found := _contradiction(tx, head, vouched):
        return found
    furthest = head.number if vouched is None else min(head.number, vouched.number)
    since = _entry_before(tx, furthest - LINES_AT_START_MAX // 2, first)
    entries = tx.ledger.list_entries(since.number, head.number, LINES_AT_START_MAX)
    try:
        end = followed(since, entries)
    except BrokenChain as failure:
        return str(failure)
    if len(entries) < LINES_AT_START_MAX and end != head:
        return f"its last line is {end.number}, and {head.number} was noted"
    return None


def _entry_before(tx: Transaction, number: int, first: Head) -> Head:
    """Where to begin, about this number; the beginning of a chain that is shorter."""
    entries = tx.ledger.list_entries(number, sys.maxsize, 1) if number > 0 else []
    return Head(entries[0].number, entries[0].hash) if entries else first


@dataclass(frozen=True, slots=True)
class Examined:
    """What a walk over the whole chain found."""

    head: Head
    vouched: Head | None
    gaps: tuple[Gap, ...]
    broken: str | None


def examine(
    tx: Transaction, witness: Witness, told: Callable[[int], None] = lambda _number: None
) -> Examined:
    """Walk the whole chain of a snapshot and hold its end against the voucher; `told` hears the numbers."""
    vouched, head = witness.head(), tx.ledger.find_head() or witness.first
    at, gaps, broken = witness.first, list[Gap](), None
    while broken is None and (entries := tx.ledger.list_entries(at.number, head.number, LINES_PER_CHECK)):
        gaps += [entry for entry in entries if isinstance(entry, Gap)]
        try:
            at = followed(at, entries)
        except BrokenChain as failure:
            broken = str(failure)
        told(at.number)
    if broken is None and at != head:
        broken = f"its last line is {at.number}, and {head.number} was noted"
    elif broken is None and tx.ledger.list_entries(head.number, sys.maxsize, 1):
        broken = f"there are lines behind the last one, {head.number}"
    return Examined(head, vouched, tuple(gaps), broken or _contradiction(tx, head, vouched))


def _contradiction(tx: Transaction, head: Head, vouched: Head | None) -> str | None:
    """What the database says otherwise than the keys folder does; that it is behind is no contradiction."""
    if vouched is not None and vouched.number <= head.number and is_astray(tx, head, vouched):
        return f"line {vouched.number} is another than the keys folder vouched for"
    return None


class ChainCheck:
    """
    Walks the whole chain behind the answers, some lines at a time, after a start and then once a day.

    `broken` is what was found.  A break counts when a second walk finds it too: a fail-over to an older
    database may come in the middle of one.
    """

    def __init__(self, store: Store, witness: Witness, broken: str | None) -> None:
        self.broken = broken
        self._store = store
        self._witness = witness
        self._at = witness.first
        self._suspected: str | None = None
        self._next_s = time.monotonic()

    def step(self) -> None:
        """Check some more lines, if it is time."""
        if time.monotonic() < self._next_s:
            return
        try:
            end = self._store.read(self._walk)
        except BrokenChain as failure:
            self._end(str(failure))
            return
        if end is None:
            self._end(None)
        else:
            self._at = end

    def _walk(self, tx: Transaction) -> Head | None:
        """The head behind the next lines, or None at the end."""
        head = tx.ledger.find_head() or self._witness.first
        entries = tx.ledger.list_entries(self._at.number, head.number, LINES_PER_CHECK)
        end = followed(self._at, entries)
        if len(entries) == LINES_PER_CHECK:
            return end
        if end != head:
            raise BrokenChain(f"its last line is {end.number}, and {head.number} was noted")
        return None

    def _end(self, found: str | None) -> None:
        """At the end of a walk, or where it broke off: look again, or rest for a day."""
        self._at = self._witness.first
        if found is not None and self._suspected is None:
            self._suspected = found
            return
        if found is not None and found != self.broken:
            log.error("ledger broken", found=found)
        self.broken, self._suspected = found, None
        self._next_s = time.monotonic() + CHECK_EVERY_S
