"""
Searching files for a subject: every envelope of theirs, wherever it lies, and whether anything can open it.

Reads raw bytes: tables, free pages, journals and backups are all the same to it.  It is told nothing by the
database and believes no column: what counts is what a thief with these files and these keys could open.
"""

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cenote.errors import CenoteError
from cenote.vault.chunks import HEADER_PAGE_BYTES, SLOTS_PER_CHUNK
from cenote.vault.keys import WRAPPED_BYTES, Keyring, read_header
from cenote.vault.sealing import (
    ENVELOPE_VERSION,
    KEY_ID_BYTES,
    Unopenable,
    subject_bytes,
)
from cenote.vault.slots import chunk_name
from cenote.vault.tombstones import SLOT_BYTES

BEFORE_SUBJECT_BYTES = 1 + KEY_ID_BYTES
_USER_KEY_ID = bytes(KEY_ID_BYTES)  # a wrapped key names its master key there instead


@dataclass(frozen=True, slots=True)
class Found:
    """What one file holds of a subject."""

    path: Path
    envelopes: int  # sealed values with the subject's header
    keys: int  # wrapped keys of the subject
    openable: int  # wrapped keys that open with a keys folder and the master key at hand
    clear: int  # places where the identity stands as text
    pool_slots: frozenset[int]  # the pools' slots that the wrapped keys name


def files_below(paths: list[Path]) -> Iterator[Path]:
    """Every plain file among or below these paths, each once, in order."""
    seen: set[Path] = set()
    for path in paths:
        below = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in below:
            if file.is_file() and not file.is_symlink() and file not in seen:
                seen.add(file)
                yield file


def search(file: Path, subject: str, keyrings: list[Keyring]) -> Found | None:
    """What the file holds of the subject; None when it holds nothing."""
    if file.stat().st_size == 0:
        return None
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        name = re.escape(subject_bytes(subject))
        heads = [match.start() - BEFORE_SUBJECT_BYTES for match in re.finditer(name, content)]
        heads = [head for head in heads if head >= 0 and content[head] == ENVELOPE_VERSION]
        pieces = [content[head : head + WRAPPED_BYTES] for head in heads]
        clear = sum(1 for _match in re.finditer(re.escape(subject.encode()), content))
    keys = [piece for piece in pieces if piece[1:BEFORE_SUBJECT_BYTES] != _USER_KEY_ID]
    openable = sum(any(_opens(piece, subject, keyring) for keyring in keyrings) for piece in keys)
    if not heads and not clear:
        return None
    return Found(file, len(heads) - len(keys), len(keys), openable, clear, _pool_slots(keys))


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
            with (self.folder / chunk_name(number)).open("rb") as chunk:
                chunk.seek(HEADER_PAGE_BYTES + index * SLOT_BYTES)
                return chunk.read(SLOT_BYTES)
        except OSError as failure:
            raise Unopenable(f"slot {slot} can't be read in {self.folder}") from failure


def _pool_slots(keys: list[bytes]) -> frozenset[int]:
    return frozenset(read_header(key).pool_slot for key in keys if len(key) == WRAPPED_BYTES)


def _opens(wrapped: bytes, subject: str, keyring: Keyring) -> bool:
    try:
        return keyring.open_key(subject, wrapped) is not None
    except Unopenable:
        return False
