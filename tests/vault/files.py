"""The files of a keys folder, looked at and changed behind its back."""

import struct
from pathlib import Path

HEADER_BYTES = 4_096
SLOTS = 65_536
SLOT_BYTES = 64


def chunk_file(folder: Path, number: int = 0) -> Path:
    return folder / f"chunk-{number:08d}.slots"


def slot_in(folder: Path, slot: int) -> bytes:
    """The 64 bytes of a slot, as they are in the file."""
    number, index = divmod(slot, SLOTS)
    with chunk_file(folder, number).open("rb") as file:
        file.seek(HEADER_BYTES + index * SLOT_BYTES)
        return file.read(SLOT_BYTES)


def overwrite_slot(folder: Path, slot: int, content: bytes) -> None:
    number, index = divmod(slot, SLOTS)
    with chunk_file(folder, number).open("r+b") as file:
        file.seek(HEADER_BYTES + index * SLOT_BYTES)
        file.write(content)


def counters_in(folder: Path, number: int = 0) -> tuple[int, int]:
    """The mark and the batches in a chunk's header."""
    with chunk_file(folder, number).open("rb") as file:
        mark, batches = struct.unpack_from(">QQ", file.read(HEADER_BYTES), 40)
    return mark, batches


def tombstones_in(folder: Path) -> int:
    """How many slots of the folder are tombstones."""
    count = 0
    for file in folder.glob("chunk-*.slots"):
        slots = file.read_bytes()[HEADER_BYTES:]
        count += sum(slots[at : at + 8] == b"CENOTE-X" for at in range(0, len(slots), SLOT_BYTES))
    return count
