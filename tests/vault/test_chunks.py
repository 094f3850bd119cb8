"""A chunk file, to the byte: what a slot holds, what replaces it, and that no crash leaves half of one."""

import hashlib
import os
import resource
import signal
import subprocess
import sys
import time

import pytest

from cenote.domain.sealed import Grave
from cenote.errors import CenoteError
from cenote.vault.chunks import CHUNK_BYTES, Chunk, Counters, new_chunk_bytes, write_exclusively
from tests.vault.files import HEADER_BYTES, SLOT_BYTES, SLOTS, chunk_file, counters_in, slot_in

PAIR = bytes(range(16))
DIGEST = hashlib.sha256(b"ann").digest()
TOMBSTONE = b"CENOTE-X" + DIGEST + bytes(24)


@pytest.fixture
def file(tmp_path):
    chunk_file(tmp_path).write_bytes(new_chunk_bytes(0, PAIR))
    return chunk_file(tmp_path)


@pytest.fixture
def chunk(file):
    opened = Chunk(file, PAIR)
    yield opened
    opened.close()


def bury(chunk, *graves):
    return list(chunk.bury([Grave(digest, slot) for digest, slot in graves]))


def test_a_chunk_is_a_header_page_and_65536_slots_of_64_random_bytes(file):
    content = file.read_bytes()
    assert len(content) == CHUNK_BYTES == 4_096 + 65_536 * 64
    slots = {content[at : at + SLOT_BYTES] for at in range(HEADER_BYTES, CHUNK_BYTES, SLOT_BYTES)}
    assert len(slots) == SLOTS
    assert not any(slot.startswith(b"CENOTE-X") for slot in slots)


def test_the_header_says_whose_it_is_and_which_and_how_far_it_has_come():
    header = new_chunk_bytes(7, PAIR)[:HEADER_BYTES]
    assert header == b"CENOTE SLOTS 1\n\0" + PAIR + (7).to_bytes(8, "big") + bytes(HEADER_BYTES - 40)


def test_a_tombstone_is_the_mark_the_digest_and_zeroes_and_touches_nothing_else(chunk, file):
    before = file.read_bytes()
    bury(chunk, (DIGEST, 3))
    after = file.read_bytes()
    at = HEADER_BYTES + 3 * SLOT_BYTES
    assert after[at : at + SLOT_BYTES] == TOMBSTONE
    assert after[HEADER_BYTES:at] == before[HEADER_BYTES:at]
    assert after[at + SLOT_BYTES :] == before[at + SLOT_BYTES :]
    assert after[:48] == before[:48]


def test_the_first_and_the_last_slot_can_be_buried(chunk, tmp_path):
    bury(chunk, (DIGEST, 0), (DIGEST, SLOTS - 1))
    assert slot_in(tmp_path, 0) == slot_in(tmp_path, SLOTS - 1) == TOMBSTONE


def test_burying_twice_is_as_good_as_once(chunk, tmp_path):
    bury(chunk, (DIGEST, 3))
    bury(chunk, (DIGEST, 3))
    assert slot_in(tmp_path, 3) == TOMBSTONE


def test_the_tombstone_of_another_stays_as_it_is(chunk, tmp_path):
    bury(chunk, (DIGEST, 3))
    bury(chunk, (bytes(32), 3))
    assert slot_in(tmp_path, 3) == TOMBSTONE


def test_a_batch_of_tombstones_moves_the_counter_before_its_first_and_behind_its_last(chunk, tmp_path):
    during = [counters_in(tmp_path) for _grave in chunk.bury([Grave(DIGEST, 3), Grave(DIGEST, 4)])]
    assert during == [(0, 1), (0, 1)]
    assert counters_in(tmp_path) == (0, 2)


def test_the_counters_never_go_back(chunk, tmp_path):
    chunk.reserve(512)
    bury(chunk, (DIGEST, 3))
    chunk.reserve(256)
    chunk.advance(Counters(0, 1))
    assert counters_in(tmp_path) == (512, 2)
    chunk.advance(Counters(600, 9))
    assert chunk.counters() == Counters(600, 9)


@pytest.mark.parametrize("length", [0, 39, HEADER_BYTES, CHUNK_BYTES - 1, CHUNK_BYTES + 1])
def test_a_chunk_of_another_length_is_refused_as_damaged(file, length):
    os.truncate(file, length)
    with pytest.raises(CenoteError, match="is damaged"):
        Chunk(file, PAIR)


@pytest.mark.parametrize("pair, first", [(bytes(16), b"C"), (PAIR, b"c")])
def test_a_chunk_of_another_folder_or_format_is_refused(file, pair, first):
    with file.open("r+b") as opened:
        opened.write(first)
    with pytest.raises(CenoteError, match="does not belong to this keys folder"):
        Chunk(file, pair)


def test_a_chunk_that_can_not_be_opened_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(CenoteError, match=r"can't be opened: No such file"):
        Chunk(chunk_file(tmp_path), PAIR)


def test_a_name_that_is_taken_is_never_overwritten(tmp_path):
    assert write_exclusively(tmp_path / "file", b"first")
    assert not write_exclusively(tmp_path / "file", b"second")
    assert (tmp_path / "file").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_that_does_not_fit_leaves_nothing_under_its_name(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (CHUNK_BYTES // 2, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_exclusively(chunk_file(tmp_path), new_chunk_bytes(0, PAIR))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


MAKES_CHUNKS = """
import itertools, sys
from pathlib import Path
from cenote.vault.chunks import new_chunk_bytes, write_exclusively
for number in itertools.count():
    content = new_chunk_bytes(number, bytes(range(16)))
    write_exclusively(Path(sys.argv[1]) / f"chunk-{number:08d}.slots", content)
    print(number, flush=True)
"""


@pytest.mark.parametrize("delay_ms", [0, 7, 13, 19, 29])
def test_a_kill_leaves_no_half_of_a_chunk_under_a_real_name(tmp_path, delay_ms):
    maker = subprocess.Popen(
        [sys.executable, "-c", MAKES_CHUNKS, tmp_path], stdout=subprocess.PIPE, text=True
    )
    assert maker.stdout is not None
    with maker:
        maker.stdout.readline()
        time.sleep(delay_ms / 1000)
        maker.send_signal(signal.SIGKILL)
    chunks = sorted(tmp_path.glob("chunk-*.slots"))
    assert chunks
    for file in chunks:
        Chunk(file, PAIR).close()
