"""A connection to PostgreSQL that breaks while a commit goes through it: it happens once all the same."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.books import Books, books_of, untidy
from tests.conftest import ENGINES
from tests.crash.changes import change, facts, whole_change
from tests.crash.scene import soon
from tests.crash.stage import Stage, perform, prepared
from tests.cut_wire import Wire
from tests.everyday import of_which
from tests.nursery import QuickHouse
from tests.postgres import drop_database, new_database

pytestmark = pytest.mark.skipif("postgres" not in ENGINES, reason="PostgreSQL is not asked for")
AWAY_S = 0.7
OPERATIONS = ("SignUp", "DeleteUser", "AdminDeleteUser", "UpdateUserAttributes")


@dataclass(frozen=True)
class Wired:
    """A stage whose database is at the far end of a wire, and the books as they are at that end."""

    stage: Stage
    wire: Wire
    books: Books


@pytest.fixture(scope="module")
def wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wired]:
    url = new_database()
    wire, folder = Wire(url), tmp_path_factory.mktemp("wired")
    direct = QuickHouse(folder, "--database-url", url)
    house = QuickHouse(folder, "--database-url", wire.url)
    yield Wired(Stage.of(house.start()), wire, books_of(direct))
    house.stop()
    wire.close()
    drop_database(url)


def cut_before(wire: Wire) -> None:
    wire.cut_before_commit = 1


def cut_after(wire: Wire) -> None:
    wire.cut_after_commit = 1


def cut_after_and_stay_away(wire: Wire) -> None:
    """The commit arrives, and nobody answers for a while who could say so."""
    wire.cut_after_commit = 1

    def be_away() -> None:
        while wire.cut_after_commit:
            gone.wait(0.001)
        wire.is_dead = True
        gone.wait(AWAY_S)
        wire.is_dead = False

    gone = threading.Event()
    threading.Thread(target=be_away, daemon=True).start()


@pytest.mark.parametrize(
    "cut", [cut_before, cut_after, cut_after_and_stay_away], ids=lambda cut: cut.__name__
)
@pytest.mark.parametrize("operation", of_which(OPERATIONS, ["DeleteUser"]))
def test_a_commit_whose_end_was_not_heard_is_found_out_and_happens_once(wired: Wired, operation, cut):
    whole = whole_change(wired.stage, operation)
    aim, before = prepared(wired.stage, operation), facts(wired.books)
    cut(wired.wire)
    status, answer = perform(wired.stage, operation, aim)
    assert status == 200, answer
    soon(lambda: not wired.wire.is_dead)
    assert change(before, facts(wired.books)) == whole
    soon(lambda: not untidy(wired.books))
