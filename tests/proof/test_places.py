"""
The proof, place by place: what lies there of the one who went is not in clear, and nothing that is left opens
it.

Each case shows as well that it can fail: whoever stays opens, and with the keys folder from before the
deletion the one who went would open too.
"""

import json
from typing import Any

import pytest

from cenote.vault.searching import SlotFiles
from tests.conftest import ENGINES
from tests.proof.finder import ALARMS, Hand, found_of, opened_by, remains_of
from tests.proof.matrix import PLACES, Entry, cases
from tests.proof.people import Resident
from tests.proof.scene import ENVELOPE, KEY, OF_KINDS, OF_TABLES, Lay, Scene, piece_of

CASES = [
    pytest.param(engine, entry, id=entry.case(engine))
    for engine in ENGINES
    for entry in cases(PLACES, engine)
]
NOBODY_IS_NAMED = {"a log file", "the metrics"}
MIRROR = "a mirror"


@pytest.mark.parametrize("engine, entry", CASES)
def test_nothing_opens_from(scene: Scene, entry: Entry) -> None:
    lay, canary = scene.places[entry.name](), scene.sought(scene.canary)
    assert lay.holds <= remains_of(canary.sub, lay.before).kinds
    left = found_of(canary, scene.everything_left, lay.now)
    assert left & ALARMS == set()
    assert left <= lay.keeps
    old = found_of(canary, scene.everything_left, lay.before)
    assert old & ALARMS == ({"slot"} if entry.name == MIRROR else set())
    for one in scene.stay:
        assert_opens(scene, scene.everything_left, one, lay)
    assert_opens(scene, scene.as_before, scene.canary, lay)
    if entry.name in NOBODY_IS_NAMED:
        assert any(b"DeleteUser" in piece.content for piece in lay.now), "it tells nothing at all"


def assert_opens(scene: Scene, hand: Hand, one: Resident, lay: Lay) -> None:
    """Whoever has this hand opens what lies there of somebody."""
    theirs = remains_of(one.sub, lay.before)
    assert lay.holds <= theirs.kinds
    (secret,) = hand.secrets_of(one.sub, theirs.keys if KEY in lay.holds else {scene.wrapped(one)})
    if ENVELOPE in lay.holds:
        assert opened_by(secret, theirs.envelopes, one.mark)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_table_and_every_kind_of_row_that_names_a_user_is_a_place(scene: Scene) -> None:
    naming = {
        table
        for table, rows in scene.before.items()
        if table != "belongings" and any("sub" in row for row in rows)
    }
    assert naming == {table for table, _holds in OF_TABLES.values()}
    kinds = {row["kind"] for row in scene.before["belongings"] if row["sub"] == scene.canary.sub}
    assert kinds == {kind for kind, _holds in OF_KINDS.values()}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_guess_of_a_name_can_be_tested_in_an_old_copy_and_nowhere_else(scene: Scene) -> None:
    """What docs/security.md says of the blind names: it takes the pool's key too, and opens nothing."""
    before, now = (piece_of("names", rows["names"]).content for rows in (scene.before, scene.now))
    for name in scene.canary.aliases:
        blind = scene.pool.blind(name)
        assert (blind in before, blind in now) == (True, False), name
    assert scene.pool.blind("nobody-of-this-name") not in before


@pytest.mark.parametrize("engine", ENGINES)
def test_the_mirror_alone_opens_whoever_stays_and_nobody_else(scene: Scene) -> None:
    """A keys folder that is lost is no loss; and the mirror as it was before is the third clock again."""
    present, old = (Hand(scene.master, [SlotFiles(folder)]) for folder in (scene.mirror, scene.old_mirror))
    opened = {one.mark: opens_key(present, scene, one) for one in scene.everybody}
    assert opened == {one.mark: one is not scene.canary for one in scene.everybody}
    assert all(opens_key(old, scene, one) for one in scene.everybody)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_receipt_says_so_of_every_copy_at_once(scene: Scene) -> None:
    words = [word for path in scene.beside for word in ("--also", str(path))]
    words += ["--keys-mirror", str(scene.mirror)]
    gone = receipt(scene, scene.canary, *words)
    assert gone["verdict"] == "erased"
    assert {clock["state"] for clock in gone["clocks"].values()} <= {"gone", "doubtful"}
    told = {path.name for path in scene.beside}
    assert {copy["name"].split("/")[0] for copy in gone["copies"] if copy["keys"]} >= told - {"vacuumed"}
    assert [copy["name"] for copy in gone["copies"] if copy["openable"]] == []
    assert receipt(scene, scene.stay[0], *words)["verdict"] == "living"


def receipt(scene: Scene, one: Resident, *words: str) -> dict[str, Any]:
    """What `cenote erasure verify` prints."""
    done = scene.command("erasure", "verify", one.sub, *words)
    assert done.stdout, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def opens_key(hand: Hand, scene: Scene, one: Resident) -> bool:
    return bool(hand.secrets_of(one.sub, [scene.wrapped(one)]))
