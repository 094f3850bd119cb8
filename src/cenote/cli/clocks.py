"""
What the doctor looks at for the three clocks of an erasure, and for the record of it.

The second clock (gone from every copy of the database) waits for owed tombstones; the third (gone from every
copy of the keys folder) is broken by each copy that still holds a secret.  A finding names its clock.
"""

from collections.abc import Iterator
from pathlib import Path

from cenote.chaining import examine
from cenote.cli.backup import source_of
from cenote.cli.findings import Finding
from cenote.cli.keys_at_hand import keys_at_hand
from cenote.cli.ledger import said_of_gap
from cenote.cli.volumes import NOT_IN_PLACE, file_system
from cenote.errors import CenoteError
from cenote.settings import Settings
from cenote.vault.chunks import HEADER_PAGE_BYTES, SLOTS_PER_CHUNK
from cenote.vault.searching import Wanted, files_below, search
from cenote.vault.slots import chunk_name, pair_of
from cenote.vault.statements import fingerprint
from cenote.vault.tombstones import SLOT_BYTES, TOMBSTONE_MARK

THIRD = "third clock"


def ledger(settings: Settings) -> Iterator[Finding]:
    """The chain, from its first line to what the keys folder vouches for; and the key that signs it."""
    hand = keys_at_hand(settings)
    with source_of(settings) as source:
        chain = examine(source.tables, hand.witness)
    for gap in chain.gaps:
        yield Finding("warning", "ledger", said_of_gap(gap))
    behind = chain.vouched is not None and chain.vouched.number > chain.head.number
    if chain.broken is not None:
        yield Finding("alarm", "ledger", f"its chain is broken: {chain.broken}")
    elif behind and chain.vouched is not None:
        said = f"it ends at {chain.head.number}, and the keys folder knew {chain.vouched.number} entries"
        yield Finding("warning", "ledger", f"{said}: this database is older, and the next start notes it")
    elif chain.vouched is None and chain.head.number:
        yield Finding("alarm", "ledger", "the keys folder vouches for none of it any more")
    else:
        yield Finding("ok", "ledger", f"a whole chain of {chain.head.number} entries")
    yield Finding("ok", "receipt key", fingerprint(hand.witness.public))


def owed(settings: Settings) -> Iterator[Finding]:
    """Tombstones that are not known to be written."""
    with source_of(settings) as source:
        count = source.tables.ledger.count_owed()
    if count:
        said = f"{count} tombstones not known to be written; a running server writes them"
        yield Finding("warning", "second clock", said)


def mirror(settings: Settings) -> Iterator[Finding]:
    """Whether the mirror holds what the keys folder holds."""
    if settings.keys_mirror is None:
        yield Finding("warning", "mirror", "none: a lost keys folder loses every user")
        return
    found = pair_of(settings.keys_mirror)
    if found is None:
        yield Finding("alarm", THIRD, f"the mirror {settings.keys_mirror} is away")
        return
    if found != pair_of(settings.keys):
        yield Finding("alarm", "mirror", f"{settings.keys_mirror} does not belong to the keys folder")
        return
    chunks = sorted(settings.keys.glob("chunk-*.slots"))
    copies = {path: settings.keys_mirror / path.name for path in chunks}
    differing = [
        path.name for path, copy in copies.items() if not copy.exists() or _slots(copy) != _slots(path)
    ]
    if differing:
        said = f"the mirror is behind in {', '.join(differing)}: the next start brings it up"
        yield Finding("warning", THIRD, said)
    else:
        yield Finding("ok", "mirror", f"{settings.keys_mirror} holds the same")


def in_place(settings: Settings) -> Iterator[Finding]:
    """Whether a tombstone takes the place of the secret on the disk, as far as the file system knows."""
    for name, folder in (("keys folder", settings.keys), ("mirror", settings.keys_mirror)):
        if folder is None or not folder.exists():
            continue
        kind = file_system(folder)
        if kind in NOT_IN_PLACE:
            said = f"the {name} is on {kind}, which does not overwrite in place: old blocks stay"
            yield Finding("warning", THIRD, said)
        else:
            yield Finding("ok", name, f"on {kind}, which overwrites in place")


def archived(settings: Settings, also: list[Path]) -> Iterator[Finding]:
    """Copies of the keys folder beside it, beside the data, and in the places that are named."""
    pair = pair_of(settings.keys)
    if pair is None:
        return
    known = {path.resolve() for path in (settings.keys, settings.keys_mirror) if path is not None}
    near = {folder for own in (settings.keys, settings.data) for folder in own.parent.iterdir()}
    places = [*sorted(folder for folder in near if _carries(folder, pair)), *also]
    wanted = Wanted(frozenset(), pair)
    for file in files_below(places):
        if any(file.resolve().is_relative_to(folder) for folder in known):
            continue
        for chunk in search(file, wanted).chunks:
            own = settings.keys / chunk_name(chunk.number)
            yield _of_copy(file, _still_secret(own, file, chunk.offset) if own.exists() else 0)
    if also:
        yield Finding("ok", "archives", f"{len(also)} places were searched for copies of the keys folder")


def _carries(folder: Path, pair: bytes) -> bool:
    try:
        return pair_of(folder) == pair
    except (CenoteError, OSError):  # somebody else's file of that name
        return False


def _of_copy(file: Path, open_slots: int) -> Finding:
    if open_slots:
        said = f"{file} is a copy of the keys folder that still opens {open_slots} of the erased: destroy it"
        return Finding("alarm", THIRD, said)
    said = f"{file} is a copy of the keys folder; no erasure from now on reaches it"
    return Finding("warning", THIRD, said)


def _still_secret(own: Path, file: Path, offset: int) -> int:
    """How many slots are tombstones in the keys folder and none in a copy of that chunk."""
    size = SLOTS_PER_CHUNK * SLOT_BYTES
    ours = _slots(own)
    with file.open("rb") as opened:
        opened.seek(offset + HEADER_PAGE_BYTES)
        theirs = opened.read(size)
    at, count = ours.find(TOMBSTONE_MARK), 0
    while at >= 0:
        if at % SLOT_BYTES == 0 and len(theirs) >= at + SLOT_BYTES:
            count += not theirs.startswith(TOMBSTONE_MARK, at)
        at = ours.find(TOMBSTONE_MARK, at + 1)
    return count


def _slots(chunk: Path) -> bytes:
    """What a chunk holds; how far it has come is the folder's own affair, and not mirrored at each step."""
    return chunk.read_bytes()[HEADER_PAGE_BYTES:]
