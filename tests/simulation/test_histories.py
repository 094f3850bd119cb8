"""
All who write, against DeleteUser and the redo of tombstones: some thousand histories, each from its seed.

Afterwards nothing of an erased user exists, no namesake inherits anything, and exactly one DeleteUser
succeeded.  CENOTE_SEEDS asks for more of them, CENOTE_FIRST_SEED for others.
"""

import os

import pytest

from tests.everyday import of_which
from tests.simulation.histories import run
from tests.simulation.plans import plan_of
from tests.simulation.shrinking import shrunk

SEEDS = int(os.environ.get("CENOTE_SEEDS", "1200"))
FIRST = int(os.environ.get("CENOTE_FIRST_SEED", "0"))
BLOCK = 50
EVERYDAY = 150  # of all of them
BLOCKS = range(FIRST, FIRST + SEEDS, BLOCK)


@pytest.mark.parametrize("first", of_which(BLOCKS, range(FIRST, FIRST + EVERYDAY)))
def test_whatever_happens_the_erased_are_gone_and_the_living_are_whole(first):
    for seed in range(first, min(first + BLOCK, FIRST + SEEDS)):
        history = run(plan_of(seed))
        if history.faults:
            pytest.fail(
                f"{shrunk(history).told()}\n\nThe whole history again: python -m tests.simulation {seed}"
            )
