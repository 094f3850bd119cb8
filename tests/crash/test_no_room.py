"""
No room left, and folders that nobody may write: a clear error, nothing half done, and on it goes.

What a full journal does is in `test_disk.py`; here it is a chunk that can't be made, a disk that is really
full, and a start beside keys that are only read.
"""

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cenote.vault.chunks import Chunk
from tests.books import books_of, faults_of, untidy
from tests.crash.scene import soon
from tests.crash.stage import Stage, perform, prepared
from tests.database_away import worker_of
from tests.house import House
from tests.nursery import QuickHouse
from tests.vault.files import SLOTS, chunk_file

SMALL_BYTES = 3_000_000  # less than a chunk, and more than anything else that is written
DISK_BYTES = 16_000_000
FAULT = {"__type": "InternalErrorException", "message": "Something went wrong"}


@contextmanager
def small_files(house: House) -> Iterator[None]:
    """The server can't make a file as large as a chunk, as on a disk that is nearly full."""
    worker = worker_of(house)
    soft, hard = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (SMALL_BYTES, hard))
    yield
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def disk(place: Path) -> Iterator[Path]:
    """A small file system of its own, where one may be mounted."""
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)]
    if subprocess.run(mounting, check=False, capture_output=True).returncode != 0:
        pytest.skip("nobody may mount a disk here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def use_up(house: House, *, but: int) -> None:
    """Move the mark of the first chunk, so that so many of its slots are left."""
    chunk = Chunk(chunk_file(house.keys), bytes.fromhex((house.keys / "pair").read_text()))
    chunk.reserve(SLOTS - but)
    chunk.close()


@pytest.fixture
def quick_house(tmp_path: Path) -> Iterator[QuickHouse]:
    own = QuickHouse(tmp_path)
    yield own
    own.stop()


def test_a_chunk_that_there_is_no_room_for_refuses_newcomers_alone_and_leaves_nothing_behind(quick_house):
    house = quick_house
    stage = Stage.of(house.start())
    ann, bob = prepared(stage, "GetUser"), prepared(stage, "GetUser")
    house.stop()
    use_up(house, but=0)
    house.start()
    before = {file.name for file in house.keys.iterdir()}
    with small_files(house):
        newcomer = stage.new_aim()
        assert perform(stage, "SignUp", newcomer) == (500, FAULT)
        assert {file.name for file in house.keys.iterdir()} == before
        assert stage.try_call("GetUser", {"AccessToken": ann.access_token})[0] == 200
        assert perform(stage, "DeleteUser", bob)[0] == 200
        assert untidy(books_of(house)) == []
    assert perform(stage, "SignUp", newcomer)[0] == 200
    assert chunk_file(house.keys, 1).exists()
    house.stop()
    assert faults_of(books_of(house)) == []


@pytest.mark.thorough
def test_a_disk_that_is_full_to_the_last_block_loses_nobody_and_opens_nobody_again(tmp_path):
    with disk(tmp_path / "disk") as place:
        house = QuickHouse(place)
        house.log = tmp_path / "server.log"
        stage = Stage.of(house.start())
        people = [prepared(stage, "GetUser") for _person in range(6)]
        filler = place / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4_096))
        told = {person.username: perform(stage, "DeleteUser", person)[0] for person in people}
        came = [perform(stage, "SignUp", stage.new_aim())[0] for _newcomer in range(6)]
        assert {*told.values(), *came} <= {200, 500}
        assert 500 in {*told.values(), *came}
        house.kill()
        filler.unlink()
        house.start()
        soon(lambda: not untidy(books_of(house)))
        for person in people:
            status, _answer = stage.try_call("GetUser", {"AccessToken": person.access_token})
            assert status == (400 if told[person.username] == 200 else 200)
            if told[person.username] != 200:
                assert perform(stage, "DeleteUser", person)[0] == 200
        house.stop()
        assert faults_of(books_of(house)) == []


@contextmanager
def only_read(folder: Path) -> Iterator[None]:
    """Nobody may write in the folder: whoever may do everything needs a disk that says so."""
    if os.geteuid() != 0:
        modes = {path: path.stat().st_mode for path in (folder, *folder.iterdir())}
        for path in modes:
            path.chmod(0o500 if path.is_dir() else 0o400)
        yield
        for path, mode in modes.items():
            path.chmod(mode)
        return
    bind = ["mount", "--bind", str(folder), str(folder)]
    if subprocess.run(bind, check=False, capture_output=True).returncode != 0:
        pytest.skip("nobody may mount here")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.thorough
@pytest.mark.parametrize("which", ["keys", "data"])
def test_a_folder_that_is_only_read_stops_the_start_with_a_sentence_and_no_harm(quick_house, which):
    stage = Stage.of(quick_house.start())
    person = prepared(stage, "GetUser")
    quick_house.stop()
    with only_read(getattr(quick_house, which)):
        assert "can't be" in quick_house.refuses_to_start()
    quick_house.start()
    assert stage.try_call("GetUser", {"AccessToken": person.access_token})[0] == 200
    quick_house.stop()
    assert faults_of(books_of(quick_house)) == []
