"""Every journey that is asked for, walked once: its steps are then asserted one by one."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.clients.places import Houses
from tests.clients.walking import Walk, walk

WALKERS = max(2, os.cpu_count() or 1)


@pytest.fixture(scope="session")
def walked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Any], Walk]]:
    """What the steps of a journey met.  All begin at once, a processor for each; a test waits for its own."""
    cases = [getattr(item, "callspec", None) for item in request.session.items]
    journeys = list(dict.fromkeys(case.params["journey"] for case in cases if case is not None))
    houses = Houses(tmp_path_factory.mktemp("clients"))
    try:
        with ThreadPoolExecutor(WALKERS) as walkers:
            walks = {
                journey: walkers.submit(
                    walk, journey.client, journey.place(houses.open(journey.house), journey.client)
                )
                for journey in journeys
            }
            yield lambda journey: walks[journey].result()
    finally:
        houses.close()
