"""Servers in the test's own process, on each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import cenote
from tests.conftest import ENGINES
from tests.embedded.steps import tenant_of
from tests.house import Tenant
from tests.postgres import drop_database, new_database


@pytest.fixture(params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[cenote.Server]:
    """An open server of each engine."""
    if request.param == "sqlite":
        with cenote.start() as opened:
            yield opened
        return
    url = new_database()
    with cenote.start(tmp_path / "home", database_url=url) as opened:
        yield opened
    drop_database(url)


@pytest.fixture
def tenant(server: cenote.Server) -> Tenant:
    """A pool with a client, in which tests do things."""
    return tenant_of(server)
