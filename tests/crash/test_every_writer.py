"""
`kill -9` between every two durable steps of every operation that writes, over the wire, on both engines.

Afterwards the operation has happened whole or not at all, and whole if its commit was reached; the books are
in order; and what had not happened can be done.  The everyday suite asks a few operations before their
commit and behind it, the thorough one each of them, some on PostgreSQL too; `make long` asks every seam.
"""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.books import books_of, faults_of, untidy
from tests.conftest import ENGINES
from tests.crash.changes import change, facts, whole_change
from tests.crash.scene import soon
from tests.crash.stage import NotAnsweredError, Stage, perform, prepared
from tests.nursery import QuickHouse
from tests.postgres import drop_database, new_database
from tests.writers import ERASING, WRITERS

IS_LONG = bool(os.environ.get("CENOTE_LONG"))
BEFORE, AFTER = "commit.before", "commit.after"
COMMITS = {"ChangePassword": 2, "ConfirmForgotPassword": 2}  # most have one
SWEEPS = 3  # commits behind a DeleteUserPool, which clear its rows away
BURYING = ("tombstone.written", "tombstones.durable")
KEEPING = ("ledger.before_done", "ledger.before_head")  # reached by the housekeeper, a second or three later
TRIES = 3  # a commit of the housekeeper's may come to the seam first
ON_POSTGRES = ("SignUp", "ConfirmSignUp", "DeleteUser", "InitiateAuth", "UpdateUserAttributes", "DeleteGroup")


def seams_of(operation: str, engine: str) -> list[tuple[str, int]]:
    """Where the operation is cut off, and how many arrivals there pass first."""
    commits = range(COMMITS.get(operation, 1))
    seams = [(seam, passes) for passes in commits for seam in (BEFORE, AFTER)]
    if IS_LONG and engine == "sqlite":  # whose commits are of many bodies
        seams += [("body.after", passes) for passes in commits]
    if operation in ERASING:
        seams += [(seam, 0) for seam in BURYING]
    if operation == "DeleteUserPool":
        seams += [(AFTER, passes) for passes in range(1, SWEEPS + 1) if IS_LONG or passes == SWEEPS - 1]
    if operation in ERASING and IS_LONG:
        seams += [(seam, 0) for seam in KEEPING]
    return seams


EVERYDAY = ("SignUp", "DeleteUser", "InitiateAuth")
CASES = [
    pytest.param(engine, operation, marks=[] if operation in EVERYDAY else pytest.mark.thorough)
    for engine in ENGINES
    for operation in (ON_POSTGRES if engine == "postgres" and not IS_LONG else WRITERS)
]


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Stage]]:
    """A stage in a house of this module's own for each engine that is asked for."""
    opened: dict[str, Stage] = {}
    urls: list[str] = []

    def stage_on(engine: str) -> Stage:
        if engine not in opened:
            urls.extend([new_database()] if engine == "postgres" else [])
            flags = ["--database-url", urls[-1]] if engine == "postgres" else []
            house = QuickHouse(tmp_path_factory.mktemp(f"writers-{engine}"), *flags)
            opened[engine] = Stage.of(house.start())
        return opened[engine]

    yield stage_on
    for stage in opened.values():
        stage.house.stop()
        assert faults_of(books_of(stage.house)) == []
    for url in urls:
        drop_database(url)


@pytest.mark.parametrize("engine, operation", CASES)
def test_an_operation_cut_off_anywhere_has_happened_whole_or_not_at_all(stages, engine, operation):
    stage = stages(engine)
    whole = whole_change(stage, operation)
    for seam, passes in seams_of(operation, engine):
        tries = (cut_off(stage, operation, (seam, passes), whole) for _try in range(TRIES))
        must_happen = seam not in {BEFORE, "body.after"} and passes >= COMMITS.get(operation, 1) - 1
        assert next((True for has_happened in tries if has_happened or not must_happen), False), (
            seam,
            passes,
        )


def cut_off(stage: Stage, operation: str, seam: tuple[str, int], whole: dict[str, int]) -> bool:
    """Cut the operation off, start again, and hold the house against what it may be; whether it happened."""
    house, aim, books = stage.house, prepared(stage, operation), books_of(stage.house)
    before, was_told = facts(books), False
    house.arm(*seam)
    try:
        was_told = perform(stage, operation, aim)[0] == 200
    except NotAnsweredError:
        was_told = False
    house.wait_for_death()
    house.start()
    soon(lambda: not untidy(books))
    happened = change(before, facts(books))
    assert happened in ({}, whole), (seam, {*happened.items()} ^ {*whole.items()})
    assert happened or not was_told, (seam, "was told")
    if not happened:
        status, answer = perform(stage, operation, aim)
        assert status == 200, (seam, answer)
        soon(lambda: not untidy(books))
        assert change(before, facts(books)) == whole, seam
    return bool(happened)
