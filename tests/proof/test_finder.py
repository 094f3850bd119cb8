"""
The finder finds: whatever an erasure could leave behind is planted where it could be, and both the tests' own
finder and `cenote erasure verify` see what there is to see.
"""

import base64
import json
import shutil
import sqlite3
import urllib.parse
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cenote.store.sqlite import DATABASE_FILE
from cenote.vault.searching import SlotFiles
from tests.conftest import ENGINES
from tests.house import House
from tests.proof.embedded import JOURNAL, OLD
from tests.proof.finder import ALARMS, Hand, Piece, found_of, in_clear
from tests.proof.matrix import SQLITE
from tests.proof.people import Resident
from tests.proof.scene import Scene, beside_its_keys, command, pieces_below
from tests.vault.files import chunk_file, overwrite_slot, slot_in

pytestmark = pytest.mark.parametrize("engine", [one for one in ENGINES if one == SQLITE])


@dataclass(frozen=True)
class Ground:
    """A copy of the house as it is after the deletion, to plant something in."""

    scene: Scene
    house: House

    @property
    def hand(self) -> Hand:
        """Whoever has what is here now."""
        return Hand(self.scene.master, [SlotFiles(self.house.keys)], self.scene.loose)

    def found(self) -> set[str]:
        """What the finder finds of the one who went, in the data and beside it."""
        own = {self.house.keys, self.house.master}
        beside = pieces_below(*(path for path in self.house.root.iterdir() if path not in own))
        return found_of(self.scene.sought(self.scene.canary), self.hand, beside)

    def receipt(self) -> dict[str, Any]:
        """What `cenote erasure verify` says of them."""
        also = [str(path) for path in self.house.root.glob("beside*")]
        words = [word for path in also for word in ("--also", path)]
        done = command(self.house, "erasure", "verify", self.scene.canary.sub, *words)
        assert done.stdout, done.stderr
        receipt: dict[str, Any] = json.loads(done.stdout)
        return receipt

    def put_back(self, table: str) -> None:
        """The user's rows of a table, as they were before."""
        with closing(sqlite3.connect(self.house.data / DATABASE_FILE)) as connection:
            for row in self.scene.before[table]:
                if row["sub"] == self.scene.canary.sub:
                    marks = ", ".join("?" * len(row))
                    connection.execute(f"insert into {table} values ({marks})", list(row.values()))  # noqa: S608 - the test's words
            connection.commit()

    @property
    def slot(self) -> int:
        return self.scene.slot(self.scene.canary)

    @property
    def secret(self) -> bytes:
        """What the slot held."""
        return slot_in(self.scene.old_keys, self.slot)


@pytest.fixture
def ground(scene: Scene, tmp_path: Path) -> Ground:
    house = beside_its_keys(scene, tmp_path)
    shutil.copytree(scene.house.data, house.data)
    return Ground(scene, house)


def test_where_nothing_was_planted_nothing_is_found(ground: Ground) -> None:
    assert ground.found() == {"digest"}
    assert ground.receipt()["verdict"] == "erased"


def forgotten_row(ground: Ground) -> None:
    ground.put_back("users")


def forgotten_key_row(ground: Ground) -> None:
    ground.put_back("keys")


def frame_in_the_journal(ground: Ground) -> None:
    shutil.copy(ground.scene.root / OLD / JOURNAL, ground.house.data / JOURNAL)


def unburied_slot(ground: Ground) -> None:
    ground.put_back("users")
    ground.put_back("keys")
    overwrite_slot(ground.house.keys, ground.slot, ground.secret)


def older_keys_folder(ground: Ground) -> None:
    ground.put_back("users")
    ground.put_back("keys")
    shutil.copy(chunk_file(ground.scene.old_keys), chunk_file(ground.house.keys))


def archived_keys_folder(ground: Ground) -> None:
    ground.put_back("keys")
    chunk = chunk_file(ground.scene.old_keys).read_bytes()
    (ground.house.root / "beside.tar").write_bytes(bytes(512) + chunk)


def slot_in_another_file(ground: Ground) -> None:
    (ground.house.root / "beside.bin").write_bytes(b"x" * 100 + ground.secret + b"x")


def attribute_in_a_log(ground: Ground) -> None:
    ground.house.log.write_text(f'{{"event":"sent","to":"{ground.scene.canary.email}"}}\n')


def token_in_a_log(ground: Ground) -> None:
    ground.house.log.write_text(f'{{"event":"asked","by":"{ground.scene.canary.access}"}}\n')


Plant = Callable[[Ground], None]
OPENS = {"envelope", "key", "sub", "opens"}


@pytest.mark.parametrize(
    "plant, found, verdict",
    [
        pytest.param(forgotten_row, {"envelope", "sub"}, "erased", id="a-forgotten-row"),
        pytest.param(forgotten_key_row, {"key", "sub"}, "erased", id="a-forgotten-key-row"),
        pytest.param(frame_in_the_journal, {"envelope", "sub"}, "erased", id="a-frame-in-the-journal"),
        pytest.param(unburied_slot, OPENS, "openable", id="an-unburied-slot"),
        pytest.param(older_keys_folder, OPENS, "openable", id="an-envelope-whose-key-is-there"),
        pytest.param(archived_keys_folder, {"key", "sub", "slot"}, "openable", id="an-archived-keys-folder"),
    ],
)
def test_a_leftover_is_found(ground: Ground, plant: Plant, found: set[str], verdict: str) -> None:
    plant(ground)
    receipt = ground.receipt()
    assert receipt["verdict"] == verdict
    clocks = {clock["state"] for clock in receipt["clocks"].values()}
    assert ("broken" in clocks) == (verdict == "openable")
    assert sum(copy["envelopes"] + copy["keys"] for copy in receipt["copies"])
    assert ground.found() - {"digest"} >= found
    assert ground.found() & ALARMS == found & ALARMS


@pytest.mark.parametrize(
    "plant, found",
    [
        pytest.param(slot_in_another_file, "slot", id="a-slot-in-another-file"),
        pytest.param(attribute_in_a_log, "clear", id="an-attribute-in-a-log"),
        pytest.param(token_in_a_log, "clear", id="a-token-in-a-log"),
    ],
)
def test_what_should_be_nowhere_is_found(ground: Ground, plant: Plant, found: str) -> None:
    plant(ground)
    assert ground.found() & ALARMS == {found}


@pytest.mark.parametrize("behind", range(4))
@pytest.mark.parametrize(
    "spelled",
    [
        str.encode,
        lambda text: text.upper().encode(),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.encode().hex().encode(),
        lambda text: text.encode().hex().upper().encode(),
        lambda text: urllib.parse.quote(text, safe="").encode(),
        lambda text: "".join(f"%{byte:02X}" for byte in text.encode()).encode(),
    ],
    ids=["text", "upper", "utf-16-le", "utf-16-be", "hex", "upper-hex", "url", "all-of-url"],
)
def test_a_value_is_found_in_every_spelling(
    scene: Scene, spelled: Callable[[str], bytes], behind: int
) -> None:
    one = scene.canary
    assert set(values_found(one, b"x" * behind + spelled(one.email) + b"x")) == {one.mark}
    assert set(values_found(one, b"x" * behind + spelled(f"+{one.digits}") + b"x")) == {one.digits}


@pytest.mark.parametrize("behind", range(4))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_value_is_found_in_base64_at_every_offset(
    scene: Scene, encode: Callable[[bytes], bytes], behind: int
) -> None:
    one = scene.canary
    assert set(values_found(one, encode(b"x" * behind + one.email.encode() + b"y"))) == {one.mark}


def values_found(one: Resident, content: bytes) -> list[str]:
    return [value for _name, value in in_clear(one.values, [Piece("somewhere", content)])]
