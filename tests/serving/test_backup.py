"""`cenote backup`, `restore`, `migrate` and `doctor`: copies of the rows, and what comes back from them."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.everyday import of_which
from tests.house import House, Tenant, environment, error_of
from tests.postgres import drop_database, new_database

GONE = ("UserNotFoundException", "User does not exist.", 400)
CROWD = 40


def run(*words: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """One `cenote` command."""
    return subprocess.run(
        [sys.executable, "-m", "cenote", *words],
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
        env=environment(),
    )


def place_of(house: House, *flags: str) -> list[str]:
    """The flags that name a house's folders, and its database if it has one."""
    return ["--data", str(house.data), *house.flags, *flags]


@pytest.fixture
def database() -> Iterator[str]:
    """An empty PostgreSQL database."""
    url = new_database()
    yield url
    drop_database(url)


def test_who_was_erased_since_a_backup_stays_gone_and_everybody_else_is_back(own_house: House) -> None:
    tenant = Tenant(own_house.start())
    ann, bob = tenant.user("ann", email="ann@example.com"), tenant.user("bob")
    file = own_house.root / "rows.backup"
    assert run("backup", str(file), *place_of(own_house)).returncode == 0
    tenant.cognito.delete_user(AccessToken=ann["AccessToken"])
    own_house.stop()
    shutil.rmtree(own_house.data)
    done = run("restore", str(file), *place_of(own_house))
    assert done.returncode == 0, done.stderr
    assert b"1 users are back." in done.stderr
    assert b"1 users and 0 pools erased since stay gone." in done.stderr
    own_house.start()
    assert error_of(tenant.cognito.get_user, AccessToken=ann["AccessToken"]) == GONE
    assert tenant.cognito.get_user(AccessToken=bob["AccessToken"])["Username"] == "bob"
    assert tenant.sign_in("bob")["AccessToken"]
    assert tenant.sign_up("ann") != ""


def test_a_backup_moves_a_house_to_the_other_engine_and_back(own_house: House, database: str) -> None:
    tenant = Tenant(own_house.start())
    bob = tenant.user("bob", email="bob@example.com")
    backup = run("backup", "-", *place_of(own_house))
    assert backup.returncode == 0
    own_house.stop()
    there = run("restore", "-", *place_of(own_house, "--database-url", database), stdin=backup.stdout)
    assert there.returncode == 0, there.stderr
    shutil.rmtree(own_house.data)
    own_house.flags = ("--database-url", database)
    own_house.start()
    assert tenant.cognito.get_user(AccessToken=bob["AccessToken"])["Username"] == "bob"
    tenant.user("carol")
    again = run("backup", "-", *place_of(own_house))
    own_house.stop()
    own_house.flags = ()
    back = run("restore", "-", *place_of(own_house), stdin=again.stdout)
    assert b"2 users are back." in back.stderr
    own_house.start()
    assert tenant.sign_in("carol")["AccessToken"]


@pytest.mark.thorough
def test_a_backup_is_of_one_moment_however_many_come_and_go(own_house: House) -> None:
    tenant = Tenant(own_house.start())
    stays = [tenant.user(f"stays{number}") for number in range(4)]
    stop = threading.Event()

    def come_and_go() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            goes = tenant.user(f"goes{threading.get_ident()}-{number}")
            tenant.cognito.delete_user(AccessToken=goes["AccessToken"])

    crowd = [threading.Thread(target=come_and_go) for _one in range(3)]
    for one in crowd:
        one.start()
    files = [own_house.root / f"rows{number}.backup" for number in range(2)]
    assert [run("backup", str(file), *place_of(own_house)).returncode for file in files] == [0, 0]
    stop.set()
    for one in crowd:
        one.join()
    own_house.stop()
    for file in files:
        shutil.rmtree(own_house.data)
        done = run("restore", str(file), *place_of(own_house))
        assert done.returncode == 0, done.stderr
        assert b"4 users are back." in done.stderr
    own_house.start()
    assert all(tenant.cognito.get_user(AccessToken=one["AccessToken"]) for one in stays)


@pytest.mark.parametrize("harm", of_which(["cut", "bit", "head", "none of ours"], ["bit"]))
def test_a_damaged_backup_restores_nothing(own_house: House, harm: str) -> None:
    Tenant(own_house.start()).user("ann")
    whole = run("backup", "-", *place_of(own_house)).stdout
    own_house.stop()
    shutil.rmtree(own_house.data)
    harmed = {
        "cut": whole[:-60],
        "bit": whole[:200] + bytes([whole[200] ^ 1]) + whole[201:],
        "head": whole[:20],
        "none of ours": b"PK\x03\x04" + whole,
    }[harm]
    done = run("restore", "-", *place_of(own_house), stdin=harmed)
    assert done.returncode == 2
    assert done.stderr.startswith(b"cenote: ") or b"cenote: " in done.stderr
    assert not (own_house.data / "cenote.db").exists()
    assert run("restore", "-", *place_of(own_house), stdin=whole).returncode == 0


def test_nothing_is_written_over_and_a_stranger_has_no_keys(own_house: House, tmp_path: Path) -> None:
    Tenant(own_house.start()).user("ann")
    file = own_house.root / "rows.backup"
    assert run("backup", str(file), *place_of(own_house)).returncode == 0
    assert b"there already" in run("backup", str(file), *place_of(own_house)).stderr
    own_house.stop()
    assert b"is not empty" in run("restore", str(file), *place_of(own_house)).stderr
    stranger = tmp_path / "stranger" / "data"
    done = run("restore", str(file), "--data", str(stranger))
    assert done.returncode == 2
    assert b"master key" in done.stderr


def test_a_backup_holds_no_word_of_a_person_and_can_be_read_by_its_owner_alone(own_house: House) -> None:
    tenant = Tenant(own_house.start())
    tenant.user("canary-name", email="canary-mail@example.com", given_name="canary-given")
    file = own_house.root / "rows.backup"
    assert run("backup", str(file), *place_of(own_house)).returncode == 0
    assert b"canary" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0


def test_migrate_brings_a_database_up_to_date_and_refuses_one_in_use(own_house: House, database: str) -> None:
    assert run("migrate", *place_of(own_house)).returncode == 0
    assert (own_house.data / "cenote.db").exists()
    assert run("migrate", "--database-url", database).returncode == 0
    Tenant(own_house.start()).user("ann")
    busy = run("migrate", *place_of(own_house))
    assert busy.returncode == 2
    assert b"Another Cenote is serving" in busy.stderr


def test_the_doctor_finds_a_sound_house_sound_and_names_what_is_not(own_house: House) -> None:
    Tenant(own_house.start()).user("ann")
    sound = run("doctor", *place_of(own_house))
    assert sound.returncode == 0, sound.stdout
    for word in (b"database", b"ledger", b"master key", b"keys folder", b"mirror", b"free space", b"clock"):
        assert word in sound.stdout
    own_house.stop()
    (own_house.keys / "pair").rename(own_house.root / "pair")
    missing = run("doctor", *place_of(own_house))
    assert (missing.returncode, b"alarm" in missing.stdout) == (1, True)
    (own_house.keys / "pair").write_text("00" * 16)
    foreign = run("doctor", *place_of(own_house))
    assert (foreign.returncode, b"other data" in foreign.stdout) == (1, True)
    (own_house.root / "pair").rename(own_house.keys / "pair")
    own_house.master.write_text("11" * 32)
    wrong = run("doctor", *place_of(own_house))
    assert (wrong.returncode, b"not the one" in wrong.stdout) == (1, True)


@pytest.mark.thorough
def test_the_doctor_says_that_a_clock_was_moved_and_that_a_mirror_is_behind(own_house: House) -> None:
    mirror = own_house.root / "mirror"
    Tenant(own_house.start("--keys-mirror", str(mirror))).user("ann")
    own_house.advance(3600)
    seen = run("doctor", *place_of(own_house, "--keys-mirror", str(mirror)))
    assert b"moved by 3600 s" in seen.stdout
    assert b"holds the same" in seen.stdout
    own_house.stop()
    chunk = mirror / "chunk-00000000.slots"
    with chunk.open("r+b") as file:
        file.seek(5000)
        file.write(b"harm")
    behind = run("doctor", *place_of(own_house, "--keys-mirror", str(mirror)))
    assert b"behind in" in behind.stdout
