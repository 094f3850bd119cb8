"""
What commands about users have in common: how they print moments and columns, and how they read moments and
reasons.
"""

import getpass
import os
from collections.abc import Sequence
from datetime import UTC, datetime

from cenote.domain.audit import FOR_EVER_MS, REASON_CHARACTERS_MAX, WHO_CHARACTERS_MAX, said
from cenote.errors import CenoteError


def in_columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, each column as wide as its widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
    return "\n".join(lines)


def written(moment_ms: int) -> str:
    """A moment for people to read; what never comes says so."""
    if moment_ms >= FOR_EVER_MS:
        return "released"
    return datetime.fromtimestamp(moment_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def iso(moment_ms: int | None) -> str | None:
    """A moment for programs to read; None for one that is not there or never comes."""
    if moment_ms is None or moment_ms >= FOR_EVER_MS:
        return None
    return datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat(timespec="milliseconds")


def moment_of(text: str, flag: str) -> int:
    """The moment that an operator wrote, in milliseconds; one without a zone is UTC, a day its beginning."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as failure:
        raise CenoteError(f"{flag} must be a time such as 2026-01-31 or 2026-01-31T12:00:00Z.") from failure
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def reason_of(text: str) -> str:
    """The reason as it will be kept; `CenoteError` when it says nothing or too much."""
    reason = said(text, REASON_CHARACTERS_MAX)
    if reason is None:
        raise CenoteError(f"--reason must say why, in at most {REASON_CHARACTERS_MAX} characters.")
    return reason


def who(given: str | None) -> str:
    """Who gives the command: whoever it says, else the user of the machine."""
    name = said(given if given is not None else _login(), WHO_CHARACTERS_MAX)
    if name is None:
        raise CenoteError(f"--by must name somebody, in at most {WHO_CHARACTERS_MAX} characters.")
    return name


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"
