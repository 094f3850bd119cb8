"""
The witness of the ledger: a signed head beside the chunks, which says how far the chain had come.

A database that was put back, or whose last lines were cut off, is behind it; one that was altered differs
from it.  The head never goes back.  Leaves out the chain (`domain/ledger.py`) and what a difference means
(`chaining.py`).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cenote.domain.ledger import Head
from cenote.errors import CenoteError
from cenote.log import logger
from cenote.vault.chunks import write_exclusively
from cenote.vault.locks import lock_range, unlock_range
from cenote.vault.slots import pair_of
from cenote.vault.statements import Forged, line_of, parse, signed, signer_of

HEAD_FILE = "ledger.head"
HEAD_VERSION = 1
RECORD_BYTES = 4_096
RECORDS_KEPT = 8
FILE_BYTES = 2 * RECORD_BYTES  # two records, written in turn: a torn write leaves the other
_KIND = "ledger_head"

log = logger("cenote.witness")


class Witness:
    """Vouches for the head of one house's chain, in the keys folder and in its mirror."""

    def __init__(self, folders: list[Path], first: Head, private: Ed25519PrivateKey) -> None:
        self.first = first
        self._folders = folders
        self._private = private
        self.public = private.public_key().public_bytes_raw()
        self._checked: dict[bytes, Head | None] = {}

    def head(self) -> Head | None:
        """The furthest head that was vouched for in any copy; None when there is none."""
        return max(filter(None, map(self.head_in, self._folders)), key=lambda head: head.number, default=None)

    def head_in(self, folder: Path) -> Head | None:
        """The head that one copy of the keys folder holds, or None; a copy that is away is an error."""
        if pair_of(folder) is None:
            raise CenoteError(f"The keys folder {folder} is away.")
        file = folder / HEAD_FILE
        content = file.read_bytes() if file.exists() else b""
        found = self._furthest(content)
        if found is None and content.strip(b"\0"):
            log.error("ledger head damaged", folder=folder.name)
        return found

    def vouch(self, head: Head, at_ms: int) -> None:
        """
        State durably that the chain has come so far, unless it was stated that it had come further.

        Raises when a copy can't be written, but only after the others were tried.
        """
        statement = {
            _KIND: HEAD_VERSION,
            "chain": self.first.hash.hex(),
            "number": head.number,
            "hash": head.hash.hex(),
            "at_ms": at_ms,
        }
        record = line_of(signed(statement, self._private)).encode().ljust(RECORD_BYTES)
        failures: list[OSError] = []
        for folder in self._folders:
            try:
                self._write(folder / HEAD_FILE, head.number, record)
            except OSError as failure:
                failures.append(failure)
        if failures:
            raise failures[0]

    def _write(self, file: Path, number: int, record: bytes) -> None:
        if not file.exists():
            write_exclusively(file, bytes(FILE_BYTES))
        with _alone_with(file) as descriptor:
            content = os.pread(descriptor, FILE_BYTES, 0)
            at = [self._head_of(piece) for piece in _records(content)]
            furthest = self._furthest(content)
            if furthest is not None and furthest.number >= number:
                return
            place = at.index(None) if None in at else int(at[0] == furthest)
            if os.pwrite(descriptor, record, place * RECORD_BYTES) != RECORD_BYTES:
                raise OSError(f"short write to {file}")
            os.fdatasync(descriptor)

    def _furthest(self, content: bytes) -> Head | None:
        heads = [head for record in _records(content) if (head := self._head_of(record)) is not None]
        return max(heads, key=lambda head: head.number, default=None)

    def _head_of(self, record: bytes) -> Head | None:
        """What a record says, if this house's key signed it; the same record is checked once."""
        if record not in self._checked:
            if len(self._checked) >= RECORDS_KEPT:
                self._checked.clear()
            self._checked[record] = self._check(record)
        return self._checked[record]

    def _check(self, record: bytes) -> Head | None:
        try:
            statement = parse(record.decode().strip("\0 \n"))
            is_ours = signer_of(statement) == self.public and statement.get("chain") == self.first.hash.hex()
            # An exported ledger's last line has these members too, of a chain that may be broken.
            return _head(statement) if is_ours and statement.get(_KIND) == HEAD_VERSION else None
        except (Forged, ValueError):
            return None


def _head(statement: dict[str, Any]) -> Head:
    return Head(statement["number"], bytes.fromhex(statement["hash"]))


def _records(content: bytes) -> tuple[bytes, bytes]:
    return content[:RECORD_BYTES], content[RECORD_BYTES:FILE_BYTES]


@contextmanager
def _alone_with(file: Path) -> Iterator[int]:
    """Have the file to oneself, among processes and nodes."""
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        lock_range(descriptor, 0, FILE_BYTES)
        yield descriptor
        unlock_range(descriptor, 0, FILE_BYTES)
    finally:
        os.close(descriptor)
