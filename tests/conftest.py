"""Fixtures for every test: one running server a worker, and houses of one's own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house import House, Tenant
from tests.nursery import QuickHouse
from tests.postgres import drop_database, new_database

ENGINES = os.environ.get("CENOTE_TEST_ENGINES", "sqlite,postgres").split(",")


@pytest.fixture(scope="session", params=ENGINES)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A running server of each engine, shared by the tests of one worker; its clock may only move forward."""
    url = new_database() if request.param == "postgres" else None
    flags = [] if url is None else ["--database-url", url]
    running = QuickHouse(tmp_path_factory.mktemp(f"house-{request.param}"), *flags).start()
    yield running
    running.stop()
    if url is not None:
        drop_database(url)


@pytest.fixture
def tenant(house: House) -> Tenant:
    """A fresh pool and client on the shared server."""
    return Tenant(house)


@pytest.fixture
def tenants(house: House) -> Callable[..., Tenant]:
    """Makes pools and clients to measure on the shared server."""

    def make(**changes: Any) -> Tenant:
        return Tenant(house, **changes)

    return make


@pytest.fixture
def own_house(tmp_path: Path) -> Iterator[QuickHouse]:
    """A house of this test's own, not yet started; how it ends is the test's affair."""
    own = QuickHouse(tmp_path)
    yield own
    if own.process is not None:
        own.kill()
