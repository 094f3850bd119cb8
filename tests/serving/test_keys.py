"""`cenote keys` beside a running server, on both engines; and what a first start shows."""

import contextlib
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.house import House, environment
from tests.postgres import drop_database, new_database
from tests.signed import SHOWN, Pair, SignedHouse, refused, shown

UNRECOGNIZED = "UnrecognizedClientException"
MISMATCH = "InvalidSignatureException"
NOTICED_WITHIN_S = 1.0
LATENESS_S_MAX = 10  # of a sign-up on a machine that has other things to do


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def flags(request: pytest.FixtureRequest) -> Iterator[tuple[str, ...]]:
    if request.param == "sqlite":
        yield ()
        return
    url = new_database()
    yield ("--database-url", url)
    drop_database(url)


@pytest.fixture(scope="module")
def server(flags: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedHouse]:
    """A server that was started for the first time, without --dev."""
    running = SignedHouse(tmp_path_factory.mktemp("keys"), *flags)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> SignedHouse:
    """A server that was started once and stopped: the commands need none."""
    house = SignedHouse(tmp_path_factory.mktemp("closed"))
    house.start()
    house.stop()
    return house


def outcome(server: SignedHouse, pair: Pair) -> str:
    """What a call that is signed with this key meets."""
    cognito = server.signing(pair)
    try:
        cognito.list_user_pools(MaxResults=1)
    except ClientError as failure:
        code: str = failure.response["Error"]["Code"]
        return code
    return "served"


def row_of(server: SignedHouse, pair: Pair) -> list[str]:
    """The cells of a key in `cenote keys list`."""
    done = server.run_keys("list")
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(pair.key_id)]
    return re.split(r"  +", line)


def sentence(done: "subprocess.CompletedProcess[str]") -> str:
    assert (done.returncode, done.stdout) == (2, ""), (done.returncode, done.stdout, done.stderr)
    assert done.stderr.startswith("cenote: ")
    return done.stderr.removeprefix("cenote: ").strip()


def test_the_first_start_shows_the_root_key_once_and_no_other_start_does(server):
    assert outcome(server, server.root_key) == "served"
    pair = server.root_key
    server.stop()
    server.start()
    assert SHOWN.findall(server.said) == []
    assert outcome(server, pair) == "served"
    assert row_of(server, pair)[1:3] == ["root", "active"]
    server.said = f"[root]\naws_access_key_id = {pair.key_id}\naws_secret_access_key = {pair.secret}\n"


def test_no_secret_lies_in_a_log_or_in_the_data(server):
    secrets = [server.root_key.secret, server.new_key("hidden", "--all").secret]
    assert outcome(server, server.root_key) == "served"
    files = [server.log, *(file for file in server.data.rglob("*") if file.is_file())]
    assert [file for file in files for secret in secrets if secret.encode() in file.read_bytes()] == []
    assert not any(secret in server.run_keys("list").stdout for secret in secrets)


def test_a_key_that_was_made_beside_the_server_works_at_once(server):
    pair = server.new_key("ann", "--read-only")
    assert row_of(server, pair)[1:3] == ["ann", "active"]
    assert row_of(server, pair)[4:] == ["never", "read-only"]
    assert outcome(server, pair) == "served"
    assert row_of(server, pair)[4] != "never"
    assert refused(server.signing(pair).create_user_pool, PoolName="p")[0] == "AccessDeniedException"


def test_a_revoked_key_is_refused_within_a_second_and_for_good(server):
    pair = server.new_key("bob", "--all")
    cognito = server.signing(pair)
    cognito.list_user_pools(MaxResults=1)
    done = server.run_keys("revoke", pair.key_id)
    began = time.monotonic()
    assert refused(cognito.list_user_pools, MaxResults=1)[0] == UNRECOGNIZED
    assert time.monotonic() - began < NOTICED_WITHIN_S
    assert done.stdout == f"{pair.key_id} is revoked.\n"
    assert row_of(server, pair)[2] == "revoked"
    for again in (("revoke", pair.key_id), ("rotate", pair.key_id)):
        assert sentence(server.run_keys(*again)) == f"The access key {pair.key_id} is revoked, for good."


def test_a_rotated_key_has_two_secrets_for_a_day_or_as_long_as_is_said(server):
    old = server.new_key("cyd", "--all")
    done = server.run_keys("rotate", old.key_id)
    new = shown(done, "cyd")
    assert (new.key_id, new.secret != old.secret) == (old.key_id, True)
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86_400))
    assert re.search(rf"^# The former secret works until {day} \d\d:\d\d UTC\.$", done.stdout, re.MULTILINE)
    assert [outcome(server, pair) for pair in (old, new)] == ["served", "served"]
    assert row_of(server, old)[2] == "rotating"
    newest = shown(server.run_keys("rotate", old.key_id, "--grace-hours", "0"), "cyd")
    assert [outcome(server, pair) for pair in (old, new, newest)] == [MISMATCH, MISMATCH, "served"]
    assert row_of(server, old)[2] == "active"


def test_a_key_that_was_made_while_nobody_served_works_at_the_next_start(closed):
    pair = closed.new_key("gus", "--all")
    closed.start()
    assert outcome(closed, pair) == "served"
    closed.stop()


def test_a_policy_of_ones_own_is_read_from_a_file_and_refused_in_a_sentence(server, tmp_path):
    file = tmp_path / "policy.json"
    statement = {"Effect": "Allow", "Action": "cognito-idp:ListUserPools", "Resource": "*"}
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": statement}))
    pair = server.new_key("eve", "--policy", str(file))
    assert outcome(server, pair) == "served"
    assert row_of(server, pair)[5] == "its own"
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": statement | {"NotAction": "*"}}))
    assert "A statement has 'NotAction'" in sentence(server.run_keys("create", "eve", "--policy", str(file)))
    nowhere = server.run_keys("create", "eve", "--policy", str(tmp_path / "none.json"))
    assert sentence(nowhere).startswith(f"The policy {tmp_path / 'none.json'} can't be read")


@pytest.mark.parametrize(
    "words, expected",
    [
        (["create", "ann"], "Say what the key may do: one of --policy FILE, --read-only and --all."),
        (["create", "ann", "--all", "--read-only"], "Say what the key may do"),
        (["create", "an ann", "--all"], "The name must be 1 to 64 letters, digits"),
        (["create", "x" * 65, "--all"], "The name must be"),
        (
            ["revoke", "AKIAAAAAAAAAAAAAAAAA"],
            "There is no access key AKIAAAAAAAAAAAAAAAAA; `cenote keys list`",
        ),
        (["rotate", "x"], "There is no access key x;"),
    ],
)
def test_what_is_no_command_is_refused_in_a_sentence(closed, words, expected):
    assert sentence(closed.run_keys(*words)).startswith(expected)


def test_another_master_key_than_the_datas_makes_no_key(closed, tmp_path):
    other = tmp_path / "other.key"
    other.write_text("ab" * 32)
    other.chmod(0o600)
    done = closed.run_keys("create", "ann", "--all", "--master-key-file", str(other))
    assert sentence(done) == "The master key is not the one that this data was sealed with."


@pytest.mark.thorough
def test_the_commands_work_beside_a_busy_server_and_nobody_fails(server):
    """Sign-ups all the while, each a durable commit; meanwhile keys come, turn and go."""
    cognito = server.signing(server.root_key)
    pool_id = cognito.create_user_pool(PoolName="busy")["UserPool"]["Id"]
    client_id = cognito.create_user_pool_client(UserPoolId=pool_id, ClientName="app")["UserPoolClient"][
        "ClientId"
    ]
    stop, lateness = threading.Event(), []

    def hammer(number: int) -> int:
        signed_up = 0
        while not stop.is_set():
            began = time.monotonic()
            user = {"ClientId": client_id, "Username": f"u{number}x{signed_up}", "Password": "Correct-horse1"}
            status, _headers, body = server.call("SignUp", user)
            assert status == 200, body
            lateness.append(time.monotonic() - began)
            signed_up += 1
        return signed_up

    with ThreadPoolExecutor(8) as threads:
        running = [threads.submit(hammer, number) for number in range(8)]
        try:
            for number in range(3):
                pair = server.new_key(f"busy{number}", "--all")
                assert outcome(server, pair) == "served"
                newer = shown(server.run_keys("rotate", pair.key_id, "--grace-hours", "0"), f"busy{number}")
                assert [outcome(server, one) for one in (pair, newer)] == [MISMATCH, "served"]
                assert server.run_keys("revoke", pair.key_id).returncode == 0
                assert outcome(server, newer) == UNRECOGNIZED
        finally:
            stop.set()
        assert min(one.result(60) for one in running) > 0
    assert max(lateness) < LATENESS_S_MAX


@pytest.mark.thorough
def test_a_key_survives_a_backup_and_a_restore(server, flags, tmp_path):
    """Whatever was revoked since is alive again in what was restored: `docs/security.md` says so."""
    pair = server.new_key("fay", "--all")
    file = tmp_path / "night.cenote"
    place = ["--data", str(server.data), *flags]
    backup = [sys.executable, "-m", "cenote", "backup", str(file), *place]
    subprocess.run(backup, check=True, capture_output=True, env=environment())
    assert server.run_keys("revoke", pair.key_id).returncode == 0
    server.stop()
    new = tmp_path / "new"
    keep = ["--keys", str(server.keys), "--master-key-file", str(server.master)]
    restore = [sys.executable, "-m", "cenote", "restore", str(file), "--data", str(new), *keep]
    subprocess.run(restore, check=True, capture_output=True, env=environment())
    restored = SignedHouse(tmp_path, "--keys", str(server.keys), "--master-key-file", str(server.master))
    restored.data = new
    restored.start()
    try:
        assert SHOWN.findall(restored.said) == []
        assert outcome(restored, pair) == "served"
    finally:
        restored.stop()
        server.start()


def test_development_accepts_any_credentials_and_shows_no_key_and_what_follows_it_does(tmp_path):
    dev = House(tmp_path)
    dev.start()
    assert dev.client().list_user_pools(MaxResults=1)["UserPools"] == []
    status, _headers, body = dev.call("ListUserPools", {"MaxResults": 1})
    assert (status, json.loads(body)["__type"]) == (400, "MissingAuthenticationTokenException")
    dev.stop()
    server = SignedHouse(tmp_path)
    server.start()
    assert outcome(server, server.root_key) == "served"
    assert outcome(server, Pair("anybody", "anything")) == UNRECOGNIZED
    server.stop()


@pytest.mark.thorough
def test_of_several_processes_that_start_at_once_one_makes_the_root_key(tmp_path):
    url = new_database()
    server = SignedHouse(tmp_path, "--database-url", url, "--workers", "3")
    server.start()
    try:
        while not SHOWN.findall(server.said):  # another process may have been the first to answer
            server.said += server.next_line()
        pair = server.root_key
        assert {outcome(server, pair) for _ in range(12)} == {"served"}
        listed = subprocess.run(
            [
                sys.executable,
                "-m",
                "cenote",
                "keys",
                "list",
                "--data",
                str(server.data),
                "--database-url",
                url,
            ],
            capture_output=True,
            text=True,
            check=True,
            env=environment(),
        )
        assert len(listed.stdout.splitlines()) == 2
    finally:
        server.stop()
        drop_database(url)


def test_without_data_there_is_nothing_to_make_a_key_in(tmp_path):
    assert sentence(SignedHouse(tmp_path).run_keys("list")).startswith(f"There is no database at {tmp_path}")
    assert not (tmp_path / "data").exists()
    with contextlib.suppress(FileNotFoundError):
        assert not Path(tmp_path / "data-master.key").exists()
