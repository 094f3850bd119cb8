"""No worker outlives its parent, even one that was born as the parent died."""

import subprocess
import sys

ASKING = """
import os
from cenote.cli.serving import _die_with_parent

_die_with_parent(os.getppid())
print("its parent lives", flush=True)
_die_with_parent(os.getppid() + 1)
print("it serves nobody", flush=True)
"""


def test_a_worker_whose_parent_was_gone_before_it_could_ask_ends_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", ASKING], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("its parent lives\n", 0), done.stderr
