"""
What every table's verbs stand on: a way to run a statement, the vault's seam, the documents, the graves.

The same for both engines: what differs is how a connection is opened, how a transaction begins and how a
parameter is spelled.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from cenote.domain.sealed import Grave, Key, Sealer
from cenote.errors import CenoteError
from cenote.store.documents import DocumentCache


class Cursor(Protocol):
    """What running a statement gives."""

    def fetchone(self) -> Any:
        """The next row or None."""
        ...

    def fetchall(self) -> Sequence[Any]:
        """The remaining rows."""
        ...


Run = Callable[[str, Mapping[str, object]], Cursor]
RunMany = Callable[[str, Sequence[Sequence[object]]], object]
_NAMED = re.compile(r"(?<!:):([a-z_]+)")


class Buries(Protocol):
    """Where an engine hands the graves of a commit."""

    def submit(self, graves: Sequence[Grave], done: Callable[[], None]) -> None:
        """Bury these soon; `done` once they are durable or owed to the redo."""
        ...


@dataclass(slots=True)
class VaultSeam:
    """The vault as the store sees it; attached once the database has said which keys folder is its own."""

    sealer: Sealer
    tombstones: Buries


class Unattached:
    """Stands in until then: a database without its vault may tell its pair id and nothing personal."""

    def open_key(self, _subject: str, _wrapped: bytes) -> Key | None:
        """Refuse."""
        raise CenoteError("The vault is not open.")

    def rewrapped(self, _subject: str, _wrapped: bytes, _like: bytes) -> bytes | None:
        """Refuse."""
        raise CenoteError("The vault is not open.")

    def is_erased(self, _subject: str, _slot: int) -> bool:
        """Refuse."""
        raise CenoteError("The vault is not open.")

    def submit(self, _graves: Sequence[Grave], _done: Callable[[], None]) -> None:
        """Refuse."""
        raise CenoteError("The vault is not open.")


@dataclass(slots=True)
class Ground:
    """One connection's transaction, seen from a verb."""

    run: Run
    vault: VaultSeam
    documents: DocumentCache
    # What PostgreSQL must be told where SQLite's one writer is alone already: to keep a row for changing it
    # (a user's, found by a join; or that of the one table asked), to wait for all who hang something on it,
    # and to keep one from being deleted while something is hung on it.
    hold: str = ""
    hold_row: str = ""
    hold_alone: str = ""
    share: str = ""
    history: str = ""  # of which history the database is, where another may take its place
    many: RunMany | None = None  # where an engine has a quicker way to run one statement often
    graves: list[Grave] = field(default_factory=list)

    def run_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run one statement for each row of values, which stand in the order of its parameters."""
        unnamed, names = _unnamed(sql)
        if self.many is not None:
            self.many(unnamed, rows)
            return
        for row in rows:
            self.run(sql, dict(zip(names, row, strict=True)))

    @property
    def sealer(self) -> Sealer:
        """The vault's seam, once it is attached."""
        return self.vault.sealer


@lru_cache(maxsize=64)
def _unnamed(sql: str) -> tuple[str, list[str]]:
    """A statement with its parameters by their places, and their names in that order."""
    return _NAMED.sub("?", sql), _NAMED.findall(sql)
