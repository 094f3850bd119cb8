"""The key that signs receipts: where it lies, and in whose hands it is of no use."""

import stat

import pytest

from cenote.errors import CenoteError
from cenote.vault.master import Master
from cenote.vault.receipt_key import KEY_FILE, open_receipt_key, read_receipt_key

PAIR = bytes(range(16))
MASTER = Master.of(bytes(32))


@pytest.fixture
def folders(tmp_path):
    made = [tmp_path / "keys", tmp_path / "mirror"]
    for folder in made:
        folder.mkdir()
    return made


def raw(private):
    return private.private_bytes_raw()


def test_a_key_is_made_once_and_lies_in_both_copies_for_its_owner_alone(folders):
    made = open_receipt_key(folders, PAIR, MASTER)
    assert raw(open_receipt_key(folders, PAIR, MASTER)) == raw(made)
    for folder in folders:
        assert raw(read_receipt_key(folder, PAIR, MASTER)) == raw(made)
        assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("lost", [0, 1], ids=["keys", "mirror"])
def test_the_copy_that_lost_it_gets_it_from_the_other(folders, lost):
    made = open_receipt_key(folders, PAIR, MASTER)
    (folders[lost] / KEY_FILE).unlink()
    assert raw(open_receipt_key(folders, PAIR, MASTER)) == raw(made)
    assert raw(read_receipt_key(folders[lost], PAIR, MASTER)) == raw(made)


def test_where_the_copies_differ_the_folders_own_stays(folders):
    ours, theirs = open_receipt_key(folders[:1], PAIR, MASTER), open_receipt_key(folders[1:], PAIR, MASTER)
    assert raw(ours) != raw(theirs)
    assert raw(open_receipt_key(folders, PAIR, MASTER)) == raw(ours)
    assert raw(read_receipt_key(folders[1], PAIR, MASTER)) == raw(ours)


def test_it_lies_sealed_and_opens_for_its_own_house_and_master_key_only(folders):
    made = open_receipt_key(folders, PAIR, MASTER)
    content = (folders[0] / KEY_FILE).read_text()
    assert raw(made).hex() not in content
    for pair, master in ((PAIR, Master.of(bytes(range(32)))), (bytes(16), MASTER)):
        with pytest.raises(CenoteError, match="damaged, or another house's"):
            read_receipt_key(folders[0], pair, master)


@pytest.mark.parametrize("content", ["", "zz", "00"])
def test_a_damaged_key_is_refused_and_not_replaced(folders, content):
    (folders[0] / KEY_FILE).write_text(content)
    with pytest.raises(CenoteError, match="damaged"):
        open_receipt_key(folders, PAIR, MASTER)
    assert (folders[0] / KEY_FILE).read_text() == content


def test_whoever_only_reads_makes_none(folders):
    with pytest.raises(CenoteError, match="has no receipt key"):
        read_receipt_key(folders[0], PAIR, MASTER)
    assert list(folders[0].iterdir()) == []
