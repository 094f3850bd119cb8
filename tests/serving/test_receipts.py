"""Receipts and the exported ledger: what they hold, who can check them, and which lies are found out."""

import hashlib
import json
import os
import pty
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cenote.cli.checking import check
from cenote.domain.sealed import digest_of
from cenote.vault.statements import line_of, signed
from tests.everyday import of_which
from tests.house import House, Tenant, environment
from tests.nursery import QuickHouse, run_command
from tests.postgres import drop_database, new_database
from tests.serving.test_verify import erased

GONE = {
    "gone_for_every_client",
    "gone_from_every_copy_of_the_database",
    "gone_from_every_copy_of_the_keys_folder",
}
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))


def cenote(house: House, *words: str, flags: bool = True) -> subprocess.CompletedProcess[str]:
    """One `cenote` command on a house, or, without its flags, on nothing at all."""
    place = ["--data", str(house.data), *house.flags] if flags else []
    return run_command(*words, *place)


def receipt_of(house: House, sub: str, *flags: str) -> dict[str, Any]:
    """The receipt of one user."""
    found: dict[str, Any] = json.loads(cenote(house, "erasure", "verify", sub, *flags).stdout)
    return found


def lines_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def states_of(receipt: dict[str, Any]) -> list[str]:
    """How far the three clocks are."""
    return [clock["state"] for clock in receipt["clocks"].values()]


class Archive:
    """What an auditor has: receipts, a ledger, the public key; and nothing else of the house."""

    def __init__(self, house: House, folder: Path, sub: str) -> None:
        folder.mkdir()
        self.receipt = self._kept(folder / "receipt.json", cenote(house, "erasure", "verify", sub))
        self.everybody = self._kept(folder / "everybody.jsonl", cenote(house, "erasure", "verify", "--all"))
        self.ledger = self._kept(folder / "ledger.jsonl", cenote(house, "erasure", "ledger"))
        self.key = self._kept(folder / "key.pem", cenote(house, "erasure", "public-key"))

    def _kept(self, file: Path, done: subprocess.CompletedProcess[str]) -> Path:
        assert done.returncode == 0, (done.stdout, done.stderr)
        file.write_text(done.stdout)
        return file


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Archive, list[str]]]:
    """A house in which some came and went, one user and one pool stayed, and what an auditor got of it."""
    house = QuickHouse(tmp_path_factory.mktemp("past"))
    tenant = Tenant(house.start())
    subs = [erased(house, tenant, f"went{number}") for number in range(4)]
    other = Tenant(house)
    other.sign_up("fell-with-the-pool", email="fell@example.com")
    other.cognito.delete_user_pool(UserPoolId=other.pool_id)
    tenant.sign_up("stays", email="stays@example.com")
    yield house, Archive(house, house.root / "auditor", subs[0]), subs
    house.stop()


@pytest.fixture
def archive(past: tuple[House, Archive, list[str]]) -> Archive:
    return past[1]


def says(
    capsys: pytest.CaptureFixture[str], files: list[Path], key: Path | None, sub: str | None = None
) -> tuple[int, str]:
    """What a check answers and prints."""
    status = check(files, key, sub)
    return status, capsys.readouterr().out


# What a receipt holds


def test_a_receipt_says_what_was_searched_and_what_became_of_each_clock(
    past: tuple[House, Archive, list[str]],
) -> None:
    house, archive, subs = past
    receipt = json.loads(archive.receipt.read_text())
    assert (receipt["verdict"], receipt["subject"], receipt["erased_with"]) == ("erased", "user", "user")
    assert receipt["sub_sha256"] == digest_of(subs[0]).hex()
    assert set(receipt["clocks"]) == GONE
    assert set(states_of(receipt)) <= {"gone", "doubtful"}  # doubtful: on a file system that copies on write
    assert {place["kind"] for place in receipt["places"]} == {"database", "journal", "other data"}
    assert sum(place["bytes"] for place in receipt["places"]) >= (house.data / "cenote.db").stat().st_size
    assert [copy["state"] for copy in receipt["slot"]["copies"]] == ["buried"]
    assert sum(copy["keys"] for copy in receipt["copies"]) > 0
    assert (receipt["ledger"]["number"], receipt["ledger"]["broken"]) == (1, None)


def test_everybody_in_the_ledger_has_a_receipt_and_nobody_else(
    past: tuple[House, Archive, list[str]],
) -> None:
    _house, archive, subs = past
    receipts = [json.loads(line) for line in archive.everybody.read_text().splitlines()]
    assert [one.get("sub_sha256") for one in receipts] == [*(digest_of(sub).hex() for sub in subs), None]
    assert [one["subject"] for one in receipts] == ["user"] * 4 + ["pool"]
    assert {one["verdict"] for one in receipts} == {"erased"}
    assert [one["ledger"]["number"] for one in receipts] == [1, 2, 3, 4, 5]
    assert sum(copy["keys"] for copy in receipts[-1]["copies"]) > 0
    one, same = json.loads(archive.receipt.read_text()), receipts[0]
    for member in ("copies", "slot", "erased_at", "clocks"):
        assert one[member] == same[member]


def test_since_begins_with_a_moment(past: tuple[House, Archive, list[str]]) -> None:
    house, archive, subs = past
    moment = json.loads(archive.everybody.read_text().splitlines()[2])["erased_at"]
    found = lines_of(cenote(house, "erasure", "verify", "--since", moment))
    assert [one.get("sub_sha256") for one in found[:2]] == [digest_of(sub).hex() for sub in subs[2:]]
    assert len(found) == 3
    nobody = cenote(house, "erasure", "verify", "--since", "2999-01-01")
    assert (nobody.returncode, nobody.stdout) == (0, "")


@pytest.mark.parametrize(
    "words", [[], ["--all", "--since", "2026-01-01"], ["--since", "yesterday"], ["--all", "SUB"]]
)
def test_what_is_asked_for_must_be_one_thing(
    past: tuple[House, Archive, list[str]], words: list[str]
) -> None:
    house, _archive, subs = past
    done = cenote(house, "erasure", "verify", *(subs[0] if word == "SUB" else word for word in words))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("cenote: ")


def test_nothing_that_is_handed_out_holds_a_person_or_a_place(past: tuple[House, Archive, list[str]]) -> None:
    house, archive, subs = past
    for file in (archive.receipt, archive.everybody, archive.ledger, archive.key):
        text = file.read_text()
        for word in (
            *subs,
            *(sub.replace("-", "") for sub in subs),
            "went",
            "example.com",
            "fell",
            str(house.root),
        ):
            assert word not in text, (file.name, word)


def test_a_bar_is_shown_on_a_terminal_only(past: tuple[House, Archive, list[str]]) -> None:
    house, _archive, subs = past
    assert "\x1b" not in cenote(house, "erasure", "verify", subs[0]).stderr
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "cenote", "erasure", "verify", subs[0], "--data", str(house.data)]
    shown = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, check=True, env=environment())
    os.close(theirs)
    assert json.loads(shown.stdout)["verdict"] == "erased"
    assert b"Searching" in os.read(ours, 65_536)
    os.close(ours)


# Checking


def test_a_check_needs_nothing_of_the_house(archive: Archive, tmp_path: Path) -> None:
    for file in (archive.receipt, archive.everybody, archive.ledger, archive.key):
        shutil.copy(file, tmp_path)
    names = [file.name for file in (archive.receipt, archive.everybody, archive.ledger)]
    done = subprocess.run(
        [sys.executable, "-m", "cenote", "erasure", "check", *names, "--public-key", archive.key.name],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("valid, signed with the key") == 6
    assert "a whole chain of 5 entries" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, archive.key.name])


def test_a_check_can_ask_whom_a_receipt_is_about(
    past: tuple[House, Archive, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    _house, archive, subs = past
    assert says(capsys, [archive.receipt], archive.key, subs[0])[0] == 0
    status, said = says(capsys, [archive.receipt], archive.key, subs[1])
    assert status == 1
    assert "about somebody else" in said


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to everything in a receipt that is no object and no list."""
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if inner is None:
        yield path
        return
    for step, one in inner:
        yield from leaves(one, (*path, step))


def test_a_receipt_in_which_any_member_was_altered_is_not_valid(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receipt, forged = json.loads(archive.receipt.read_text()), tmp_path / "forged.json"
    paths = list(leaves(receipt))
    assert len(paths) > 40
    for path in paths:
        changed = json.loads(archive.receipt.read_text())
        inner = changed
        for step in path[:-1]:
            inner = inner[step]
        was = inner[path[-1]]
        inner[path[-1]] = (
            was + 1 if type(was) is int else "alive" if not isinstance(was, str) else was[:-1] + "~"
        )
        forged.write_text(json.dumps(changed))
        assert says(capsys, [forged], archive.key)[0] == 1, path
        assert says(capsys, [forged], None)[0] == 1, path


def test_a_receipt_that_another_key_signed_is_found_out_by_the_public_key(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receipt, forged = json.loads(archive.receipt.read_text()), tmp_path / "forged.json"
    del receipt["signature"]
    forged.write_text(json.dumps(signed({**receipt, "verdict": "living"}, STRANGER)))
    status, said = says(capsys, [forged], archive.key)
    assert (status, "another key signed it" in said) == (1, True)
    status, said = says(capsys, [forged], None)
    assert (status, "not whose key that is" in said) == (0, True)
    other = tmp_path / "other.pem"
    other.write_bytes(STRANGER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert says(capsys, [archive.receipt], other)[0] == 1


def test_a_strangers_receipt_writes_no_line_of_ours(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the public key anybody's words are repeated; they end no line and move no cursor."""
    receipt, forged = json.loads(archive.receipt.read_text()), tmp_path / "forged.json"
    words = "now\n\x1b[2K\rother.json: valid, signed with the key of the house.\u2028\u202e"
    forged.write_text(json.dumps(signed({**receipt, "verified_at": words}, STRANGER)))
    _status, said = says(capsys, [forged], None)
    assert len(said.splitlines()) == 2
    assert said.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "text", ['{"receipt": 2}', '{"receipt": 1}', "{", "[]", '{"receipt": 2, "signature": 1}']
)
def test_what_is_no_receipt_at_all_is_said_to_be_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "file").write_text(text)
    status, said = says(capsys, [tmp_path / "file"], None)
    assert (status, "NOT VALID" in said) == (1, True)


def test_a_receipt_that_its_own_signer_left_members_out_of_is_not_valid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text(json.dumps(signed({"receipt": 2, "ledger": None}, STRANGER)))
    status, said = says(capsys, [tmp_path / "file"], None)
    assert (status, "not laid out" in said) == (1, True)


def without(number: int) -> Callable[[list[str]], list[str]]:
    return lambda lines: lines[:number] + lines[number + 1 :]


@pytest.mark.parametrize(
    "harm",
    [
        without(0),
        without(2),
        without(-1),
        lambda lines: lines[:3],
        lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]],
        lambda lines: [*lines[:2], lines[2].replace('"slot":', '"slot":1'), *lines[3:]],
        lambda lines: [*lines[:-1], line_of(signed(json.loads(lines[-1]), STRANGER))],
        lambda lines: [*lines[:-1], lines[-1].replace('"number":5', '"number":6')],
        lambda lines: [*lines[:2], lines[2], *lines[2:]],
        lambda lines: ["{}" for _line in lines],
        lambda lines: lines[:0],
    ],
    ids=[
        "opening",
        "line",
        "end",
        "tail",
        "swapped",
        "altered",
        "signer",
        "number",
        "twice",
        "nothing",
        "empty",
    ],
)
def test_a_ledger_that_was_tampered_with_is_not_valid(
    archive: Archive,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    harm: Callable[[list[str]], list[str]],
) -> None:
    lines, forged = archive.ledger.read_text().splitlines(), tmp_path / "forged.jsonl"
    forged.write_text("".join(f"{line}\n" for line in harm(lines)))
    status, said = says(capsys, [forged], archive.key)
    assert (status, "NOT VALID" in said) == (1, True)
    assert says(capsys, [archive.ledger], archive.key)[0] == 0


def test_a_ledger_without_what_a_receipt_saw_in_it_is_not_valid_beside_it(
    archive: Archive,
    past: tuple[House, Archive, list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Even the house's own key can't sign both."""
    lines = archive.ledger.read_text().splitlines()
    short = tmp_path / "short.jsonl"
    end = json.loads(lines[-1])
    del end["signature"]
    last = json.loads(lines[-3])
    kept = "".join(f"{line}\n" for line in lines[:-2])
    end |= {
        "number": last["number"],
        "hash": last["hash"],
        "lines_sha256": hashlib.sha256(kept.encode()).hexdigest(),
    }
    short.write_text(kept + line_of(signed(end, STRANGER)) + "\n")
    assert says(capsys, [short], None)[0] == 0
    status, said = says(capsys, [short, archive.receipt], None)
    assert (status, "entry 5 of the ledger is another than a receipt saw" in said) == (1, True)


# What was done to the database


def events(house: House, name: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in house.log.read_text().splitlines() if line.startswith("{")]
    return [event for event in found if event["event"] == name]


def tampered(house: House, *statements: str) -> None:
    with closing(sqlite3.connect(house.data / "cenote.db")) as connection:
        for guard in ("ledger_keeps_its_lines", "ledger_changes_no_line"):
            connection.execute(f"drop trigger {guard}")
        for sql in statements:
            connection.execute(sql)
        connection.commit()


def test_a_ledger_that_was_altered_is_said_at_the_start_and_everywhere_and_nobody_is_refused(
    own_house: House,
) -> None:
    tenant = Tenant(own_house.start())
    subs = [erased(own_house, tenant, f"went{number}") for number in range(3)]
    stays = tenant.user("stays")
    own_house.stop()
    tampered(own_house, "delete from ledger where number = 2")
    own_house.start()
    (event,) = events(own_house, "ledger broken")
    assert event["found"] == "line 2 is missing"
    assert b"cenote_ledger_broken 1.0" in own_house.http("GET", "/metrics")[2]
    assert tenant.cognito.get_user(AccessToken=stays["AccessToken"])["Username"] == "stays"
    erased(own_house, tenant, "later")
    doctor = cenote(own_house, "doctor")
    assert (doctor.returncode, "its chain is broken" in doctor.stdout) == (1, True)
    ledger = cenote(own_house, "erasure", "ledger")
    assert (ledger.returncode, lines_of(ledger)[-1]["broken"]) == (1, "line 2 is missing")
    receipt = receipt_of(own_house, subs[0])
    assert (receipt["verdict"], receipt["ledger"]["broken"]) == ("erased", "line 2 is missing")


def test_a_sound_ledger_is_said_to_be_sound(own_house: House) -> None:
    tenant = Tenant(own_house.start())
    erased(own_house, tenant, "went")
    own_house.stop()
    own_house.start()
    assert events(own_house, "ledger broken") == events(own_house, "ledger is not what was vouched for") == []
    assert b"cenote_ledger_broken 0.0" in own_house.http("GET", "/metrics")[2]
    assert "a whole chain of 1 entries" in cenote(own_house, "doctor").stdout


@pytest.mark.parametrize("is_mirrored", of_which([False, True], [True]), ids=["alone", "mirrored"])
def test_a_kill_between_the_chain_and_its_head_leaves_both_whole(own_house: House, is_mirrored: bool) -> None:
    own_house.flags = ("--keys-mirror", str(own_house.root / "mirror")) if is_mirrored else ()
    tenant = Tenant(own_house.start())
    first = erased(own_house, tenant, "first")
    assert receipt_of(own_house, first)["ledger"]["number"] == 1
    own_house.arm("ledger.before_head")
    second = erased(own_house, tenant, "second")
    own_house.wait_for_death()
    own_house.start()
    third = erased(own_house, tenant, "third")
    assert [receipt_of(own_house, sub)["ledger"]["number"] for sub in (first, second, third)] == [1, 2, 3]
    ledger = lines_of(cenote(own_house, "erasure", "ledger"))
    assert [line.get("kind") for line in ledger] == [None, "user", "user", "user", None]
    assert events(own_house, "ledger broken") == events(own_house, "ledger is not what was vouched for") == []


# Restores


@pytest.mark.thorough
def test_an_older_backup_is_restored_and_the_gap_is_on_record(
    own_house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant = Tenant(own_house.start())
    before = erased(own_house, tenant, "before")
    since = tenant.user("since")
    backup = own_house.root / "rows.backup"
    assert receipt_of(own_house, before)["ledger"]["number"] == 1
    assert cenote(own_house, "backup", str(backup)).returncode == 0
    tenant.cognito.delete_user(AccessToken=since["AccessToken"])
    erased(own_house, tenant, "came-and-went")
    old = Archive(own_house, tmp_path / "old", before)
    own_house.stop()
    shutil.rmtree(own_house.data)
    restored = cenote(own_house, "restore", str(backup))
    assert restored.returncode == 0
    assert "entries 2 to 3 of the ledger are not in it" in " ".join(restored.stderr.split())
    own_house.start()
    after = erased(own_house, tenant, "after")
    assert receipt_of(own_house, after)["verdict"] == "erased"
    new = Archive(own_house, tmp_path / "new", before)
    entries = [line for line in new.ledger.read_text().splitlines() if '"number"' in line][:-1]
    assert [json.loads(line)["number"] for line in entries] == [1, 4, 5, 6]
    assert [json.loads(line)["kind"] for line in entries] == ["user", "gap", "user", "user"]
    status, said = says(capsys, [old.receipt, old.everybody, new.receipt, new.ledger], new.key)
    assert (status, "with 1 gaps" in said) == (0, True)
    doctor = cenote(own_house, "doctor")
    assert doctor.returncode == 0
    assert "2 to 3 of the ledger are not in it" in " ".join(doctor.stdout.replace("│", " ").split())
    assert events(own_house, "ledger broken") == []


def test_a_data_folder_that_was_put_back_is_served_and_the_gap_is_on_record(own_house: House) -> None:
    tenant = Tenant(own_house.start())
    stays = tenant.user("stays")
    copy = own_house.copy_data("copy")
    sub = erased(own_house, tenant, "went")
    assert receipt_of(own_house, sub)["ledger"]["number"] == 1
    own_house.kill()
    own_house.put_data_back(copy)
    own_house.start()
    assert tenant.cognito.get_user(AccessToken=stays["AccessToken"])["Username"] == "stays"
    later = erased(own_house, tenant, "later")
    assert receipt_of(own_house, later)["ledger"]["number"] == 3
    (event,) = events(own_house, "ledger is not what was vouched for")
    assert (event["holds"], event["knew"]) == (0, 1)
    assert cenote(own_house, "erasure", "ledger").returncode == 0


# The keys folder and its copies


@pytest.fixture
def mirrored(tmp_path: Path) -> Iterator[House]:
    """A house whose keys folder has a mirror."""
    own = QuickHouse(tmp_path, "--keys-mirror", str(tmp_path / "mirror"))
    yield own
    own.stop()


@pytest.mark.parametrize("way", of_which(["given as the keys folder", "copied back"], ["copied back"]))
def test_a_keys_folder_that_is_lost_but_mirrored_loses_nothing(
    mirrored: House, tmp_path: Path, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    tenant = Tenant(mirrored.start())
    stays = tenant.user("stays", email="stays@example.com")
    backup = mirrored.copy_data("backup")
    sub = erased(mirrored, tenant, "went")
    old = Archive(mirrored, tmp_path / "old", sub)
    mirrored.kill()
    shutil.rmtree(mirrored.keys)
    assert "point --keys to it or to its mirror" in mirrored.refuses_to_start()
    if way == "copied back":
        shutil.copytree(tmp_path / "mirror", mirrored.keys)
    else:
        mirrored.flags = ("--keys", str(tmp_path / "mirror"))
    mirrored.start()
    assert tenant.cognito.get_user(AccessToken=stays["AccessToken"])["Username"] == "stays"
    assert tenant.sign_in("stays")["AccessToken"]
    later = erased(mirrored, tenant, "later")
    again = receipt_of(mirrored, sub, "--also", str(backup))
    assert (again["verdict"], again["ledger"]["number"]) == ("erased", 1)
    assert receipt_of(mirrored, later)["ledger"]["number"] == 2
    new = Archive(mirrored, tmp_path / "new", sub)
    assert new.key.read_text() == old.key.read_text()
    assert says(capsys, [old.receipt, new.receipt, new.ledger], old.key)[0] == 0
    for name in (
        "ledger is not what was vouched for",
        "ledger broken",
        "receipt key is another",
        "keys folder behind its data",
    ):
        assert events(mirrored, name) == []


def packed(folder: Path, root: Path) -> Path:
    with tarfile.open(root / "night.tar", "w") as archive:
        archive.add(folder, "keys")
    return root / "night.tar"


@pytest.mark.parametrize("form", of_which(["folder", "tar"], ["tar"]))
def test_an_archived_keys_folder_breaks_the_third_clock_and_receipt_and_doctor_name_it(
    own_house: House, tmp_path: Path, form: str
) -> None:
    tenant = Tenant(own_house.start())
    sub = tenant.sign_up("ann")
    rows = own_house.copy_data("rows")
    (tmp_path / "archive").mkdir()
    archive = tmp_path / "archive" / "keys"
    shutil.copytree(own_house.keys, archive)
    if form == "tar":
        archive = packed(archive, tmp_path / "archive")
        shutil.rmtree(tmp_path / "archive" / "keys")
    tenant.cognito.delete_user(AccessToken=tenant.sign_in("ann")["AccessToken"])
    alone = receipt_of(own_house, sub, "--also", str(rows))
    assert (alone["verdict"], states_of(alone)[1]) == ("erased", "gone")
    both = receipt_of(own_house, sub, "--also", str(rows), "--also", str(archive))
    assert (both["verdict"], states_of(both)) == ("openable", ["gone", "gone", "broken"])
    because = " ".join(both["clocks"]["gone_from_every_copy_of_the_keys_folder"]["because"])
    assert archive.name in because
    assert "still its secret" in because
    doctor = cenote(own_house, "doctor", "--also", str(tmp_path / "archive"))
    said = " ".join(doctor.stdout.replace("│", " ").split())
    assert doctor.returncode == 1
    assert "third clock" in said
    assert "still opens 1 of the erased: destroy it" in said


@pytest.mark.thorough
def test_a_copy_of_the_keys_folder_beside_it_is_named_by_the_doctor_of_itself(own_house: House) -> None:
    Tenant(own_house.start()).sign_up("ann")
    assert "copy of the keys folder" not in cenote(own_house, "doctor").stdout
    shutil.copytree(own_house.keys, own_house.root / "keys.bak")
    said = " ".join(cenote(own_house, "doctor").stdout.replace("│", " ").split())
    assert "is a copy of the keys folder; no erasure from now on reaches it" in said


def test_a_mirror_that_is_behind_or_away_breaks_the_third_clock(mirrored: House) -> None:
    mirror = mirrored.root / "mirror"
    tenant = Tenant(mirrored.start())
    stale = mirrored.root / "stale"
    tenant.sign_up("somebody")
    shutil.copytree(mirror, stale)
    sub = erased(mirrored, tenant, "went")
    assert states_of(receipt_of(mirrored, sub))[2] in {"gone", "doubtful"}
    mirrored.stop()
    mirror.rename(mirrored.root / "away")
    shutil.copytree(stale, mirror)
    behind = receipt_of(mirrored, sub)
    assert (behind["verdict"], states_of(behind)) == ("pending", ["gone", "gone", "broken"])
    third = behind["clocks"]["gone_from_every_copy_of_the_keys_folder"]["because"]
    assert third == ["the slot in the mirror (mirror) is still its secret"]
    doctor = cenote(mirrored, "doctor")
    assert "third clock" in doctor.stdout
    shutil.rmtree(mirror)
    away = receipt_of(mirrored, sub)
    assert states_of(away)[2] == "broken"
    doctor = cenote(mirrored, "doctor")
    assert (doctor.returncode, "is away" in " ".join(doctor.stdout.split())) == (1, True)


@pytest.mark.thorough
def test_a_tombstone_that_is_owed_stops_the_second_clock(own_house: House) -> None:
    tenant = Tenant(own_house.start())
    sub = tenant.sign_up("ann")
    token = tenant.sign_in("ann")["AccessToken"]
    own_house.arm("commit.after")
    with pytest.raises(Exception, match="Connection"):
        tenant.cognito.delete_user(AccessToken=token)
    own_house.wait_for_death()
    receipt = receipt_of(own_house, sub)
    assert receipt["verdict"] in {"pending", "openable"}
    assert states_of(receipt)[0] == "gone"
    assert states_of(receipt)[1] in {"not yet", "broken"}
    said = " ".join(cenote(own_house, "doctor").stdout.replace("│", " ").split())
    assert "second clock 1 tombstones not known to be written" in said


# PostgreSQL, and two nodes


@pytest.mark.thorough
def test_two_nodes_on_one_database_keep_one_chain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = new_database()
    one = QuickHouse(tmp_path / "one", "--database-url", url)
    keys = ["--keys", str(one.keys), "--master-key-file", str(one.master)]
    other = QuickHouse(tmp_path / "other", "--database-url", url, *keys)
    try:
        for house in (one, other):
            house.root.mkdir()
            house.start()
        tenants = [Tenant(house) for house in (one, other)]
        subs = [
            erased(house, tenant, f"went{n}")
            for n in range(5)
            for house, tenant in zip((one, other), tenants, strict=True)
        ]
        archive = Archive(one, tmp_path / "auditor", subs[0])
        entries = [json.loads(line) for line in archive.ledger.read_text().splitlines()][1:-1]
        assert {entry["sha256"] for entry in entries} == {digest_of(sub).hex() for sub in subs}
        assert [entry["number"] for entry in entries] == list(range(1, 11))
        assert says(capsys, [archive.receipt, archive.everybody, archive.ledger], archive.key)[0] == 0
        assert {place["name"] for place in json.loads(archive.receipt.read_text())["places"]} == {
            "PostgreSQL"
        }
    finally:
        one.stop()
        other.stop()
        drop_database(url)
