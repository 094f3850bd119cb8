"""
What a key may do, shown and changed beside a running server; and that nobody changes it who can write to the
database and no more.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from cenote.binding import BOUND_FILE
from cenote.domain.sealed import Place
from cenote.vault.master import load_master
from cenote.wire.policy import ALL, READ_ONLY
from tests.commands import run_beside
from tests.conftest import ENGINES
from tests.house import environment
from tests.postgres import drop_database, new_database
from tests.signed import Pair, SignedHouse, refused, shown
from tests.wire.craft import change_row

UNKNOWN = Pair("AKIAAAAAAAAAAAAAAAAA", "x" * 40)
NARROW = {"Effect": "Allow", "Action": "cognito-idp:DescribeUserPool", "Resource": "*"}


@pytest.fixture(params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SignedHouse]:
    """A server of each engine that asks for signatures, of this test's own; its keys folder has a mirror."""
    url = new_database() if request.param == "postgres" else None
    root = tmp_path / "house"
    root.mkdir()
    house = SignedHouse(root, *([] if url is None else ["--database-url", url]))
    house.variables = {"CENOTE_KEYS_MIRROR": str(root / "mirror")}
    yield house.start()
    house.stop()
    if url is not None:
        drop_database(url)


def policy_file(place: Path, *statements: dict[str, Any]) -> Path:
    file = place / "policy.json"
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    return file


def is_served(cognito: BaseClient) -> bool:
    """Whether a key may list pools; else it is refused by its policy, and not as somebody unknown."""
    try:
        cognito.list_user_pools(MaxResults=1)
    except cognito.exceptions.ClientError as failure:
        if failure.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return False
    return True


def is_nobodys(house: SignedHouse, pair: Pair) -> bool:
    """Whether a key is refused exactly as one that there is not."""
    met, expected = (refused(house.signing(one).list_user_pools, MaxResults=1) for one in (pair, UNKNOWN))
    assert expected[0] == "UnrecognizedClientException"
    return met == expected


def sentence(done: "subprocess.CompletedProcess[str]") -> str:
    assert (done.returncode, done.stdout) == (2, ""), (done.returncode, done.stdout, done.stderr)
    return done.stderr.removeprefix("cenote: ").strip()


def state_of(house: SignedHouse, pair: Pair) -> str:
    (line,) = [one for one in house.run_keys("list").stdout.splitlines() if one.startswith(pair.key_id)]
    return re.split(r"  +", line)[2]


def logged(house: SignedHouse, event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in house.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def examined(house: SignedHouse) -> tuple[int, str]:
    """What the doctor says, in one line."""
    done = run_beside(house, "doctor")
    return done.returncode, " ".join(done.stdout.replace("│", " ").split())


def figure(house: SignedHouse, name: str) -> float:
    _status, _headers, body = house.http("GET", "/metrics")
    (line,) = [one for one in body.decode().splitlines() if one.startswith(f"{name} ")]
    return float(line.split()[1])


def seal_by_itself(house: SignedHouse, pair: Pair) -> None:
    """Put a key's row back to what a former version had made of it."""
    master = load_master(text=None, command=None, file=house.master, may_create=False)
    at = Place("access_keys", "secret", pair.key_id)
    sealed = master.sealing_key(pair.key_id).seal(at, pair.secret.encode())
    change_row(
        house,
        "update access_keys set secret = :sealed, former_secret = null, former_until_ms = 0"
        " where key_id = :key_id",
        sealed=sealed,
        key_id=pair.key_id,
    )


def copies_of_the_note(house: SignedHouse) -> list[Path]:
    return [house.keys / BOUND_FILE, house.root / "mirror" / BOUND_FILE]


def test_a_policy_is_shown_and_another_holds_from_the_next_call_on(server, tmp_path):
    pair = server.new_key("ann", "--read-only")
    cognito = server.signing(pair)
    assert json.loads(server.run_keys("policy", pair.key_id).stdout) == json.loads(READ_ONLY)
    assert is_served(cognito)
    done = server.run_keys("policy", pair.key_id, "--set", str(policy_file(tmp_path, NARROW)))
    assert (done.returncode, done.stdout) == (0, f"{pair.key_id} has another policy.\n"), done.stderr
    assert not is_served(cognito)
    shown_now = json.loads(server.run_keys("policy", pair.key_id).stdout)
    assert shown_now == {"Version": "2012-10-17", "Statement": [NARROW]}
    command = [sys.executable, "-m", "cenote", "keys", "policy", pair.key_id, "--set", "-"]
    command += ["--data", str(server.data), *server.flags]
    with policy_file(tmp_path, NARROW | {"Action": ["cognito-idp:List*"]}).open() as stdin:
        subprocess.run(command, check=True, capture_output=True, stdin=stdin, env=environment())
    assert is_served(cognito)
    assert is_served(server.signing(shown(server.run_keys("rotate", pair.key_id), "ann")))
    assert is_served(cognito)


def test_another_policy_is_recorded_for_good(server, tmp_path):
    pair, file = server.new_key("ann", "--all"), policy_file(tmp_path, NARROW)
    words = ("--set", str(file), "--reason", "too wide", "--by", "eve")
    assert server.run_keys("policy", pair.key_id, *words).returncode == 0
    done = run_beside(server, "user", "record")
    (line,) = [json.loads(one) for one in done.stdout.splitlines()]
    assert {name: line[name] for name in ("act", "key", "by", "reason")} == {
        "act": "policy",
        "key": pair.key_id,
        "by": "eve",
        "reason": "too wide",
    }
    assert json.loads(line["policy"])["Statement"] == [NARROW]


def test_what_is_no_policy_or_no_key_changes_nothing_and_is_told_in_a_sentence(server, tmp_path):
    pair = server.new_key("ann", "--all")
    file = str(policy_file(tmp_path, NARROW | {"NotAction": "*"}))
    told = sentence(server.run_keys("policy", pair.key_id, "--set", file))
    assert told.startswith("A statement has 'NotAction'")
    nowhere = sentence(server.run_keys("policy", pair.key_id, "--set", str(tmp_path / "none.json")))
    assert nowhere.startswith(f"The policy {tmp_path / 'none.json'} can't be read")
    file = str(policy_file(tmp_path, NARROW))
    for words in (("policy", UNKNOWN.key_id), ("policy", UNKNOWN.key_id, "--set", file)):
        assert sentence(server.run_keys(*words)).startswith(f"There is no access key {UNKNOWN.key_id};")
    assert json.loads(server.run_keys("policy", pair.key_id).stdout) == json.loads(ALL)
    assert server.run_keys("revoke", pair.key_id).returncode == 0
    for words in (("policy", pair.key_id), ("policy", pair.key_id, "--set", file)):
        assert sentence(server.run_keys(*words)) == f"The access key {pair.key_id} is revoked, for good."
    assert run_beside(server, "user", "record").stdout == ""


PLANTED = {"policy": ALL, "name": "root", "created_ms": 2**50, "former_until_ms": 2**50}


@pytest.mark.parametrize("column", PLANTED)
def test_a_row_that_somebody_changed_makes_the_key_nobodys_and_the_operator_hears_of_it(server, column):
    pair = server.new_key("ann", "--read-only")
    sql = "update access_keys set COLUMN = :planted where key_id = :key_id".replace("COLUMN", column)
    change_row(server, sql, planted=PLANTED[column], key_id=pair.key_id)
    before = figure(server, "cenote_unopenable")
    assert is_nobodys(server, pair)
    assert is_nobodys(server, pair)
    assert figure(server, "cenote_unopenable") == before + 2
    (line,) = logged(server, "access key refused")
    assert (line["level"], line["key"], line["found"]) == ("error", pair.key_id, "altered")
    assert pair.secret not in server.log.read_text()
    assert state_of(server, pair) == "refused"
    code, told = examined(server)
    assert code == 1
    assert f"{pair.key_id} (" in told
    assert "its row was changed by somebody without the master key, or is damaged" in told
    for words in (("policy",), ("rotate",), ("policy", "--set", str(policy_file(server.root, NARROW)))):
        told = sentence(server.run_keys(words[0], pair.key_id, *words[1:]))
        assert told.startswith(f"The access key {pair.key_id} is refused: its row was changed")
    assert is_nobodys(server, pair)
    assert server.run_keys("revoke", pair.key_id).returncode == 0
    assert "each is bound to what it may do" in examined(server)[1]


def test_the_policy_of_another_key_is_not_taken_over_with_its_secret(server):
    narrow, wide = server.new_key("ann", "--read-only"), server.new_key("bob", "--all")
    change_row(
        server,
        "update access_keys set policy = (select policy from access_keys where key_id = :wide),"
        " secret = (select secret from access_keys where key_id = :wide) where key_id = :narrow",
        wide=wide.key_id,
        narrow=narrow.key_id,
    )
    assert is_nobodys(server, narrow)
    assert is_nobodys(server, Pair(narrow.key_id, wide.secret))
    assert is_served(server.signing(wide))


def test_a_former_secret_works_no_longer_than_it_was_given_and_does_not_become_the_present_one(server):
    old = server.new_key("ann", "--all")
    new = shown(server.run_keys("rotate", old.key_id), "ann")
    assert is_served(server.signing(old))
    change_row(server, "update access_keys set former_until_ms = former_until_ms + 1")
    assert is_nobodys(server, old)
    assert is_nobodys(server, new)
    change_row(server, "update access_keys set former_until_ms = former_until_ms - 1")
    assert is_served(server.signing(new))
    change_row(server, "update access_keys set secret = former_secret where former_secret is not null")
    assert is_nobodys(server, old)


def test_keys_of_a_former_version_are_bound_at_the_first_start_and_never_again(server):
    ann, root = server.new_key("ann", "--read-only"), server.root_key
    server.stop()
    for pair in (ann, root):
        seal_by_itself(server, pair)
    for note in copies_of_the_note(server):
        note.unlink()
    code, told = examined(server)
    assert (code, "refused" in told) == (0, False)
    assert f"{ann.key_id} (ann) will be bound to what its row says at the first start of this version" in told
    server.start()
    assert [line["count"] for line in logged(server, "access keys bound to their policies")] == [2]
    assert all(note.exists() for note in copies_of_the_note(server))
    for pair in (ann, root):
        assert is_served(server.signing(pair))
    copies_of_the_note(server)[0].unlink()  # whoever has the mirror alone has been told, too
    seal_by_itself(server, ann)
    change_row(server, "update access_keys set policy = :all where key_id = :key", all=ALL, key=ann.key_id)
    assert is_nobodys(server, ann)
    server.stop()
    server.start()
    assert len(logged(server, "access keys bound to their policies")) == 1
    assert is_nobodys(server, ann)
    assert is_served(server.signing(root))
    assert {line["found"] for line in logged(server, "access key refused")} == {"unbound"}
    assert copies_of_the_note(server)[0].exists()
    code, told = examined(server)
    assert (code, f"{ann.key_id} (ann) is refused: a former version sealed it" in told) == (1, True)


def test_an_operator_takes_up_a_key_of_a_former_version_with_a_policy_and_a_new_secret(server, tmp_path):
    ann = server.new_key("ann", "--all")
    seal_by_itself(server, ann)
    for words in (("policy",), ("rotate",)):
        told = sentence(server.run_keys(words[0], ann.key_id))
        assert told.startswith(f"The access key {ann.key_id} is refused: a former version sealed it")
    assert is_nobodys(server, ann)
    taken = shown(server.run_keys("policy", ann.key_id, "--set", str(policy_file(tmp_path, NARROW))), "ann")
    assert taken.key_id == ann.key_id
    assert not is_served(server.signing(taken))
    with pytest.raises(ClientError, match="InvalidSignatureException"):
        server.signing(ann).list_user_pools(MaxResults=1)
    assert state_of(server, ann) == "active"
    again = server.run_keys("policy", ann.key_id, "--set", str(policy_file(tmp_path, NARROW)))
    assert again.stdout == f"{ann.key_id} has another policy.\n"


STEERING = "x[/]y[conceal]z\x1b[2J"


def test_a_name_that_somebody_wrote_steers_neither_the_doctor_nor_the_list(server):
    ann = server.new_key("ann", "--all")
    sql = "update access_keys set name = :name where key_id = :key_id"
    change_row(server, sql, name=STEERING, key_id=ann.key_id)
    code, told = examined(server)
    legible = STEERING.replace("\x1b", "\\x1b")
    assert (code, f"{ann.key_id} ({legible}) is refused" in told) == (1, True), told
    listed = server.run_keys("list").stdout
    assert (legible in listed, "\x1b" in listed) == (True, False)


@pytest.mark.parametrize("column, cell", [("secret", "text"), ("former_until_ms", "text"), ("secret", 7)])
@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_a_cell_of_another_type_is_met_with_words(server, column, cell):
    """On PostgreSQL a column holds its own type alone."""
    ann = server.new_key("ann", "--all")
    sql = "update access_keys set COLUMN = :cell where key_id = :key_id".replace("COLUMN", column)
    change_row(server, sql, cell=cell, key_id=ann.key_id)
    assert is_nobodys(server, ann)
    code, told = examined(server)
    assert (code, f"{ann.key_id} (ann) is refused: its row was changed" in told) == (1, True), told
    assert state_of(server, ann) == "refused"
    assert server.run_keys("revoke", ann.key_id).returncode == 0
    assert state_of(server, ann) == "revoked"


def test_a_former_secret_that_was_damaged_after_its_time_leaves_the_key_as_it_was(server, tmp_path):
    old = server.new_key("ann", "--all")
    pair = shown(server.run_keys("rotate", old.key_id, "--grace-hours", "0"), "ann")
    change_row(server, "update access_keys set former_secret = secret where former_secret is not null")
    assert is_served(server.signing(pair))
    assert state_of(server, pair) == "active"
    assert "each is bound to what it may do" in examined(server)[1]
    file = str(policy_file(tmp_path, NARROW))
    assert server.run_keys("policy", pair.key_id, "--set", file).returncode == 0
    assert not is_served(server.signing(pair))


def test_a_backup_of_a_former_version_is_restored_and_its_keys_wait_for_their_policies(server, tmp_path):
    ann, night = server.new_key("ann", "--all"), tmp_path / "night.cenote"
    seal_by_itself(server, ann)
    assert run_beside(server, "backup", str(night)).returncode == 0
    root = server.root_key
    server.stop()
    places = ["--keys", str(server.keys), "--master-key-file", str(server.master)]
    restored = SignedHouse(tmp_path, *places)  # whichever engine it came from
    done = subprocess.run(
        [sys.executable, "-m", "cenote", "restore", str(night), "--data", str(restored.data), *places],
        check=True,
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert "1 access keys are refused: cenote doctor names them." in done.stderr
    restored.start()
    try:
        assert is_served(restored.signing(root))
        assert is_nobodys(restored, ann)
        file = str(policy_file(tmp_path, NARROW | {"Action": "*"}))
        words = ("policy", ann.key_id, "--set", file, "--master-key-file", str(server.master))
        assert is_served(restored.signing(shown(run_beside(restored, "keys", *words), "ann")))
    finally:
        restored.stop()
        server.start()


def test_after_another_master_key_no_older_row_of_a_key_comes_back(server, tmp_path):
    """With the present one it would: `docs/security.md` says so."""
    ann = server.new_key("ann", "--all")
    change_row(server, "create table kept as select * from access_keys")
    file = str(policy_file(tmp_path, NARROW))
    assert server.run_keys("policy", ann.key_id, "--set", file).returncode == 0
    new = tmp_path / "new.key"
    new.write_text("5a" * 32)
    new.chmod(0o600)
    assert server.run_keys("rotate-master", "--new-master-key-file", str(new)).returncode == 0
    server.stop()
    server.start()
    change_row(server, "delete from access_keys")
    change_row(server, "insert into access_keys select * from kept")
    assert is_nobodys(server, ann)
    change_row(server, "drop table kept")
