"""The pieces of Python that pages show."""

import re
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
GUIDE = ROOT / "docs" / "guides" / "testing.md"


def snippets_of(page: Path) -> list[str]:
    """The blocks of Python on a page, those in a list too."""
    found = re.findall(
        r"^ *```python\n(.*?)^ *```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return [dedent(block) for block in found]


def is_a_test_module(snippet: str) -> bool:
    """Whether pytest is to run it."""
    return "def test_" in snippet
