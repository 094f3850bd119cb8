"""The witness: the head of the ledger's chain, signed, beside the chunks; it never goes back."""

import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cenote.domain.ledger import Head, beginning
from cenote.errors import CenoteError
from cenote.vault.slots import create_keys_folder
from cenote.vault.statements import line_of, signed
from cenote.vault.witness import FILE_BYTES, HEAD_FILE, RECORD_BYTES, Witness

PAIR = bytes(range(16))
FIRST = beginning(PAIR)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


@pytest.fixture
def folders(tmp_path):
    made = [tmp_path / "keys", tmp_path / "mirror"]
    for folder in made:
        create_keys_folder(folder, PAIR)
    return made


@pytest.fixture
def witness(folders):
    return Witness(folders, FIRST, KEY)


def head(number):
    return Head(number, bytes([number]) * 32)


def test_nobody_vouches_for_a_chain_that_never_began(witness):
    assert witness.head() is None


def test_what_was_vouched_for_is_in_both_copies_and_the_latest_counts(folders, witness):
    for number in range(1, 6):
        witness.vouch(head(number), 1000)
        assert [witness.head_in(folder) for folder in folders] == [head(number)] * 2
    assert (folders[0] / HEAD_FILE).stat().st_size == FILE_BYTES


def test_it_never_goes_back(witness):
    witness.vouch(head(9), 1000)
    witness.vouch(head(8), 2000)
    assert witness.head() == head(9)


def test_a_copy_that_is_behind_yields_to_the_other(folders, witness):
    witness.vouch(head(1), 1000)
    Witness(folders[1:], FIRST, KEY).vouch(head(2), 1000)
    assert witness.head() == head(2)
    assert witness.head_in(folders[0]) == head(1)


@pytest.mark.parametrize("torn", [0, 1])
def test_a_torn_write_leaves_the_one_before_it_and_is_written_over(folders, torn):
    witness = Witness(folders[:1], FIRST, KEY)
    file = folders[0] / HEAD_FILE
    for number in range(1, 4 + torn):
        witness.vouch(head(number), 1000)
    content = bytearray(file.read_bytes())
    latest = content.index(head(3 + torn).hash.hex().encode()) // RECORD_BYTES
    content[latest * RECORD_BYTES + 60 : latest * RECORD_BYTES + 200] = bytes(140)
    file.write_bytes(content)
    assert witness.head() == head(2 + torn)
    witness.vouch(head(7), 1000)
    assert witness.head() == head(7)


@pytest.mark.parametrize(
    "other",
    [
        lambda folders: Witness(folders, FIRST, Ed25519PrivateKey.from_private_bytes(bytes(range(32)))),
        lambda folders: Witness(folders, beginning(bytes(16)), KEY),
    ],
    ids=["key", "house"],
)
def test_the_word_of_another_counts_for_nothing(folders, witness, other):
    other(folders).vouch(head(99), 1000)
    assert witness.head() is None
    witness.vouch(head(1), 1000)
    assert witness.head() == head(1)


def test_an_altered_number_is_no_voucher(folders):
    witness = Witness(folders[:1], FIRST, KEY)
    witness.vouch(head(5), 1000)
    file = folders[0] / HEAD_FILE
    file.write_bytes(file.read_bytes().replace(b'"number":5', b'"number":6'))
    assert witness.head() is None


def test_a_folder_that_is_away_is_no_folder_without_a_head(folders, witness):
    witness.vouch(head(5), 1000)
    folders[1].rename(folders[1].with_name("away"))
    with pytest.raises(CenoteError, match="is away"):
        witness.head()


def test_of_many_who_vouch_at_once_the_furthest_stays(folders):
    witnesses = [Witness(folders, FIRST, KEY) for _one in range(4)]

    def vouch(begin):
        for number in range(begin, 60, 4):
            witnesses[begin].vouch(head(number + 1), 1000)

    threads = [threading.Thread(target=vouch, args=(begin,)) for begin in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [witnesses[0].head_in(folder) for folder in folders] == [head(60)] * 2


@pytest.mark.parametrize("kind", [{"ledger_end": 1}, {"ledger_head": 2}, {"receipt": 2}, {}])
def test_what_the_same_key_signed_about_something_else_is_no_head(folders, witness, kind):
    """An exported ledger says how far a chain had come, be it whole or broken; it vouches for none."""
    witness.vouch(head(1), 1000)
    members = {"chain": FIRST.hash.hex(), "number": 9, "hash": head(9).hash.hex(), "at_ms": 1000}
    record = line_of(signed(kind | members, KEY)).encode().ljust(RECORD_BYTES)
    for folder in folders:
        (folder / HEAD_FILE).write_bytes(record + (folder / HEAD_FILE).read_bytes()[:RECORD_BYTES])
    assert witness.head() == head(1)
