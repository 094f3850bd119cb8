"""
`cenote doctor`: looks at the house without touching it, and says what an operator must mend.

Each examination is a function that gives findings; an `alarm` means that something is broken or will be, a
`warning` that an erasure reaches less far than it could.
"""

import shutil
import stat
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cenote.binding import are_bound, refused_keys, why_refused
from cenote.changeover import change_under_way, open_masters
from cenote.cli import clocks
from cenote.cli.backup import source_of
from cenote.cli.findings import Finding
from cenote.domain.access_keys import Binding, legible
from cenote.errors import CenoteError
from cenote.settings import Settings
from cenote.store.copying import Source
from cenote.vault.chunks import CHUNK_BYTES
from cenote.vault.slots import pair_of

FREE_BYTES_MIN = 64 * 1024 * 1024
COLOURS = {"ok": "green", "warning": "yellow", "alarm": "red"}


def doctor(settings: Settings, also: list[Path]) -> int:
    """Print every finding; 1 when there is an alarm."""
    table = Table("", "what", "found", title="Cenote's house")
    worst = 0
    for finding in _findings(settings, also):
        level = Text(finding.level, COLOURS[finding.level])
        table.add_row(level, Text(finding.what), Text(finding.said))  # no markup: it names what rows hold
        worst = max(worst, int(finding.level == "alarm"))
    Console().print(table)
    return worst


def _findings(settings: Settings, also: list[Path]) -> Iterator[Finding]:
    records = (_database, clocks.ledger, clocks.owed, _master, _access_keys)
    places = (_keys, clocks.mirror, _apart, clocks.in_place)
    for examine in (*records, *places, partial(clocks.archived, also=also), _space, _clock):
        yield from _guarded(examine, settings)


def _guarded(examine: Callable[[Settings], Iterator[Finding]], settings: Settings) -> Iterator[Finding]:
    try:
        yield from examine(settings)
    except (CenoteError, OSError) as failure:
        name = getattr(examine, "__name__", "archives").strip("_")
        yield Finding("alarm", name, str(failure))


def _meta(source: Source) -> dict[str, bytes]:
    return {name: bytes(value) for rows in source.rows("meta") for name, value in rows}


def _database(settings: Settings) -> Iterator[Finding]:
    where = "PostgreSQL" if settings.database_url else str(settings.data)
    with source_of(settings) as source:
        yield Finding("ok", "database", f"{where}, schema {source.schema}")
    if not settings.database_url:
        yield from _private(settings.data, "data folder")


def _master(settings: Settings) -> Iterator[Finding]:
    with source_of(settings) as source:
        meta = _meta(source)
    open_masters(settings, meta.get)
    yield Finding("ok", "master key", "it opens this data")
    change = change_under_way(meta.get)
    if change is not None:
        said = f"it is being changed, to {change.following.hex()}: finish it with cenote keys rotate-master"
        yield Finding("warning", "master key", said)


def _access_keys(settings: Settings) -> Iterator[Finding]:
    with source_of(settings) as source:
        meta, tables = _meta(source), source.tables
        refused = list(refused_keys(lambda body: body(tables), open_masters(settings, meta.get)))
    copies = [copy for copy in (settings.keys, settings.keys_mirror) if copy is not None]
    for key, found in refused:
        named = f"{legible(key.key_id)} ({legible(key.name)})"
        if found is Binding.UNBOUND and not are_bound(copies):
            said = f"{named} will be bound to what its row says at the first start of this version"
            yield Finding("warning", "access keys", said)
        else:
            yield Finding("alarm", "access keys", f"{named} is refused: {why_refused(found)}")
    if not refused:
        yield Finding("ok", "access keys", "each is bound to what it may do")


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


def _apart(settings: Settings) -> Iterator[Finding]:
    if settings.database_url or not settings.data.exists() or not settings.keys.exists():
        return
    if settings.data.stat().st_dev == settings.keys.stat().st_dev:
        yield Finding("warning", "volumes", "data and keys share one: its snapshots hold both")
    else:
        yield Finding("ok", "volumes", "data and keys lie on different ones")


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


def _chunks(folder: Path) -> list[Path]:
    return sorted(folder.glob("chunk-*.slots"))
