"""
What the demo met: one row an answer, judged against the one that was expected, and the table of them all.

Leaves out the story itself (`demo.py`) and the server that it is told to (`demo_server.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

TRIED_CHARACTERS_MAX = 30  # so that an identity fits beside it on a terminal of 80
DONE, SHUT, SURPRISE = "done", "shut", "SURPRISE"
_COLOURS = {DONE: "green", SHUT: "bold green", SURPRISE: "bold red"}


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was tried, the exact answer, and whether it was the right one."""

    tried: str
    met: str
    word: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """Rows that belong together."""

    title: str
    rows: list[Row] = field(default_factory=list)


def judged(tried: str, expected: str, met: str, *, word: str = SHUT) -> Row:
    """The row of an answer that must be this one to the letter; a wrong one is shown beside the right one."""
    if met == expected:
        return Row(tried, met, word)
    return Row(tried, f"{met}\nexpected: {expected}", SURPRISE)


def answer_to(call: Callable[..., Any], **request: Any) -> str:
    """How a boto3 call is answered: a refusal's name and text, or the names of what was handed out."""
    from botocore.exceptions import ClientError

    try:
        answer = call(**request)
    except ClientError as refusal:
        error = refusal.response["Error"]
        return f"{error['Code']}: {error['Message']}"
    handed_out = sorted(name for name in answer if name != "ResponseMetadata")
    return ", ".join(handed_out) or "HTTP 200"


class Report:
    """The rows as they come in."""

    def __init__(self, tell: Callable[[str], None] = lambda _title: None) -> None:
        self._tell = tell
        self.chapters: list[Chapter] = []

    def begin(self, title: str) -> None:
        """Put what follows under a title, and say so to whoever is waiting."""
        self.chapters.append(Chapter(title))
        self._tell(f"{title} ...")

    def add(self, row: Row) -> None:
        """Keep a row that was judged elsewhere."""
        self.chapters[-1].rows.append(row)

    def saw(self, tried: str, met: str, *, is_right: bool = True) -> None:
        """Keep an answer that has no one spelling: an id, a number of bytes."""
        self.add(Row(tried, met, DONE if is_right else SURPRISE))

    def shut(self, tried: str, expected: str, call: Callable[..., Any], **request: Any) -> None:
        """Try a door; it must be shut in just these words."""
        self.add(judged(tried, expected, answer_to(call, **request)))

    def stopped(self, failure: Exception) -> None:
        """Keep what ended the story before its end."""
        if not self.chapters:
            self.begin("The start")
        self.saw("The demo stopped here", f"{type(failure).__name__}: {failure}", is_right=False)

    def rows(self) -> list[Row]:
        """Every row in order."""
        return [row for chapter in self.chapters for row in chapter.rows]

    def surprises(self) -> int:
        """How many answers were not the expected ones."""
        return sum(row.word == SURPRISE for row in self.rows())

    def table(self) -> Table:
        """All of it, in colours where there are any."""
        table = Table(box=SIMPLE, pad_edge=False)
        table.add_column("what was tried", overflow="fold", max_width=TRIED_CHARACTERS_MAX)
        table.add_column("the answer", overflow="fold")
        table.add_column("", overflow="fold")
        for chapter in self.chapters:
            table.add_section()
            table.add_row(Text(chapter.title, style="bold cyan"))
            for row in chapter.rows:
                colour = _COLOURS[row.word]
                met = Text(row.met, style="red" if row.word == SURPRISE else "")
                table.add_row(Text(row.tried), met, Text(row.word, style=colour))
        return table
