"""
A keys folder, a master key or data that do not belong together: the start is refused and nothing is changed,
or, where an older copy of the right folder was put back, what it missed is done again.
"""

import json
import re
import resource
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cenote.vault.chunks import Chunk
from tests.crash.evidence import (
    ERASED,
    OPENS,
    TORN,
    hashes,
    is_buried,
    is_in_ledger,
    is_noted_as_done,
    rows,
    rows_of,
    slot_of,
    state_of,
)
from tests.crash.scene import Past, Person, Scene, put_back, soon
from tests.everyday import of_which
from tests.house import House, Tenant, error_of
from tests.nursery import QuickHouse
from tests.vault.files import SLOTS, chunk_file, counters_in, overwrite_slot, slot_in, tombstones_in

OWED = re.compile(rb"^cenote_tombstones_owed ([0-9.]+)$", re.MULTILINE)
FULL_BYTES = 4_000_000  # more than any database here has, and less than where the last slots lie


def events(house: House, name: str) -> list[dict[str, object]]:
    """What the server has told its operator under this name."""
    lines = [line for line in house.log.read_text().splitlines() if line.startswith("{")]
    return [event for event in map(json.loads, lines) if event["event"] == name]


def everything(house: House) -> dict[str, str]:
    return hashes(house.data, house.keys, house.master)


# An older copy of the keys folder


@pytest.mark.thorough
def test_a_stale_keys_folder_gets_every_tombstone_again_and_hands_out_no_slot_again(own_house):
    scene = Scene(own_house)
    stale = own_house.root / "stale"
    shutil.copytree(own_house.keys, stale)
    dan = Person(scene.tenant, "dan")
    for person in (scene.bob, dan):
        person.delete()
    own_house.stop()
    old = scene.copies[Past.BEFORE_DELETION]
    assert state_of(old, own_house, scene.bob.sub, stale) == OPENS
    put_back(own_house.keys, stale)
    for start in range(3):
        own_house.start()
        assert len(events(own_house, "keys folder behind its data")) == 1
        assert state_of(old, own_house, scene.bob.sub) == ERASED
        for person in (scene.bob, dan):
            person.assert_is_gone()
        for person in (scene.ann, scene.cid, Person(scene.tenant, f"new{start}")):
            person.assert_lives()
        own_house.stop()
        scene.copies[Past.PRESENT] = own_house.copy_data(f"start {start}")
        scene.assert_no_slot_was_used_twice()


@pytest.mark.parametrize("passes", of_which([0, 1], [0]))
def test_a_copy_of_the_keys_from_before_the_last_deletion_is_known_as_stale_even_after_a_crash(
    own_house, passes
):
    """The data notes how far the folder has come before it notes a tombstone as written."""
    scene = Scene(own_house)
    stale, old = own_house.root / "stale", scene.copies[Past.BEFORE_DELETION]
    shutil.copytree(own_house.keys, stale)
    slot = slot_of(own_house.data, scene.bob.sub)
    scene.bob.delete()
    own_house.arm("commit.after", passes)
    own_house.wait_for_death()
    put_back(own_house.keys, stale)
    own_house.start()
    assert is_buried(own_house.keys, slot, scene.bob.sub)
    assert state_of(old, own_house, scene.bob.sub) == ERASED
    scene.ann.assert_lives()


@pytest.mark.thorough
def test_a_copy_of_the_keys_taken_in_the_middle_of_a_batch_is_known_as_stale(own_house):
    """What the header of such a copy says, with the slots as they were before."""
    scene = Scene(own_house)
    stale = own_house.root / "stale"
    shutil.copytree(own_house.keys, stale)
    scene.bob.delete()
    own_house.stop()
    mark, batches = counters_in(own_house.keys)
    with chunk_file(stale).open("r+b") as file:
        file.seek(40)
        file.write(mark.to_bytes(8, "big") + (batches - 1).to_bytes(8, "big"))
    put_back(own_house.keys, stale)
    own_house.start()
    assert state_of(scene.copies[Past.BEFORE_DELETION], own_house, scene.bob.sub) == ERASED


# The wrong folder, the wrong key, or none


def test_a_missing_keys_folder_stops_the_start(own_house):
    scene = Scene(own_house)
    own_house.stop()
    own_house.keys.rename(own_house.root / "away")
    before = hashes(own_house.data, own_house.master)
    assert own_house.refuses_to_start() == (
        f"The keys folder {own_house.keys} is missing; point --keys to it or to its mirror."
    )
    assert hashes(own_house.data, own_house.master) == before
    assert not own_house.keys.exists()
    (own_house.root / "away").rename(own_house.keys)
    own_house.start()
    scene.ann.assert_lives()


@pytest.mark.thorough
def test_a_foreign_keys_folder_stops_the_start_and_is_left_alone(own_house, tmp_path):
    scene = Scene(own_house)
    own_house.stop()
    other = QuickHouse(tmp_path / "other")
    other.root.mkdir()
    Tenant(other.start()).sign_up("somebody")
    other.stop()
    own_house.keys.rename(own_house.root / "away")
    shutil.copytree(other.keys, own_house.keys)
    before = everything(own_house)
    sentence = f"The keys folder {own_house.keys} belongs to other data than this."
    assert own_house.refuses_to_start() == sentence
    assert everything(own_house) == before
    put_back(own_house.keys, own_house.root / "away")
    own_house.start()
    scene.ann.assert_lives()


@pytest.mark.thorough
def test_new_data_with_an_old_keys_folder_stops_the_start_and_makes_no_master_key(own_house):
    scene = Scene(own_house)
    own_house.stop()
    for part in (own_house.data, own_house.master):
        part.rename(own_house.root / f"{part.name} away")
    before = hashes(own_house.keys)
    assert own_house.refuses_to_start() == (
        f"The keys folder {own_house.keys} belongs to other data; new data needs a new keys folder."
    )
    assert hashes(own_house.keys) == before
    assert not own_house.master.exists()
    shutil.rmtree(own_house.data)
    for part in (own_house.data, own_house.master):
        (own_house.root / f"{part.name} away").rename(part)
    own_house.start()
    scene.ann.assert_lives()


@pytest.mark.parametrize(
    "harm, sentence",
    [
        (
            lambda file: file.write_text("00" * 32),
            "The master key is not the one that this data was sealed with.",
        ),
        (
            lambda file: file.write_text("00" * 31),
            "The master key in the master key file {file} must be 32 bytes",
        ),
        (lambda file: file.unlink(), "The master key file {file} is missing; without it nothing"),
        (lambda file: file.chmod(0o644), "The master key file {file} can be read by others"),
    ],
    ids=["wrong", "short", "missing", "readable"],
)
def test_a_master_key_that_is_wrong_or_missing_or_readable_stops_the_start(own_house, harm, sentence):
    scene = Scene(own_house)
    own_house.stop()
    kept = own_house.root / "kept.key"
    shutil.copy(own_house.master, kept)
    harm(own_house.master)
    before = hashes(own_house.data, own_house.keys, own_house.root)
    assert own_house.refuses_to_start().startswith(sentence.format(file=own_house.master))
    assert hashes(own_house.data, own_house.keys, own_house.root) == before
    shutil.copy(kept, own_house.master)
    own_house.master.chmod(0o600)
    own_house.start()
    scene.ann.assert_lives()


@pytest.mark.parametrize("length", of_which([0, 100_000], [100_000]))
def test_a_chunk_cut_short_stops_the_start_and_is_left_alone(own_house, length):
    scene = Scene(own_house)
    own_house.stop()
    file = chunk_file(own_house.keys)
    whole = file.read_bytes()
    file.write_bytes(whole[:length])
    before = everything(own_house)
    assert own_house.refuses_to_start() == f"The chunk file {file} of the keys folder is damaged."
    assert everything(own_house) == before
    file.write_bytes(whole)
    own_house.start()
    scene.ann.assert_lives()


# A slot that says nothing


def test_a_torn_slot_is_an_alarm_for_its_user_and_no_deletion_and_others_live(own_house):
    scene = Scene(own_house)
    slot = slot_of(own_house.data, scene.cid.sub)
    secret = slot_in(own_house.keys, slot)
    overwrite_slot(own_house.keys, slot, bytes(range(64)))
    for call in (
        lambda: scene.tenant.cognito.get_user(AccessToken=scene.cid.token),
        lambda: scene.tenant.sign_in("cid"),
        lambda: scene.tenant.cognito.delete_user(AccessToken=scene.cid.token),
        lambda: scene.tenant.sign_up("cid"),
    ):
        assert error_of(call)[::2] == ("InternalErrorException", 500)
    assert {event["alarm"] for event in events(own_house, "alarm")} == {
        f"the key under slot {slot} does not open"
    }
    for person in (scene.ann, scene.bob):
        person.assert_lives()
    held = rows_of(own_house.data, scene.cid.sub)
    own_house.kill()
    own_house.start()
    own_house.stop()
    assert state_of(own_house.data, own_house, scene.cid.sub) == TORN
    assert rows_of(own_house.data, scene.cid.sub) == held > 0
    assert not is_in_ledger(own_house.data, scene.cid.sub)
    overwrite_slot(own_house.keys, slot, secret)
    own_house.start()
    scene.cid.assert_lives()


@pytest.mark.thorough
def test_the_tombstone_of_another_is_an_alarm_and_no_deletion(own_house):
    scene = Scene(own_house)
    slot = slot_of(own_house.data, scene.cid.sub)
    secret = slot_in(own_house.keys, slot)
    overwrite_slot(own_house.keys, slot, b"CENOTE-X" + bytes(56))
    refusal = error_of(scene.tenant.cognito.get_user, AccessToken=scene.cid.token)
    assert refusal[0] == "InternalErrorException"
    own_house.kill()
    overwrite_slot(own_house.keys, slot, secret)
    own_house.start()
    scene.cid.assert_lives()


# A chunk that is away


@pytest.fixture
def two_chunks(own_house):
    """Ann, Bob and Cid in the first chunk of a house, Dan and Eve in the second."""
    scene = Scene(own_house)
    own_house.stop()
    use_up(own_house, but=0)
    own_house.start()
    dan, eve = Person(scene.tenant, "dan"), Person(scene.tenant, "eve")
    assert slot_of(own_house.data, dan.sub) // SLOTS == 1
    return scene, dan, eve


def use_up(house: House, *, but: int) -> None:
    """Move the mark of the first chunk, so that so many of its slots are left."""
    chunk = Chunk(chunk_file(house.keys), bytes.fromhex((house.keys / "pair").read_text()))
    chunk.reserve(SLOTS - but)
    chunk.close()


@pytest.mark.thorough
def test_a_keys_folder_that_lost_a_chunk_loses_its_users_alone_and_deletes_nobody(two_chunks):
    scene, dan, eve = two_chunks
    house = scene.house
    scene.bob.delete()
    house.kill()
    chunk, away = chunk_file(house.keys, 1), house.root / "away"
    chunk.rename(away)
    house.start()
    for person in (scene.ann, scene.cid, Person(scene.tenant, "fay")):
        person.assert_lives()
    assert error_of(scene.tenant.cognito.get_user, AccessToken=dan.token)[0] == "InternalErrorException"
    house.stop()
    assert events(house, "housekeeping failed") == []
    assert not chunk.exists()
    assert rows(house.data, "select count(*) from keys where slot / ? = 1", SLOTS) == [(2,)]
    away.rename(chunk)
    house.start()
    for person in (dan, eve, scene.ann):
        person.assert_lives()
    house.stop()
    scene.assert_no_slot_was_used_twice()


@pytest.mark.thorough
def test_a_tombstone_that_is_owed_to_a_chunk_that_is_away_is_written_when_it_comes_back(two_chunks):
    scene, dan, eve = two_chunks
    house = scene.house
    slot = slot_of(house.data, dan.sub)
    old = house.copy_data("before Dan went")
    house.arm("commit.after")
    dan.delete()
    house.wait_for_death()
    assert is_in_ledger(house.data, dan.sub)
    chunk, away = chunk_file(house.keys, 1), house.root / "away"
    chunk.rename(away)
    house.start()
    house.advance(60)
    time.sleep(1.2)
    house.stop()
    assert not is_noted_as_done(house.data, dan.sub)
    away.rename(chunk)
    house.start()
    assert is_buried(house.keys, slot, dan.sub)
    assert state_of(old, house, dan.sub) == ERASED
    eve.assert_lives()


# A tombstone that can't be written


def worker_of(house: House) -> int:
    """The process that serves: the one child of the one that was started."""
    assert house.process is not None
    pid = house.process.pid
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def limit_files(house: House, bytes_max: int) -> None:
    """From now on the server can't write behind so many bytes of any file, as on a disk that is full."""
    _soft, hard = resource.prlimit(worker_of(house), resource.RLIMIT_FSIZE)
    resource.prlimit(worker_of(house), resource.RLIMIT_FSIZE, (bytes_max, hard))


@contextmanager
def small_files(bytes_max: int) -> Iterator[None]:
    """The same limit for a server that is started now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def owed(house: House) -> float:
    found = OWED.search(house.http("GET", "/metrics")[2])
    assert found is not None
    return float(found[1])


@pytest.fixture
def far_out(own_house):
    """A scene whose people have slots far behind the size of the database."""
    own_house.start()
    Tenant(own_house)
    own_house.stop()
    use_up(own_house, but=1024)
    scene = Scene(own_house)
    assert slot_of(own_house.data, scene.bob.sub) >= SLOTS - 1024
    return scene


@pytest.mark.parametrize("is_killed", of_which([False, True], [False]), ids=["going on", "killed"])
def test_a_tombstone_that_can_not_be_written_is_answered_200_and_written_later(far_out, is_killed):
    scene, house = far_out, far_out.house
    slot = slot_of(house.data, scene.bob.sub)
    limit_files(house, FULL_BYTES)
    assert scene.bob.delete()
    scene.bob.assert_is_gone()
    assert owed(house) == 1
    assert events(house, "tombstones pending")
    assert not is_buried(house.keys, slot, scene.bob.sub)
    scene.ann.assert_lives()
    if is_killed:
        house.kill()
        house.start()
    else:
        house.advance(60)
        soon(lambda: len(events(house, "tombstones pending")) > 1)
        limit_files(house, resource.RLIM_INFINITY)
        soon(lambda: owed(house) == 0)
    assert is_buried(house.keys, slot, scene.bob.sub)
    assert tombstones_in(house.keys) == 1
    assert state_of(scene.copies[Past.BEFORE_DELETION], house, scene.bob.sub) == ERASED
    scene.ann.assert_lives()


@pytest.mark.thorough
def test_a_start_goes_on_with_a_tombstone_that_it_can_not_write_and_owes(far_out):
    scene, house = far_out, far_out.house
    slot = slot_of(house.data, scene.bob.sub)
    house.arm("commit.after")
    scene.bob.delete()
    house.wait_for_death()
    assert is_in_ledger(house.data, scene.bob.sub)
    with small_files(FULL_BYTES):
        House.start(house)  # as a child of this process, for it takes the limit over
    scene.ann.assert_lives()
    scene.bob.assert_is_gone()
    assert owed(house) == 1
    assert not is_buried(house.keys, slot, scene.bob.sub)
    limit_files(house, resource.RLIM_INFINITY)
    house.advance(60)
    soon(lambda: owed(house) == 0)
    assert is_buried(house.keys, slot, scene.bob.sub)


@pytest.mark.thorough
def test_a_stale_keys_folder_that_can_not_be_written_stops_the_start(far_out):
    scene, house = far_out, far_out.house
    stale = house.root / "stale"
    shutil.copytree(house.keys, stale)
    scene.bob.delete()
    house.stop()
    put_back(house.keys, stale)
    with small_files(FULL_BYTES):
        assert house.refuses_to_start() == "The keys can't be used: File too large."
    house.start()
    assert len(events(house, "keys folder behind its data")) == 1
    assert state_of(scene.copies[Past.BEFORE_DELETION], house, scene.bob.sub) == ERASED
    scene.ann.assert_lives()
