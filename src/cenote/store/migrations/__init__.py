"""
Numbered SQL, forward only, run at start under a lock; each is compatible with the previous version's code.

Owns the order and the spelling per engine.  Leaves out what a table is for (the tables' own modules).
"""

from importlib.resources import files
from typing import Any, Protocol

from cenote.errors import CenoteError

# Some words are a whole statement, or none at all where an engine needs none.
_SAID = "'this record is append-only'"
SQLITE_WORDS = {
    "blob": "blob",
    "clustered": "without rowid",
    "refusal": "",
    "refuse": f"begin select raise(abort, {_SAID}); end",
    "refuse_emptying": "",
}
POSTGRES_WORDS = {
    "blob": "bytea",
    "clustered": "",
    "refusal": "create function ledger_refuses() returns trigger language plpgsql"
    f" as $$ begin raise exception {_SAID}; end $$",
    "refuse": "execute function ledger_refuses()",
    "refuse_emptying": "create trigger ledger_is_not_emptied before truncate on ledger"
    " execute function ledger_refuses()",
}


class Executes(Protocol):
    """A connection inside a transaction."""

    def execute(self, sql: str, /) -> Any:
        """Run one statement."""
        ...


def pending(version: int) -> list[tuple[int, str]]:
    """The migrations behind this version, in order."""
    found = [
        (int(file.name.partition("_")[0]), file.read_text())
        for file in files(__package__).iterdir()
        if file.name.endswith(".sql")
    ]
    newest = max(number for number, _text in found)
    if version > newest:
        raise CenoteError(
            f"The database has schema {version}, newer than this Cenote's {newest}; use a newer Cenote."
        )
    return sorted(step for step in found if step[0] > version)


def apply(connection: Executes, text: str, words: dict[str, str]) -> None:
    """Run one migration, spelled for an engine, inside the caller's transaction."""
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    for piece in "\n".join(lines).split(";"):
        statement = piece
        for word, spelling in words.items():
            statement = statement.replace("{" + word + "}", spelling)
        if statement.strip():
            connection.execute(statement)
