"""One engine a test.  The conformance suite asks each of them for the same promises."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cenote.domain.registrations import Pool
from cenote.store.contract import Store
from tests.engines import Engine, open_postgres, open_sqlite

ENGINES: dict[str, Callable[[Path], Engine]] = {"sqlite": open_sqlite, "postgres": open_postgres}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An open store of each engine in turn, with its vault and a pool."""
    opened = ENGINES[request.param](tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def store(engine: Engine) -> Store:
    """The engine's store."""
    return engine.store


@pytest.fixture
def pool(engine: Engine) -> Pool:
    """A pool in it."""
    return engine.pool
