"""The scene on PostgreSQL: heaps, indexes, the journal and its archive, and servers that come of copies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cenote.settings import Settings
from tests.failover.cluster import DATABASE, Cluster, Postgres, a_cluster
from tests.nursery import QuickHouse
from tests.proof.embedded import restored
from tests.proof.finder import Piece
from tests.proof.scene import EVERYTHING, SUB, Copy, Lay, Scene, begin, pieces_below

HEAPS, INDEXES = ["r", "t"], ["i"]


@contextmanager
def served_scene(root: Path) -> Iterator[Scene]:
    """Everything of everybody, before and after; the primary stays up."""
    with a_cluster() as cluster:
        standby = cluster.add_standby(is_synchronous=False)
        cluster.primary.alter("log_statement", "all")
        url = cluster.url(cluster.primary)
        house = QuickHouse(root, "--keys-mirror", str(root / "mirror"), "--database-url", url)
        settings = Settings(data=house.data, keys_mirror=root / "mirror", database_url=url)
        try:
            scene = begin(house, settings)
            scene.keep_the_keys()
            past = _past_of(cluster, standby, scene.backup())
            before = files_of(cluster.primary, HEAPS), files_of(cluster.primary, INDEXES)
            scene.part()
            house.stop()
            scene.places.update(_places(scene, past, *before))
            scene.copies.update(_copies(scene, past))
            yield scene
        finally:
            house.stop()


@dataclass(frozen=True, slots=True)
class Past:
    """Copies from before the deletion; the standby is stopped, and never heard of it."""

    cluster: Cluster
    standby: Postgres
    rows: Path
    base: Path
    moment: str


def _past_of(cluster: Cluster, standby: Postgres, rows: Path) -> Past:
    base = cluster.base_backup("base")
    ((moment,),) = cluster.primary.ask("select clock_timestamp()")
    cluster.await_replay(standby)
    standby.stop_receiving()
    standby.ask("checkpoint")
    standby.kill()
    return Past(cluster, standby, rows, base, str(moment))


def _places(
    scene: Scene, past: Past, heaps: list[Piece], indexes: list[Piece]
) -> dict[str, Callable[[], Lay]]:
    primary = past.cluster.primary
    deleted, deleted_indexes = files_of(primary, HEAPS), files_of(primary, INDEXES)
    primary.ask("vacuum", database=DATABASE)
    vacuumed = files_of(primary, HEAPS)
    in_time = past.cluster.restored(past.base, "in time", past.moment)
    in_time.ask("checkpoint")
    in_time.kill()
    folders = {
        "a standby": [past.standby.folder],
        "a base backup": [past.base],
        "an archive restored to a point in time": [in_time.folder],
        "a Cenote backup": [past.rows],
        "a WAL segment": [past.cluster.archive, primary.folder / "pg_wal"],
    }
    scene.beside = [path for paths in folders.values() for path in paths]
    own_log, house = primary.folder.with_suffix(".log"), scene.house
    return {
        "a PostgreSQL heap": lambda: Lay(heaps, deleted, EVERYTHING),
        "a free page": lambda: Lay(deleted, vacuumed, EVERYTHING),
        "an index": lambda: Lay(indexes, deleted_indexes, frozenset({SUB})),
        "a log file": lambda: Lay(pieces_below(own_log), pieces_below(house.log), EVERYTHING),
        "a mirror": lambda: Lay(pieces_below(scene.old_mirror), pieces_below(scene.mirror), frozenset()),
        **{name: _only_before(*paths) for name, paths in folders.items()},
    }


def _only_before(*paths: Path) -> Callable[[], Lay]:
    """A copy from before, which nobody changes."""
    return lambda: Lay(pieces_below(*paths), [], EVERYTHING)


def _copies(scene: Scene, past: Past) -> dict[str, Callable[[Path], Copy]]:
    cluster, living = past.cluster, len(scene.now["keys"])

    def on(server: Postgres) -> Copy:
        return Copy(("--database-url", cluster.url(server)), scene.everybody, living)

    def into_another(place: Path) -> Copy:
        cluster.primary.ask("create database another")
        return restored(scene, place, past.rows, "--database-url", cluster.primary.url("another"))

    def in_time(_place: Path) -> Copy:
        return on(cluster.restored(past.base, "in time again", past.moment))

    def promoted(_place: Path) -> Copy:
        server = cluster.revived(past.standby, "promoted")
        server.promote()
        return on(server)

    return {
        "a Cenote backup": into_another,
        "a Cenote backup, on the other engine": lambda place: restored(scene, place, past.rows),
        "a base backup": lambda _place: on(cluster.as_it_was(past.base, "as it was")),
        "an archive restored to a point in time": in_time,
        "a promoted standby": promoted,
    }


def files_of(server: Postgres, kinds: list[str]) -> list[Piece]:
    """The files of the house's tables or indexes, as they are on the disk after a checkpoint."""
    server.ask("checkpoint")
    named = server.ask(
        "select c.relname, pg_relation_filepath(c.oid) from pg_class c"
        " where c.relkind::text = any(%s) and pg_relation_filepath(c.oid) is not null"
        " and c.relnamespace in (select oid from pg_namespace where nspname in ('public', 'pg_toast'))",
        kinds,
        database=DATABASE,
    )
    return [Piece(name, (server.folder / path).read_bytes()) for name, path in named]
