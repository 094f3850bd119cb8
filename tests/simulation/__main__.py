"""`python -m tests.simulation SEED`: run a history again, and show it; `--shrunk` looks for a smaller one."""

import logging
import sys

from tests.simulation.histories import run
from tests.simulation.plans import plan_of
from tests.simulation.shrinking import shrunk

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # what the house says of the faults that it is made to meet
    seed, *words = sys.argv[1:]
    history = run(plan_of(int(seed)))
    if "--shrunk" in words and history.faults:
        history = shrunk(history)
    sys.stdout.write(history.told() + "\n")
    sys.exit(bool(history.faults))
