"""
The mirror of a keys folder: each chunk before its first use, each tombstone before the answer.

It holds what the folder holds, so that losing one of the two loses nobody.  Tombstones found in either copy
are carried to the other, in place: a copy that missed one must not open the erased again.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from cenote.errors import CenoteError
from cenote.vault.chunks import (
    SLOTS_PER_CHUNK,
    Chunk,
    Counters,
    write_exclusively,
)
from cenote.vault.tombstones import SLOT_BYTES, is_tombstone


class Mirror:
    """The second copy of the chunks, kept in step by the one who owns the first."""

    def __init__(self, folder: Path, pair: bytes) -> None:
        self.folder = folder
        self._pair = pair
        self._chunks: dict[int, Chunk] = {}

    def close(self) -> None:
        """Close every file."""
        for chunk in self._chunks.values():
            chunk.close()
        self._chunks.clear()

    def chunk(self, number: int) -> Chunk:
        """The mirror's copy of a chunk."""
        if number not in self._chunks:
            self._chunks[number] = Chunk(self._path(number), self._pair)
        return self._chunks[number]

    def add(self, number: int, content: bytes) -> bool:
        """Hold a new chunk, durably, before the folder may use it; False when it holds one already."""
        return write_exclusively(self._path(number), content)

    def lend(self, folder: Path) -> None:
        """Give a folder the chunks that it has lost, or never got because a crash came between the two."""
        for path in sorted(self.folder.glob("chunk-*.slots")):
            if not (folder / path.name).exists():
                write_exclusively(folder / path.name, path.read_bytes())

    def catch_up(self, chunks: Sequence[Chunk]) -> None:
        """Bring both copies to the union of their tombstones and the further of their counters."""
        for chunk in chunks:
            if not self._path(chunk.number).exists():
                write_exclusively(self._path(chunk.number), chunk.path.read_bytes())
            copy = self.chunk(chunk.number)
            ours, theirs = chunk.slots(), copy.slots()
            here, there = chunk.counters(), copy.counters()
            further = Counters(max(here.mark, there.mark), max(here.batches, there.batches))
            if ours != theirs or here != there:
                to_copy = list(_tombstones_to_carry(ours, theirs, copy.path))
                to_here = list(_tombstones_to_carry(theirs, ours, copy.path))
                copy.adopt(to_copy, further)
                chunk.adopt(to_here, further)

    def _path(self, number: int) -> Path:
        return self.folder / f"chunk-{number:08d}.slots"


def _tombstones_to_carry(source: bytes, target: bytes, path: Path) -> Iterator[tuple[int, bytes]]:
    """The slots that are tombstones in the source and secrets in the target."""
    for index in range(SLOTS_PER_CHUNK):
        slot = slice(index * SLOT_BYTES, (index + 1) * SLOT_BYTES)
        if source[slot] == target[slot]:
            continue
        if is_tombstone(source[slot]) and not is_tombstone(target[slot]):
            yield index, source[slot]
        elif not is_tombstone(target[slot]):
            raise CenoteError(f"The mirror's {path} holds other secrets than the keys folder.")
