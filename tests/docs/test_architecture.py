"""What the pages of docs/ name exists: files, modules, functions, classes and their methods."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "src" / "cenote"
PAGES = sorted((ROOT / "docs").glob("*.md"))
PATH = re.compile(r"(?:[\w.-]+/)*[\w.-]+\.py|(?:[\w-]+/)+")
DOTTED = re.compile(r"[a-z_]+(?:\.[A-Za-z_]+)+")
NO_MODULES = {"toml", "md", "db", "key", "json", "com"}  # what a file or a host may end in


def named_in(page: Path) -> Iterator[str]:
    """What stands between backticks, blocks of code left out."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", text)


@cache
def names_of_modules() -> dict[str, set[str]]:
    """By a module's last name (several may share it): what each defines, `Class.member` among it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for file in HOUSE.rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            for name in defined_by(node):
                found[file.stem].add(name)
                if isinstance(node, ast.ClassDef):
                    members = (member for inner in node.body for member in defined_by(inner))
                    found[file.stem].update(f"{name}.{member}" for member in members)
    return found


def defined_by(node: ast.stmt) -> Iterator[str]:
    """The names that a statement of a module or a class defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name))


def missing_from(names: Iterator[str]) -> list[str]:
    """The paths, and the dotted names that begin with a module of the house, that are not there."""
    missing = []
    for name in names:
        if PATH.fullmatch(name):
            if not any((place / name).exists() for place in (ROOT, HOUSE)):
                missing.append(name)
        elif DOTTED.fullmatch(name):
            module, _, rest = name.partition(".")
            known = names_of_modules()
            if module in known and rest not in NO_MODULES and rest not in known[module]:
                missing.append(name)
    return missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_and_function_that_a_page_names_exists(page):
    assert missing_from(named_in(page)) == []


def test_a_name_that_is_gone_would_be_noticed():
    gone = ["vault/nowhere.py", "nowhere/", "erasing.forget", "committer.Committer.guess"]
    assert missing_from(iter([*gone, "erasing.erase", "vault/keys.py", "vault/", "example.com"])) == gone


def test_the_journey_names_every_station():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    stations = ("edge.ApiResource.on_post", "callers.caller", "erasing.erase", "committer.Committer")
    places = [
        page.index(f"`{one}`") for one in (*stations, "erasure.TombstoneWriter", "housekeeping.Housekeeper")
    ]
    assert places == sorted(places)
