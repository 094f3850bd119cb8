"""A tombstone that could not be written is remembered by whoever owes it, whatever becomes of the ledger."""

from pathlib import Path

from tests.engines import NOW_MS, open_sqlite


def test_what_could_not_be_buried_is_buried_later_without_the_ledger(tmp_path: Path) -> None:
    """After a fail-over the line that the redo goes by may be lost."""
    engine = open_sqlite(tmp_path)
    ann = engine.add_user()
    tombstones = engine.vault.tombstones
    engine.seams.fail_once("tombstone.written", OSError("the disk is away"))
    engine.store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))
    engine.seams.fail_once("tombstone.written", OSError("the disk is away"))
    assert tombstones.retry() == 0
    assert tombstones.retry() == 1
    assert ann.slot_now().startswith(b"CENOTE-X")
    assert tombstones.retry() == 0
    engine.close()
