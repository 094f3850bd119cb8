"""Slots: none is ever handed out twice, whatever is killed, restarted, shared or put back."""

import itertools
import resource
import shutil
import signal
import stat
import subprocess
import sys

import pytest

from cenote.domain.sealed import Grave
from cenote.errors import CenoteError
from cenote.vault.chunks import Chunk
from cenote.vault.slots import KeysFolder, create_keys_folder, pair_of
from tests.engines import at_once
from tests.vault.files import SLOTS, chunk_file, counters_in, overwrite_slot, slot_in

PAIR = bytes(range(16))
DIGEST = bytes(range(32))


@pytest.fixture
def keys(tmp_path):
    create_keys_folder(tmp_path / "keys", PAIR)
    return tmp_path / "keys"


@pytest.fixture
def opened():
    """Opens keys folders, and closes those that a test leaves open."""
    folders = []

    def open_folder(keys, **changes):
        folders.append(KeysFolder(keys, PAIR, **changes))
        return folders[-1]

    yield open_folder
    for folder in folders:
        folder.close()


def exhaust(keys, number, *, but=0):
    """Move a chunk's mark, so that so many of its slots are left."""
    chunk = Chunk(chunk_file(keys, number), PAIR)
    chunk.reserve(SLOTS - but)
    chunk.close()


def test_slots_are_handed_out_one_after_the_other(keys, opened):
    folder = opened(keys)
    assert [folder.allocate() for _one in range(600)] == list(range(600))


def test_the_mark_is_on_the_disk_ahead_of_every_slot_in_use(keys, opened):
    folder = opened(keys)
    for _one in range(520):
        slot = folder.allocate()
        mark, _batches = counters_in(keys)
        assert slot < mark <= slot + 256


def test_a_restart_begins_behind_everything_that_was_reserved(keys, opened):
    for expected in (0, 256, 512):
        folder = opened(keys)
        assert folder.allocate() == expected
        folder.close()


def test_a_chunk_that_is_used_up_gives_way_to_the_next(keys, opened):
    opened(keys).allocate()
    exhaust(keys, 0, but=2)
    folder = opened(keys)
    assert [folder.allocate() for _one in range(4)] == [SLOTS, SLOTS + 1, SLOTS + 2, SLOTS + 3]


def test_the_last_slots_of_a_chunk_are_used_and_not_one_more(keys, opened):
    folder = opened(keys)
    folder.allocate()
    folder.close()
    exhaust(keys, 0, but=3)
    folder = opened(keys)
    assert [folder.allocate() for _one in range(4)] == [SLOTS - 3, SLOTS - 2, SLOTS - 1, SLOTS]
    assert counters_in(keys) == (SLOTS, 0)


def test_threads_that_ask_at_once_get_slots_of_their_own(keys, opened):
    folder = opened(keys)
    taken = at_once(*[lambda: [folder.allocate() for _one in range(200)]] * 8)
    slots = list(itertools.chain.from_iterable(taken))  # type: ignore[arg-type]
    assert sorted(slots) == list(range(1600))


def test_a_slot_that_is_a_tombstone_is_passed_over(keys, opened):
    folder = opened(keys)
    folder.allocate()
    folder.bury([Grave(DIGEST, slot) for slot in (1, 2, 4)])
    assert [folder.allocate() for _one in range(3)] == [3, 5, 6]


def test_a_mark_that_can_not_be_written_hands_out_nothing(keys, opened):
    folder = opened(keys)
    for _one in range(256):
        folder.allocate()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    try:
        for _attempt in range(2):
            with pytest.raises(OSError, match="File too large"):
                folder.allocate()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert folder.allocate() == 256
    assert counters_in(keys) == (512, 0)


# Several processes

TAKES_SLOTS = """
import sys
from pathlib import Path
from cenote.vault.slots import KeysFolder
folder = KeysFolder(Path(sys.argv[1]), bytes(range(16)))
for _one in range(int(sys.argv[2])):
    print(folder.allocate(), flush=True)
input()
"""


def takers(keys, count, slots_each):
    """Processes that take slots and then wait."""
    command = [sys.executable, "-c", TAKES_SLOTS, str(keys), str(slots_each)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return [subprocess.Popen(command, **pipes) for _one in range(count)]  # type: ignore[call-overload]


def test_processes_that_start_together_each_own_a_chunk_and_share_no_slot(keys):
    running = takers(keys, 4, 300)
    taken = [[int(taker.stdout.readline()) for _one in range(300)] for taker in running]
    for taker in running:
        taker.communicate("\n")
    assert {slots[0] // SLOTS for slots in taken} == {0, 1, 2, 3}
    assert all(len({slot // SLOTS for slot in slots}) == 1 for slots in taken)
    assert len(set(itertools.chain.from_iterable(taken))) == 1200


def test_whoever_comes_after_a_kill_reuses_the_chunk_and_no_slot(keys, opened):
    taken = []
    for _round in range(4):
        (taker,) = takers(keys, 1, 100)
        taken += [int(taker.stdout.readline()) for _one in range(100)]
        taker.send_signal(signal.SIGKILL)
        taker.communicate()
    taken.append(opened(keys).allocate())
    assert len(set(taken)) == 401
    assert {slot // SLOTS for slot in taken} == {0}


def test_a_chunk_that_another_owns_is_left_to_them(keys, opened):
    first, second = opened(keys), opened(keys)
    assert (first.allocate(), second.allocate(), first.allocate()) == (0, SLOTS, 1)
    first.close()
    assert opened(keys).allocate() == 256


def test_everybody_reads_and_buries_in_everybodys_chunk(keys, opened):
    first, second = opened(keys), opened(keys)
    slot = first.allocate()
    second.allocate()
    second.bury([Grave(DIGEST, slot)])
    assert first.read(slot) == b"CENOTE-X" + DIGEST + bytes(24)
    theirs = second.allocate()
    assert first.read(theirs) == second.read(theirs)


def test_two_who_bury_in_one_chunk_at_once_lose_no_tombstone_and_no_count(keys, opened):
    first, second = opened(keys), opened(keys)
    first.allocate()

    def bury_all(folder, slots):
        return lambda: [folder.bury([Grave(DIGEST, slot)]) for slot in slots]

    at_once(bury_all(first, range(0, 100, 2)), bury_all(second, range(1, 100, 2)))
    assert all(slot_in(keys, slot) == b"CENOTE-X" + DIGEST + bytes(24) for slot in range(100))
    assert counters_in(keys) == (256, 200)


# Stale and foreign folders


def test_a_chunk_that_was_found_behind_is_never_allocated_from_again(keys, opened, tmp_path):
    folder = opened(keys)
    folder.allocate()
    folder.close()
    shutil.copytree(keys, tmp_path / "copy")
    folder = opened(keys)
    taken = {folder.allocate() for _one in range(700)}
    folder.close()
    shutil.rmtree(keys)
    shutil.copytree(tmp_path / "copy", keys)
    folder = opened(keys)
    folder.retire({0: 7})
    assert folder.allocate() not in taken
    folder.close()
    assert counters_in(keys) == (SLOTS, 7)
    assert opened(keys).allocate() // SLOTS == 1


def test_a_number_whose_chunk_was_lost_is_not_given_to_a_new_one(keys, opened):
    folder = opened(keys)
    folder.retire({0: 0, 5: 0})
    assert folder.allocate() == 6 * SLOTS
    with pytest.raises(CenoteError, match="has no chunk 5"):
        folder.read(5 * SLOTS)


def test_a_slot_is_read_as_it_is_in_the_file_now(keys, opened):
    folder = opened(keys)
    slot = folder.allocate()
    overwrite_slot(keys, slot, bytes(64))
    assert folder.read(slot) == bytes(64)


def test_a_keys_folder_is_private_and_tells_backups_to_pass_it_by(keys):
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert (keys / "CACHEDIR.TAG").read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55")
    create_keys_folder(keys, bytes(16))
    assert pair_of(keys) == PAIR


def test_a_folder_without_a_pair_id_is_none_and_one_with_a_damaged_id_is_refused(tmp_path, keys):
    assert pair_of(tmp_path) is None
    assert pair_of(tmp_path / "nowhere") is None
    for damaged in ("", "00", "not hex at all", PAIR.hex() + "00"):
        (keys / "pair").write_text(damaged)
        with pytest.raises(CenoteError, match="does not hold a pair id"):
            pair_of(keys)


def test_a_chunk_of_another_folder_is_refused_when_the_folder_is_opened(keys, opened, tmp_path):
    opened(keys).allocate()
    create_keys_folder(tmp_path / "other", bytes(16))
    shutil.copy(chunk_file(keys), tmp_path / "other")
    with pytest.raises(CenoteError, match="does not belong"):
        KeysFolder(tmp_path / "other", bytes(16))
