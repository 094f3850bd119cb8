"""The proof on the page of security is what tests show: no cell without its case, no case without a cell."""

import os
import subprocess
import sys
from pathlib import Path

from tests.proof.matrix import COPIES, ENGINES, PLACES, named_tests
from tools.docs import PROOF_BEGINS, PROOF_ENDS, SECURITY, with_the_proof

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / SECURITY).read_text(encoding="utf-8")
FILES = sorted({name.partition("::")[0] for name in named_tests()})


def collected() -> set[str]:
    """The cases that pytest finds in the files of the proof, on every engine."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", *FILES],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | {"CENOTE_TEST_ENGINES": ",".join(ENGINES)},
    )
    return {line for line in done.stdout.splitlines() if "::" in line}


def test_the_page_is_what_the_matrix_says() -> None:
    assert (PAGE.count(PROOF_BEGINS), PAGE.count(PROOF_ENDS)) == (1, 1)
    assert with_the_proof() == PAGE, "run: make docs"


def test_every_cell_is_a_test_that_there_is_and_every_case_has_its_cell() -> None:
    named, found = set(named_tests()), collected()
    assert named - found == set()
    tests = {name.partition("[")[0] for name in named}
    assert {case for case in found if case.partition("[")[0] in tests} == named


def test_where_there_is_no_test_there_is_a_reason() -> None:
    silent = [
        (entry.name, engine)
        for entry in (*PLACES, *COPIES)
        for engine in ENGINES
        if not entry.is_on(engine) and not entry.absent
    ]
    assert silent == []
