"""One scene for each engine and worker: it is dear to make, and what is shown of it changes nothing in it."""

from collections.abc import Iterator

import pytest

from tests.proof.embedded import embedded_scene
from tests.proof.matrix import SQLITE
from tests.proof.scene import Scene
from tests.proof.servers import served_scene


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The scene on SQLite."""
    with embedded_scene(tmp_path_factory.mktemp("proof-sqlite")) as scene:
        yield scene


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The scene on PostgreSQL."""
    with served_scene(tmp_path_factory.mktemp("proof-postgres")) as scene:
        yield scene


@pytest.fixture
def scene(request: pytest.FixtureRequest, engine: str) -> Scene:
    """The scene of the engine that a case is about."""
    made: Scene = request.getfixturevalue("embedded" if engine == SQLITE else "served")
    return made
