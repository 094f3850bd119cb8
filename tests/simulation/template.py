"""
The house that every history begins with, made once a process: two pools and two people, in memory.
"""

import atexit
import base64
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cenote.settings import Settings
from cenote.vault.signing import KID_BYTES, SigningKey
from tests.simulation.baton import Baton
from tests.simulation.stepping import Conditions, SimulatedClock, open_house
from tests.simulation.world import GROUPS, Knowledge, Pools, World, aimed
from tests.writers import CLIENT, POOL, ROTATING, WRITERS, Aim

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of this run's own is made in it
SLOTS_BYTES = 131_072  # of a chunk: about two thousand slots


@contextmanager
def own_copy() -> Iterator[tuple[Path, Knowledge]]:
    """A copy of the template in a folder of its own, and what its people know."""
    template = _template()
    place = Path(tempfile.mkdtemp(prefix="cenote-history-", dir=_memory()))
    try:
        copy_house(template.place, place)
        yield place, template.knows.copied()
    finally:
        shutil.rmtree(place)


@contextmanager
def quiet_world(clock: SimulatedClock) -> Iterator[World]:
    """The world that every history begins with, where nobody acts by themself: for a test that does."""
    with own_copy() as (place, knows):
        baton, chance = Baton(random.Random(0)), random.Random(0)
        house = open_house(settings_in(place), Conditions(baton, chance, clock))
        try:
            yield World(house, baton, knows)
        finally:
            house.drop()


@dataclass(frozen=True)
class _Template:
    """A house with two pools and two people in it, and what is known of them."""

    place: Path
    knows: Knowledge


@cache
def _template() -> _Template:
    """Made once a process."""
    place = Path(tempfile.mkdtemp(prefix="cenote-template-", dir=_memory()))
    atexit.register(shutil.rmtree, place)
    baton, chance = Baton(random.Random(0)), random.Random(0)
    house = open_house(settings_in(place), Conditions(baton, chance, SimulatedClock()))
    world = World(house, baton, Knowledge(Pools(*[""] * 6)))
    world.knows.pools = _pools(world)
    for name in ("ann", "bob"):
        _settle_in(world, name)
    house.housekeeper.do_a_round(fresh_ms=0)
    house.drop()
    assert not world.faults
    knows = world.knows
    knows.births = {sub: replace(birth, invoked=0) for sub, birth in knows.births.items()}
    return _Template(place, knows)


def _pools(world: World) -> Pools:
    aim = Aim("", "", "", "before")

    def made(operation: str, **request: object) -> dict[str, Any]:
        event = world.call(operation, dict(request), aim)
        assert event.error is None, event.answer
        return event.answer

    ids = [made("CreateUserPool", PoolName="a pool", **POOL)["UserPool"]["Id"] for _pool in range(2)]
    app, rotating, confidential, spare = (
        made("CreateUserPoolClient", UserPoolId=ids[0], **client)["UserPoolClient"]["ClientId"]
        for client in (CLIENT, ROTATING, CLIENT | {"GenerateSecret": True}, CLIENT)
    )
    for group in GROUPS:
        made("CreateGroup", UserPoolId=ids[0], GroupName=group)
    return Pools(ids[0], app, rotating, confidential, spare, ids[1])


def _settle_in(world: World, name: str) -> None:
    """Somebody signs up, confirms, joins a group, and signs in through both clients."""
    pools = world.knows.pools
    for operation in ("SignUp", "ConfirmSignUp", "AdminAddUserToGroup"):
        aim, sub = aimed(world, operation, name, f"before-{name}")
        assert world.call(operation, WRITERS[operation](aim), aim, sub).error is None
    for client_id in (pools.client_id, pools.rotating_id):
        aim, _sub = aimed(world, "InitiateAuth", name, f"before-{name}")
        aim = replace(aim, client_id=client_id)
        assert world.call("InitiateAuth", WRITERS["InitiateAuth"](aim), aim).error is None


def settings_in(place: Path) -> Settings:
    """The settings of a history's house."""
    return Settings(data=place / "data")


@contextmanager
def quick_keys(chance: random.Random) -> Iterator[None]:
    """Pools that are made meanwhile sign with one RSA key, each under ids of its own: a new one is dear."""
    spare = _spare_key()

    def new() -> SigningKey:
        return SigningKey(base64.b64encode(chance.randbytes(KID_BYTES)).decode(), spare)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SigningKey, "new", staticmethod(new))
        yield


@cache
def _spare_key() -> bytes:
    return SigningKey.new().private_der


def copy_house(source: Path, target: Path) -> None:
    """A copy of a folder; of a chunk only as many slots as a history may come to, and nothing behind them."""
    target.mkdir(exist_ok=True)
    for entry in source.iterdir():
        copy = target / entry.name
        if entry.is_dir():
            copy_house(entry, copy)
        elif entry.suffix == ".slots":
            with entry.open("rb") as slots:
                copy.write_bytes(slots.read(SLOTS_BYTES))
            os.truncate(copy, entry.stat().st_size)
        else:
            shutil.copy(entry, copy)


def _memory() -> Path | None:
    """Where files cost nothing to sync, if there is such a place."""
    return MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
