"""
A power cut: a server's calls are recorded, and it is started on what a disk may have kept at any moment.

Every acknowledged change is there, whoever's DeleteUser was answered is gone and opens from no older copy,
and the start needs no help.  CENOTE_CUTS asks for more moments.
"""

import os
import random
import shutil
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cenote.domain.users import User
from tests.books import Books, books_of, untidy
from tests.crash.disk import Disk, put_on
from tests.crash.scene import soon
from tests.crash.stage import Stage
from tests.crash.tracing import STRACE, Call, TracedHouse, calls_in
from tests.everyday import of_which
from tests.nursery import QuickHouse
from tests.writers import WRITERS, Aim

CUTS = int(os.environ.get("CENOTE_CUTS", "12"))
CUTS_PER_TEST = 25
EVERYDAY_CUTS = 2
PEOPLE = 5
THREADS = 3
SEEDS_MAX = 20  # within so many a disk that lies must be found out
NEVER = float("inf")


@dataclass
class Fact:
    """Something that was asked for: what, of whom, when it was sent, and when it was acknowledged."""

    operation: str
    sub: str
    mark: str
    sent_s: float
    told_s: float = NEVER


@dataclass
class Record:
    """A server's life: its calls, what its clients were told, and the keys as older copies hold them."""

    root: Path
    calls: list[Call]
    facts: list[Fact]
    wrapped: dict[str, bytes] = field(default_factory=dict)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """A first start and some people's comings and goings, from an empty folder to `kill -9`."""
    if STRACE is None:
        pytest.skip("there is no strace here")
    house = TracedHouse(tmp_path_factory.mktemp("traced"))
    stage = Stage.of(house.start())
    facts: list[Fact] = []
    record = Record(house.root, [], facts)
    threads = [threading.Thread(target=_live, args=(stage, record, number)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    house.kill()
    record.calls.extend(calls_in(house.trace, house.root))
    house.trace.unlink()
    assert sum(fact.operation == "DeleteUser" for fact in facts) >= THREADS
    return record


def _live(stage: Stage, record: Record, number: int) -> None:
    """Some people come, change and go, one after the other."""
    books = books_of(stage.house)
    for person in range(PEOPLE):
        name, mark = f"p{number}-{person}", f"m{number}-{person}"
        aim = Aim(stage.pool_id, stage.client_id, name, mark)
        sub = _told(stage, record, "SignUp", aim, "")
        _told(stage, record, "AdminUpdateUserAttributes", _marked(aim, f"{mark}-b"), sub)
        record.wrapped[sub] = keys_in(books)[sub]
        if person % 2:
            stage.call("AdminConfirmSignUp", aim.user)
            tokens = stage.call("InitiateAuth", WRITERS["InitiateAuth"](_with_password(aim)))
            leaving = Aim(**{**aim.__dict__, "access_token": tokens["AuthenticationResult"]["AccessToken"]})
            _told(stage, record, "DeleteUser", leaving, sub)


def keys_in(books: Books) -> dict[str, bytes]:
    """Every user's key as a copy of the data that is made now would hold it."""
    return {row[0]: bytes(row[1]) for row in books.query("select sub, wrapped from keys")}


def _told(stage: Stage, record: Record, operation: str, aim: Aim, sub: str) -> str:
    """Make a call and note it; the `sub` that it is about."""
    fact = Fact(operation, sub, aim.mark, time.time())
    record.facts.append(fact)
    answer = stage.call(operation, WRITERS[operation](aim))
    fact.told_s = time.time()
    fact.sub = sub or answer["UserSub"]
    return fact.sub


def _marked(aim: Aim, mark: str) -> Aim:
    return Aim(**{**aim.__dict__, "mark": mark})


def _with_password(aim: Aim) -> Aim:
    return Aim(**{**aim.__dict__, "password": aim.new_password})


@pytest.mark.parametrize(
    "cuts",
    [
        EVERYDAY_CUTS,
        *(
            pytest.param(min(CUTS - first, CUTS_PER_TEST), marks=pytest.mark.thorough, id=f"from {first}")
            for first in range(0, CUTS, CUTS_PER_TEST)
        ),
    ],
)
def test_what_was_acknowledged_before_the_power_went_is_there_when_it_is_back(record, tmp_path, cuts):
    disk, place = Disk(record.root), 0
    for number, moment in enumerate(_moments(len(record.calls), random.Random(), cuts)):
        for call in record.calls[place:moment]:
            disk.take(call)
        place = moment
        at_s = record.calls[moment].at_s if moment < len(record.calls) else NEVER
        house = QuickHouse(tmp_path / f"cut-{number}")
        put_on(disk.after_the_cut(random.Random()), record.root, house.root)
        try:
            _start_and_hold(house, record, at_s)
        except BaseException as failure:
            failure.add_note(f"the power went before {record.calls[moment : moment + 1]}")
            raise
        finally:
            if house.process is not None:
                house.kill()
        shutil.rmtree(house.root)


@pytest.mark.parametrize("pattern", of_which(["chunk-*.slots", "cenote.db-wal"], ["chunk-*.slots"]))
def test_a_disk_that_lies_about_its_syncs_would_be_found_out(record, tmp_path, pattern):
    disk = Disk(record.root, lies_about=pattern)
    for call in record.calls:
        disk.take(call)
    found_out = "opens from an older copy|was lost|is back|no such table"
    with pytest.raises((AssertionError, sqlite3.OperationalError), match=found_out):
        _hold_cuts(disk, record, tmp_path)


def _hold_cuts(disk: Disk, record: Record, folder: Path) -> None:
    """Hold what the disk may have kept at the end against all that was said, a few times."""
    for seed in range(SEEDS_MAX):
        house = QuickHouse(folder / f"cut-{seed}")
        put_on(disk.after_the_cut(random.Random(seed)), record.root, house.root)
        _hold_keys(books_of(house), record, NEVER)
        _hold_users(books_of(house), record, NEVER)


def _start_and_hold(house: QuickHouse, record: Record, at_s: float) -> None:
    books = books_of(house)
    _hold_keys(books, record, at_s)
    house.start()
    soon(lambda: not untidy(books))
    _hold_keys(books, record, at_s)
    _hold_users(books, record, at_s)


def _moments(calls: int, chance: random.Random, count: int) -> list[int]:
    """Between which calls the power goes: anywhere, in their order."""
    return sorted(chance.sample(range(calls + 1), count))


def _hold_keys(books: Books, record: Record, at_s: float) -> None:
    """Whoever's DeleteUser was answered opens from no older copy; whoever nobody asked to go opens."""
    for sub, wrapped in record.wrapped.items():
        facts = [fact for fact in record.facts if fact.sub == sub]
        if not _is_told(facts, "SignUp", at_s):
            continue
        is_living = books.keyring.open_key(sub, wrapped) is not None
        assert not (is_living and _is_told(facts, "DeleteUser", at_s)), f"{sub} opens from an older copy"
        assert is_living or _is_asked_to_go(facts, at_s), f"{sub} was lost"


def _hold_users(books: Books, record: Record, at_s: float) -> None:
    """Hold who is there against what had been said by then."""
    users = {sub: user for sub, user in books.users().items() if isinstance(user, User)}
    for sub in {fact.sub for fact in record.facts}:
        _hold_user(users.get(sub), [fact for fact in record.facts if fact.sub == sub], at_s)


def _hold_user(user: User | None, facts: list[Fact], at_s: float) -> None:
    if user is None:
        assert _is_asked_to_go(facts, at_s) or not _is_told(facts, "SignUp", at_s), f"{facts[0].sub} was lost"
        return
    assert not _is_told(facts, "DeleteUser", at_s), f"{user.sub} is back"
    marks = [fact for fact in facts if fact.operation != "DeleteUser"]
    told = [fact for fact in marks if fact.told_s < at_s]
    possible = {
        fact.mark for fact in marks if fact.sent_s < at_s and (not told or fact.sent_s >= told[-1].sent_s)
    }
    assert user.attributes["nickname"] in possible


def _is_told(facts: list[Fact], operation: str, at_s: float) -> bool:
    return any(fact.operation == operation and fact.told_s < at_s for fact in facts)


def _is_asked_to_go(facts: list[Fact], at_s: float) -> bool:
    return any(fact.operation == "DeleteUser" and fact.sent_s < at_s for fact in facts)
