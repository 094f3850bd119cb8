"""The scene on the embedded database: its file, its journal, its pages, and copies that are made of it."""

import shutil
import sqlite3
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cenote.settings import Settings
from cenote.store.sqlite import DATABASE_FILE
from tests.house import House
from tests.nursery import QuickHouse
from tests.postgres import drop_database, new_database
from tests.proof.finder import Piece
from tests.proof.scene import (
    EVERYTHING,
    SUB,
    Copy,
    Lay,
    Places,
    Scene,
    begin,
    command,
    pieces_below,
)

JOURNAL = f"{DATABASE_FILE}-wal"
OLD, PRESENT, ONLINE = "data before", "data after", "online.db"
TABLES_OF_A_USER = ("users", "keys", "names", "search_marks", "belongings", "outbox", "activity")
INDEX_INTERIOR = 2


@contextmanager
def embedded_scene(root: Path) -> Iterator[Scene]:
    """Everything of everybody, before and after."""
    house, databases = QuickHouse(root, "--keys-mirror", str(root / "mirror")), list[str]()
    try:
        scene = begin(house, Settings(data=house.data, keys_mirror=root / "mirror"))
        scene.keep_the_keys()
        house.copy_data(OLD)
        _online_backup(house.data / DATABASE_FILE, root / ONLINE)
        rows = scene.backup()
        scene.part()
        house.copy_data(PRESENT)
        house.stop()
        scene.places.update(_places(scene, root, rows))
        scene.copies.update(_copies(scene, rows, databases))
        yield scene
    finally:
        house.stop()
        for url in databases:
            drop_database(url)


def _places(scene: Scene, root: Path, rows: Path) -> Places:
    data, whole = scene.house.data, _settled(root / OLD, root / "whole")
    freed = _freed(whole, root / "freed", scene.canary.sub)
    vacuumed = _vacuumed(data, root / "vacuumed")
    scene.beside = [root / OLD, root / ONLINE, rows, freed, vacuumed]
    journal, journal_now = root / OLD / JOURNAL, root / PRESENT / JOURNAL
    return {
        "a write-ahead log": lambda: Lay(pieces_below(journal), pieces_below(journal_now), EVERYTHING),
        "a free page": lambda: Lay(pieces_below(freed), pieces_below(data, vacuumed), EVERYTHING),
        "an index": lambda: Lay(_index_pages(whole), _index_pages(data), frozenset({SUB})),
        "an SQLite backup": lambda: Lay(pieces_below(root / ONLINE), [], EVERYTHING),
        "a Cenote backup": lambda: Lay(pieces_below(rows), [], EVERYTHING),
        "a log file": lambda: Lay([], pieces_below(scene.house.log), frozenset()),
        "a mirror": lambda: Lay(pieces_below(scene.old_mirror), pieces_below(scene.mirror), frozenset()),
    }


def _copies(scene: Scene, rows: Path, databases: list[str]) -> dict[str, Callable[[Path], Copy]]:
    def into_postgres(place: Path) -> Copy:
        databases.append(new_database())
        return restored(scene, place, rows, "--database-url", databases[-1])

    return {
        "the data folder": lambda place: _laid_down(scene, place, *sorted((scene.root / OLD).iterdir())),
        "the database file alone": lambda place: _earlier(scene, place),
        "an SQLite backup": lambda place: _laid_down(scene, place, scene.root / ONLINE),
        "a Cenote backup": lambda place: restored(scene, place, rows),
        "a Cenote backup, on the other engine": into_postgres,
    }


def _laid_down(scene: Scene, place: Path, *files: Path) -> Copy:
    """Copies of files as the data folder of another house."""
    data = House(place).data
    data.mkdir()
    for file in files:
        shutil.copy(file, data / (DATABASE_FILE if file.name == ONLINE else file.name))
    return Copy((), scene.everybody, len(scene.now["keys"]))


def _earlier(scene: Scene, place: Path) -> Copy:
    """The database file as it was while the house stood still, and nothing beside it."""
    _laid_down(scene, place, scene.root / "early" / DATABASE_FILE)
    return Copy((), scene.early, len(scene.stay))


def restored(scene: Scene, place: Path, rows: Path, *flags: str) -> Copy:
    """A backup of Cenote's, restored beside the present keys, which it has by then."""
    house = QuickHouse(place, *flags)
    done = command(house, "restore", str(rows))
    assert done.returncode == 0, done.stderr
    return Copy(flags, scene.everybody, len(scene.now["keys"]), done.stderr)


def _online_backup(database: Path, target: Path) -> Path:
    """A copy beside the running server, as the sqlite3 command makes it; where there is none, as it would."""
    program = shutil.which("sqlite3")
    if program is not None:
        subprocess.run([program, str(database), f".backup '{target}'"], check=True, capture_output=True)
        return target
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return target


def _settled(folder: Path, target: Path) -> Path:
    """A copy of a data folder whose journal has gone into the database file."""
    shutil.copytree(folder, target)
    with closing(sqlite3.connect(target / DATABASE_FILE)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    return target


def _freed(folder: Path, target: Path, sub: str) -> Path:
    """A database from which the user's rows were deleted by an SQLite that overwrites nothing."""
    shutil.copytree(folder, target)
    with closing(sqlite3.connect(target / DATABASE_FILE)) as connection:
        connection.execute("pragma secure_delete = off")
        for table in TABLES_OF_A_USER:
            connection.execute(f"delete from {table} where sub = ?", (sub,))  # noqa: S608 - the test's words
        connection.commit()
        connection.execute("pragma wal_checkpoint(truncate)")
    return target


def _vacuumed(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    with closing(sqlite3.connect(target / DATABASE_FILE)) as connection:
        connection.execute("vacuum")
        connection.execute("pragma wal_checkpoint(truncate)")
    return target


def _index_pages(folder: Path) -> list[Piece]:
    """Every page that belongs to an index."""
    with closing(sqlite3.connect(folder / DATABASE_FILE)) as connection:
        ((size,),) = connection.execute("pragma page_size").fetchall()
        roots = connection.execute("select name, rootpage from sqlite_master where type = 'index'").fetchall()
    content = (folder / DATABASE_FILE).read_bytes()
    return [
        Piece(f"{name}, page {number}", content[(number - 1) * size : number * size])
        for name, root in roots
        for number in _pages_of(content, size, root)
    ]


def _pages_of(content: bytes, size: int, root: int) -> Iterator[int]:
    """The numbers of a tree's pages."""
    yield root
    page = content[(root - 1) * size : root * size]
    if page[0] != INDEX_INTERIOR:
        return
    (count,) = struct.unpack_from(">H", page, 3)
    (last,) = struct.unpack_from(">I", page, 8)
    cells = struct.unpack_from(f">{count}H", page, 12)
    for child in (*(struct.unpack_from(">I", page, cell)[0] for cell in cells), last):
        yield from _pages_of(content, size, child)
