"""
The page `docs/operations.md`: which of the model's operations this server serves.

Owns the text of the page.  Leaves out the file: `make docs` writes it, and a test holds the file against it.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from cenote.wire.model import Operation

HEADER = "<!-- Generated from the service model and the registry by `make docs`; do not edit. -->"
YES = {True: "yes", False: "no"}


def operations_page(operations: Mapping[str, Operation], served: AbstractSet[str]) -> str:
    """The whole page.  A served name that the model does not know is a ValueError: nobody could call it."""
    if unknown := served - operations.keys():
        raise ValueError(f"served, and unknown to the model: {', '.join(sorted(unknown))}")
    rows = [_row(operations[name], served=name in served) for name in sorted(operations)]
    summary = f"{len(served)} of the model's {len(operations)} operations are served."
    head = ["| operation | signed | served |", "| --- | --- | --- |"]
    return "\n".join([HEADER, "", "# Operations", "", summary, "", *head, *rows, ""])


def _row(operation: Operation, *, served: bool) -> str:
    return f"| {operation.name} | {YES[operation.signed]} | {YES[served]} |"
