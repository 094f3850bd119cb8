"""
`cenote erasure ledger`: the ledger as JSON lines that somebody else can check, and the key to check them.

The first line says which house's chain it is, then comes each entry, and the last line is signed: it names
the head and the SHA-256 of all lines before it.  Leaves out the checking (`checking.py`).
"""

import hashlib
import sys
import time
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from rich.console import Console

from cenote.chaining import LINES_PER_CHECK, Examined, examine
from cenote.cli.backup import source_of
from cenote.cli.keys_at_hand import KeysAtHand, keys_at_hand
from cenote.domain.ledger import Entry, Gap, Link
from cenote.domain.registrations import LedgerLine
from cenote.settings import Settings
from cenote.store.transaction import Transaction
from cenote.vault.statements import line_of, signed

EXPORT_VERSION = 1


def export(settings: Settings) -> int:
    """Print the ledger on stdout; 1 when its chain is broken, which is said in it too."""
    hand, digest = keys_at_hand(settings), hashlib.sha256()
    with source_of(settings) as source:
        chain = examine(source.tables, hand.witness)
        for statement in _statements(source.tables, hand):
            line = line_of(statement)
            digest.update(line.encode() + b"\n")
            print(line)
    print(line_of(signed(_end(hand, chain, digest.hexdigest()), hand.private)))
    _sum_up(chain)
    return 0 if chain.broken is None else 1


def print_public_key(settings: Settings) -> None:
    """Print the public key in PEM."""
    public = keys_at_hand(settings).private.public_key()
    print(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(), end="")


def _statements(tx: Transaction, hand: KeysAtHand) -> Iterator[dict[str, Any]]:
    yield {"ledger": EXPORT_VERSION, "chain": hand.witness.first.hash.hex()}
    after = 0
    while entries := tx.ledger.list_entries(after, sys.maxsize, LINES_PER_CHECK):
        yield from map(_entry, entries)
        after = entries[-1].number
    for line in tx.ledger.list_unchained(sys.maxsize):
        yield {"number": None, **_line(line)}


def _entry(entry: Entry) -> dict[str, Any]:
    if isinstance(entry, Link):
        return {"number": entry.number, **_line(entry.line), "hash": entry.hash.hex()}
    return _gap(entry)


def _line(line: LedgerLine) -> dict[str, Any]:
    return {"kind": line.kind, "sha256": line.digest.hex(), "slot": line.slot, "erased_ms": line.erased_ms}


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "number": gap.number,
        "kind": "gap",
        "vouched": {"number": gap.vouched.number, "hash": gap.vouched.hash.hex()},
        "present": {"number": gap.present.number, "hash": gap.present.hash.hex()},
        "noticed_ms": gap.noticed_ms,
        "hash": gap.hash.hex(),
    }


def _end(hand: KeysAtHand, chain: Examined, digest: str) -> dict[str, Any]:
    return {
        "ledger_end": EXPORT_VERSION,
        "chain": hand.witness.first.hash.hex(),
        "number": chain.head.number,
        "hash": chain.head.hash.hex(),
        "broken": chain.broken,
        "lines_sha256": digest,
        "at_ms": time.time_ns() // 1_000_000,
    }


def _sum_up(chain: Examined) -> None:
    console = Console(stderr=True)
    for one in chain.gaps:
        console.print(said_of_gap(one), style="yellow")
    if chain.broken is not None:
        console.print(f"The ledger's chain is broken: {chain.broken}.", style="red")
    else:
        console.print(f"{chain.head.number} entries, and the chain is whole.", style="green")


def said_of_gap(gap: Gap) -> str:
    """A gap in a sentence."""
    if gap.vouched.number <= gap.present.number:
        return f"The ledger was altered: entry {gap.vouched.number} is another than was vouched for."
    lost = f"entries {gap.present.number + 1} to {gap.vouched.number}"
    return f"This database was put back to an older state: {lost} of the ledger are not in it."
