"""
`cenote erasure verify SUB`: what is left of a user in every file at hand, and the receipt that says so.

Works beside a running server and without one, and changes nothing.  The receipt holds no personal data: the
SHA-256 of the identity, a slot number, times, and counts.
"""

import sys
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
from cenote.settings import Settings
from cenote.vault.keys import Keyring, read_header
from cenote.vault.master import load_master
from cenote.vault.sealing import Unopenable
from cenote.vault.searching import Found, SlotFiles, files_below, search
from cenote.vault.tombstones import state_of

RECEIPT_VERSION = 1
_WORDS = {
    "erased": "Nobody can open this user any more, in any file that was searched.",
    "pending": "The user is erased, but a tombstone is still owed: a running server writes it by itself.",
    "openable": "The user is erased, but a copy at hand still opens: a keys folder missed the tombstone.",
    "living": "The user is alive.",
    "unknown": "No file at hand holds anything of this user, and no ledger knows them.",
}


@dataclass(frozen=True, slots=True)
class Record:
    """What the database says: the row of a living user's key, and the ledger's line."""

    wrapped: bytes | None
    ledger_slot: int | None
    erased_ms: int | None


def verify(settings: Settings, sub: str, also: list[Path]) -> int:
    """Print the receipt on stdout; 0 when the user is erased and nothing of them opens, else 1."""
    master = load_master(
        text=settings.master_key,
        command=settings.master_key_command,
        file=settings.master_key_file,
        may_create=False,
    )
    folders = [folder for folder in (settings.keys, settings.keys_mirror) if folder is not None]
    keyrings = [Keyring(master, SlotFiles(folder)) for folder in folders]
    copies = _copies(settings, sub, also, keyrings)
    record = _record(settings, sub)
    slot = _slot(record, sub, [SlotFiles(folder) for folder in folders])
    verdict = _verdict(record, slot["states"], copies)
    receipt = _receipt(sub, record, verdict, slot, copies)
    print(msgspec.json.format(msgspec.json.encode(receipt), indent=2).decode())
    Console(stderr=True).print(_WORDS[verdict], style="green" if verdict == "erased" else "yellow")
    return 0 if verdict == "erased" else 1


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


def _record(settings: Settings, sub: str) -> Record:
    digest = digest_of(sub)
    with source_of(settings) as source:
        row = source.one("select wrapped from keys where sub = :sub", {"sub": sub})
        line = source.one("select slot, erased_ms from ledger where digest = :digest", {"digest": digest})
    slot, erased_ms = line or (None, None)
    return Record(None if row is None else bytes(row[0]), slot, erased_ms)


def _slot(record: Record, sub: str, folders: list[SlotFiles]) -> dict[str, Any]:
    """What each keys folder holds in the user's slot."""
    number = record.ledger_slot
    if number is None and record.wrapped is not None:
        number = read_header(record.wrapped).slot
    if number is None:
        return {"number": None, "states": []}
    return {"number": number, "states": [_state(folder, number, sub) for folder in folders]}


def _state(folder: SlotFiles, number: int, sub: str) -> str:
    try:
        return state_of(folder.read(number), digest_of(sub)).value
    except Unopenable:
        return "missing"


def _verdict(record: Record, states: list[str], copies: list[Found]) -> str:
    is_erased = record.ledger_slot is not None or "buried" in states
    if is_erased and any(state == "secret" for state in states):
        return "pending" if "buried" not in states else "openable"
    if any(found.openable for found in copies):
        return "openable" if is_erased else "living"
    if is_erased or any(found.keys for found in copies):
        return "erased"
    return "living" if record.wrapped is not None else "unknown"


def _receipt(
    sub: str, record: Record, verdict: str, slot: dict[str, Any], copies: list[Found]
) -> dict[str, Any]:
    gone = verdict == "erased"
    moment = None if record.erased_ms is None else _iso(record.erased_ms)
    return {
        "receipt": RECEIPT_VERSION,
        "sub_sha256": digest_of(sub).hex(),
        "verdict": verdict,
        "erased_at": moment,
        "verified_at": _iso(int(datetime.now(UTC).timestamp() * 1000)),
        "slot": slot,
        "copies": [
            {
                "path": str(found.path),
                "envelopes": found.envelopes,
                "keys": found.keys,
                "openable": found.openable,
                "identities": found.clear,
            }
            for found in copies
        ],
        "clocks": {
            "gone_for_every_client": moment or "not recorded",
            "gone_from_every_copy_of_the_database": (moment or "with its pool") if gone else "not yet",
            "gone_from_every_copy_of_the_keys_folder": (
                "its mirrors before the answer; a copy that an operator archived: never"
                if gone
                else "not yet"
            ),
        },
    }


def _iso(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat(timespec="milliseconds")
