"""Keys under slots: a living key opens, an erased one is said to be erased, and anything else is an alarm."""

import uuid

import pytest

from cenote.domain.sealed import Grave, Place, digest_of
from cenote.errors import CenoteError
from cenote.vault.keys import WRAPPED_BYTES, Keyring, read_header
from cenote.vault.master import Master
from cenote.vault.sealing import Unopenable
from cenote.vault.slots import KeysFolder, create_keys_folder
from tests.vault.files import overwrite_slot

PAIR = bytes(range(16))
MASTER = Master.of(bytes(range(32)))
POOL = "us-east-1_SbeSpjvX7"
ANN, BOB = str(uuid.uuid4()), str(uuid.uuid4())
PLACE = Place("users", "profile")


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
    return keyring.new_key(POOL, None)[1]


@pytest.fixture
def ann(keyring, pool):
    return keyring.new_key(ANN, pool.slot)[1]


def bury(folder, subject, wrapped):
    folder.bury([Grave(digest_of(subject), wrapped.slot)])


def test_a_key_that_was_wrapped_opens_what_it_sealed(keyring, pool):
    key, wrapped = keyring.new_key(ANN, pool.slot)
    assert keyring.open_key(ANN, wrapped.wrapped).open(PLACE, key.seal(PLACE, b"ann")) == b"ann"


def test_each_key_has_a_slot_of_its_own_and_says_which(keyring, pool, ann):
    header = read_header(ann.wrapped)
    assert header.subject == uuid.UUID(ANN).bytes
    assert (header.slot, header.pool_slot) == (ann.slot, pool.slot)
    assert len(ann.wrapped) == WRAPPED_BYTES
    assert len({pool.slot, ann.slot, keyring.new_key(BOB, pool.slot)[1].slot}) == 3


def test_a_tombstone_in_their_slot_erases_the_user_and_nobody_else(folder, keyring, pool, ann):
    bob = keyring.new_key(BOB, pool.slot)[1]
    bury(folder, ANN, ann)
    assert keyring.open_key(ANN, ann.wrapped) is None
    assert keyring.is_erased(ANN, ann.slot)
    assert keyring.open_key(BOB, bob.wrapped) is not None
    assert not keyring.is_erased(BOB, bob.slot)


def test_a_tombstone_in_the_pools_slot_erases_everybody_in_it_and_in_no_other(folder, keyring, pool, ann):
    other = keyring.new_key("us-east-1_another00", None)[1]
    bob = keyring.new_key(BOB, other.slot)[1]
    bury(folder, POOL, pool)
    assert keyring.open_key(POOL, pool.wrapped) is None
    assert keyring.open_key(ANN, ann.wrapped) is None
    assert keyring.open_key(BOB, bob.wrapped) is not None


def test_nothing_in_the_wrapping_survives_the_tombstone(folder, keyring, ann):
    """Whoever kept the wrapped key and the master key lacks the slot's 64 random bytes for good."""
    secret = folder.read(ann.slot)
    bury(folder, ANN, ann)
    chunk = (folder.folder / "chunk-00000000.slots").read_bytes()
    assert secret not in chunk
    assert secret[:16] not in chunk


def test_the_tombstone_of_another_is_an_alarm_and_no_erasure(folder, keyring, pool, ann):
    bury(folder, BOB, ann)
    assert not keyring.is_erased(ANN, ann.slot)
    with pytest.raises(Unopenable):
        keyring.open_key(ANN, ann.wrapped)
    bury(folder, BOB, pool)
    with pytest.raises(Unopenable):
        keyring.open_key(POOL, pool.wrapped)


@pytest.mark.parametrize(
    "content",
    [bytes(64), bytes(range(64)), b"CENOTE-X" + bytes(56)],
    ids=["zeroes", "noise", "half a tombstone"],
)
def test_a_torn_slot_is_an_alarm_and_no_erasure(folder, keyring, ann, content):
    overwrite_slot(folder.folder, ann.slot, content)
    assert not keyring.is_erased(ANN, ann.slot)
    with pytest.raises(Unopenable):
        keyring.open_key(ANN, ann.wrapped)


def test_a_slot_is_read_at_each_use(folder, keyring, ann):
    secret = folder.read(ann.slot)
    overwrite_slot(folder.folder, ann.slot, bytes(64))
    with pytest.raises(Unopenable):
        keyring.open_key(ANN, ann.wrapped)
    overwrite_slot(folder.folder, ann.slot, secret)
    assert keyring.open_key(ANN, ann.wrapped) is not None


def test_another_master_key_is_an_alarm(folder, ann):
    with pytest.raises(Unopenable):
        Keyring(Master.of(bytes(32)), folder).open_key(ANN, ann.wrapped)


def test_the_key_of_one_user_is_not_anothers(keyring, ann):
    with pytest.raises(Unopenable):
        keyring.open_key(BOB, ann.wrapped)


def test_no_byte_of_a_wrapped_key_can_be_altered(keyring, ann):
    """Pointed to another slot, the key may meet one that the folder does not have: an alarm as well."""
    for at in range(len(ann.wrapped)):
        altered = ann.wrapped[:at] + bytes([ann.wrapped[at] ^ 1]) + ann.wrapped[at + 1 :]
        with pytest.raises(CenoteError):
            keyring.open_key(ANN, altered)


@pytest.mark.parametrize("damaged", [b"", b"\x01", bytes(WRAPPED_BYTES), bytes(WRAPPED_BYTES + 1)])
def test_what_is_no_wrapped_key_is_an_alarm(keyring, damaged):
    with pytest.raises(Unopenable, match="damaged"):
        keyring.open_key(ANN, damaged)
