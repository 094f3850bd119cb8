"""What the README tells a newcomer to paste works as it stands."""

import re
import runpy
from pathlib import Path

from tests.house import House

README = Path(__file__).parents[2] / "README.md"
DEFAULT_URL = "http://127.0.0.1:9229"


def test_the_snippet_runs_and_reads_the_profile(house: House, tmp_path, capsys):
    (snippet,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert DEFAULT_URL in snippet
    script = tmp_path / "snippet.py"
    script.write_text(snippet.replace(DEFAULT_URL, house.url))
    runpy.run_path(str(script))
    assert "ann@example.com" in capsys.readouterr().out


def test_every_page_it_links_to_exists():
    links = re.findall(r"\]\(([^)#:]+)\)", README.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []
