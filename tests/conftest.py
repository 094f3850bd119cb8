"""Fixtures for every test: one running server a worker, and houses of one's own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house import House, Tenant


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A running server, shared by the tests of one worker; its clock may only move forward."""
    running = House(tmp_path_factory.mktemp("house")).start()
    yield running
    running.stop()


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
def own_house(tmp_path: Path) -> Iterator[House]:
    """A house of this test's own, not yet started."""
    own = House(tmp_path)
    yield own
    own.stop()
