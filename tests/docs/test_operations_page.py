"""The page of operations, and what other pages say of their number, agree with the server."""

from pathlib import Path

from cenote.app import load_operations
from cenote.wire.model import Model
from tools.docs import what_is_served

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_model_and_registry_say():
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert page == what_is_served(), "run: make docs"


def test_the_readme_counts_right():
    said = f"{len(load_operations())} of the API's {len(Model.load().operations)} operations are served"
    assert said in (ROOT / "README.md").read_text(encoding="utf-8")
