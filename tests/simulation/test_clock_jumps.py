"""A clock that jumps: what has a time of its own ends with it, and nobody is erased by it or comes back."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.simulation.histories import HOUR_MS
from tests.simulation.stepping import NOW_MS, SimulatedClock
from tests.simulation.template import quiet_world
from tests.simulation.verdict import verdict
from tests.simulation.world import World, aimed
from tests.writers import WRITERS

HOURS = 24
YEAR_H = 365 * HOURS
ROUNDS = 25  # of the housekeeper, who clears away what is past its time every tenth


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(NOW_MS + 60_000)


@pytest.fixture
def world(clock: SimulatedClock) -> Iterator[World]:
    with quiet_world(clock) as world:
        yield world


def keep_house(world: World, rounds: int = ROUNDS, *, fresh_ms: int = 2_000) -> None:
    for _round in range(rounds):
        world.house.housekeeper.do_a_round(fresh_ms=fresh_ms)


def move(world: World, operation: str, username: str) -> str | None:
    """The error with which a move ends, if it does."""
    return world.move(operation, username, f"m{world.now}").error


def wrong_sign_in(world: World, username: str) -> str | None:
    aim, _sub = aimed(world, "InitiateAuth", username, f"m{world.now}")
    client_id = world.knows.pools.client_id
    wrong = replace(aim, password="Not-the-password1", client_id=client_id)
    event = world.call("InitiateAuth", WRITERS["InitiateAuth"](wrong), wrong)
    return str(event.answer["message"])


@pytest.mark.parametrize("hours", [2, 30, YEAR_H, -2, -30, -YEAR_H])
def test_nobody_is_erased_by_a_jump_and_nobody_comes_back(world, clock, hours):
    assert move(world, "DeleteUser", "ann") is None
    assert move(world, "SignUp", "ann") is None
    clock.at_ms += hours * HOUR_MS
    keep_house(world)
    assert verdict(world, births_lost=set(), had_disaster=False, knows_every_grave=True) == []
    clock.at_ms -= hours * HOUR_MS
    keep_house(world)
    assert verdict(world, births_lost=set(), had_disaster=False, knows_every_grave=True) == []
    assert move(world, "AdminInitiateAuth", "bob") is None


@pytest.mark.parametrize("hours", [-2, -YEAR_H])
def test_a_tombstone_that_a_dead_node_owes_is_written_though_the_clock_was_set_back(
    world, clock, hours, monkeypatch
):
    (ann,) = (sub for sub, birth in world.knows.births.items() if birth.username == "ann")
    died = world.house.tombstones
    monkeypatch.setattr(died, "submit", lambda _graves, done: done())
    assert move(world, "AdminDeleteUser", "ann") is None
    assert not world.is_buried(ann)
    clock.at_ms += hours * HOUR_MS
    keep_house(world, rounds=1)
    assert world.is_buried(ann)


def test_a_tombstone_that_is_fresh_is_left_to_who_writes_it(world, monkeypatch):
    (ann,) = (sub for sub, birth in world.knows.births.items() if birth.username == "ann")
    monkeypatch.setattr(world.house.tombstones, "submit", lambda _graves, done: done())
    assert move(world, "AdminDeleteUser", "ann") is None
    keep_house(world, rounds=1)
    assert not world.is_buried(ann)


def test_tokens_and_codes_end_with_their_time_and_are_good_again_when_it_is_not_over(world, clock):
    assert move(world, "GetUser", "ann") is None
    assert move(world, "ForgotPassword", "bob") is None
    clock.at_ms += 2 * HOUR_MS
    assert move(world, "GetUser", "ann") == "NotAuthorizedException"
    assert move(world, "ConfirmForgotPassword", "bob") == "ExpiredCodeException"
    clock.at_ms -= 3 * HOUR_MS
    assert move(world, "GetUser", "ann") is None
    assert move(world, "ConfirmForgotPassword", "bob") is None


def test_the_lock_after_wrong_passwords_opens_with_its_time_and_never_by_a_clock_that_was_set_back(
    world, clock
):
    for _failure in range(5):
        assert wrong_sign_in(world, "ann") == "Incorrect username or password."
    assert wrong_sign_in(world, "ann") == "Password attempts exceeded"
    clock.at_ms -= HOUR_MS
    assert wrong_sign_in(world, "ann") == "Password attempts exceeded"
    clock.at_ms += 2 * HOUR_MS
    assert wrong_sign_in(world, "ann") == "Incorrect username or password."
