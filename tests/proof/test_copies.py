"""
A copy from before the deletion is served beside the present keys folder: whoever went stays gone, for every
client and everything that they ever had; everybody else is back; and it is said how many of each there are.
"""

import json
from pathlib import Path

import pytest

from tests.conftest import ENGINES
from tests.crash.scene import soon
from tests.house import House
from tests.proof.matrix import COPIES, Entry, cases
from tests.proof.scene import Copy, Scene, beside_its_keys, moved

CASES = [
    pytest.param(engine, entry, id=entry.case(engine))
    for engine in ENGINES
    for entry in cases(COPIES, engine)
]


@pytest.mark.parametrize("engine, entry", CASES)
def test_nobody_erased_comes_back_from(scene: Scene, entry: Entry, tmp_path: Path) -> None:
    house = beside_its_keys(scene, tmp_path)
    copy = scene.copies[entry.name](tmp_path)
    house.flags = copy.flags
    house.start()
    try:
        gone, *stay = moved(copy.people, house)
        gone.assert_is_gone()
        for one in stay:
            one.assert_lives()
        assert house.inbox(gone.email, wait=0) == []
        assert_it_is_said(house, copy)
        gone.assert_namesake_gets_nothing()
    finally:
        house.stop()


def assert_it_is_said(house: House, copy: Copy) -> None:
    """How many are back, and how many stay gone."""
    if copy.said:
        assert f"{copy.living} users are back." in copy.said
        assert "1 users and 0 pools erased since stay gone." in copy.said
        return
    soon(lambda: bool(said(house)))
    assert [(one["users"], one["pools"], one["living"]) for one in said(house)] == [(1, 0, copy.living)]


def said(house: House) -> list[dict[str, int]]:
    lines = [json.loads(line) for line in house.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "erased ones cleared"]
