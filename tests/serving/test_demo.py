"""The demo tells the truth: it passes when every door is shut, and fails when one is not."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cenote.cli.demo import run, summary, tell
from cenote.cli.demo_report import SHUT, SURPRISE, Report, answer_to, judged
from cenote.cli.demo_server import House, Server
from cenote.errors import CenoteError
from tests.house import environment

DEMO = [sys.executable, "-m", "cenote", "demo"]
NOBODY = r"UserNotFoundException: User does not exist\."
DOORS = {
    "get_user, access token": NOBODY,
    "initiate_auth, password": NOBODY,
    "initiate_auth, refresh token": "NotAuthorizedException: The user has been deleted for the associated"
    " refresh token",
    "delete_user, once more": NOBODY,
    "delete_user, access token": r"NotAuthorizedException: Invalid access token\.",
    "cenote erasure verify SUB": "erased, exit 0",
    "backup/cenote.db-wal": "envelopes [1-9][0-9]*, keys [1-9][0-9]*, open 0",
}


def shown(folder: Path, **surroundings: str) -> "subprocess.CompletedProcess[str]":
    """The demo as somebody sees it who runs it in this folder."""
    return subprocess.run(
        DEMO,
        check=False,
        cwd=folder,
        env=environment() | surroundings,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_every_door_is_shut_and_the_demo_says_so(tmp_path):
    done = shown(tmp_path, COLUMNS="160")
    assert (done.returncode, done.stderr) == (0, "")
    for tried, met in DOORS.items():
        assert re.search(rf"^ ?{re.escape(tried)} +{met} +shut *$", done.stdout, re.MULTILINE), tried
    tokens = "AccessToken, ExpiresIn, IdToken, RefreshToken, TokenType"
    assert re.search(rf"^ ?sign-in by SRP, both legs +{tokens} +done *$", done.stdout, re.MULTILINE)
    assert re.search(r"^[0-9]+ answers, no surprise, in [0-9]+\.[0-9] s\.$", done.stdout, re.MULTILINE)
    assert SURPRISE not in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.thorough
def test_a_narrow_terminal_without_colours_or_lines_shows_it_all(tmp_path):
    done = shown(tmp_path, COLUMNS="40", PYTHONIOENCODING="ascii", NO_COLOR="1")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 40


@pytest.mark.thorough
def test_neither_settings_nor_an_aws_profile_of_ones_own_reach_it(tmp_path):
    (tmp_path / "cenote.toml").write_text("nonsense = 1\n")
    mine = {"CENOTE_DATA": "/nowhere", "AWS_PROFILE": "missing", "HTTP_PROXY": "http://127.0.0.1:9"}
    assert shown(tmp_path, **mine).returncode == 0


def test_without_boto3_it_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(CenoteError, match=r"boto3, which is not installed"):
        run()


def test_an_answer_in_other_words_is_a_surprise_and_both_are_shown():
    row = judged("a door", "UserNotFoundException: User does not exist.", "NotAuthorizedException: No.")
    assert row.word == SURPRISE
    assert row.met == "NotAuthorizedException: No.\nexpected: UserNotFoundException: User does not exist."
    assert judged("a door", "the same", "the same").word == SHUT


def test_a_door_that_lets_somebody_in_is_a_surprise():
    report = Report()
    report.begin("Doors")
    report.shut(
        "get_user", "UserNotFoundException: User does not exist.", lambda **_asked: {"Username": "ann"}
    )
    assert report.surprises() == 1
    assert report.rows()[0].met.startswith("Username\n")
    assert "1 of 1 answers were a surprise" in summary(report, 1.0)


def test_what_is_handed_out_is_named_and_never_shown():
    assert answer_to(lambda **_asked: {"AccessToken": "secret", "ResponseMetadata": {}}) == "AccessToken"
    assert answer_to(lambda **_asked: {"ResponseMetadata": {}}) == "HTTP 200"


def test_a_story_that_breaks_off_is_a_surprise():
    report = Report()
    report.stopped(OSError("no room"))
    assert [(row.met, row.word) for row in report.rows()] == [("OSError: no room", SURPRISE)]


@dataclass(frozen=True, slots=True)
class CarelessHouse(House):
    """Its operator backs the keys folder up with the data, and puts both back: the one thing never to do."""

    def back_up(self) -> int:
        shutil.copytree(self.root / "keys", self.root / "old-keys")
        return House.back_up(self)

    @contextlib.contextmanager
    def serving(self, data: Path) -> Iterator[Server]:
        if data == self.backup:
            shutil.rmtree(self.root / "keys")
            (self.root / "old-keys").rename(self.root / "keys")
        with House.serving(self, data) as server:
            yield server


def test_a_keys_folder_that_was_restored_too_opens_the_doors_and_the_demo_fails(tmp_path, monkeypatch):
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", *os.environ):
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, os.environ.get(name, ""))
    report = Report()
    tell(CarelessHouse(tmp_path), report)
    wrong = {row.tried: row.met.splitlines()[0] for row in report.rows() if row.word == SURPRISE}
    assert wrong == {
        "get_user, access token": "UserAttributes, Username",
        "initiate_auth, password": "AuthenticationResult, ChallengeParameters",
        "initiate_auth, refresh token": "AuthenticationResult, ChallengeParameters",
    }
