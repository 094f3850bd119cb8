"""The threat model names, for each thing that somebody may try, the tests that show what comes of it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
MODEL = PAGE[PAGE.index("## The threat model") : PAGE.index("## What lies in clear")]
CHAPTERS = re.split(r"^### ", MODEL, flags=re.MULTILINE)[1:]
THOUGHT_OF = (
    *("on the network", "A user", "next owner of a user name", "administrator with a narrow key"),
    *(
        "thief of the database",
        "keys folder",
        "old backups",
        "write to the database",
        "Another process",
        "root",
    ),
)
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def claims() -> Iterator[list[str]]:
    """The rows of the model: what is tried, what keeps somebody from it, what shows that."""
    for line in MODEL.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("|") and cells[0] not in {"tries to", "---"} and "---" not in line:
            yield cells


@cache
def cases_in(file: str) -> set[str]:
    """The tests that a file holds."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def missing(text: str) -> list[str]:
    """The tests that a text names and nobody has written."""
    return [
        f"{file}::{name}" if name else file
        for file, name in TEST.findall(text)
        if not (ROOT / file).exists() or not cases_in(file) or (name and name not in cases_in(file))
    ]


def test_everybody_is_thought_of() -> None:
    assert [one for one in THOUGHT_OF if one not in MODEL] == []


def test_every_chapter_says_what_is_kept() -> None:
    """And what is not, unless there is nothing more to say of somebody."""
    assert len(CHAPTERS) > 10
    silent = [one.splitlines()[0] for one in CHAPTERS if "Not covered" not in one]
    assert silent == ["The next owner of a user name"]


@pytest.mark.parametrize("claim", list(claims()), ids=lambda cells: cells[0])
def test_a_claim_names_the_tests_that_show_it(claim: list[str]) -> None:
    tried, keeps, shown = claim
    assert tried
    assert keeps
    assert TEST.findall(shown), "a claim without a test"
    assert missing(shown) == []


def test_a_test_that_is_gone_would_be_noticed() -> None:
    own = "tests/docs/test_security_page.py"
    named = f"`{own}`, `{own}::test_everybody_is_thought_of`, `{own}::test_nothing`, `tests/nowhere.py`"
    assert missing(named) == [f"{own}::test_nothing", "tests/nowhere.py"]
