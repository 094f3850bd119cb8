"""What the README and the guide for testing tell a newcomer to paste works as it stands."""

import re
import runpy
from pathlib import Path

import pytest

from tests.docs.snippets import GUIDE, README, is_a_test_module, snippets_of
from tests.house import House

DEFAULT_URL = "http://127.0.0.1:9229"
PROGRAMS = [text for page in (README, GUIDE) for text in snippets_of(page) if not is_a_test_module(text)]
WITHOUT_A_PORT = [text for text in PROGRAMS if DEFAULT_URL not in text]


def test_the_snippet_runs_and_reads_the_profile(house: House, tmp_path, capsys):
    (snippet,) = [text for text in PROGRAMS if DEFAULT_URL in text]
    run(snippet.replace(DEFAULT_URL, house.url), tmp_path)
    assert "ann@example.com" in capsys.readouterr().out


@pytest.mark.parametrize("snippet", WITHOUT_A_PORT, ids=range(len(WITHOUT_A_PORT)))
def test_a_program_that_holds_a_server_runs(snippet: str, tmp_path):
    assert "import cenote\n" in snippet
    run(snippet, tmp_path)


def test_the_documented_exception_is_the_one_that_is_met(tmp_path, capsys):
    (snippet,) = [text for text in snippets_of(README) if "import cenote\n" in text]
    run(snippet, tmp_path)
    assert capsys.readouterr().out == (
        "An error occurred (NotAuthorizedException) when calling the DeleteUser operation:"
        " Invalid Access Token\n"
    )


def run(snippet: str, folder: Path) -> None:
    """Run a snippet as a program of its own."""
    script = folder / "snippet.py"
    script.write_text(snippet)
    runpy.run_path(str(script))


def test_every_page_it_links_to_exists():
    links = re.findall(r"\]\(([^)#:]+)\)", README.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []
