"""
Agreement between the keys folder and the data: what either has missed is made good, and noted until it is.

Owns the counters that tell a stale copy from a present one, the redo of tombstones, and the duties that a
start must not lose: to bury again, and to look back.  Leaves out what else a start checks (`opening.py`) and
the look back itself (`lookback.py`).
"""

from collections import defaultdict
from functools import partial

import msgspec

from cenote.domain.registrations import LedgerLine
from cenote.domain.sealed import Grave
from cenote.errors import CenoteError
from cenote.log import logger
from cenote.store.contract import Store
from cenote.store.transaction import Transaction
from cenote.vault.chunks import SLOTS_PER_CHUNK
from cenote.vault.slots import KeysFolder

LEDGER_PAGE_LINES = 1_000
_SEEN, _REDO, _LOOK_BACK = "keys_seen", "redo_owed", "look_back_owed"
_HISTORY = "history"

log = logger("cenote.agreement")


def settle(store: Store, folder: KeysFolder) -> None:
    """
    Bring folder and ledger together at a start.

    A folder that is behind gets every tombstone again before a slot of it is used; one that differs from what
    the data saw owes a look back.  Both are noted durably first: a start that is cut off must not look like
    one that came to its end.
    """
    notice_another_history(store)
    seen = seen_counters(store)
    present = {number: (at.mark, at.batches) for number, at in folder.counters().items()}
    highest = store.read(lambda tx: tx.users.highest_slots(SLOTS_PER_CHUNK))
    behind = [
        number
        for number in set(seen) | set(highest)
        if number not in present
        or any(was > now for was, now in zip(seen.get(number, (0, 0)), present[number], strict=True))
        or highest.get(number, -1) >= number * SLOTS_PER_CHUNK + present[number][0]
    ]
    redo = {*behind, *_duty(store, _REDO)}
    if redo:
        store.write(lambda tx: tx.meta.put(_REDO, msgspec.json.encode(sorted(redo))))
        count = _redo_all(store, folder, redo & set(present))
        folder.retire({number: seen.get(number, (0, 0))[1] for number in redo})
        log.error("keys folder behind its data", chunks=sorted(redo), buried_again=count)
    after = b""
    while owed := store.read(partial(owed_behind, after)):
        note_buried(store, folder, bury(folder, owed))
        after = owed[-1].digest
    if redo or seen != present:
        owe_look_back(store)
    save_counters(store, folder)
    if redo:
        store.write(lambda tx: tx.meta.put(_REDO, b"[]"))


def owe_look_back(store: Store) -> None:
    """Note that rows of erased ones may be there again, until somebody has looked."""
    store.write(lambda tx: tx.meta.put(_LOOK_BACK, b"[1]"))


def is_look_back_owed(store: Store) -> bool:
    """Whether rows of erased ones may be there again."""
    return bool(_duty(store, _LOOK_BACK))


def look_back_is_done(store: Store) -> None:
    """Note that somebody has looked, at every slot."""
    store.write(lambda tx: tx.meta.put(_LOOK_BACK, b"[]"))


def notice_another_history(store: Store) -> bool:
    """
    Whether another history has taken the place of the database's; then a look back is owed.

    A standby that took over may lack the last erasures, and the counters that would have told of them too.
    So the data itself holds the name of its history, which the standby got from the one before it.
    """
    if not store.read(_is_of_another_history) or not store.write(_begin_a_history):
        return False
    log.warning("another database took over")
    return True


def _is_of_another_history(tx: Transaction) -> bool:
    return tx.history != (tx.meta.find(_HISTORY) or b"").decode()


def _begin_a_history(tx: Transaction) -> bool:
    """Note the history's name, together with the duty; new data has no other to follow upon."""
    if not _is_of_another_history(tx):
        return False
    follows = tx.meta.find(_HISTORY) is not None
    tx.meta.put(_HISTORY, tx.history.encode())
    if follows:
        tx.meta.put(_LOOK_BACK, b"[1]")
    return follows


def _duty(store: Store, name: str) -> list[int]:
    text = store.read(lambda tx: tx.meta.find(name))
    return [] if text is None else msgspec.json.decode(text, type=list[int])


def _redo_all(store: Store, folder: KeysFolder, behind: set[int]) -> int:
    """Write every tombstone that the ledger knows into chunks that may have missed some."""
    count, after = 0, b""
    while lines := store.read(partial(_lines_behind, after)):
        missed = [line for line in lines if _chunk_of(line) in behind]
        folder.bury([Grave(line.digest, line.slot) for line in missed])
        count, after = count + len(missed), lines[-1].digest
    return count


def _lines_behind(after: bytes, tx: Transaction) -> list[LedgerLine]:
    return tx.ledger.list_page(after, LEDGER_PAGE_LINES)


def owed_behind(after: bytes, tx: Transaction) -> list[LedgerLine]:
    """A page of what is owed to the keys folder."""
    return tx.ledger.list_owed(after, LEDGER_PAGE_LINES)


def bury(folder: KeysFolder, lines: list[LedgerLine]) -> set[bytes]:
    """
    Overwrite the slots of these lines, chunk by chunk; the digests of those that are buried.

    What can't be written stays owed, which is said, and holds up no other chunk.  So does a line whose chunk
    the folder does not have: a folder that is away for a moment looks the same, and the chunk that comes back
    must not open the erased.
    """
    by_chunk: defaultdict[int, list[LedgerLine]] = defaultdict(list)
    for line in lines:
        by_chunk[_chunk_of(line)].append(line)
    buried: set[bytes] = set()
    for number, its_lines in by_chunk.items():
        try:
            folder.bury([Grave(line.digest, line.slot) for line in its_lines])
        except (OSError, CenoteError) as failure:
            log.error("tombstones pending", chunk=number, count=len(its_lines), failure=repr(failure))
        else:
            buried.update(line.digest for line in its_lines)
    return buried


def _chunk_of(line: LedgerLine) -> int:
    return line.slot // SLOTS_PER_CHUNK


def note_buried(store: Store, folder: KeysFolder, digests: set[bytes]) -> None:
    """Note that these tombstones are written."""
    note_how_far(store, folder)
    store.write(lambda tx: tx.ledger.mark_done(digests))


def note_how_far(store: Store, folder: KeysFolder) -> None:
    """
    Before tombstones are noted as written, note how far the folder has come.

    A copy of it that lacks one of them must be known as stale.
    """
    save_counters(store, folder)
    folder.reach("ledger.before_done")


def seen_counters(store: Store) -> dict[int, tuple[int, int]]:
    """How far the data last saw each chunk: its mark and its batches."""
    return store.read(_seen)


def save_counters(store: Store, folder: KeysFolder) -> None:
    """Note in the data how far the folder has come, if that is news; what was seen once is never unseen."""
    now = {number: (at.mark, at.batches) for number, at in folder.counters().items()}
    seen = seen_counters(store)
    if _furthest(seen, now) != seen:
        store.write(lambda tx: tx.meta.put(_SEEN, msgspec.json.encode(_furthest(_seen(tx), now))))


def _seen(tx: Transaction) -> dict[int, tuple[int, int]]:
    text = tx.meta.find(_SEEN)
    return {} if text is None else msgspec.json.decode(text, type=dict[int, tuple[int, int]])


def _furthest(
    seen: dict[int, tuple[int, int]], now: dict[int, tuple[int, int]]
) -> dict[int, tuple[int, int]]:
    both = {number: (seen.get(number, (0, 0)), now.get(number, (0, 0))) for number in {*seen, *now}}
    return {number: (max(a[0], b[0]), max(a[1], b[1])) for number, (a, b) in both.items()}
