"""The mirror: it has each chunk before its first use and each tombstone before the answer."""

import shutil

import pytest

from cenote.domain.sealed import Grave
from cenote.errors import CenoteError
from cenote.vault.slots import KeysFolder, create_keys_folder, pair_of
from tests.vault.files import SLOTS, chunk_file, counters_in, overwrite_slot, slot_in, tombstones_in

PAIR = bytes(range(16))
DIGEST = bytes(range(32))
TOMBSTONE = b"CENOTE-X" + DIGEST + bytes(24)


@pytest.fixture
def keys(tmp_path):
    create_keys_folder(tmp_path / "keys", PAIR)
    return tmp_path / "keys"


@pytest.fixture
def mirror(tmp_path):
    return tmp_path / "elsewhere" / "mirror"


@pytest.fixture
def opened():
    folders = []

    def open_folder(keys, mirror=None, **changes):
        folders.append(KeysFolder(keys, PAIR, mirror, **changes))
        return folders[-1]

    yield open_folder
    for folder in folders:
        folder.close()


def slots_of(folder, number=0):
    return chunk_file(folder, number).read_bytes()[4096:]


def test_a_chunk_is_in_the_mirror_before_its_first_slot_is_used(keys, mirror, opened):
    opened(keys, mirror).allocate()
    assert slots_of(mirror) == slots_of(keys)
    assert pair_of(mirror) == PAIR


def test_a_mirror_tells_backups_to_pass_it_by(keys, mirror, opened):
    opened(keys, mirror)
    assert (mirror / "CACHEDIR.TAG").read_bytes() == (keys / "CACHEDIR.TAG").read_bytes()


def test_a_tombstone_is_in_both_copies_when_burying_returns(keys, mirror, opened):
    folder = opened(keys, mirror)
    slots = [folder.allocate() for _one in range(3)]
    folder.bury([Grave(DIGEST, slot) for slot in slots])
    for copy in (keys, mirror):
        assert [slot_in(copy, slot) for slot in slots] == [TOMBSTONE] * 3
        assert tombstones_in(copy) == 3


def test_a_crash_between_the_two_copies_leaves_the_first_one_buried_and_the_rest_owed(keys, mirror, opened):
    written = []

    def reach(_seam):
        written.append(1)
        if len(written) == 2:
            raise OSError(5, "Input/output error")

    folder = opened(keys, mirror, reach=reach)
    slot = folder.allocate()
    with pytest.raises(OSError, match="Input/output"):
        folder.bury([Grave(DIGEST, slot)])
    assert slot_in(keys, slot) == TOMBSTONE


def test_a_mirror_that_missed_a_tombstone_gets_it_in_place(keys, mirror, opened):
    folder = opened(keys, mirror)
    slot = folder.allocate()
    folder.close()
    alone = opened(keys)
    alone.bury([Grave(DIGEST, slot)])
    alone.close()
    file = chunk_file(mirror).stat().st_ino
    opened(keys, mirror)
    assert slot_in(mirror, slot) == TOMBSTONE
    assert slots_of(mirror) == slots_of(keys)
    assert chunk_file(mirror).stat().st_ino == file


def test_a_folder_that_missed_a_tombstone_gets_it_from_the_mirror_in_place(keys, mirror, opened, tmp_path):
    folder = opened(keys, mirror)
    slot = folder.allocate()
    shutil.copy(chunk_file(keys), tmp_path / "stale")
    folder.bury([Grave(DIGEST, slot)])
    [folder.allocate() for _one in range(300)]
    folder.close()
    opened(keys, mirror).close()
    shutil.copy(tmp_path / "stale", chunk_file(keys))
    file = chunk_file(keys).stat().st_ino
    opened(keys, mirror)
    assert slot_in(keys, slot) == TOMBSTONE
    assert counters_in(keys) == counters_in(mirror) == (512, 2)
    assert chunk_file(keys).stat().st_ino == file


def test_each_copy_may_have_missed_something_else(keys, mirror, opened):
    folder = opened(keys, mirror)
    slots = [folder.allocate() for _one in range(2)]
    folder.close()
    overwrite_slot(keys, slots[0], TOMBSTONE)
    overwrite_slot(mirror, slots[1], TOMBSTONE)
    opened(keys, mirror)
    for copy in (keys, mirror):
        assert [slot_in(copy, slot) for slot in slots] == [TOMBSTONE] * 2


def test_a_new_mirror_of_an_old_folder_gets_all_of_it(keys, mirror, opened):
    folder = opened(keys)
    slot = folder.allocate()
    folder.bury([Grave(DIGEST, slot)])
    folder.close()
    opened(keys, mirror)
    assert chunk_file(mirror).read_bytes() == chunk_file(keys).read_bytes()


def test_a_chunk_that_the_folder_lost_is_lent_back(keys, mirror, opened):
    folder = opened(keys, mirror)
    slot = folder.allocate()
    secret = folder.read(slot)
    folder.close()
    chunk_file(keys).unlink()
    assert opened(keys, mirror).read(slot) == secret


def test_a_chunk_that_only_the_mirror_got_before_a_crash_is_not_made_anew(keys, mirror, opened):
    opened(keys, mirror).allocate()
    secrets = slots_of(mirror)
    opened(keys, mirror).allocate()  # the first owner holds chunk 0: this one makes chunk 1
    chunk_file(keys, 1).unlink()
    folder = opened(keys, mirror)
    assert slots_of(keys) == secrets
    assert slots_of(keys, 1) == slots_of(mirror, 1)
    assert folder.allocate() // SLOTS == 1


def test_a_mirror_stands_in_for_a_folder_that_is_gone(keys, mirror, opened):
    folder = opened(keys, mirror)
    living, erased = folder.allocate(), folder.allocate()
    secret = folder.read(living)
    folder.bury([Grave(DIGEST, erased)])
    folder.close()
    shutil.rmtree(keys)
    stand_in = opened(mirror)
    assert stand_in.read(living) == secret
    assert stand_in.read(erased) == TOMBSTONE


def test_the_mirror_of_another_folder_is_refused_and_left_as_it_is(keys, mirror):
    create_keys_folder(mirror, bytes(16))
    (mirror / "CACHEDIR.TAG").unlink()
    with pytest.raises(CenoteError, match="belongs to another keys folder"):
        KeysFolder(keys, PAIR, mirror)
    assert [path.name for path in mirror.iterdir()] == ["pair"]


def test_a_mirror_that_holds_other_secrets_is_refused_and_changes_nothing(keys, mirror, opened):
    folder = opened(keys, mirror)
    slot = folder.allocate()
    folder.close()
    overwrite_slot(mirror, slot, bytes(range(64)))
    before = slots_of(keys), slots_of(mirror)
    with pytest.raises(CenoteError, match="holds other secrets than the keys folder"):
        KeysFolder(keys, PAIR, mirror)
    assert (slots_of(keys), slots_of(mirror)) == before


def test_processes_with_one_mirror_make_chunks_of_their_own_and_the_mirror_has_them_all(keys, mirror, opened):
    first, second = opened(keys, mirror), opened(keys, mirror)
    assert (first.allocate(), second.allocate()) == (0, SLOTS)
    for number in (0, 1):
        assert slots_of(keys, number) == slots_of(mirror, number)
