"""The check of a house at rest: it knows every table that names a user, and finds whatever is wrong."""

import sqlite3
from collections.abc import Iterator

import pytest

from tests.books import HANGS_ON_A_USER, faults_of
from tests.simulation.stepping import SimulatedClock
from tests.simulation.template import quiet_world
from tests.simulation.verdict import books_of
from tests.simulation.world import World
from tests.vault.files import chunk_file, overwrite_slot

WITH_SUBS = "select m.name from sqlite_master m join pragma_table_info(m.name) c on c.name = 'sub'"


@pytest.fixture
def world() -> Iterator[World]:
    with quiet_world(SimulatedClock()) as world:
        yield world


def faults_after(world: World, *statements: str) -> list[str]:
    """The faults that are found once these statements were run behind the house's back."""
    with sqlite3.connect(world.house.settings.data / "cenote.db", isolation_level=None) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return faults_of(books_of(world))


def test_the_check_looks_at_every_table_that_names_a_user(world):
    tables = {row[0] for row in world.house.peek(WITH_SUBS)}
    assert tables == {"users", "recoverable_users", *HANGS_ON_A_USER}


def test_a_house_at_rest_has_no_fault(world):
    assert faults_of(books_of(world)) == []


@pytest.mark.parametrize(
    "statement, fault",
    [
        ("delete from keys where sub = (select min(sub) from users)", "has no key"),
        ("update keys set wrapped = (select max(wrapped) from keys)", "does not open"),
        ("delete from users where sub = (select min(sub) from users)", "who is not there"),
        ("insert into activity values ('00000000-nobody', 0, 0, 0, null)", "nobody, who is not there"),
        ("delete from names where sub = (select min(sub) from users)", "has 0 names"),
        ("delete from search_marks where sub = (select min(sub) from users)", "by other marks than theirs"),
        ("delete from user_groups", "which is not there"),
        ("update user_groups set pool_id = 'another'", "user_groups holds something of the pool another"),
        ("delete from clients", "there is a secret of the client"),
        ("insert into ledger values (x'00', 'user', 9, 0, 1, null, null)", "holds no tombstone"),
        ("insert into ledger values (x'00', 'user', 9, 0, 1, null, null)", "no place in its chain"),
    ],
)
def test_what_is_wrong_with_the_rows_is_found(world, statement, fault):
    assert any(fault in found for found in faults_after(world, statement))


def test_a_tombstone_without_a_line_in_the_ledger_is_found(world):
    overwrite_slot(world.house.settings.keys, 1_000, b"CENOTE-X" + bytes(56))
    assert chunk_file(world.house.settings.keys).exists()
    assert faults_of(books_of(world)) == ["the tombstone in slot 1000 of data-keys is in no ledger"]


def test_a_slot_that_two_hold_is_found(world):
    (slot,) = min(world.house.peek("select slot from keys"))
    (other,) = max(world.house.peek("select slot from pools"))
    found = faults_after(world, f"update pools set slot = {slot} where slot = {other}")  # noqa: S608 - numbers
    assert f"slot {slot} was used 2 times" in found
