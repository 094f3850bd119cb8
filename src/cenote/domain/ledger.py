"""
The ledger of erasures as a chain: each line bears a hash over itself and the one before it.

So no line can be altered, taken out or moved without the head changing.  Owns what is hashed, in which
spelling, and the walk that checks it.  Leaves out where lines are kept (`store/ledger.py`) and who vouches
for the head (`vault/witness.py`): whoever can rewrite a whole chain can hash it anew, but not sign it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cenote.domain.registrations import LedgerLine


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain has come: the number of its last entry, and that entry's hash."""

    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Link:
    """A line of the ledger in its place in the chain."""

    number: int
    line: LedgerLine
    hash: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """
    The record that a database was older than the keys folder knew: a restore, or lines that were cut off.

    The chain goes on behind the furthest number that was ever vouched for, so no number is given twice, and
    what is missing stays named for good.
    """

    number: int
    vouched: Head  # what the keys folder knew
    present: Head  # what the database held
    noticed_ms: int
    hash: bytes = b""


Entry = Link | Gap


class BrokenChain(Exception):
    """An entry that does not follow from the one before it."""


def beginning(pair: bytes) -> Head:
    """The head of an empty chain, which is the house's own."""
    return Head(0, hashlib.sha256(b"cenote ledger|" + pair.hex().encode()).digest())


def text_of(line: LedgerLine, number: int, previous: bytes) -> str:
    """The line as it is hashed, in letters that an auditor can hash with any tool."""
    return f"line|{number}|{line.kind}|{line.digest.hex()}|{line.slot}|{line.erased_ms}|{previous.hex()}"


def linked(lines: Iterable[LedgerLine], head: Head) -> list[Link]:
    """The lines as the next entries behind this head."""
    number, previous, links = head.number, head.hash, []
    for line in lines:
        number += 1
        previous = hashlib.sha256(text_of(line, number, previous).encode()).digest()
        links.append(Link(number, line, previous))
    return links


def gap(vouched: Head, present: Head, noticed_ms: int) -> Gap:
    """The entry behind a database that does not hold what the keys folder vouches for."""
    number = max(vouched.number, present.number) + 1
    between = f"{vouched.number}|{vouched.hash.hex()}|{present.number}|{present.hash.hex()}"
    text = f"gap|{number}|{between}|{noticed_ms}"
    return Gap(number, vouched, present, noticed_ms, hashlib.sha256(text.encode()).digest())


def followed(head: Head, entries: Iterable[Entry]) -> Head:
    """The head behind these entries, each of which follows from the one before it; else `BrokenChain`."""
    for entry in entries:
        if isinstance(entry, Gap):
            _require_gap(head, entry)
        else:
            _require_link(head, entry)
        head = Head(entry.number, entry.hash)
    return head


def _require_link(head: Head, link: Link) -> None:
    if link.number != head.number + 1:
        raise BrokenChain(f"line {head.number + 1} is missing")
    if [link] != linked([link.line], head):
        raise BrokenChain(f"line {link.number} does not follow from the one before it")


def _require_gap(head: Head, entry: Gap) -> None:
    if entry != gap(entry.vouched, entry.present, entry.noticed_ms):
        raise BrokenChain(f"the gap at {entry.number} was altered")
    if entry.present != head:
        raise BrokenChain(f"before the gap at {entry.number} the chain is another than it was")
    if entry.vouched.number <= head.number:
        raise BrokenChain(f"line {entry.vouched.number} is another than the keys folder vouched for")
