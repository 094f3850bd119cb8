"""
The keys folder: which slot is free, what a slot holds, and the writing of tombstones to it and its mirror.

A slot is never used twice: a process owns a chunk by a lock and moves the mark in the chunk's own header
ahead of use.  The mark is never lowered by what a database says, which may have been rolled back.  Leaves out
the meaning of a slot's content (`tombstones.py`) and who must be buried (the ledger, in the store).
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from cenote.domain.sealed import Grave
from cenote.errors import CenoteError
from cenote.folders import make_folder
from cenote.vault.chunks import (
    PAIR_BYTES,
    SLOTS_PER_CHUNK,
    Chunk,
    Counters,
    new_chunk_bytes,
    write_exclusively,
)
from cenote.vault.mirror import Mirror
from cenote.vault.tombstones import is_tombstone

MARK_STEP = 256
_PAIR_FILE = "pair"
_CACHE_TAG = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n"
    b"# This folder holds keys. A copy of it undoes erasures: keep it out of every backup of the data.\n"
)


class KeysFolder:
    """An open keys folder, with its mirror if it has one."""

    def __init__(
        self,
        folder: Path,
        pair: bytes,
        mirror: Path | None = None,
        *,
        reach: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self.folder = folder
        self._pair = pair
        self.reach = reach
        self._chunks: dict[int, Chunk] = {}
        self._opening = threading.Lock()
        self._allocating = threading.Lock()
        self._burying = threading.Lock()
        self._owned: Chunk | None = None
        self._next = self._mark = 0
        self._retired: frozenset[int] = frozenset()
        self._mirror = _open_mirror(mirror, pair) if mirror is not None else None
        if self._mirror is not None:
            self._mirror.lend(folder)
        for number in self.numbers():
            self._chunk(number)
        if self._mirror is not None:
            self._mirror.catch_up([self._chunk(number) for number in self.numbers()])

    def close(self) -> None:
        """Give the owned chunk back and close every file."""
        for chunk in self._chunks.values():
            chunk.close()
        self._chunks.clear()
        if self._mirror is not None:
            self._mirror.close()

    def numbers(self) -> list[int]:
        """The chunks that the folder has."""
        return sorted(int(path.stem.removeprefix("chunk-")) for path in self.folder.glob("chunk-*.slots"))

    def read(self, slot: int) -> bytes:
        """The slot's 64 bytes; `CenoteError` when the folder has no such chunk."""
        number, index = divmod(slot, SLOTS_PER_CHUNK)
        chunk = self._chunks.get(number) or self._chunk(number)
        return chunk.read(index)

    def counters(self) -> dict[int, Counters]:
        """How far each chunk has come."""
        return {number: self._chunk(number).counters() for number in self.numbers()}

    def retire(self, batches: Mapping[int, int]) -> None:
        """
        Hand out no slot of these chunks again, and make no chunk of these numbers.

        For chunks found behind the data (a stale copy): their marks call slots free that are in use, so they
        are moved to the end, for good, and the batches to what the data has seen of each.  A chunk that the
        folder has lost holds the slots of users who can't be opened any more.
        """
        self._retired = frozenset(batches)
        for number in self._retired.intersection(self.numbers()):
            self._chunk(number).advance(Counters(SLOTS_PER_CHUNK, batches[number]))

    def allocate(self) -> int:
        """
        A slot that was never handed out before, whatever crashed or was restored since.

        A slot that is a tombstone is passed over: what is wrapped under one could not be erased again.
        """
        with self._allocating:
            while is_tombstone(self.read(slot := self._next_slot())):
                pass
            return slot

    def bury(self, graves: Sequence[Grave]) -> None:
        """
        Overwrite the slots here and in the mirror; on return nothing can bring the secrets back.

        One `fdatasync` a chunk file, however many graves.  Raises when a copy can't be written, but only
        after every other was tried: what is still owed is owed to as few copies as can be.
        """
        by_chunk: defaultdict[int, list[Grave]] = defaultdict(list)
        for grave in graves:
            by_chunk[grave.slot // SLOTS_PER_CHUNK].append(grave)
        failures: list[Exception] = []
        copies = [self._chunk] if self._mirror is None else [self._chunk, self._mirror.chunk]
        with self._burying:
            for number, its_graves in by_chunk.items():
                for copy in copies:
                    try:
                        self._dig(copy(number), its_graves)
                    except (OSError, CenoteError) as failure:
                        failures.append(failure)
        if failures:
            raise failures[0]

    def _dig(self, chunk: Chunk, graves: Iterable[Grave]) -> None:
        for _grave in chunk.bury(graves):
            self.reach("tombstone.written")

    def _chunk(self, number: int) -> Chunk:
        with self._opening:
            if number not in self._chunks:
                path = self.folder / chunk_name(number)
                if not path.exists():
                    raise CenoteError(f"The keys folder {self.folder} has no chunk {number}.")
                self._chunks[number] = Chunk(path, self._pair)
            return self._chunks[number]

    def _next_slot(self) -> int:
        if self._owned is None or self._next == SLOTS_PER_CHUNK:
            self._owned = self._own_a_chunk()
        if self._next == self._mark:
            mark = min(self._mark + MARK_STEP, SLOTS_PER_CHUNK)
            if (
                self._mirror is not None
            ):  # first: a mirror that takes the folder's place must know of every use
                self._mirror.chunk(self._owned.number).reserve(mark)
            self._owned.reserve(mark)
            self._mark = mark
        self._next += 1
        return self._owned.number * SLOTS_PER_CHUNK + self._next - 1

    def _own_a_chunk(self) -> Chunk:
        """Take a chunk that nobody owns, or make one; of several who try at once, each ends with its own."""
        while True:
            numbers = self.numbers()
            for number in numbers:
                if number not in self._retired and self._owns(self._chunk(number)):
                    return self._chunk(number)
            self._add_chunk(max(numbers + sorted(self._retired), default=-1) + 1)

    def _owns(self, chunk: Chunk) -> bool:
        """Own first and then read the mark: a former owner moved it for as long as the chunk was theirs."""
        if not chunk.own():
            return False
        self._next = self._mark = chunk.counters().mark
        return self._mark < SLOTS_PER_CHUNK

    def _add_chunk(self, number: int) -> None:
        """A new chunk: durable in the mirror first, then here.  Another process may be making the same."""
        content = new_chunk_bytes(number, self._pair)
        if self._mirror is None or self._mirror.add(number, content):
            write_exclusively(self.folder / chunk_name(number), content)
        else:
            self._mirror.lend(self.folder)


def chunk_name(number: int) -> str:
    """The file name of a chunk."""
    return f"chunk-{number:08d}.slots"


def create_keys_folder(folder: Path, pair: bytes) -> None:
    """Make a keys folder of this pair id; do nothing when it is there already."""
    make_folder(folder)
    write_exclusively(folder / "CACHEDIR.TAG", _CACHE_TAG)
    write_exclusively(folder / _PAIR_FILE, pair.hex().encode() + b"\n")


def _open_mirror(folder: Path, pair: bytes) -> Mirror:
    """The mirror in this folder, which is a keys folder of the same pair id, tag and all."""
    if pair_of(folder) not in {None, pair}:
        raise CenoteError(f"The mirror {folder} belongs to another keys folder.")
    create_keys_folder(folder, pair)
    return Mirror(folder, pair)


def pair_of(folder: Path) -> bytes | None:
    """The pair id that a keys folder carries, or None when there is no keys folder."""
    file = folder / _PAIR_FILE
    if not file.exists():
        return None
    try:
        pair = bytes.fromhex(file.read_text().strip())
    except ValueError:
        pair = b""
    if len(pair) != PAIR_BYTES:
        raise CenoteError(f"The file {file} does not hold a pair id.")
    return pair
