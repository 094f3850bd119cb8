"""`cenote serve` from its one line to a clean stop, and the sentences with which it refuses to begin."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import boto3
import pytest

from cenote.cli import main as command_line
from cenote.settings import Settings
from tests.by_hand import ask, post
from tests.house import REGION, START_WAIT_S_MAX, House, environment, free_port

STOP_WAIT_S_MAX = 10  # the worker itself would be killed after twenty
SERVE = [sys.executable, "-m", "cenote", "serve"]
NOT_BY_FLAG = {"dev", "console_messages", "read_only", "master_key"}  # switches, and what no flag may carry
WRONG = {
    "dev": "perhaps",
    "host": "http://localhost",
    "port": "65536",
    "data": "/",
    "keys": ".cenote/data/keys",
    "keys_mirror": ".cenote/data-keys",
    "master_key_file": ".cenote/data/master.key",
    "master_key": "short",
    "master_key_command": " ",
    "database_url": "mysql://localhost/x",
    "region": "mars",
    "account": "12",
    "public_url": "localhost",
    "issuer": "me",
    "threads": "0",
    "workers": "0",
    "smtp_url": "http://localhost",
    "smtp_from": " ",
    "console_messages": "perhaps",
    "quotas": "google",
    "quota_overrides": "UserUpdate",
    "quota_store_url": "http://localhost",
    "trusted_proxies": "proxy.example.com",
    "read_only": "perhaps",
}


@contextlib.contextmanager
def serving(folder: Path, *flags: str, **variables: str) -> Iterator["subprocess.Popen[str]"]:
    """`cenote serve` in a folder, in a process group of its own; killed at the end if it still runs."""
    process = subprocess.Popen(
        [*SERVE, *flags],
        cwd=folder,
        env=environment() | {"PYTHONFAULTHANDLER": "1"} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=STOP_WAIT_S_MAX)


def first_line(process: "subprocess.Popen[str]") -> str:
    """What the server says once it answers."""
    assert process.stdout is not None
    return process.stdout.readline()


def workers_of(process: "subprocess.Popen[str]") -> list[int]:
    """The ids of its child processes."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii")
    return [int(child) for child in children.split()]


def end_of(process: "subprocess.Popen[str]") -> int:
    """The exit status of a server that was told to stop; if it does not, where it hangs."""
    try:
        return process.wait(timeout=STOP_WAIT_S_MAX)
    except subprocess.TimeoutExpired:
        for one in workers_of(process) or [process.pid]:
            os.kill(one, signal.SIGABRT)
        raise AssertionError(process.communicate()[1]) from None


def is_running(process_id: int) -> bool:
    """Whether a process is there and no mere entry that waits to be read."""
    try:
        status = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_until_gone(process_ids: list[int]) -> bool:
    """Whether all of them end within the time that a stop may take."""
    until = time.monotonic() + STOP_WAIT_S_MAX
    while any(is_running(one) for one in process_ids):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def cognito_of(url: str) -> Any:
    keys = {"aws_access_key_id": "anybody", "aws_secret_access_key": "anything"}
    return boto3.client("cognito-idp", endpoint_url=url, region_name=REGION, **keys)


@pytest.fixture
def own_house(tmp_path: Path) -> Iterator[House]:
    """A house that is started as an operator would."""
    own = House(tmp_path)
    yield own
    own.stop()


# How it begins.


def test_one_line_says_where_it_answers_and_from_then_on_it_does(own_house: House):
    process = subprocess.Popen(
        own_house.command(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment()
    )
    try:
        mode = "(development: any credentials, open doors)"
        assert first_line(process) == f"Cenote answers at {own_house.url} {mode}\n"
        assert own_house.http("GET", "/health")[0] == 200
    finally:
        process.terminate()
    rest, _errors = process.communicate(timeout=STOP_WAIT_S_MAX)
    assert (rest, process.returncode) == ("", 0)


def test_port_zero_takes_a_free_one_and_names_it(tmp_path):
    with serving(tmp_path, "--dev", "--port", "0") as process:
        found = re.match(r"Cenote answers at (http://127\.0\.0\.1:[1-9][0-9]+) ", first_line(process))
        assert found
        assert cognito_of(found[1]).list_user_pools(MaxResults=1)["UserPools"] == []


@pytest.mark.parametrize("host, url", [("localhost", "http://localhost"), ("::1", "http://[::1]")])
def test_the_line_is_a_url_whatever_the_host_is_called(tmp_path, host: str, url: str):
    if not socket.has_ipv6:
        pytest.skip("no IPv6 on this machine")
    with serving(tmp_path, "--dev", "--host", host, "--port", "0") as process:
        found = re.match(rf"Cenote answers at ({re.escape(url)}:[0-9]+) ", first_line(process))
        assert found
        assert cognito_of(found[1]).list_user_pools(MaxResults=1)["UserPools"] == []


def test_settings_come_from_the_file_and_the_environment(tmp_path):
    (tmp_path / "cenote.toml").write_text('dev = true\nport = 0\nregion = "eu-north-1"\ndata = "there"\n')
    with serving(tmp_path, CENOTE_REGION="eu-west-3", CENOTE_ACCOUNT="000000000042") as process:
        found = re.match(r"Cenote answers at (\S+) ", first_line(process))
        assert found
        pool = cognito_of(found[1]).create_user_pool(PoolName="x")["UserPool"]
        assert pool["Arn"] == f"arn:aws:cognito-idp:eu-west-3:000000000042:userpool/{pool['Id']}"
        assert (tmp_path / "there" / "cenote.db").is_file()
        assert (tmp_path / "there-keys").is_dir()


@pytest.mark.parametrize("command", [SERVE[:-1], [str(Path(sys.executable).with_name("cenote"))]])
def test_the_command_is_there_under_both_its_names(tmp_path, command: list[str]):
    done = subprocess.run(
        [*command, "serve", "--help"], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    told = set(re.findall(r"--[a-z-]+", re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)))
    assert told - {"--help"} == {
        f"--{one.name.replace('_', '-')}" for one in fields(Settings) if one.name != "master_key"
    }
    assert not list(tmp_path.iterdir())


# How it ends.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_stops_cleanly_when_told_and_can_begin_again(tmp_path, number: signal.Signals):
    for _time in range(2):
        with serving(tmp_path, "--dev", "--port", "0") as process:
            assert first_line(process).startswith("Cenote answers at")
            workers = workers_of(process)
            process.send_signal(number)
            assert end_of(process) == 0
            assert not any(is_running(one) for one in workers)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
def test_what_a_terminal_sends_to_everybody_stops_it_as_well(tmp_path, number: signal.Signals):
    for _time in range(4):
        with serving(tmp_path, "--dev", "--port", "0") as process:
            assert first_line(process).startswith("Cenote answers at")
            os.killpg(process.pid, number)
            assert end_of(process) == 0


def test_a_stop_during_the_start_is_a_stop(tmp_path):
    for pause_s in (0.0, 0.02, 0.05, 0.1):
        with serving(tmp_path, "--dev", "--port", "0") as process:
            until = time.monotonic() + START_WAIT_S_MAX
            while not workers_of(process):
                assert time.monotonic() < until
                time.sleep(0.001)
            time.sleep(pause_s)
            workers = workers_of(process)
            process.terminate()
            assert end_of(process) == 0
            assert wait_until_gone(workers)
    with serving(tmp_path, "--dev", "--port", "0") as process:
        assert first_line(process).startswith("Cenote answers at")


def test_a_call_in_flight_is_answered_before_the_end(own_house: House):
    own_house.start()
    answers: list[tuple[int, bytes]] = []

    def wait() -> None:
        status, _headers, body = own_house.http("GET", "/_cenote/inbox?wait=1.5")
        answers.append((status, body))

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.5)
    began, process = time.monotonic(), own_house.process
    assert process is not None
    own_house.stop()
    waiting.join()
    assert answers == [(200, b"[]")]
    assert process.returncode == 0
    assert time.monotonic() - began < STOP_WAIT_S_MAX


def test_what_was_answered_is_there_after_a_stop(own_house: House):
    own_house.start()
    pool_id = own_house.client().create_user_pool(PoolName="kept")["UserPool"]["Id"]
    own_house.stop()
    assert not list(own_house.data.glob("*-wal"))
    own_house.start()
    assert own_house.client().describe_user_pool(UserPoolId=pool_id)["UserPool"]["Name"] == "kept"


def test_kill_9_takes_the_worker_along_and_the_folder_can_be_served_again(own_house: House):
    own_house.start()
    assert own_house.process is not None
    workers = workers_of(own_house.process)
    pool_id = own_house.client().create_user_pool(PoolName="kept")["UserPool"]["Id"]
    own_house.kill()
    assert workers
    assert wait_until_gone(workers)
    own_house.start()
    assert own_house.client().describe_user_pool(UserPoolId=pool_id)["UserPool"]["Name"] == "kept"


def test_when_the_worker_dies_the_server_ends_and_says_so(own_house: House):
    own_house.start()
    assert own_house.process is not None
    process = own_house.process
    (worker,) = workers_of(process)
    os.kill(worker, signal.SIGKILL)
    assert process.wait(timeout=STOP_WAIT_S_MAX) == 1
    assert own_house.log.read_text().endswith("cenote: The serving process ended by itself.\n")
    own_house.stop()
    own_house.start()
    assert own_house.http("GET", "/health")[0] == 200


# How it refuses to begin.


def test_a_second_server_on_the_same_data_is_refused_and_the_first_serves_on(own_house: House):
    own_house.start()
    port, own_house.port = own_house.port, free_port()
    sentence = own_house.refuses_to_start()
    own_house.port = port
    assert sentence == f"Another Cenote is serving the data folder {own_house.data}."
    assert own_house.http("GET", "/health")[0] == 200


def test_a_port_that_is_taken_is_refused(own_house: House):
    with socket.create_server(("127.0.0.1", own_house.port)):
        sentence = own_house.refuses_to_start()
    assert sentence == f"Nothing can listen on 127.0.0.1 port {own_house.port}: Address already in use."
    assert not own_house.data.exists()


@pytest.mark.parametrize("host", ["192.0.2.254", "no-such-host.invalid"])
def test_a_host_that_is_elsewhere_or_nowhere_is_refused(tmp_path, host: str):
    with serving(tmp_path, "--host", host, "--port", "0") as process:
        said, told = process.communicate(timeout=START_WAIT_S_MAX)
    assert (said, process.returncode) == ("", 2)
    assert re.fullmatch(rf"cenote: Nothing can listen on {re.escape(host)} port 0: .+\.\n", told)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_development_is_refused_where_others_can_reach_it(tmp_path, monkeypatch, capsys, host: str):
    told = refusal(tmp_path, monkeypatch, capsys, ["--dev", "--host", host])
    assert told.startswith("dev (from the flag --dev) must be off unless the host is 127.0.0.1, ::1, ")


def refusal(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> str:
    """The one sentence with which the command line refuses to serve; it makes nothing."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["cenote", "serve", *flags])
    before = sorted(folder.iterdir())
    with pytest.raises(SystemExit) as end:
        command_line.main()
    said, told = capsys.readouterr()
    assert (end.value.code, said) == (2, "")
    assert told.startswith("cenote: ")
    assert told.endswith(".\n")
    assert told.count("\n") == 1
    assert sorted(folder.iterdir()) == before
    return told.removeprefix("cenote: ").rstrip()


def test_every_setting_is_wrong_once():
    assert WRONG.keys() == {one.name for one in fields(Settings)}


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("CENOTE_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("name", sorted(WRONG.keys() - NOT_BY_FLAG))
def test_a_wrong_flag_is_told_in_one_sentence(tmp_path, monkeypatch, capsys, nothing_set, name: str):
    flag = f"--{name.replace('_', '-')}"
    sentence = refusal(tmp_path, monkeypatch, capsys, [f"{flag}={WRONG[name]}"])
    assert sentence.startswith((f"{name} (from the flag {flag}) ", f"{name} must be "))


@pytest.mark.parametrize("name", sorted(WRONG.keys() - {"master_key"}))
def test_a_wrong_variable_is_told_in_one_sentence(tmp_path, monkeypatch, capsys, nothing_set, name: str):
    variable = f"CENOTE_{name.upper()}"
    monkeypatch.setenv(variable, WRONG[name])
    sentence = refusal(tmp_path, monkeypatch, capsys, [])
    assert sentence.startswith((f"{name} (from the variable {variable}) ", f"{name} must be "))


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_line_of_the_file_is_told_in_one_sentence(
    tmp_path, monkeypatch, capsys, nothing_set, name: str
):
    (tmp_path / "cenote.toml").write_text(f"{name} = {json.dumps(WRONG[name])}\n")
    sentence = refusal(tmp_path, monkeypatch, capsys, [])
    assert sentence.startswith((f"{name} (from {tmp_path}/cenote.toml) ", f"{name} must be "))


def test_a_wrong_master_key_is_told_in_one_sentence_and_not_repeated(tmp_path):
    with serving(tmp_path, "--port", "0", CENOTE_MASTER_KEY="not-a-key-at-all") as process:
        said, told = process.communicate(timeout=START_WAIT_S_MAX)
    assert (said, process.returncode) == ("", 2)
    (sentence,) = [line for line in told.splitlines() if line.startswith("cenote: ")]
    assert "not-a-key-at-all" not in told
    assert "master" in sentence.lower()


@pytest.mark.parametrize("flags", [["--prot", "1"], ["--port"], ["extra"], ["--dev=true"]])
def test_an_unknown_word_is_refused_before_anything_is_made(tmp_path, flags: list[str]):
    with serving(tmp_path, *flags) as process:
        said, _told = process.communicate(timeout=START_WAIT_S_MAX)
    assert (said, process.returncode) == ("", 2)
    assert not list(tmp_path.iterdir())


def test_a_server_with_one_thread_serves(own_house: House):
    own_house.start("--threads", "1")
    assert all(ask(own_house.port, post("GetUser")).status == 400 for _call in range(3))
