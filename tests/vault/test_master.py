"""Where the master key comes from, and what is refused as one."""

import base64
import stat

import pytest

from cenote.errors import CenoteError
from cenote.vault.master import Master, load_master

SECRET = bytes(range(32))
OTHER = bytes(range(32, 64))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "beside" / "master.key"


def load(file, *, text=None, command=None, may_create=False):
    return load_master(text=text, command=command, file=file, may_create=may_create)


def test_a_new_file_is_made_for_new_data_and_is_for_its_owner_alone(file):
    made = load(file, may_create=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert bytes.fromhex(file.read_text().strip()) == made.secret
    assert load(file).secret == made.secret
    assert [path.name for path in file.parent.iterdir()] == ["master.key"]


def test_a_missing_file_is_never_made_beside_old_data(file):
    with pytest.raises(CenoteError, match="is missing"):
        load(file)
    assert not file.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_file_that_others_can_reach_is_refused(file, mode):
    load(file, may_create=True)
    file.chmod(mode)
    with pytest.raises(CenoteError, match="chmod 600"):
        load(file)


@pytest.mark.parametrize("text", [SECRET.hex(), base64.b64encode(SECRET).decode(), f" {SECRET.hex()}\n"])
def test_a_key_is_written_in_hex_or_in_base64(file, text):
    assert load(file, text=text).secret == SECRET


@pytest.mark.parametrize(
    "text",
    [SECRET.hex()[:-2], SECRET.hex() + "00", "g" * 64, base64.b64encode(bytes(31)).decode(), "hush", "é"],
)
def test_a_key_of_another_length_or_writing_is_refused_in_words_that_do_not_show_it(file, text):
    with pytest.raises(CenoteError, match="must be 32 bytes") as refusal:
        load(file, text=text)
    assert text not in str(refusal.value)


def test_the_environment_beats_the_command_and_the_command_beats_the_file(file):
    load(file, may_create=True)
    command = f"echo {OTHER.hex()}"
    assert load(file, text=SECRET.hex(), command=command).secret == SECRET
    assert load(file, command=command).secret == OTHER
    assert load(file).secret not in {SECRET, OTHER}


def test_a_key_from_elsewhere_needs_no_file_and_makes_none(file):
    load(file, command=f"echo {OTHER.hex()}", may_create=True)
    assert not file.exists()


@pytest.mark.parametrize("command", ["false", "no-such-command-at-all", "'unclosed", ""])
def test_a_command_that_fails_is_refused(file, command):
    with pytest.raises(CenoteError, match=r"command failed|is missing"):
        load(file, command=command)


def test_a_command_that_prints_something_else_is_refused_without_repeating_it(file):
    with pytest.raises(CenoteError, match="the output of master_key_command must be") as refusal:
        load(file, command="echo something secret")
    assert "secret" not in str(refusal.value)


def test_a_damaged_file_is_refused_by_name(file):
    load(file, may_create=True)
    file.write_text("half a k")
    with pytest.raises(CenoteError, match=r"master\.key must be 32 bytes"):
        load(file)


def test_what_is_derived_differs_by_purpose_and_by_key_and_does_not_show_it():
    master, other = Master.of(SECRET), Master.of(OTHER)
    derived = {
        master.derive(b"one"),
        master.derive(b"two"),
        master.derive(b"one", b"salt"),
        other.derive(b"one"),
    }
    assert len(derived) == 4
    assert SECRET not in derived
    assert master.key_id != other.key_id
    assert SECRET.hex() not in repr(master)
