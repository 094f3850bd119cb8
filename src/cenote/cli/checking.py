"""
`cenote erasure check`: receipts and exported ledgers, checked by nothing but themselves and a public key.

Owns what a valid one proves, and says it.  Works without data, keys folder, master key and settings.
"""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from cenote.cli.receipts import RECEIPT_VERSION
from cenote.domain.ledger import BrokenChain, Entry, Gap, Head, Link, followed
from cenote.domain.registrations import LedgerLine
from cenote.domain.sealed import digest_of
from cenote.errors import CenoteError
from cenote.vault.statements import Forged, fingerprint, parse, signer_of

_SAYS = {
    "erased": "is erased: nothing that was searched opens for them, and every slot holds the tombstone",
    "pending": "is erased, but a tombstone was still owed",
    "openable": "is erased, but a copy that was searched could still be opened",
    "living": "was alive",
    "unproven": "does not open, but no record of an erasure was found, which proves nothing",
    "unknown": "was found nowhere",
}


@dataclass(slots=True)
class _Seen:
    """What the files held: what to say of each thing, the receipts, and the ledgers."""

    said: list[str] = field(default_factory=list)
    receipts: list[dict[str, Any]] = field(default_factory=list)
    ledgers: list[list[dict[str, Any]]] = field(default_factory=list)


def check(files: list[Path], public_key: Path | None, sub: str | None) -> int:
    """Say of each file whether it is genuine and what it proves; 0 when all of it is, else 1."""
    expected = None if public_key is None else _public_bytes(public_key)
    every, is_valid = _Seen(), True
    for file in files:
        try:
            seen = _seen(_text(file), expected, sub)
        except (Forged, KeyError, TypeError, ValueError, AttributeError) as failure:
            is_valid = False
            told = str(failure) if isinstance(failure, Forged) else "it is not laid out as one of ours"
            print(f"{file}: NOT VALID: {_readable(told)}.")
            continue
        for sentence in seen.said:
            print(f"{file}: {_readable(sentence)}")
        every.receipts += seen.receipts
        every.ledgers += seen.ledgers
    wrong = [
        told for ledger in every.ledgers for one in every.receipts for told in _contradictions(ledger, one)
    ]
    for told in wrong:
        print(f"NOT VALID: {_readable(told)}.")
    if expected is None:
        print("Without --public-key this proves that a key signed it, and not whose key that is.")
    return 0 if is_valid and not wrong else 1


def _readable(text: str) -> str:
    """The text in one line, and nothing in it that a terminal would obey: a stranger's may hold anything."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _seen(text: str, expected: bytes | None, sub: str | None) -> _Seen:
    """Check one file; `Forged` for the first thing in it that is not genuine."""
    lines, seen = [line for line in text.splitlines() if line.strip()], _Seen()
    if not lines:
        raise Forged("it is empty")
    if _is_line(lines) and "receipt" not in parse(lines[0]):
        said, entries = _ledger(lines, expected)
        seen.said.append(said)
        seen.ledgers.append(entries)
        return seen
    for piece in lines if _is_line(lines) else [text]:
        statement = parse(piece)
        seen.said.append(_receipt(statement, expected, sub))
        seen.receipts.append(statement)
    return seen


def _is_line(lines: list[str]) -> bool:
    """Whether each statement has a line to itself; else one is laid out over many."""
    return lines[0].rstrip().endswith("}")


def _receipt(statement: dict[str, Any], expected: bytes | None, sub: str | None) -> str:
    if statement.get("receipt") != RECEIPT_VERSION:
        raise Forged("it is no receipt of this version")
    public = _signer(statement, expected)
    named = statement.get("sub_sha256", statement.get("pool_id_sha256"))
    if sub is not None and statement.get("sub_sha256") != digest_of(sub).hex():
        raise Forged("it is about somebody else")
    _require_line(statement)
    whose = "the pool" if statement["subject"] == "pool" else "the user"
    clocks = ", ".join(
        f"{name.replace('_', ' ')}: {one['state']}" for name, one in statement["clocks"].items()
    )
    return (
        f"valid, signed with the key {fingerprint(public)}. It states that at {statement['verified_at']}"
        f" {whose} whose id has the SHA-256 {named} {_SAYS[statement['verdict']]}. Clocks: {clocks}."
    )


def _require_line(receipt: dict[str, Any]) -> None:
    """The line of the ledger that the receipt quotes is hashed anew."""
    ledger = receipt["ledger"]
    if ledger is None or ledger["line"] is None:
        return
    if hashlib.sha256(ledger["line"].encode()).hexdigest() != ledger["hash"]:
        raise Forged("the ledger's line in it does not have the hash that it names")


def _ledger(lines: list[str], expected: bytes | None) -> tuple[str, list[dict[str, Any]]]:
    """What a ledger proves, and its chained entries."""
    opening, *middle = [parse(line) for line in lines[:-1]]
    end = parse(lines[-1])
    if "ledger_end" not in end:
        raise Forged("it was cut short: its last line is missing")
    public = _signer(end, expected)
    digest = hashlib.sha256("".join(line + "\n" for line in lines[:-1]).encode()).hexdigest()
    if digest != end["lines_sha256"] or opening["chain"] != end["chain"]:
        raise Forged("its lines are not those that were signed")
    chained = [one for one in middle if one["number"] is not None]
    said = (
        f"{_walk(opening['chain'], chained, end)}, signed with the key {fingerprint(public)}; "
        f"{len(middle) - len(chained)} lines not chained yet."
    )
    return said, chained


def _walk(first: str, chained: list[dict[str, Any]], end: dict[str, Any]) -> str:
    try:
        head = followed(Head(0, bytes.fromhex(first)), map(_entry, chained))
    except BrokenChain as failure:
        raise Forged(f"the chain is broken: {failure}") from failure
    if (head.number, head.hash.hex()) != (end["number"], end["hash"]) or end["broken"] is not None:
        raise Forged(f"the chain is broken: {end['broken'] or 'it ends elsewhere than its head'}")
    gaps = sum(1 for one in chained if one["kind"] == "gap")
    return f"valid ledger, a whole chain of {head.number} entries" + (f" with {gaps} gaps" if gaps else "")


def _entry(one: dict[str, Any]) -> Entry:
    digest = bytes.fromhex(one["hash"])
    if one["kind"] != "gap":
        line = LedgerLine(bytes.fromhex(one["sha256"]), one["kind"], one["slot"], one["erased_ms"], done=True)
        return Link(one["number"], line, digest)
    vouched, present = (
        Head(one[name]["number"], bytes.fromhex(one[name]["hash"])) for name in ("vouched", "present")
    )
    return Gap(one["number"], vouched, present, one["noticed_ms"], digest)


def _contradictions(ledger: list[dict[str, Any]], receipt: dict[str, Any]) -> Iterator[str]:
    """What a receipt saw of the ledger, and a ledger that is checked beside it says otherwise."""
    if receipt["ledger"] is None:
        return
    hashes = {one["number"]: one["hash"] for one in ledger}
    gaps = [one for one in ledger if one["kind"] == "gap"]
    hashes |= {gap["vouched"]["number"]: gap["vouched"]["hash"] for gap in gaps}
    for place in (receipt["ledger"], receipt["ledger"]["head"]):
        number, digest = place["number"], place["hash"]
        is_lost = any(gap["present"]["number"] < (number or 0) < gap["vouched"]["number"] for gap in gaps)
        if number and hashes.get(number) != digest and not (is_lost and number not in hashes):
            yield f"entry {number} of the ledger is another than a receipt saw, or missing"


def _signer(statement: dict[str, Any], expected: bytes | None) -> bytes:
    public = signer_of(statement)
    if expected is not None and public != expected:
        raise Forged(f"another key signed it, {fingerprint(public)}")
    return public


def _text(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except UnicodeDecodeError as failure:
        raise Forged("it is no text") from failure
    except OSError as failure:
        raise CenoteError(f"{file} can't be read: {failure.strerror}.") from failure


def _public_bytes(file: Path) -> bytes:
    try:
        public = load_pem_public_key(file.read_bytes())
    except OSError as failure:
        raise CenoteError(f"{file} can't be read: {failure.strerror}.") from failure
    except (ValueError, UnsupportedAlgorithm) as failure:
        raise CenoteError(f"{file} is no public key in PEM.") from failure
    if not isinstance(public, Ed25519PublicKey):
        raise CenoteError(f"{file} is no Ed25519 key.")
    return public.public_bytes_raw()
