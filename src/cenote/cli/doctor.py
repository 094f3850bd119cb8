"""
`cenote doctor`: looks at the house without touching it, and says what an operator must mend.

Each examination is a function that gives findings; an `alarm` means that something is broken or will be, a
`warning` that an erasure reaches less far than it could.
"""

import shutil
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from cenote.cli.backup import source_of
from cenote.errors import CenoteError
from cenote.settings import Settings
from cenote.store.copying import Source
from cenote.vault.chunks import CHUNK_BYTES, HEADER_PAGE_BYTES
from cenote.vault.master import Master, load_master
from cenote.vault.slots import pair_of

FREE_BYTES_MIN = 64 * 1024 * 1024
NOT_IN_PLACE = {"btrfs", "zfs", "overlay", "bcachefs", "f2fs", "nilfs2", "apfs"}
COLOURS = {"ok": "green", "warning": "yellow", "alarm": "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: str
    what: str
    said: str


def doctor(settings: Settings) -> int:
    """Print every finding; 1 when there is an alarm."""
    table = Table("", "what", "found", title="Cenote's house")
    worst = 0
    for finding in _findings(settings):
        table.add_row(f"[{COLOURS[finding.level]}]{finding.level}", finding.what, finding.said)
        worst = max(worst, int(finding.level == "alarm"))
    Console().print(table)
    return worst


def _findings(settings: Settings) -> Iterator[Finding]:
    for examine in (_database, _master, _keys, _mirror, _apart, _in_place, _space, _clock):
        yield from _guarded(examine, settings)


def _guarded(examine: Callable[[Settings], Iterator[Finding]], settings: Settings) -> Iterator[Finding]:
    try:
        yield from examine(settings)
    except (CenoteError, OSError) as failure:
        yield Finding("alarm", examine.__name__.strip("_"), str(failure))


def _meta(source: Source) -> dict[str, bytes]:
    return {name: bytes(value) for rows in source.rows("meta") for name, value in rows}


def _database(settings: Settings) -> Iterator[Finding]:
    where = "PostgreSQL" if settings.database_url else str(settings.data)
    with source_of(settings) as source:
        yield Finding("ok", "database", f"{where}, schema {source.schema}")
        columns = source.columns("ledger")
        lines = [dict(zip(columns, row, strict=True)) for rows in source.rows("ledger") for row in rows]
    owed = sum(1 for line in lines if not line["done"])
    yield Finding("ok", "ledger", f"{len(lines)} erasures on record")
    if owed:
        yield Finding(
            "warning", "tombstones", f"{owed} not known to be written; a running server writes them"
        )
    if not settings.database_url:
        yield from _private(settings.data, "data folder")


def _master(settings: Settings) -> Iterator[Finding]:
    master = load_master(
        text=settings.master_key,
        command=settings.master_key_command,
        file=settings.master_key_file,
        may_create=False,
    )
    with source_of(settings) as source:
        check = _meta(source).get("master_check", b"")
    if check[1:5] != Master.of(master.secret).key_id:
        yield Finding("alarm", "master key", "it is not the one that this data was sealed with")
    else:
        yield Finding("ok", "master key", "it opens this data")


def _keys(settings: Settings) -> Iterator[Finding]:
    with source_of(settings) as source:
        meta = _meta(source)
    found = pair_of(settings.keys)
    if found is None:
        yield Finding("alarm", "keys folder", f"{settings.keys} is missing")
        return
    if found != meta.get("pair"):
        yield Finding("alarm", "keys folder", f"{settings.keys} belongs to other data")
        return
    yield Finding("ok", "keys folder", f"{settings.keys}, {len(_chunks(settings.keys))} chunks")
    yield from _private(settings.keys, "keys folder")
    seen = msgspec.json.decode(meta.get("keys_seen", b"{}"), type=dict[int, tuple[int, int]])
    missing = [number for number in seen if not (settings.keys / f"chunk-{number:08d}.slots").exists()]
    if missing:
        yield Finding("alarm", "keys folder", f"chunks {missing} are missing: their users can't be opened")
    damaged = [path.name for path in _chunks(settings.keys) if path.stat().st_size != CHUNK_BYTES]
    if damaged:
        yield Finding("alarm", "keys folder", f"damaged: {', '.join(damaged)}")


def _mirror(settings: Settings) -> Iterator[Finding]:
    if settings.keys_mirror is None:
        yield Finding("warning", "mirror", "none: a lost keys folder loses every user")
        return
    if pair_of(settings.keys_mirror) != pair_of(settings.keys):
        yield Finding("alarm", "mirror", f"{settings.keys_mirror} does not belong to the keys folder")
        return
    differing = [
        path.name
        for path in _chunks(settings.keys)
        if not (settings.keys_mirror / path.name).exists()
        or _slots(settings.keys_mirror / path.name) != _slots(path)
    ]
    if differing:
        yield Finding("warning", "mirror", f"behind in {', '.join(differing)}: the next start brings it up")
    else:
        yield Finding("ok", "mirror", f"{settings.keys_mirror} holds the same")


def _apart(settings: Settings) -> Iterator[Finding]:
    if settings.database_url or not settings.data.exists() or not settings.keys.exists():
        return
    if settings.data.stat().st_dev == settings.keys.stat().st_dev:
        yield Finding("warning", "volumes", "data and keys share one: its snapshots hold both")
    else:
        yield Finding("ok", "volumes", "data and keys lie on different ones")


def _in_place(settings: Settings) -> Iterator[Finding]:
    for name, folder in (("keys folder", settings.keys), ("mirror", settings.keys_mirror)):
        if folder is None or not folder.exists():
            continue
        kind = _file_system(folder)
        if kind in NOT_IN_PLACE:
            yield Finding("warning", name, f"on {kind}, which does not overwrite in place: old blocks stay")
        else:
            yield Finding("ok", name, f"on {kind}, which overwrites in place")


def _space(settings: Settings) -> Iterator[Finding]:
    for folder in (settings.data, settings.keys, settings.keys_mirror):
        if folder is None or not folder.exists():
            continue
        free = shutil.disk_usage(folder).free
        level = "ok" if free >= FREE_BYTES_MIN else "alarm"
        yield Finding(level, "free space", f"{free // 1024**2} MiB at {folder}")


def _clock(settings: Settings) -> Iterator[Finding]:
    with source_of(settings) as source:
        offset_ms = int(_meta(source).get("clock_offset_ms", b"0"))
    level = "warning" if offset_ms else "ok"
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(time.time() + offset_ms / 1000))
    yield Finding(level, "clock", f"{now}, moved by {offset_ms / 1000:g} s" if offset_ms else now)


def _private(path: Path, what: str) -> Iterator[Finding]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield Finding("warning", what, f"{path} can be read by others (mode {mode:o})")


def _slots(chunk: Path) -> bytes:
    """What a chunk holds; how far it has come is the folder's own affair, and not mirrored at each step."""
    return chunk.read_bytes()[HEADER_PAGE_BYTES:]


def _chunks(folder: Path) -> list[Path]:
    return sorted(folder.glob("chunk-*.slots"))


def _file_system(folder: Path) -> str:
    """The kind of the file system that a folder lies on, by the longest mount point above it."""
    place, best, kind = folder.resolve(), "", "an unknown file system"
    try:
        mounts = Path("/proc/mounts").read_text().splitlines()
    except OSError:
        return kind
    for line in mounts:
        _device, point, its_kind, *_rest = line.split(" ")
        if (place == Path(point) or Path(point) in place.parents) and len(point) >= len(best):
            best, kind = point, its_kind
    return kind
