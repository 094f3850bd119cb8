"""Searching files for many subjects at once: nothing is missed at any seam, and nobody else is found."""

import os
import tarfile
import uuid

import pytest

from cenote.domain.sealed import Grave, Place, digest_of
from cenote.vault.keys import Keyring
from cenote.vault.master import Master
from cenote.vault.sealing import Unopenable
from cenote.vault.searching import (
    WINDOW_BYTES,
    EveryCopy,
    SlotFiles,
    Wanted,
    files_below,
    opens,
    search,
)
from cenote.vault.slots import KeysFolder, create_keys_folder
from tests.vault.files import chunk_file

PAIR = bytes(range(16))
MASTER = Master.of(bytes(32))
POOL = "us-east-1_abcdefghi"


@pytest.fixture
def folder(tmp_path):
    create_keys_folder(tmp_path / "keys", PAIR)
    opened = KeysFolder(tmp_path / "keys", PAIR)
    yield opened
    opened.close()


@pytest.fixture
def keyring(folder):
    return Keyring(MASTER, folder)


@pytest.fixture
def pool(keyring):
    return keyring.new_key(POOL, None)[1].slot


class Person:
    """A user with a wrapped key, and the traces that rows of theirs would leave."""

    def __init__(self, keyring, pool):
        self.sub = str(uuid.uuid4())
        key, wrapped = keyring.new_key(self.sub, pool)
        self.wrapped, self.slot = wrapped.wrapped, wrapped.slot
        self.envelope = key.seal(Place("users", "profile"), b"personal")
        self.digest = digest_of(self.sub)


@pytest.fixture
def people(keyring, pool):
    return [Person(keyring, pool) for _one in range(5)]


def everybody(people, **changes):
    return Wanted(**{"digests": frozenset(one.digest for one in people), "pair": PAIR} | changes)


def write(path, *pieces):
    path.write_bytes(b"".join(pieces))
    return path


def counts(traces):
    return traces.envelopes, len(traces.keys), traces.clear


def test_one_reading_finds_each_of_many_and_nobody_else(tmp_path, people):
    pieces = []
    for one in people:
        pieces += [
            os.urandom(100),
            one.envelope,
            b"--",
            one.wrapped,
            one.sub.encode(),
            os.urandom(33),
            one.envelope,
        ]
    found = search(write(tmp_path / "file", *pieces), everybody(people[:3]))
    assert {digest: counts(traces) for digest, traces in found.of.items()} == {
        one.digest: (2, 1, 1) for one in people[:3]
    }


def test_who_is_looked_for_by_name_is_found_alike(tmp_path, people):
    ann, bob, *_others = people
    file = write(
        tmp_path / "file", ann.envelope, bob.envelope, ann.wrapped, ann.sub.encode(), bob.sub.encode()
    )
    by_name = search(file, everybody([ann], sub=ann.sub))
    assert (
        counts(by_name.of[ann.digest]) == counts(search(file, everybody([ann])).of[ann.digest]) == (1, 1, 1)
    )
    assert list(by_name.of) == [ann.digest]


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("kind", ["envelope", "key", "text"])
def test_a_trace_across_the_seam_of_two_readings_is_found_once(tmp_path, people, kind, by_name):
    ann = people[0]
    trace = {"envelope": ann.envelope, "key": ann.wrapped, "text": ann.sub.encode()}[kind]
    for before in (0, 1, 4, 8, 9, 20, 21, len(trace) - 1, len(trace)):
        file = write(tmp_path / "file", bytes(WINDOW_BYTES - before), trace, bytes(200))
        found = search(file, everybody([ann], sub=ann.sub if by_name else None))
        assert sum(counts(found.of[ann.digest])) == 1, before


def test_a_trace_at_the_very_beginning_and_at_the_very_end_is_found(tmp_path, people):
    ann, bob, *_others = people
    found = search(write(tmp_path / "file", ann.wrapped, bytes(7), bob.sub.encode()), everybody(people))
    assert (counts(found.of[ann.digest]), counts(found.of[bob.digest])) == ((0, 1, 0), (0, 0, 1))


def test_an_empty_file_holds_nothing_and_progress_counts_every_byte(tmp_path, people):
    assert not search(write(tmp_path / "empty"), everybody(people)).of
    told: list[int] = []
    search(write(tmp_path / "file", bytes(WINDOW_BYTES + 5)), everybody(people), told.append)
    assert told == [WINDOW_BYTES, 5]


def test_whoever_fell_with_a_pool_is_found_by_the_pools_slot(tmp_path, keyring, pool, people):
    elsewhere = Person(keyring, keyring.new_key("us-east-1_other", None)[1].slot)
    file = write(tmp_path / "file", *(one.wrapped for one in [*people, elsewhere]))
    found = search(file, Wanted(frozenset(), PAIR, pool_slots=frozenset([pool])))
    assert sorted(sub for sub, _key in found.of_pools[pool].keys) == sorted(one.sub for one in people)
    assert not found.of


# Copies of the keys folder


def test_a_copy_of_the_keys_folder_is_found_under_any_name_and_in_an_archive(
    tmp_path, folder, keyring, people
):
    with tarfile.open(tmp_path / "night.tar", "w") as archive:
        archive.add(folder.folder, "somewhere/keys")
    write(tmp_path / "renamed.bin", chunk_file(folder.folder).read_bytes())
    for name in ("night.tar", "renamed.bin"):
        found = search(tmp_path / name, everybody(people))
        assert [chunk.number for chunk in found.chunks] == [0]
        assert found.chunks[0].read(people[0].slot) == folder.read(people[0].slot)


def test_the_keys_folder_of_another_house_is_none(tmp_path, folder, people):
    file = chunk_file(folder.folder)
    assert not search(file, everybody(people, pair=bytes(16))).chunks


def test_a_copy_that_was_cut_short_opens_nobody_behind_its_end(tmp_path, folder, people):
    short = write(tmp_path / "short", chunk_file(folder.folder).read_bytes()[: 4096 + 10])
    (chunk,) = search(short, everybody(people)).chunks
    for slot in (people[0].slot, 65_536):
        with pytest.raises(Unopenable):
            chunk.read(slot)


def test_whoever_has_every_copy_opens_what_any_of_them_opens(tmp_path, folder, people):
    ann, bob, *_others = people
    write(tmp_path / "older", chunk_file(folder.folder).read_bytes())
    folder.bury([Grave(ann.digest, ann.slot)])
    files = SlotFiles(folder.folder)
    chunks = search(tmp_path / "older", everybody(people)).chunks
    assert not opens(ann.wrapped, ann.sub, Keyring(MASTER, files))
    assert opens(ann.wrapped, ann.sub, Keyring(MASTER, EveryCopy([files], chunks)))
    assert opens(bob.wrapped, bob.sub, Keyring(MASTER, EveryCopy([files], chunks)))
    assert not opens(ann.wrapped, ann.sub, Keyring(MASTER, EveryCopy([files], [])))
    assert not opens(ann.wrapped, ann.sub, Keyring(MASTER, EveryCopy([SlotFiles(tmp_path / "none")], [])))


def test_files_below_are_each_named_once_and_links_are_not_followed(tmp_path):
    write(tmp_path / "one"), write(tmp_path / "two")
    (tmp_path / "link").symlink_to(tmp_path / "one")
    assert list(files_below([tmp_path, tmp_path / "one"])) == [tmp_path / "one", tmp_path / "two"]
