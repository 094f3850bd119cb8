"""
The places where an erased user might still be found: the data, what an operator names, and how it is read.

Every file is read once.  The keys folder and its mirror are no such place: they hold no user, and are asked
slot by slot.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from cenote.cli.receipts import Place
from cenote.errors import CenoteError
from cenote.settings import Settings
from cenote.store.sqlite import DATABASE_FILE
from cenote.vault.searching import ChunkCopy, FileTraces, Wanted, files_below, search


@dataclass(frozen=True, slots=True)
class Searched:
    """What was found in the files: place by place, and every copy of the keys folder among them."""

    places: list[Place]
    found: list[tuple[str, str, FileTraces]]  # kind and name of the file, and what is in it
    chunks: list[ChunkCopy]


@dataclass(frozen=True, slots=True)
class Files:
    """The files to be read, each with the place that it was found below."""

    own: list[Path]
    found: list[tuple[Path, Path]]

    @property
    def bytes(self) -> int:
        """How much there is to read."""
        return sum(file.stat().st_size for _root, file in self.found)


def files_of(settings: Settings, also: list[Path]) -> Files:
    """The files of an embedded database, and all that is named; `CenoteError` for what isn't there."""
    for path in also:
        if not path.exists():
            raise CenoteError(f"There is nothing to search at {path}.")
    own = [] if settings.database_url is not None else [settings.data]
    keys = [path.resolve() for path in (settings.keys, settings.keys_mirror) if path is not None]
    found = [
        (root, file)
        for root in (*own, *also)
        for file in files_below([root])
        if not any(file.resolve().is_relative_to(folder) for folder in keys)
    ]
    return Files(own, found)


def searched(files: Files, wanted: Wanted, told: Callable[[int], None]) -> Searched:
    """Read every file once; `told` hears of every piece."""
    made = Searched([] if files.own else [Place("database", "PostgreSQL", 0, 0)], [], [])
    for root, file in files.found:
        found = search(file, wanted, told)
        kind = _kind(file) if root in files.own else "backup"
        made.found.append((kind, str(Path(root.name) / file.relative_to(root)), found))
        made.chunks.extend(found.chunks)
        _count(made.places, kind, root.name, file.stat().st_size)
    return made


def _kind(file: Path) -> str:
    if file.name == DATABASE_FILE:
        return "database"
    return "journal" if file.name.startswith(DATABASE_FILE) else "other data"


def _count(places: list[Place], kind: str, name: str, size: int) -> None:
    for number, place in enumerate(places):
        if (place.kind, place.name) == (kind, name):
            places[number] = replace(place, files=place.files + 1, bytes=place.bytes + size)
            return
    places.append(Place(kind, name, 1, size))
