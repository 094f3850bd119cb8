"""
Receipts: what the evidence of one erasure amounts to, in words that somebody else can check.

Owns the verdict, the three clocks and the receipt's members.  It holds no personal data: digests, numbers,
times, counts, and the names of files below the places that were searched.  Leaves out how the evidence is
found (`verifying.py`) and how a receipt is signed and checked (`vault/statements.py`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cenote.cli.volumes import NOT_IN_PLACE
from cenote.domain.ledger import text_of
from cenote.domain.registrations import LedgerLine
from cenote.vault.tombstones import SlotState

RECEIPT_VERSION = 2
WORDS = {
    "erased": "Nobody can open this user any more, in any file that was searched.",
    "pending": "The user is erased, but a tombstone is owed, or its slot is missing.",
    "openable": "The user is erased, but a copy at hand still opens: a keys folder missed the tombstone.",
    "living": "The user is alive.",
    "unproven": "There are copies that do not open, but no record of an erasure: that is no proof.",
    "unknown": "No file at hand holds anything of this user, and no ledger knows them.",
}
OUTSIDE = "a copy of the keys folder that was archived anywhere else is reached by no erasure"
KEYS_FOLDER, MIRROR, ARCHIVED = "keys folder", "mirror", "archived copy of the keys folder"
_BURIED, _SECRET = SlotState.BURIED.value, SlotState.SECRET.value


@dataclass(frozen=True, slots=True)
class KeysCopy:
    """A copy of the keys folder, and what the slot holds in it."""

    kind: str
    name: str
    state: str
    file_system: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of files that was searched: how many, and how much of them."""

    kind: str
    name: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Copy:
    """What one file holds of the subject."""

    kind: str
    name: str
    envelopes: int
    keys: int
    openable: int
    identities: int
    opened_with: tuple[str, ...] = ()  # the copies of the keys folder that open one of the keys


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the record of the erasure stands in the ledger's chain, and how far that had come."""

    number: int | None
    hash: bytes | None
    previous: bytes | None
    head_number: int
    head_hash: bytes
    broken: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a user or a pool: the record of the erasure, its slot, and every copy."""

    subject: str  # "user" or "pool"
    digest: bytes
    is_alive_in_rows: bool
    line: LedgerLine | None
    slot: int | None
    keys: tuple[KeysCopy, ...]  # the keys folder first, then its mirror, then archived ones
    copies: tuple[Copy, ...]
    standing: Standing | None

    @property
    def is_buried(self) -> bool:
        """Whether the keys folder and its mirror hold the tombstone."""
        states = [copy.state for copy in self.keys if copy.kind != ARCHIVED]
        return bool(states) and all(state == _BURIED for state in states)

    def verdict(self) -> str:
        """
        Erased is only what a record says, every slot confirms and no copy contradicts.

        Copies that merely do not open prove nothing: a wrong key does that too.
        """
        if any(found.openable for found in self.copies):
            return "living" if self.line is None else "openable"
        if self.line is not None or self.is_buried:
            return "erased" if self.is_buried and (self.line is None or self.line.done) else "pending"
        if self.is_alive_in_rows:
            return "living"
        return "unproven" if any(found.keys for found in self.copies) else "unknown"


def receipt(evidence: Evidence, places: list[Place], *, verified_ms: int) -> dict[str, Any]:
    """The receipt of this evidence, not signed yet."""
    line, standing = evidence.line, evidence.standing
    return {
        "receipt": RECEIPT_VERSION,
        "subject": evidence.subject,
        "sub_sha256" if evidence.subject == "user" else "pool_id_sha256": evidence.digest.hex(),
        "verdict": evidence.verdict(),
        "erased_at": None if line is None else iso(line.erased_ms),
        "erased_with": None if line is None else line.kind,
        "verified_at": iso(verified_ms),
        "is_in_rows": evidence.is_alive_in_rows,
        "slot": {
            "number": evidence.slot,
            "copies": [
                {"kind": one.kind, "name": one.name, "file_system": one.file_system, "state": one.state}
                for one in evidence.keys
            ],
        },
        "places": [
            {"kind": one.kind, "name": one.name, "files": one.files, "bytes": one.bytes} for one in places
        ],
        "copies": [_copy(one) for one in evidence.copies],
        "ledger": None if line is None or standing is None else _ledger(line, standing),
        "clocks": clocks(evidence),
    }


def _copy(copy: Copy) -> dict[str, Any]:
    return {
        "kind": copy.kind,
        "name": copy.name,
        "envelopes": copy.envelopes,
        "keys": copy.keys,
        "openable": copy.openable,
        "identities": copy.identities,
    }


def _ledger(line: LedgerLine, standing: Standing) -> dict[str, Any]:
    """The line as it was hashed, so that its hash can be calculated anew, and the head behind it."""
    text = None
    if standing.number is not None and standing.previous is not None:
        text = text_of(line, standing.number, standing.previous)
    return {
        "number": standing.number,
        "line": text,
        "hash": None if standing.hash is None else standing.hash.hex(),
        "head": {"number": standing.head_number, "hash": standing.head_hash.hex()},
        "broken": standing.broken,
    }


def clocks(evidence: Evidence) -> dict[str, dict[str, Any]]:
    """The three clocks: each one's state, since when, and what keeps it from having run out."""
    verdict = evidence.verdict()
    is_recorded = evidence.line is not None or evidence.is_buried
    moment = None if evidence.line is None else iso(evidence.line.erased_ms)
    if verdict == "living" or not is_recorded:
        state = "not yet" if verdict == "living" else "not recorded"
        first = second = third = _clock(state, None, [])
    else:
        first = _clock("gone", moment, [])
        second, third = _second(evidence, moment), _third(evidence, moment)
    return {
        "gone_for_every_client": first,
        "gone_from_every_copy_of_the_database": second,
        "gone_from_every_copy_of_the_keys_folder": {**third, "outside": OUTSIDE},
    }


def _second(evidence: Evidence, moment: str | None) -> dict[str, Any]:
    opened = [f"{copy.name} opens" for copy in evidence.copies if KEYS_FOLDER in copy.opened_with]
    if opened:
        return _clock("broken", None, opened)
    own = evidence.keys[0]
    if own.state != _BURIED:
        return _clock("not yet", None, [f"the slot in the {own.kind} is {_said(own.state)}"])
    if evidence.line is not None and not evidence.line.done:
        return _clock("not yet", None, ["the tombstone is not known to be on every disk"])
    return _clock("gone", moment, [])


def _third(evidence: Evidence, moment: str | None) -> dict[str, Any]:
    if _second(evidence, moment)["state"] == "broken" or evidence.keys[0].state != _BURIED:
        return _clock("not yet", None, [])
    others = [copy for copy in evidence.keys[1:] if copy.state == _SECRET or copy.kind == MIRROR]
    others = [copy for copy in others if copy.state != _BURIED]
    broken = [f"the slot in the {copy.kind} ({copy.name}) is {_said(copy.state)}" for copy in others]
    broken += [
        f"{copy.name} opens with the {other}" for copy in evidence.copies for other in copy.opened_with
    ]
    if broken:
        return _clock("broken", None, broken)
    if evidence.line is not None and not evidence.line.done:
        return _clock("not yet", None, ["the tombstone is not known to be on every disk"])
    beside = [
        f"the {copy.kind} lies on {copy.file_system}, which writes beside what it overwrites"
        for copy in evidence.keys
        if copy.file_system in NOT_IN_PLACE
    ]
    return _clock("doubtful", moment, beside) if beside else _clock("gone", moment, [])


def _said(state: str) -> str:
    return {_SECRET: "still its secret", SlotState.FOREIGN.value: "another's tombstone"}.get(state, state)


def _clock(state: str, at: str | None, because: list[str]) -> dict[str, Any]:
    return {"state": state, "at": at, "because": because}


def iso(moment_ms: int) -> str:
    """A moment in UTC, to the millisecond."""
    return datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat(timespec="milliseconds")
