"""
`cenote keys`: the access keys of administrators, made, listed, rotated and revoked, beside a running server.

A secret is shown once, on stdout, in the form of an AWS credentials file; nothing can show it again.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cenote.cli.beside import masters_beside, store_beside
from cenote.domain.access_keys import (
    ENTROPY_BYTES,
    NAME,
    SECRET_ENTROPY_BYTES,
    AccessKey,
    new_access_key,
    new_secret,
    seal_secret,
)
from cenote.domain.sealed import MASTER_CHECK, master_id_of
from cenote.errors import CenoteError
from cenote.settings import Settings
from cenote.store.contract import Store
from cenote.store.transaction import Transaction
from cenote.vault.masters import Masters
from cenote.wire.policy import ALL, POLICY_CHARACTERS_MAX, READ_ONLY, new_policy

HOUR_MS = 3_600_000
KEYS_PER_PAGE = 500
POLICY_FILE_BYTES_MAX = 16 * POLICY_CHARACTERS_MAX
ROOT = "root"
_ROOT_MADE = "root_access_key"


@dataclass(frozen=True, slots=True)
class Bench:
    """What the commands work with: the rows, and the key that seals secrets."""

    store: Store
    master: Masters


def create(
    settings: Settings, name: str, policy_file: Path | None, *, read_only: bool, everything: bool
) -> None:
    """Make a key that may do what exactly one of the three says, and show it."""
    if not NAME.fullmatch(name):
        raise CenoteError("The name must be 1 to 64 letters, digits and characters of +=,.@_-")
    if (policy_file is not None) + read_only + everything != 1:
        raise CenoteError("Say what the key may do: one of --policy FILE, --read-only and --all.")
    policy = ALL if everything else READ_ONLY
    if policy_file is not None:
        from cenote.wire.model import Model

        signed = [one.name for one in Model.load().operations.values() if one.signed]
        policy = new_policy(_text_of(policy_file), signed)
    with _bench(settings) as bench:
        key, secret = _new(bench.master, name, policy)
        bench.store.write(partial(_add, key))
    print(_shown(key.key_id, secret, name))


def show_list(settings: Settings) -> None:
    """Print every key: its id, state, times and what it may do."""
    with _bench(settings) as bench:
        keys = list(_every_key(bench.store))
    now_ms = _now_ms()
    rows = [("ID", "NAME", "STATE", "CREATED", "LAST USED", "POLICY")]
    rows += [
        (
            one.key_id,
            one.name,
            _state(one, now_ms),
            _written(one.created_ms),
            _written(one.used_ms),
            _may(one),
        )
        for one in keys
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def revoke(settings: Settings, key_id: str) -> None:
    """End a key and forget its secrets; the next call that it signs is refused."""
    with _bench(settings) as bench:
        bench.store.write(partial(_revoke, key_id))
    print(f"{key_id} is revoked.")


def rotate(settings: Settings, key_id: str, grace_hours: float) -> None:
    """Give a key a new secret, and show it; the old one works until the grace is over."""
    former_until_ms = _now_ms() + int(grace_hours * HOUR_MS)
    with _bench(settings) as bench:
        secret = new_secret(os.urandom(SECRET_ENTROPY_BYTES))
        sealed = seal_secret(bench.master.sealing_key, key_id, secret)
        key = bench.store.write(partial(_rotate, key_id, sealed, former_until_ms))
    print(_shown(key_id, secret, key.name))
    print(f"# The former secret works until {_written(former_until_ms)}.")


def show_root(store: Store, master: Masters) -> None:
    """At the first start that asks for signatures: make the key that may do everything, and show it once."""
    key, secret = _new(master, ROOT, ALL)
    if store.write(partial(_add_root, key)):
        print("# The root access key. It is shown this once; `cenote keys` makes others.")
        print(_shown(key.key_id, secret, ROOT), flush=True)


@contextmanager
def _bench(settings: Settings) -> Iterator[Bench]:
    """The database, and the master key that it was sealed with."""
    with store_beside(settings) as store:
        yield Bench(store, masters_beside(settings, store))


def _new(master: Masters, name: str, policy: str) -> tuple[AccessKey, str]:
    entropy = os.urandom(ENTROPY_BYTES)
    return new_access_key(entropy, master.sealing_key, name=name, policy=policy, now_ms=_now_ms())


def _add(key: AccessKey, tx: Transaction) -> None:
    """Hold a key whose secret the present master key has closed: it may have changed a moment ago."""
    _require_present(key.secret, tx)
    tx.access_keys.add(key)


def _require_present(sealed: bytes | None, tx: Transaction) -> None:
    check = tx.meta.hold(MASTER_CHECK, b"")
    if sealed is not None and check and master_id_of(check) != master_id_of(sealed):
        raise CenoteError("The master key has changed just now: give the command again, with the new one.")


def _add_root(key: AccessKey, tx: Transaction) -> bool:
    """Of several processes that start at once, one makes it; after that, nobody ever again."""
    is_first = tx.meta.add(_ROOT_MADE, key.key_id.encode()) == key.key_id.encode()
    if is_first:
        _add(key, tx)
    return is_first


def _revoke(key_id: str, tx: Transaction) -> None:
    tx.access_keys.save(_held(key_id, tx).revoked())


def _rotate(key_id: str, sealed: bytes, former_until_ms: int, tx: Transaction) -> AccessKey:
    _require_present(sealed, tx)
    key = _held(key_id, tx).rotated(sealed, former_until_ms=former_until_ms)
    tx.access_keys.save(key)
    return key


def _held(key_id: str, tx: Transaction) -> AccessKey:
    key = tx.access_keys.hold(key_id)
    if key is None:
        raise CenoteError(f"There is no access key {key_id}; `cenote keys list` shows which there are.")
    if key.is_revoked:
        raise CenoteError(f"The access key {key_id} is revoked, for good.")
    return key


def _every_key(store: Store) -> Iterator[AccessKey]:
    after = ""
    while page := store.read(partial(_page_behind, after)):
        yield from page
        after = page[-1].key_id


def _page_behind(after: str, tx: Transaction) -> list[AccessKey]:
    return tx.access_keys.list_page(after, KEYS_PER_PAGE)


def _text_of(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(POLICY_FILE_BYTES_MAX).decode()
    except (OSError, ValueError) as failure:
        raise CenoteError(f"The policy {file} can't be read ({failure}).") from failure


def _shown(key_id: str, secret: str, name: str) -> str:
    return f"[{name}]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}"


def _state(key: AccessKey, now_ms: int) -> str:
    if key.is_revoked:
        return "revoked"
    return "rotating" if now_ms < key.former_until_ms else "active"


def _may(key: AccessKey) -> str:
    return {ALL: "all", READ_ONLY: "read-only"}.get(key.policy, "its own")


def _written(moment_ms: int | None) -> str:
    if moment_ms is None:
        return "never"
    return datetime.fromtimestamp(moment_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _now_ms() -> int:
    """The machine's own time, as signatures are measured by it."""
    return time.time_ns() // 1_000_000
