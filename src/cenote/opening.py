"""
Opening the house: data, keys folder and master key belong together, or the start is refused with one
sentence.

Owns the checks of a start and the redo of what the last stop left.  It deletes nothing: a key that is
missing, stale or foreign is said, and never a reason to clear a row away.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import structlog

from cenote.domain.registrations import LedgerLine
from cenote.domain.sealed import Grave, Place
from cenote.errors import CenoteError
from cenote.settings import Settings
from cenote.store.contract import Store
from cenote.store.transaction import Transaction
from cenote.vault.chunks import PAIR_BYTES, SLOTS_PER_CHUNK
from cenote.vault.erasure import TombstoneWriter
from cenote.vault.keys import Keyring
from cenote.vault.master import Master, load_master
from cenote.vault.sealing import KEY_BYTES, Unopenable
from cenote.vault.slots import KeysFolder, create_keys_folder, pair_of

LEDGER_PAGE_LINES = 1_000
_PAIR, _STATE, _CHECK, _SECRET, _SEEN = "pair", "pair_state", "master_check", "server_secret", "keys_seen"

log = structlog.get_logger("cenote.opening")


@dataclass(frozen=True, slots=True)
class Vault:
    """An open vault."""

    master: Master
    server_secret: bytes
    folder: KeysFolder
    keyring: Keyring
    tombstones: TombstoneWriter
    is_ahead: bool  # the folder has come further than the data saw: perhaps the data was rolled back

    def close(self) -> None:
        """Write the waiting tombstones and let go of the folder."""
        self.tombstones.close()
        self.folder.close()


@contextmanager
def _in_words() -> Iterator[None]:
    """What the operating system refuses is one sentence for the operator."""
    try:
        yield
    except OSError as failure:
        place = f" ({failure.filename})" if failure.filename else ""
        raise CenoteError(f"The keys can't be used: {failure.strerror}{place}.") from failure


@_in_words()
def open_vault(settings: Settings, store: Store, reach: Callable[[str], None]) -> Vault:
    """The vault that belongs to this store, attached to it; `CenoteError` when there is none that does."""
    found, pair = pair_of(settings.keys), store.read(lambda tx: tx.meta.find(_PAIR))
    if pair is None and found is not None:
        raise CenoteError(
            f"The keys folder {settings.keys} belongs to other data; new data needs a new keys folder."
        )
    master = load_master(
        text=settings.master_key,
        command=settings.master_key_command,
        file=settings.master_key_file,
        may_create=pair is None,
    )
    if pair is None:
        pair = _pair_up(store, master)
    secret = _server_secret(store, master)
    _join(settings.keys, store, pair)
    folder = KeysFolder(settings.keys, pair, settings.keys_mirror, reach=reach)
    keyring = Keyring(master, folder)
    tombstones = TombstoneWriter(folder, reach)
    store.attach(keyring, tombstones)
    try:
        is_ahead = _settle(store, folder)
    except BaseException:
        tombstones.close()
        folder.close()
        raise
    return Vault(master, secret, folder, keyring, tombstones, is_ahead)


def _pair_up(store: Store, master: Master) -> bytes:
    """New data: give it a pair id, which its keys folder will carry too."""
    pair, key = os.urandom(PAIR_BYTES), master.server_key()
    check = key.seal(Place("meta", _CHECK), b"cenote")
    secret = key.seal(Place("meta", _SECRET), os.urandom(KEY_BYTES))
    rows = {_PAIR: pair, _STATE: b"new", _CHECK: check, _SECRET: secret}
    return store.write(lambda tx: tx.meta.add_all(rows))[_PAIR]


def _server_secret(store: Store, master: Master) -> bytes:
    check, secret = store.read(lambda tx: (tx.meta.find(_CHECK), tx.meta.find(_SECRET)))
    require_master(master, check)
    return master.server_key().open(Place("meta", _SECRET), secret or b"")


def require_master(master: Master, check: bytes | None) -> None:
    """Refuse a master key that did not seal the check value which new data keeps for this."""
    try:
        master.server_key().open(Place("meta", _CHECK), check or b"")
    except Unopenable as failure:
        raise CenoteError("The master key is not the one that this data was sealed with.") from failure


def _join(keys: Path, store: Store, pair: bytes) -> None:
    """Make the folder of new data, and refuse any other than the one that the data names."""
    found, state = pair_of(keys), store.read(lambda tx: tx.meta.find(_STATE))
    if found is None and state != b"new":
        raise CenoteError(f"The keys folder {keys} is missing; point --keys to it or to its mirror.")
    if found is not None and found != pair:
        raise CenoteError(f"The keys folder {keys} belongs to other data than this.")
    if state == b"new":
        create_keys_folder(keys, pair)
        store.write(lambda tx: tx.meta.put(_STATE, b"ready"))


def _settle(store: Store, folder: KeysFolder) -> bool:
    """Bring folder and ledger together; True when the folder is further than the data knew."""
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
    if behind:
        count = _redo_all(store, folder, set(behind) & set(present))
        folder.retire({number: seen.get(number, (0, 0))[1] for number in behind})
        log.error("keys folder behind its data", chunks=sorted(behind), buried_again=count)
    after = b""
    while owed := store.read(partial(owed_behind, after)):
        note_buried(store, folder, bury(folder, owed))
        after = owed[-1].digest
    save_counters(store, folder)
    return any(seen.get(number) != at for number, at in present.items())


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
    """
    Note that these tombstones are written.

    How far the folder has come is noted first: a copy of it that lacks one of them must be known as stale.
    """
    save_counters(store, folder)
    folder.reach("ledger.before_done")
    store.write(lambda tx: tx.ledger.mark_done(digests))


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
