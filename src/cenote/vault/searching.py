"""
Searching files for subjects: every envelope of theirs, wherever it lies, and whether anything can open it.

Reads raw bytes, each file once however many are looked for: tables, free pages, journals and backups are all
the same to it.  It is told nothing by the database and believes no column: what counts is what a thief with
these files and these keys could open.  It finds copies of the keys folder as well, in archives too, unless
they are compressed.
"""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cenote.domain.sealed import digest_of
from cenote.errors import CenoteError
from cenote.vault.chunks import FIXED, HEADER_PAGE_BYTES, MAGIC, SLOTS_PER_CHUNK
from cenote.vault.keys import WRAPPED_BYTES, Keyring, read_header
from cenote.vault.sealing import ENVELOPE_VERSION, KEY_ID_BYTES, UUID_CHARACTERS, Unopenable, subject_bytes
from cenote.vault.slots import chunk_name
from cenote.vault.tombstones import SLOT_BYTES, is_tombstone, tombstone

WINDOW_BYTES = 4 * 1024 * 1024
BEFORE_BYTES = 8  # what a window must see in front of a find, and behind it
BEHIND_BYTES = 128
BEFORE_SUBJECT_BYTES = 1 + KEY_ID_BYTES
_USER_KEY_ID = bytes(KEY_ID_BYTES)  # a wrapped key names its master key there instead
_HEAD = rb"%b(?=.{%d}(%b))"
_ANY_SUBJECT = rb".{16}"
_ANY_SUB = re.compile(rb"-(?<=[0-9a-f]{8}-)(?=[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
_FIRST_GROUP = 8  # hex digits of a `sub` before its first hyphen


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Whom to look for, by the digests of their subs: whatever subject a file names is hashed and compared.

    `sub` is given where one is looked for by name, which is faster; `pool_slots` are those of pools whose
    users are all looked for; `pair` is the house whose keys folder may have copies.
    """

    digests: frozenset[bytes]
    pair: bytes
    pool_slots: frozenset[int] = frozenset()
    sub: str | None = None


@dataclass(slots=True)
class Traces:
    """What one file holds of one subject."""

    envelopes: int = 0  # sealed values with the subject's header
    keys: list[tuple[str, bytes]] = field(default_factory=list)  # the wrapped keys, each with its `sub`
    clear: int = 0  # places where the identity stands as text

    @property
    def pool_slots(self) -> set[int]:
        """The pools' slots that the wrapped keys name."""
        return {read_header(key).pool_slot for _sub, key in self.keys if len(key) == WRAPPED_BYTES}


@dataclass(frozen=True, slots=True)
class ChunkCopy:
    """A copy of one chunk of the keys folder, somewhere in a file."""

    path: Path
    offset: int
    number: int

    def read(self, slot: int) -> bytes:
        """The slot's 64 bytes; `Unopenable` where the copy has no such slot."""
        number, index = divmod(slot, SLOTS_PER_CHUNK)
        content = b""
        if number == self.number:
            content = _read_at(self.path, self.offset + HEADER_PAGE_BYTES + index * SLOT_BYTES)
        if len(content) != SLOT_BYTES:
            raise Unopenable(f"slot {slot} is not in the copy at {self.path}")
        return content


@dataclass(slots=True)
class FileTraces:
    """What one file holds of everybody who is looked for."""

    path: Path
    of: defaultdict[bytes, Traces] = field(default_factory=lambda: defaultdict(Traces))  # by digest
    of_pools: defaultdict[int, Traces] = field(default_factory=lambda: defaultdict(Traces))  # by slot
    chunks: list[ChunkCopy] = field(default_factory=list)


def files_below(paths: Sequence[Path]) -> Iterator[Path]:
    """Every plain file among or below these paths, each once, in order."""
    seen: set[Path] = set()
    for path in paths:
        below = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in below:
            if file.is_file() and not file.is_symlink() and file not in seen:
                seen.add(file)
                yield file


def search(file: Path, wanted: Wanted, told: Callable[[int], None] = lambda _count: None) -> FileTraces:
    """What the file holds of everybody who is wanted; `told` hears how many bytes were read since."""
    found = FileTraces(file)
    heads, subs = _patterns(wanted)
    magic = re.compile(re.escape(MAGIC + wanted.pair))
    for offset, content, first, end in _windows(file):
        for match in _between(heads, content, first, end):
            _note_envelope(found, wanted, content[match.start() : match.start() + WRAPPED_BYTES])
        for match in _between(subs, content, first, end):
            at = match.start() - (0 if wanted.sub else _FIRST_GROUP)
            digest = digest_of(content[at : at + UUID_CHARACTERS].decode())
            if digest in wanted.digests:
                found.of[digest].clear += 1
        for match in _between(magic, content, first, end):
            number = FIXED.unpack_from(content, match.start())[2]
            found.chunks.append(ChunkCopy(file, offset + match.start(), number))
        told(end - first)
    return found


def _patterns(wanted: Wanted) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """What begins an envelope, and what an identity in clear looks like."""
    subject = _ANY_SUBJECT if wanted.sub is None else re.escape(subject_bytes(wanted.sub))
    heads = re.compile(_HEAD % (re.escape(bytes([ENVELOPE_VERSION])), KEY_ID_BYTES, subject), re.DOTALL)
    return heads, _ANY_SUB if wanted.sub is None else re.compile(re.escape(wanted.sub.encode()))


def _note_envelope(found: FileTraces, wanted: Wanted, piece: bytes) -> None:
    sub = _text_of(piece[BEFORE_SUBJECT_BYTES : BEFORE_SUBJECT_BYTES + 16])
    digest, is_key = digest_of(sub), piece[1:BEFORE_SUBJECT_BYTES] != _USER_KEY_ID
    if digest in wanted.digests:
        if is_key:
            found.of[digest].keys.append((sub, piece))
        else:
            found.of[digest].envelopes += 1
    if is_key and wanted.pool_slots and len(piece) == WRAPPED_BYTES:
        pool_slot = read_header(piece).pool_slot
        if pool_slot in wanted.pool_slots:
            found.of_pools[pool_slot].keys.append((sub, piece))


def _windows(file: Path) -> Iterator[tuple[int, bytes, int, int]]:
    """
    A file piece by piece: where a piece begins in it, its content, and which part of that is its own.

    Each find lies in one piece's own part, and is seen whole, with what stands before it.
    """
    with file.open("rb") as opened:
        start = 0
        while True:
            before = min(start, BEFORE_BYTES)
            content = os.pread(opened.fileno(), before + WINDOW_BYTES + BEHIND_BYTES, start - before)
            end = min(len(content), before + WINDOW_BYTES)
            if end <= before:
                return
            yield start - before, content, before, end
            start += WINDOW_BYTES


def _between(pattern: re.Pattern[bytes], content: bytes, first: int, end: int) -> Iterator[re.Match[bytes]]:
    for match in pattern.finditer(content, first):
        if match.start() >= end:
            return
        yield match


def _text_of(subject: bytes) -> str:
    """The `sub` of an envelope's sixteen bytes."""
    text = subject.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class SlotFiles:
    """A keys folder, or a copy of one, as something to read and never to change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def allocate(self) -> int:
        """Refuse: whoever searches makes no users."""
        raise CenoteError(f"The keys folder {self.folder} is open for reading only.")

    def read(self, slot: int) -> bytes:
        """The slot's 64 bytes; `Unopenable` when the folder has no such chunk."""
        number, index = divmod(slot, SLOTS_PER_CHUNK)
        try:
            return _read_at(self.folder / chunk_name(number), HEADER_PAGE_BYTES + index * SLOT_BYTES)
        except OSError as failure:
            raise Unopenable(f"slot {slot} can't be read in {self.folder}") from failure

    def slot_buried(self, digest: bytes) -> int | None:
        """The slot that holds this subject's tombstone, where no row and no ledger names it any more."""
        for chunk in sorted(self.folder.glob("chunk-*.slots")):
            content = chunk.read_bytes()
            at = content.find(tombstone(digest), HEADER_PAGE_BYTES)
            if at >= 0:
                number: int = FIXED.unpack_from(content)[2]
                return number * SLOTS_PER_CHUNK + (at - HEADER_PAGE_BYTES) // SLOT_BYTES
        return None


class EveryCopy:
    """The slots of a thief who has every copy: a secret that any of them still holds."""

    def __init__(self, folders: Sequence[SlotFiles], chunks: Sequence[ChunkCopy]) -> None:
        self._folders = folders
        self._chunks: defaultdict[int, list[ChunkCopy]] = defaultdict(list)
        for chunk in chunks:
            self._chunks[chunk.number].append(chunk)

    def allocate(self) -> int:
        """Refuse: whoever searches makes no users."""
        raise CenoteError("Copies of the keys folder are open for reading only.")

    def read(self, slot: int) -> bytes:
        """The slot's secret, else its tombstone; `Unopenable` when no copy has the slot."""
        contents = []
        copies: list[SlotFiles | ChunkCopy] = [*self._folders, *self._chunks[slot // SLOTS_PER_CHUNK]]
        for copy in copies:
            try:
                contents.append(copy.read(slot))
            except (Unopenable, OSError):
                continue
        if not contents:
            raise Unopenable(f"no copy of the keys folder has slot {slot}")
        return next((content for content in contents if not is_tombstone(content)), contents[0])


def opens(wrapped: bytes, sub: str, keyring: Keyring) -> bool:
    """Whether a wrapped key that was found can be opened."""
    try:
        return keyring.open_key(sub, wrapped) is not None
    except Unopenable:
        return False


def _read_at(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(SLOT_BYTES)
