"""
`cenote erasure verify SUB`: what is left of a user in every file at hand, and the receipt that says so.

Works beside a running server and without one, and changes nothing.  The receipt holds no personal data: the
SHA-256 of the identity, a slot number, times, and counts.
"""

import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import track

from cenote.cli.backup import source_of
from cenote.domain.sealed import digest_of
from cenote.errors import CenoteError
from cenote.opening import require_master
from cenote.settings import Settings
from cenote.store.copying import Source
from cenote.vault.keys import Keyring, read_header
from cenote.vault.master import Master, load_master
from cenote.vault.sealing import Unopenable
from cenote.vault.searching import Found, SlotFiles, files_below, search
from cenote.vault.slots import pair_of
from cenote.vault.tombstones import SlotState, state_of

RECEIPT_VERSION = 1
NOTE_WAIT_S_MAX = 5.0
NOTE_POLL_S = 0.1
_SUB = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WORDS = {
    "erased": "Nobody can open this user any more, in any file that was searched.",
    "pending": "The user is erased, but a tombstone is owed, or its slot is missing.",
    "openable": "The user is erased, but a copy at hand still opens: a keys folder missed the tombstone.",
    "living": "The user is alive.",
    "unproven": "There are copies that do not open, but no record of an erasure: that is no proof.",
    "unknown": "No file at hand holds anything of this user, and no ledger knows them.",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a user: the record of the erasure, the slot that it is about, and every copy."""

    is_alive_in_rows: bool
    record: str | None  # "user", "pool", or None when no ledger has a line
    erased_ms: int | None
    slot: int | None
    states: list[str]  # of that slot, in the keys folder and in its mirror
    is_done: bool  # whether every copy of the keys folder is known to have the tombstone
    copies: list[Found]

    def verdict(self) -> str:
        """
        Erased is only what a record says, every slot confirms and no copy contradicts.

        Copies that merely do not open prove nothing: a wrong key does that too.
        """
        is_buried = bool(self.states) and all(state == SlotState.BURIED.value for state in self.states)
        if any(found.openable for found in self.copies):
            return "living" if self.record is None else "openable"
        if self.record is not None or is_buried:
            return "erased" if is_buried and (self.is_done or self.record is None) else "pending"
        if self.is_alive_in_rows:
            return "living"
        return "unproven" if any(found.keys for found in self.copies) else "unknown"


def verify(settings: Settings, sub: str, also: list[Path]) -> int:
    """Print the receipt on stdout; 0 when the user is erased and nothing of them opens, else 1."""
    if not _SUB.fullmatch(sub):
        raise CenoteError(
            "The identity must be a `sub`: 32 hex digits in the groups of a UUID, in lower case."
        )
    master = load_master(
        text=settings.master_key,
        command=settings.master_key_command,
        file=settings.master_key_file,
        may_create=False,
    )
    folders = [SlotFiles(folder) for folder in (settings.keys, settings.keys_mirror) if folder is not None]
    _require_belonging(settings, master)
    copies = _copies(settings, sub, also, [Keyring(master, folder) for folder in folders])
    evidence = _settled(settings, sub, folders, copies)
    verdict = evidence.verdict()
    receipt = _receipt(sub, evidence, verdict)
    print(msgspec.json.format(msgspec.json.encode(receipt), indent=2).decode())
    Console(stderr=True).print(_WORDS[verdict], style="green" if verdict == "erased" else "yellow")
    return 0 if verdict == "erased" else 1


def _require_belonging(settings: Settings, master: Master) -> None:
    """Refuse keys that are not this data's: with them everything would look erased."""
    with source_of(settings) as source:
        meta = {name: bytes(value) for rows in source.rows("meta") for name, value in rows}
    require_master(master, meta.get("master_check"))
    for folder in (settings.keys, settings.keys_mirror):
        if folder is not None and pair_of(folder) != meta.get("pair"):
            raise CenoteError(f"The keys folder {folder} does not belong to this data.")


def _copies(settings: Settings, sub: str, also: list[Path], keyrings: list[Keyring]) -> list[Found]:
    for path in also:
        if not path.exists():
            raise CenoteError(f"There is nothing to search at {path}.")
    own = [] if settings.database_url is not None else [settings.data]
    files = list(files_below([*own, *also]))
    shown = track(
        files, "Searching", console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    )
    return [found for file in shown if (found := search(file, sub, keyrings)) is not None]


def _settled(settings: Settings, sub: str, folders: list[SlotFiles], copies: list[Found]) -> Evidence:
    """The evidence, once a running server has had its moment to note a tombstone that it has just written."""
    until = time.monotonic() + NOTE_WAIT_S_MAX
    evidence = _evidence(settings, sub, folders, copies)
    while evidence.verdict() == "pending" and not evidence.is_done and time.monotonic() < until:
        time.sleep(NOTE_POLL_S)
        evidence = _evidence(settings, sub, folders, copies)
    return evidence


def _evidence(settings: Settings, sub: str, folders: list[SlotFiles], copies: list[Found]) -> Evidence:
    digest, line_of = digest_of(sub), "select slot, erased_ms, done from ledger where digest = :digest"
    with source_of(settings) as source:
        row = source.one("select wrapped from keys where sub = :sub", {"sub": sub})
        line = source.one(line_of, {"digest": digest})
        pool = None if line is not None else _pool_line(source, copies)
    if line is not None:
        states = [_state(folder, line[0], digest) for folder in folders]
        return Evidence(row is not None, "user", line[1], line[0], states, bool(line[2]), copies)
    if pool is not None:
        states = [_state(folder, pool[0], bytes(pool[2])) for folder in folders]
        return Evidence(row is not None, "pool", pool[1], pool[0], states, bool(pool[3]), copies)
    slot = None if row is None else read_header(bytes(row[0])).slot
    states = [] if slot is None else [_state(folder, slot, digest) for folder in folders]
    return Evidence(row is not None, None, None, slot, states, is_done=False, copies=copies)


def _pool_line(source: Source, copies: list[Found]) -> Sequence[Any] | None:
    """The erasure of the pool that the user's keys were wrapped under, if there was one."""
    for slot in sorted({slot for found in copies for slot in found.pool_slots}):
        line = source.one(
            "select slot, erased_ms, digest, done from ledger where kind = 'pool' and slot = :slot",
            {"slot": slot},
        )
        if line is not None:
            return line
    return None


def _state(folder: SlotFiles, number: int, digest: bytes) -> str:
    try:
        return state_of(folder.read(number), digest).value
    except Unopenable:
        return "missing"


def _receipt(sub: str, evidence: Evidence, verdict: str) -> dict[str, Any]:
    gone = verdict == "erased"
    moment = None if evidence.erased_ms is None else _iso(evidence.erased_ms)
    return {
        "receipt": RECEIPT_VERSION,
        "sub_sha256": digest_of(sub).hex(),
        "verdict": verdict,
        "erased_at": moment,
        "verified_at": _iso(int(datetime.now(UTC).timestamp() * 1000)),
        "erased_with": evidence.record,
        "slot": {"number": evidence.slot, "states": evidence.states},
        "copies": [
            {
                "path": str(found.path),
                "envelopes": found.envelopes,
                "keys": found.keys,
                "openable": found.openable,
                "identities": found.clear,
            }
            for found in evidence.copies
        ],
        "clocks": {
            "gone_for_every_client": moment or "not recorded",
            "gone_from_every_copy_of_the_database": (moment or "before this database") if gone else "not yet",
            "gone_from_every_copy_of_the_keys_folder": (
                "its mirrors before the answer; a copy that an operator archived: never"
                if gone
                else "not yet"
            ),
        },
    }


def _iso(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat(timespec="milliseconds")
