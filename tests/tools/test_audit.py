"""What the dependency audit refuses."""

import json

import pytest

from tools.audit import LOCK, RUN_LOCK, advisories, differences, read_lock

HASH = "--hash=sha256:" + "a" * 64


def test_the_locks_of_this_repository_are_sound():
    for lock in (LOCK, RUN_LOCK):
        locked, faults = read_lock(lock.read_text(encoding="utf-8"))
        assert faults == []
        assert "botocore" in {one.name for one in locked}


@pytest.mark.parametrize(
    "line,fault",
    [
        ("six==1.17.0", "no sha256 hash"),
        (f"six {HASH}", "not pinned"),
        (f"six>=1.17 {HASH}", "not pinned"),
        (f"six==1.* {HASH}", "not pinned"),
        (f"six @ https://example.com/six.whl {HASH}", "names no host"),
        ("--index-url https://example.com/simple", "names no host"),
        ("--no-binary :all:", "carries no option"),
        ("# made by somebody", "carries no comment"),
        (f"six = = 1 {HASH}", "not a requirement"),
    ],
)
def test_a_line_that_leaves_something_open_is_refused(line, fault):
    locked, faults = read_lock(line)
    assert locked == []
    assert fault in faults[0]


def test_a_line_for_another_platform_is_locked_and_not_for_here():
    locked, faults = read_lock(f"colorama==0.4.6 ; sys_platform == 'plan9' \\\n    {HASH} \\\n    {HASH}\n")
    assert faults == []
    assert locked == [("colorama", "0.4.6", False)]


def test_what_is_installed_must_be_what_is_locked():
    locked, _ = read_lock(f"six==1.17.0 {HASH}\nrich==15.0.0 {HASH}\nregex==1.0 {HASH}\n")
    installed = {"six": "1.17.0", "rich": "14.0.0", "typer": "1.0", "pip": "26.3", "cenote": "0.1.0"}
    assert differences(locked, installed) == [
        "regex 1.0 is locked and not installed",
        "rich is 14.0.0, the lock says 15.0.0",
        "typer 1.0 is installed and not locked",
    ]


def test_a_known_vulnerability_is_named_with_its_remedy():
    weakness = {"id": "PYSEC-1", "fix_versions": ["1.18.0"]}
    report = {"dependencies": [{"name": "six", "version": "1.17.0", "vulns": [weakness]}]}
    assert advisories(json.dumps(report)) == (1, ["six 1.17.0: PYSEC-1 (fixed in 1.18.0)"])


def test_a_service_that_knows_nothing_has_not_been_consulted():
    report = {"dependencies": [{"name": "six", "skip_reason": "not found"}]}
    assert advisories(json.dumps(report)) == (0, [])
