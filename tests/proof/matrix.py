"""
The proof as a table: every place where a user may lie, and every copy that may be served again, by engine.

The tests take their cases from here, and `python -m tools.docs` writes docs/security.md from it, so that
the page can name no test that there is not.
"""

from collections.abc import Iterator
from dataclasses import dataclass

SQLITE, POSTGRES = "sqlite", "postgres"
ENGINES = {SQLITE: "SQLite", POSTGRES: "PostgreSQL"}
PLACES_TEST = "tests/proof/test_places.py::test_nothing_opens_from"
COPIES_TEST = "tests/proof/test_copies.py::test_nobody_erased_comes_back_from"
FINDER_TEST = "tests/proof/test_finder.py"
_BY_TEST = "no operation makes such a row yet: the test makes it"
_NO_FILE = "PostgreSQL has no such file"
_ITS_OWN_JOURNAL = "see the write-ahead log"
_EMBEDDED = "an embedded database has none"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a table; `note` is for the reader, `absent` the reason of the engine that has none."""

    name: str
    note: str = ""
    only: str | None = None
    absent: str = ""

    def case(self, engine: str) -> str:
        """The id of this line's test on an engine."""
        return f"{engine}-{self.name.lower().replace(',', '').replace(' ', '-')}"

    def is_on(self, engine: str) -> bool:
        """Whether the engine has it."""
        return self.only in {None, engine}


PLACES = (
    Entry("a row"),
    Entry("a key row"),
    Entry("an alias"),
    Entry("a search token"),
    Entry("a group"),
    Entry("a session"),
    Entry("a device", _BY_TEST),
    Entry("a passkey", _BY_TEST),
    Entry("a code"),
    Entry("an event", _BY_TEST),
    Entry("a queued message"),
    Entry("a count of attempts", "of codes"),
    Entry("the activity", "counts and times of sign-ins"),
    Entry("the record of operators", "holds and releases, by the digest of the `sub`"),
    Entry("a free page", "SQLite without `secure_delete`, and after a VACUUM; PostgreSQL after a VACUUM"),
    Entry("an index"),
    Entry("a write-ahead log", only=SQLITE, absent="see the WAL segment"),
    Entry("an SQLite backup", "`.backup`, online", only=SQLITE, absent=_NO_FILE),
    Entry("a Cenote backup"),
    Entry("a PostgreSQL heap", only=POSTGRES, absent="see the row and the free page"),
    Entry(
        "a WAL segment", "the server's own, and the archive", only=POSTGRES, absent="see the write-ahead log"
    ),
    Entry("a standby", "one that never heard of the deletion", only=POSTGRES, absent=_EMBEDDED),
    Entry("a base backup", only=POSTGRES, absent=_EMBEDDED),
    Entry(
        "an archive restored to a point in time",
        "a moment before the deletion",
        only=POSTGRES,
        absent=_EMBEDDED,
    ),
    Entry("a mirror", "of the keys folder"),
    Entry("a log file", "PostgreSQL's own too, with every statement and parameter in it"),
    Entry("the metrics"),
)
COPIES = (
    Entry("the data folder", "journal and all", only=SQLITE, absent="see the base backup"),
    Entry("the database file alone", "an older one, without its journal", only=SQLITE, absent=_NO_FILE),
    Entry("an SQLite backup", only=SQLITE, absent=_NO_FILE),
    Entry("a Cenote backup"),
    Entry("a Cenote backup, on the other engine"),
    Entry("a base backup", only=POSTGRES, absent=_EMBEDDED),
    Entry("an archive restored to a point in time", only=POSTGRES, absent=_EMBEDDED),
    Entry("a promoted standby", "one that never heard of the deletion", only=POSTGRES, absent=_EMBEDDED),
)


def cases(entries: tuple[Entry, ...], engine: str) -> list[Entry]:
    """What is to be shown on an engine."""
    return [entry for entry in entries if entry.is_on(engine)]


def named_tests() -> Iterator[str]:
    """Every test that the page names."""
    for test, entries in ((PLACES_TEST, PLACES), (COPIES_TEST, COPIES)):
        for engine in ENGINES:
            yield from (f"{test}[{entry.case(engine)}]" for entry in cases(entries, engine))


def proof_section() -> str:
    """The part of docs/security.md that stands between its two marks."""
    return "\n".join(
        (
            *_ABOUT_PLACES,
            "",
            *_table("place", PLACES),
            "",
            *_ABOUT_COPIES,
            "",
            *_table("copy", COPIES),
        )
    )


_ABOUT_PLACES = (
    "A user is planted in every place beside others, copies of all of it are taken before and after, and",
    "the user deletes themself through boto3. Each place is then searched for whatever was theirs, in every",
    "spelling: nothing of it lies in clear. Each envelope and each wrapped key of theirs is tried with all",
    "that is left (keys folder, mirror, master key, the pool's key, the server's secret, the keys and slots",
    "of everybody else): nothing opens, while all others do. With the keys folder as it was before, they",
    "would open too: so the test can fail, and so says the third clock. Leftovers of each kind, planted on",
    f"purpose, are found in `{FINDER_TEST}`.",
    "",
    f"A cell is the case of `{PLACES_TEST}`.",
)
_ABOUT_COPIES = (
    "A copy from before the deletion, served beside the present keys folder, brings back everybody else,",
    "with their tokens, refresh tokens, passwords and SRP. Those of the erased user are good for nobody, nor",
    "for the next owner of the name. The server, or the restore, says how many are back, and how many stay",
    "gone.",
    "",
    f"A cell is the case of `{COPIES_TEST}`.",
)


def _table(head: str, entries: tuple[Entry, ...]) -> Iterator[str]:
    yield f"| {head} | {' | '.join(ENGINES.values())} |"
    yield "| --- " * (1 + len(ENGINES)) + "|"
    for entry in entries:
        name = f"{entry.name} ({entry.note})" if entry.note else entry.name
        cells = [f"`{entry.case(one)}`" if entry.is_on(one) else f"- {entry.absent}" for one in ENGINES]
        yield f"| {name} | {' | '.join(cells)} |"
