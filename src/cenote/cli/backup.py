"""
`cenote backup` and `cenote restore`: the rows in one stream that either engine can be filled from.

The stream holds rows only, sealed as they lie in the database; without the keys folder it opens nobody, and
with the present one it does not bring back anybody who was erased since.  It ends with a count and a digest:
a stream that was cut short is refused.
"""

import hashlib
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from cenote.errors import CenoteError
from cenote.settings import Settings
from cenote.store.copying import TABLES, Source, Target, sqlite_source, sqlite_target

MAGIC = b"CENOTE BACKUP 1\n"
FRAME_BYTES_MAX = 256 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_encoder = msgspec.msgpack.Encoder()


class Head(msgspec.Struct, tag="head"):
    """What the stream is: the schema of its tables."""

    schema: int


class Piece(msgspec.Struct, tag="rows"):
    """Some rows of a table."""

    table: str
    columns: list[str]
    rows: list[tuple[Any, ...]]


class End(msgspec.Struct, tag="end"):
    """The last frame: how many rows there were, and the SHA-256 of all before it."""

    rows: int
    sha256: bytes


_decoder = msgspec.msgpack.Decoder(Head | Piece | End)


@dataclass(slots=True)
class Writer:
    """Frames on their way into a file."""

    file: IO[bytes]
    digest: Any
    rows: int = 0

    def put(self, frame: Head | Piece | End) -> None:
        """Write one frame."""
        body = _encoder.encode(frame)
        piece = _LENGTH.pack(len(body)) + body
        self.digest.update(piece)
        self.file.write(piece)


def backup(settings: Settings, target: str) -> int:
    """Write a backup to a file, or to stdout for `-`; online, and as of one moment."""
    console = Console(stderr=True)
    with source_of(settings) as source, _opened(target) as file:
        writer = Writer(file, hashlib.sha256())
        file.write(MAGIC)
        writer.put(Head(source.schema))
        with _progress(console, "Copied") as progress:
            task = progress.add_task("rows", total=None)
            for table in TABLES:
                columns = source.columns(table)
                for rows in source.rows(table) if columns else ():  # an older schema has fewer tables
                    writer.put(Piece(table, columns, [tuple(row) for row in rows]))
                    writer.rows += len(rows)
                    progress.update(task, completed=writer.rows)
        writer.put(End(writer.rows, writer.digest.digest()))
        file.flush()
        if file is not sys.stdout.buffer:
            os.fsync(file.fileno())
    console.print(f"{writer.rows} rows copied. Keep the keys folder out of this backup's place.")
    return 0


def restore(settings: Settings, source: str, former: Path | None = None) -> int:
    """Fill new data from a backup, beside the present keys folder, and say who came back and who did not."""
    from cenote.cli.restoring import welcome_back

    console = Console(stderr=True)
    with _incoming(source) as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise CenoteError(f"{source} is no backup of Cenote's.")
        frames = _frames(file)
        head = next(frames)
        if not isinstance(head, Head):
            raise CenoteError(f"{source} is damaged: it does not begin with its head.")
        with _target(settings, head.schema) as target, _progress(console, "Restored") as progress:
            task = progress.add_task("rows", total=None)
            for count in _fill(target, frames):
                progress.update(task, completed=count)
    welcome_back(settings, console, former)
    return 0


def _fill(target: Target, frames: Iterator[Head | Piece | End]) -> Iterator[int]:
    """Insert every row; the running count, and a refusal unless the end is there and agrees."""
    count, is_whole = 0, False
    for frame in frames:
        if isinstance(frame, Piece):
            if frame.table not in TABLES or not all(name.isidentifier() for name in frame.columns):
                raise CenoteError("The backup is damaged: it names a table that there is not.")
            target.insert(frame.table, frame.columns, frame.rows)
            count += len(frame.rows)
            yield count
        elif isinstance(frame, End):
            is_whole = frame.rows == count
    if not is_whole:
        raise CenoteError("The backup was cut short; nothing was restored.")


def _frames(file: IO[bytes]) -> Iterator[Head | Piece | End]:
    digest = hashlib.sha256()
    while head := file.read(_LENGTH.size):
        length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else FRAME_BYTES_MAX + 1
        body = file.read(length) if length <= FRAME_BYTES_MAX else b""
        try:
            frame = _decoder.decode(body)
        except msgspec.MsgspecError as failure:
            raise CenoteError("The backup is damaged; nothing was restored.") from failure
        if isinstance(frame, End) and frame.sha256 != digest.digest():
            raise CenoteError("The backup is damaged: its digest differs; nothing was restored.")
        digest.update(head + body)
        yield frame


def source_of(settings: Settings) -> AbstractContextManager[Source]:
    """The database of these settings, as one snapshot to read."""
    if settings.database_url is None:
        return sqlite_source(settings.data)
    from cenote.store.postgres_copying import postgres_source

    return postgres_source(settings.database_url)


def _target(settings: Settings, schema: int) -> AbstractContextManager[Target]:
    if settings.database_url is None:
        return sqlite_target(settings.data, schema)
    from cenote.store.postgres_copying import postgres_target

    return postgres_target(settings.database_url, schema)


def _opened(target: str) -> IO[bytes]:
    if target == "-":
        return sys.stdout.buffer
    path = Path(target)
    if path.exists():
        raise CenoteError(f"{path} is there already; a backup never overwrites anything.")
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _incoming(source: str) -> IO[bytes]:
    if source == "-":
        return sys.stdin.buffer
    try:
        return Path(source).open("rb")
    except OSError as failure:
        raise CenoteError(f"{source} can't be read: {failure.strerror}.") from failure


def _progress(console: Console, word: str) -> Progress:
    said = TextColumn(f"{word} {{task.completed}} rows")
    return Progress(SpinnerColumn(), said, console=console, transient=True, disable=not sys.stderr.isatty())
