"""
One chunk file of the keys folder: a header page and 65,536 slots, overwritten in place and never rewritten.

Owns the file's format and its durability.  Leaves out which chunk a process uses and the mirror (`slots.py`).
"""

import os
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cenote.domain.sealed import Grave
from cenote.errors import CenoteError
from cenote.folders import sync_folder
from cenote.vault.locks import lock_range, try_lock_range, unlock_range
from cenote.vault.tombstones import SLOT_BYTES, is_tombstone, tombstone

SLOTS_PER_CHUNK = 65_536
PAGE_BYTES = 4_096
HEADER_PAGE_BYTES = PAGE_BYTES
CHUNK_BYTES = HEADER_PAGE_BYTES + SLOTS_PER_CHUNK * SLOT_BYTES
PAIR_BYTES = 16
MAGIC = b"CENOTE SLOTS 1\n\0"
FIXED = struct.Struct(">16s16sQ")  # magic, pair id, number
_COUNTERS = struct.Struct(">QQ")  # mark, tombstone batches: each an aligned word that no write can tear
_COUNTERS_AT = 40
OWNER_AT = CHUNK_BYTES  # a byte behind the end: locking it stands in nobody's way


@dataclass(frozen=True, slots=True)
class Counters:
    """
    How far a chunk has come: slots handed out (reserved ahead), and batches of tombstones written.

    A batch counts twice, before its first slot and behind its last: so data that saw it whole can tell a copy
    of the file taken in between, and a start finds a batch that a crash cut off.
    """

    mark: int
    batches: int


class Chunk:
    """An open chunk file."""

    def __init__(self, path: Path, pair: bytes) -> None:
        self.path = path
        self._guard = threading.Lock()
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as failure:
            raise CenoteError(f"The chunk file {path} can't be opened: {failure.strerror}.") from failure
        header = os.pread(self._descriptor, FIXED.size, 0)
        if len(header) < FIXED.size or os.fstat(self._descriptor).st_size != CHUNK_BYTES:
            self.close()
            raise CenoteError(f"The chunk file {path} of the keys folder is damaged.")
        magic, its_pair, number = FIXED.unpack(header)
        self.number: int = number
        if magic != MAGIC or its_pair != pair:
            self.close()
            raise CenoteError(f"The chunk file {path} does not belong to this keys folder.")

    def close(self) -> None:
        """Let go of the file, and with it of its lock."""
        os.close(self._descriptor)

    def read(self, index: int) -> bytes:
        """The slot as it is now.  It is read at each use: a cached secret would outlive its owner."""
        return os.pread(self._descriptor, SLOT_BYTES, _offset(index))

    def counters(self) -> Counters:
        """The header's words as they are now."""
        return Counters(*_COUNTERS.unpack(os.pread(self._descriptor, _COUNTERS.size, _COUNTERS_AT)))

    def reserve(self, mark: int) -> None:
        """Move the mark, durably, before any slot below it is used."""
        self.advance(Counters(mark, 0))

    def advance(self, least: Counters) -> None:
        """Move the counters, durably, to these where they are less; nothing ever moves them back."""
        with self._alone_with({0}):
            now = self.counters()
            self._count(Counters(max(now.mark, least.mark), max(now.batches, least.batches)))
            os.fdatasync(self._descriptor)

    def bury(self, graves: Iterable[Grave]) -> Iterator[Grave]:
        """
        Overwrite the slots; yield each grave once written, and be durable only when exhausted.

        The pages of the slots, and the header's, are ours alone until the write is on the disk: another node
        that overwrites a neighbour must not write an older page back.  A slot that already holds a tombstone
        is written again (an earlier write may not have reached the disk) unless it is another's: that is
        left as it is, for the alarm.
        """
        its_graves = list(graves)
        with self._alone_with({0, *(_page_of(grave.slot % SLOTS_PER_CHUNK) for grave in its_graves)}):
            self._count(_one_batch_more(self.counters()))
            for grave in its_graves:
                self._write_tombstone(grave)
                yield grave
            self._count(_one_batch_more(self.counters()))
            os.fdatasync(self._descriptor)

    def own(self) -> bool:
        """Become the one process that hands out this chunk's slots; False when another is."""
        return try_lock_range(self._descriptor, OWNER_AT, 1)

    def slots(self) -> bytes:
        """All slots, for comparing a folder with its mirror."""
        return os.pread(self._descriptor, CHUNK_BYTES - HEADER_PAGE_BYTES, HEADER_PAGE_BYTES)

    def adopt(self, contents: Iterable[tuple[int, bytes]], counters: Counters) -> None:
        """Take over tombstones that the other copy has, in place, and the further counters."""
        for index, content in contents:
            self._overwrite(index, content)
        self.advance(counters)

    @contextmanager
    def _alone_with(self, pages: set[int]) -> Iterator[None]:
        """Have these pages to oneself, among the threads of this process and among processes and nodes."""
        with self._guard:
            for page in sorted(pages):
                lock_range(self._descriptor, page, PAGE_BYTES)
            try:
                yield
            finally:
                for page in pages:
                    unlock_range(self._descriptor, page, PAGE_BYTES)

    def _count(self, counters: Counters) -> None:
        words = _COUNTERS.pack(counters.mark, counters.batches)
        if os.pwrite(self._descriptor, words, _COUNTERS_AT) != len(words):
            raise OSError(f"short write to {self.path}")

    def _write_tombstone(self, grave: Grave) -> None:
        content, index = tombstone(grave.digest), grave.slot % SLOTS_PER_CHUNK
        present = self.read(index)
        if not is_tombstone(present) or present == content:
            self._overwrite(index, content)

    def _overwrite(self, index: int, content: bytes) -> None:
        if os.pwrite(self._descriptor, content, _offset(index)) != SLOT_BYTES:
            raise OSError(f"short write to {self.path}")


def new_chunk_bytes(number: int, pair: bytes) -> bytes:
    """A chunk of fresh secrets, none of which looks like a tombstone."""
    header = FIXED.pack(MAGIC, pair, number).ljust(HEADER_PAGE_BYTES, b"\0")
    secrets = bytearray(os.urandom(SLOTS_PER_CHUNK * SLOT_BYTES))
    for start in range(0, len(secrets), SLOT_BYTES):
        while is_tombstone(bytes(secrets[start : start + 8])):
            secrets[start : start + 8] = os.urandom(8)
    return header + bytes(secrets)


def write_exclusively(path: Path, content: bytes) -> bool:
    """
    Create a file whole and durable under its name, or not at all; False when the name is taken.

    A temporary name and then an exclusive link: no crash and no rival leaves half a chunk under a real name.
    """
    temporary = path.parent / f".{path.name}.{os.urandom(6).hex()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
            is_ours = True
        except FileExistsError:
            is_ours = False  # a rival's, who may have been ended before it was durable
    finally:
        temporary.unlink()
    sync_folder(path.parent)
    return is_ours


def _one_batch_more(counters: Counters) -> Counters:
    return Counters(counters.mark, counters.batches + 1)


def _page_of(index: int) -> int:
    return _offset(index) // PAGE_BYTES * PAGE_BYTES


def _offset(index: int) -> int:
    return HEADER_PAGE_BYTES + index * SLOT_BYTES
