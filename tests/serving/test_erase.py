"""`cenote erase` beside a running server and without one, on both engines."""

import hashlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import refused_beside, run_beside, said_beside
from tests.conftest import ENGINES
from tests.house import House, Tenant, environment, error_of
from tests.nursery import QuickHouse
from tests.postgres import drop_database, new_database

WHY = ("--reason", "asked for by letter", "--by", "the desk")


@pytest.fixture(params=ENGINES)
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A running server of each engine, of this test's own."""
    url = new_database() if request.param == "postgres" else None
    house = QuickHouse(tmp_path, *([] if url is None else ["--database-url", url])).start()
    yield house
    house.stop()
    if url is not None:
        drop_database(url)


def erase(tenant: Tenant, sub: str, *words: str) -> "subprocess.CompletedProcess[str]":
    words = ("--pool", tenant.pool_id, "--sub", sub, *WHY, *(words or ("--yes",)))
    return run_beside(tenant.house, "erase", *words)


def verdict(house: House, sub: str) -> str:
    receipt = json.loads(run_beside(house, "erasure", "verify", sub).stdout)
    word: str = receipt["verdict"]
    return word


def recorded(house: House, sub: str) -> list[tuple[str, str, str]]:
    lines = map(json.loads, said_beside(house, "user", "record", "--sub", sub).splitlines())
    assert all(line["sub_sha256"] == hashlib.sha256(sub.encode()).hexdigest() for line in lines)
    lines = map(json.loads, said_beside(house, "user", "record", "--sub", sub).splitlines())
    return [(line["act"], line["by"], line["reason"]) for line in lines]


def test_an_operator_erases_a_user_beside_the_server_as_they_would_themself(tenant: Tenant) -> None:
    sub = tenant.sign_up("ann", email="ann@example.com")
    tokens = tenant.sign_in("ann")
    bob = tenant.user("bob")
    done = erase(tenant, sub)
    assert (done.returncode, done.stdout) == (0, f"{sub} is erased.\n"), done.stderr
    assert done.stderr == f"The proof: cenote erasure verify {sub}\n"
    assert verdict(tenant.house, sub) == "erased"
    gone = ("UserNotFoundException", "User does not exist.", 400)
    assert error_of(tenant.cognito.get_user, AccessToken=tokens["AccessToken"]) == gone
    assert error_of(tenant.cognito.delete_user, AccessToken=tokens["AccessToken"]) == gone
    assert tenant.sign_up("ann", email="ann@example.com") != sub
    assert tenant.cognito.get_user(AccessToken=bob["AccessToken"])["Username"] == "bob"
    assert recorded(tenant.house, sub) == [("erase", "the desk", "asked for by letter")]


def test_a_user_is_erased_where_nobody_serves_and_the_proof_is_there_at_once(own: House) -> None:
    tenant = Tenant(own)
    sub, other = tenant.sign_up("ann"), tenant.sign_up("bob")
    own.stop()
    done = erase(tenant, sub)
    assert (done.returncode, done.stdout) == (0, f"{sub} is erased.\n"), done.stderr
    assert [verdict(own, one) for one in (sub, other)] == ["erased", "living"]
    assert erase(tenant, sub).returncode == 2
    own.start()
    pool = {"UserPoolId": tenant.pool_id}
    assert error_of(tenant.cognito.admin_get_user, **pool, Username="ann")[0] == "UserNotFoundException"
    assert tenant.sign_in("bob")
    assert recorded(own, sub) == [("erase", "the desk", "asked for by letter")]


def test_who_is_not_there_is_refused_in_a_sentence_and_nothing_is_recorded(tenant: Tenant) -> None:
    sub, elsewhere = tenant.sign_up("ann"), Tenant(tenant.house)
    for place, whom in ((tenant, sub[:-1]), (tenant, "nobody"), (elsewhere, sub)):
        done = erase(place, whom)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"cenote: The pool {place.pool_id} has no user {whom}.\n"
    assert recorded(tenant.house, sub) == []
    assert tenant.sign_in("ann")


def test_who_is_held_is_not_erased_by_an_operator_either(tenant: Tenant) -> None:
    sub = tenant.sign_up("ann")
    held = ("--pool", tenant.pool_id, "--sub", sub, *WHY)
    said_beside(tenant.house, "user", "hold", *held)
    done = erase(tenant, sub)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"cenote: {sub} is held:")
    said_beside(tenant.house, "user", "release", *held)
    assert erase(tenant, sub).returncode == 0
    assert [act for act, _by, _why in recorded(tenant.house, sub)] == ["hold", "release", "erase"]


def test_whoever_is_not_asked_must_say_yes(tenant: Tenant) -> None:
    sub = tenant.sign_up("ann")
    words = ("erase", "--pool", tenant.pool_id, "--sub", sub, *WHY)
    assert refused_beside(tenant.house, *words).startswith("Nobody is there to be asked: say --yes")
    assert refused_beside(tenant.house, *words[:-4], "--reason", "", "--yes").startswith("--reason must say")
    assert tenant.sign_in("ann")


@pytest.mark.thorough
@pytest.mark.parametrize("answer, exit_status", [("n", 2), ("y", 0)])
def test_on_a_terminal_one_is_asked(house: House, tenant: Tenant, answer: str, exit_status: int) -> None:
    sub = tenant.sign_up("ann")
    words = ["erase", "--pool", tenant.pool_id, "--sub", sub, *WHY, "--data", str(house.data), *house.flags]
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(
        [sys.executable, "-m", "cenote", *words],
        stdin=theirs,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        check=False,
    )
    for end in (ours, theirs):
        os.close(end)
    assert "not even a backup. Erase them? [y/N] " in done.stderr
    said = f"{sub} is erased.\n" if exit_status == 0 else ""
    assert (done.returncode, done.stdout) == (exit_status, said)
    assert (error_of if exit_status == 0 else lambda call, **request: call(**request))(
        tenant.cognito.admin_get_user, UserPoolId=tenant.pool_id, Username="ann"
    )


@pytest.mark.thorough
def test_another_master_key_orders_nothing(tenant: Tenant, tmp_path: Path) -> None:
    sub = tenant.sign_up("ann")
    other = tmp_path / "other.key"
    other.write_text("ab" * 32)
    other.chmod(0o600)
    done = erase(tenant, sub, "--yes", "--master-key-file", str(other))
    assert done.stderr == "cenote: The master key is not the one that this data was sealed with.\n"
    assert tenant.sign_in("ann")


@pytest.mark.thorough
def test_of_two_operators_at_once_one_erases(tenant: Tenant) -> None:
    sub = tenant.sign_up("ann")
    place = ["--data", str(tenant.house.data), *tenant.house.flags]
    words = ["erase", "--pool", tenant.pool_id, "--sub", sub, *WHY, "--yes", *place]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "cenote", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        for _ in range(2)
    ]
    said = [one.communicate(timeout=60)[1] for one in running]
    assert sorted(one.returncode for one in running) == [0, 2]
    assert f"cenote: The pool {tenant.pool_id} has no user {sub}.\n" in said
    assert len(recorded(tenant.house, sub)) == 1


def test_a_server_that_dies_before_the_tombstone_leaves_an_erased_user_and_a_word_that_is_true(
    own: House,
) -> None:
    tenant = Tenant(own)
    sub = tenant.sign_up("ann")
    own.arm("tombstone.written")
    done = erase(tenant, sub)
    own.wait_for_death()
    assert (done.returncode, done.stdout) == (0, f"{sub} is erased.\n"), done.stderr
    assert done.stderr.startswith("A tombstone is still owed")
    own.start()
    assert verdict(own, sub) == "erased"
    pool = {"UserPoolId": tenant.pool_id}
    assert error_of(tenant.cognito.admin_get_user, **pool, Username="ann")[0] == "UserNotFoundException"


@pytest.mark.thorough
def test_a_server_that_dies_before_the_commit_has_done_nothing_and_nobody_does_it_later(own: House) -> None:
    tenant = Tenant(own)
    sub = tenant.sign_up("ann")
    own.arm("commit.before")
    done = erase(tenant, sub)
    own.wait_for_death()
    if done.returncode == 2:  # beside a server; on PostgreSQL the command then did it itself
        assert done.stderr == "cenote: The server did not answer; nothing was done.\n"
        own.start()
        assert (verdict(own, sub), recorded(own, sub)) == ("living", [])
    else:
        own.start()
        assert (verdict(own, sub), len(recorded(own, sub))) == ("erased", 1)
