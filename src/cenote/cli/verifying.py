"""
`cenote erasure verify`: what is left of erased users in every file at hand, and the receipts that say so.

Works beside a running server and without one, and changes nothing.  Every file is read once, however many
users are asked for.  Leaves out what the evidence amounts to (`receipts.py`).
"""

import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cenote.chaining import LINES_PER_CHECK, Examined, examine
from cenote.cli.backup import source_of
from cenote.cli.evidence import Bench, evidence_of_everybody, evidence_of_one, state_in
from cenote.cli.keys_at_hand import KeysAtHand, keys_at_hand
from cenote.cli.places import files_of, searched
from cenote.cli.receipts import WORDS, Evidence, receipt
from cenote.domain.registrations import LedgerLine
from cenote.domain.sealed import digest_of
from cenote.errors import CenoteError
from cenote.settings import Settings
from cenote.store.transaction import Transaction
from cenote.vault.searching import Wanted
from cenote.vault.statements import line_of, signed
from cenote.vault.tombstones import SlotState

NOTE_WAIT_S_MAX = 5.0
NOTE_POLL_S = 0.1
_SUB = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose erasure is to be proven: one user's, or everybody's since a moment."""

    sub: str | None = None
    since_ms: int = 0

    def includes(self, line: LedgerLine) -> bool:
        """Whether a line of the ledger is about somebody who is asked for."""
        return digest_of(self.sub) == line.digest if self.sub else line.erased_ms >= self.since_ms


def asked_for(sub: str | None, *, everybody: bool, since: str | None) -> Asked:
    """What a command line asks for; `CenoteError` when it is not exactly one thing."""
    if [bool(sub), everybody, since is not None].count(True) != 1:
        raise CenoteError("Say whose erasure to verify: the `sub` of one user, or --all, or --since TIME.")
    if sub is not None and not _SUB.fullmatch(sub):
        raise CenoteError(
            "The identity must be a `sub`: 32 hex digits in the groups of a UUID, in lower case."
        )
    if since is None:
        return Asked(sub)
    try:
        moment = datetime.fromisoformat(since)
    except ValueError as failure:
        raise CenoteError("--since must be a time such as 2026-01-31 or 2026-01-31T12:00:00Z.") from failure
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return Asked(None, int(moment.timestamp() * 1000))


def verify(settings: Settings, asked: Asked, also: list[Path]) -> int:
    """Print a signed receipt for each who is asked for; 0 when all of them are erased, else 1."""
    console, hand, files = Console(stderr=True), keys_at_hand(settings), files_of(settings, also)
    with source_of(settings) as source:
        wanted = _wanted(source.tables, asked, hand.pair)
    with progress_bar(console) as progress:
        task = progress.add_task("Searching", total=files.bytes)
        found = searched(files, wanted, lambda number: progress.advance(task, number))
    _await_notes(settings, wanted, hand)
    with source_of(settings) as source:
        with progress_bar(console) as progress:
            chain = _examined(source.tables, hand, progress)
        bench = Bench(hand, wanted, found, source, chain)
        count, verdicts = 0, set()
        for evidence in _evidence(bench, asked):
            verdicts.add(evidence.verdict())
            print(_text(bench, asked, evidence))
            count += 1
    if chain.broken is not None:
        console.print(f"The ledger's chain is broken: {chain.broken}.", style="red")
    _sum_up(console, asked, count, verdicts)
    return 0 if verdicts <= {"erased"} else 1


def _evidence(bench: Bench, asked: Asked) -> Iterator[Evidence]:
    return evidence_of_everybody(bench) if asked.sub is None else iter([evidence_of_one(bench, asked.sub)])


def _sum_up(console: Console, asked: Asked, count: int, verdicts: set[str]) -> None:
    style = "green" if verdicts <= {"erased"} else "yellow"
    if asked.sub is None:
        console.print(f"{count} erasures looked at: {', '.join(sorted(verdicts)) or 'none'}.", style=style)
    for verdict in sorted(verdicts) if asked.sub else ():
        console.print(WORDS[verdict], style=style)


def _text(bench: Bench, asked: Asked, evidence: Evidence) -> str:
    """One receipt, signed: laid out for one reader, or one to a line."""
    made = receipt(evidence, bench.searched.places, verified_ms=time.time_ns() // 1_000_000)
    made = signed(made, bench.hand.private)
    if asked.sub is None:
        return line_of(made)
    return json.dumps(made, indent=2, ensure_ascii=False)


def _wanted(tx: Transaction, asked: Asked, pair: bytes) -> Wanted:
    if asked.sub is not None:
        return Wanted(frozenset([digest_of(asked.sub)]), pair, sub=asked.sub)
    digests, pool_slots = set(), set()
    for line in _lines(tx):
        if asked.includes(line):
            digests.add(line.digest)
            if line.kind == "pool":
                pool_slots.add(line.slot)
    return Wanted(frozenset(digests), pair, frozenset(pool_slots))


def _lines(tx: Transaction) -> Iterator[LedgerLine]:
    after = b""
    while page := tx.ledger.list_page(after, LINES_PER_CHECK):
        yield from page
        after = page[-1].digest


def progress_bar(console: Console) -> Progress:
    """A bar that is shown on a terminal only."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty())


def _examined(tx: Transaction, hand: KeysAtHand, progress: Progress) -> Examined:
    head = tx.ledger.find_head() or hand.witness.first
    task = progress.add_task("Walking the ledger", total=head.number)
    return examine(tx, hand.witness, lambda number: progress.update(task, completed=number))


def _await_notes(settings: Settings, wanted: Wanted, hand: KeysAtHand) -> None:
    """Give a running server its moment to note tombstones that it has just written."""
    until = time.monotonic() + NOTE_WAIT_S_MAX
    while time.monotonic() < until:
        with source_of(settings) as source:
            is_late = any(
                state_in(folder, line.slot, line.digest) == SlotState.BURIED.value
                for line in _owed(source.tables)
                if line.digest in wanted.digests or line.kind == "pool"
                for folder in hand.folders[:1]
            )
        if not is_late:
            return
        time.sleep(NOTE_POLL_S)


def _owed(tx: Transaction) -> Iterator[LedgerLine]:
    after = b""
    while page := tx.ledger.list_owed(after, LINES_PER_CHECK):
        yield from page
        after = page[-1].digest
