"""A filled house that is kept serves the next run as a new one would, or gives its place to a new one."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

from benchmarks.calls import Line
from benchmarks.houses import HOUR_MS, Household
from benchmarks.servers import CenoteHouse, CenoteOnPostgres, CenoteOnSQLite, Server
from tests.conftest import ENGINES

USERS, SIGNED_IN = 12, 5
SERVERS: dict[str, Callable[[Path | None], Server]] = {"sqlite": CenoteOnSQLite, "postgres": CenoteOnPostgres}


@pytest.fixture
def place():
    """Where houses are kept: not below pytest's own folder, which a server of another account can't enter."""
    with TemporaryDirectory(prefix="cenote-houses-") as folder:
        yield Path(folder)


@pytest.fixture(params=ENGINES)
def server(request, place):
    """One engine, whose houses are kept in a folder."""
    return SERVERS[request.param](place)


def note_in(folder: Path) -> Path:
    """The note of the one house that was kept in a folder."""
    (note,) = folder.glob("*/people.json")
    return note


def change_note(folder: Path, **changes: object) -> Household:
    """Change what is noted of the house; what was noted before."""
    note = note_in(folder)
    before = msgspec.json.decode(note.read_bytes(), type=Household)
    after = msgspec.json.decode(note.read_bytes(), type=dict[str, object]) | changes
    note.write_bytes(msgspec.json.encode(after))
    return before


def ask_everybody(house: CenoteHouse) -> set[str]:
    """The names of all who are signed in, as a copy of the house tells them."""
    with house.running() as running, closing(Line(running.port)) as line:
        answers = [line.ask("GetUser", AccessToken=token) for token in running.people.access_tokens]
    return {answer["Username"] for answer in answers}


def test_a_house_is_filled_once_and_serves_two_runs(server, place):
    with server.inhabited(USERS, SIGNED_IN) as house:
        names, filling = ask_everybody(house), house.filling
    for leftover in ("copy", "backup"):  # of a run that was cut off
        (note_in(place).parent / leftover).mkdir()
    with server.inhabited(USERS, SIGNED_IN) as house:
        assert house.filling == filling
        assert ask_everybody(house) == names
    assert len(names) == SIGNED_IN
    assert filling.users == USERS
    assert filling.rate > 0
    assert filling.data_mib > 0
    assert filling.keys_mib > 0


def test_people_of_a_house_that_stood_for_a_day_get_tokens_that_are_good(server, place):
    with server.inhabited(USERS, SIGNED_IN) as house:
        names = ask_everybody(house)
    before = change_note(place, signed_ms=0)
    with server.inhabited(USERS, SIGNED_IN) as house:
        assert house.people.pool_id == before.pool_id
        assert not set(house.people.access_tokens) & set(before.access_tokens)
        assert ask_everybody(house) == names


def test_a_house_serves_for_as_long_as_it_is_what_a_filling_would_make(place):
    with CenoteOnSQLite(place).inhabited(USERS, SIGNED_IN):
        pass
    house = msgspec.json.decode(note_in(place).read_bytes(), type=Household)
    later_ms = house.filled_ms + 28 * 24 * HOUR_MS
    assert house.is_as_of_today(USERS, SIGNED_IN, later_ms)
    assert not house.is_as_of_today(USERS, SIGNED_IN, later_ms + 2 * 24 * HOUR_MS)
    assert not house.is_as_of_today(USERS, SIGNED_IN + 1, later_ms)
    assert not house.is_as_of_today(USERS + 1, SIGNED_IN, later_ms)
    assert not replace(house, schema=house.schema - 1).is_as_of_today(USERS, SIGNED_IN, later_ms)
    assert not replace(house, form=house.form - 1).is_as_of_today(USERS, SIGNED_IN, later_ms)


def test_a_house_whose_note_says_nothing_gives_its_place_to_a_new_one(place):
    server = CenoteOnSQLite(place)
    with server.inhabited(USERS, SIGNED_IN) as house:
        pool_id = house.people.pool_id
    assert note_in(place).stat().st_mode & 0o777 == 0o600
    note_in(place).write_text("{")
    with server.inhabited(USERS, SIGNED_IN) as house:
        assert house.people.pool_id != pool_id


def test_nothing_is_left_where_no_house_is_kept():
    with CenoteOnSQLite().inhabited(USERS, SIGNED_IN) as house:
        folder = house.root
        assert folder.exists()
    assert not folder.exists()
