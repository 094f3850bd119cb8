"""
`cenote keys`: the access keys of administrators, made, listed, rotated and revoked, and what they may do;
beside a running server.

A secret is shown once, on stdout, in the form of an AWS credentials file; nothing can show it again.
"""

import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cenote.binding import every_key, now_ms, why_refused
from cenote.cli.beside import masters_beside, store_beside
from cenote.cli.telling import in_columns, reason_of, who
from cenote.clock import Clock
from cenote.domain.access_keys import (
    ENTROPY_BYTES,
    NAME,
    SECRET_ENTROPY_BYTES,
    AccessKey,
    Binding,
    allowed,
    binding_of,
    legible,
    new_access_key,
    new_secret,
    rotated,
    taken_up,
)
from cenote.domain.audit import Act, AuditLine
from cenote.domain.sealed import MASTER_CHECK, digest_of, master_id_of
from cenote.errors import CenoteError
from cenote.settings import Settings
from cenote.store.contract import Store
from cenote.store.transaction import Transaction
from cenote.vault.masters import Masters
from cenote.wire.policy import ALL, POLICY_CHARACTERS_MAX, READ_ONLY, new_policy

HOUR_MS = 3_600_000
LINE_ID_BYTES = 12
POLICY_FILE_BYTES_MAX = 16 * POLICY_CHARACTERS_MAX
ROOT = "root"
_ROOT_MADE = "root_access_key"


@dataclass(frozen=True, slots=True)
class Bench:
    """What the commands work with: the rows, and the key that seals secrets."""

    store: Store
    master: Masters


@dataclass(frozen=True, slots=True)
class Change:
    """Another policy of a key, and the secret that it gets with it if it was not bound."""

    key_id: str
    policy: str
    secret: str = field(repr=False)


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
        policy = _policy_of(policy_file)
    with _bench(settings) as bench:
        key, secret = _new(bench.master, name, policy)
        bench.store.write(partial(_add, key))
    print(_shown(key.key_id, secret, name))


def show_list(settings: Settings) -> None:
    """Print every key: its id, state, times and what it may do."""
    with _bench(settings) as bench:
        keys = list(every_key(bench.store.read))
        states = [_state(one, bench.master) for one in keys]
    rows = [("ID", "NAME", "STATE", "CREATED", "LAST USED", "POLICY")]
    rows += [
        (
            legible(one.key_id),
            legible(one.name),
            state,
            _written(one.created_ms),
            _written(one.used_ms),
            _may(one),
        )
        for one, state in zip(keys, states, strict=True)
    ]
    print(in_columns(rows))


def show_policy(settings: Settings, key_id: str) -> None:
    """Print what a key may do, as JSON."""
    with _bench(settings) as bench:
        key = bench.store.read(partial(_found, key_id))
        _require(bench.master, key, Binding.BOUND)
    print(json.dumps(json.loads(key.policy), indent=2, ensure_ascii=False))


def set_policy(settings: Settings, key_id: str, policy_file: Path, because: str, by: str | None) -> None:
    """
    Let a key do something else; from the command's answer on, on every node.  It is recorded for good.

    One that is not bound yet gets a new secret with it, which is shown.
    """
    policy, reason, name = _policy_of(policy_file), reason_of(because) if because else "", who(by)
    with _bench(settings) as bench:
        line = AuditLine(
            line_id=secrets.token_hex(LINE_ID_BYTES),
            act=Act.POLICY,
            pool_id="",
            digest=digest_of(key_id),
            at_ms=Clock(bench.store).now_ms(),
            who=name,
            reason=reason,
            key_id=key_id,
            policy=policy,
        )
        change = Change(key_id, policy, new_secret(os.urandom(SECRET_ENTROPY_BYTES)))
        taken = bench.store.write(partial(_set_policy, bench.master, change, line))
    if taken is not None:
        print(_shown(key_id, change.secret, taken.name))
        print("# It was not bound: what it was signed with before does not work.")
    print(f"{'# ' if taken else ''}{key_id} has another policy.")


def revoke(settings: Settings, key_id: str) -> None:
    """End a key and forget its secrets; the next call that it signs is refused."""
    with _bench(settings) as bench:
        bench.store.write(partial(_revoke, key_id))
    print(f"{key_id} is revoked.")


def rotate(settings: Settings, key_id: str, grace_hours: float) -> None:
    """Give a key a new secret, and show it; the old one works until the grace is over."""
    former_until_ms = now_ms() + int(grace_hours * HOUR_MS)
    with _bench(settings) as bench:
        secret = new_secret(os.urandom(SECRET_ENTROPY_BYTES))
        key = bench.store.write(partial(_rotate, bench.master, key_id, secret, former_until_ms))
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
    return new_access_key(entropy, master.sealing_key, name=name, policy=policy, now_ms=now_ms())


def _add(key: AccessKey, tx: Transaction) -> None:
    """Hold a key whose secret the present master key has closed: it may have changed a moment ago."""
    _require_present(master_id_of(key.secret or b""), tx)
    tx.access_keys.add(key)


def _require_present(master_id: bytes, tx: Transaction) -> None:
    check = tx.meta.hold(MASTER_CHECK, b"")
    if check and master_id_of(check) != master_id:
        raise CenoteError("The master key has changed just now: give the command again, with the new one.")


def _add_root(key: AccessKey, tx: Transaction) -> bool:
    """Of several processes that start at once, one makes it; after that, nobody ever again."""
    is_first = tx.meta.add(_ROOT_MADE, key.key_id.encode()) == key.key_id.encode()
    if is_first:
        _add(key, tx)
    return is_first


def _revoke(key_id: str, tx: Transaction) -> None:
    tx.access_keys.save(_held(key_id, tx).revoked())


def _rotate(master: Masters, key_id: str, secret: str, former_until_ms: int, tx: Transaction) -> AccessKey:
    _require_present(master.current.key_id, tx)
    held = _held(key_id, tx)
    _require(master, held, Binding.BOUND)  # to go on with another row would make true what it says
    key = rotated(held, master.sealing_key, secret, former_until_ms=former_until_ms)
    tx.access_keys.save(key)
    return key


def _set_policy(master: Masters, change: Change, line: AuditLine, tx: Transaction) -> AccessKey | None:
    """Let the key do something else; the key if it was taken up by it, None if it was bound before."""
    _require_present(master.current.key_id, tx)
    key = _held(change.key_id, tx)
    found = _require(master, key, Binding.BOUND, Binding.UNBOUND)
    if found is Binding.BOUND:
        again = allowed(key, master.sealing_key, change.policy)
    else:
        again = taken_up(key, master.sealing_key, change.secret, policy=change.policy, now_ms=now_ms())
    tx.access_keys.save(again)
    tx.audit.add(line)
    return None if found is Binding.BOUND else again


def _found(key_id: str, tx: Transaction) -> AccessKey:
    return _living(key_id, tx.access_keys.find(key_id))


def _require(master: Masters, key: AccessKey, *fit: Binding) -> Binding:
    found = binding_of(key, master.sealing_key)
    if found not in fit:
        raise CenoteError(f"The access key {key.key_id} is refused: {why_refused(found)}.")
    return found


def _held(key_id: str, tx: Transaction) -> AccessKey:
    return _living(key_id, tx.access_keys.hold(key_id))


def _living(key_id: str, key: AccessKey | None) -> AccessKey:
    if key is None:
        raise CenoteError(f"There is no access key {key_id}; `cenote keys list` shows which there are.")
    if key.is_revoked:
        raise CenoteError(f"The access key {key_id} is revoked, for good.")
    return key.standing(now_ms())


def _policy_of(file: Path) -> str:
    """The policy of a file, as it is kept; `CenoteError` says what is wrong with it."""
    from cenote.wire.model import Model

    signed = [one.name for one in Model.load().operations.values() if one.signed]
    return new_policy(_text_of(file), signed)


def _text_of(file: Path) -> str:
    """What is in the file; `-` is stdin."""
    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(POLICY_FILE_BYTES_MAX).decode()
        with file.open("rb") as opened:
            return opened.read(POLICY_FILE_BYTES_MAX).decode()
    except (OSError, ValueError) as failure:
        raise CenoteError(f"The policy {file} can't be read ({failure}).") from failure


def _shown(key_id: str, secret: str, name: str) -> str:
    return f"[{name}]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}"


def _state(key: AccessKey, master: Masters) -> str:
    if key.is_revoked:
        return "revoked"
    if binding_of(key.standing(now_ms()), master.sealing_key) is not Binding.BOUND:
        return "refused"
    return "rotating" if now_ms() < key.former_until_ms else "active"


def _may(key: AccessKey) -> str:
    return {ALL: "all", READ_ONLY: "read-only"}.get(key.policy, "its own")


def _written(moment_ms: int | None) -> str:
    if moment_ms is None:
        return "never"
    try:
        return datetime.fromtimestamp(moment_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):  # somebody wrote another number: the list must show it
        return "no time"
