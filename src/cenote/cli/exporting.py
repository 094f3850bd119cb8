"""
`cenote user export`: everything that is held of one user, as JSON, while there is something to hold.

Reads beside running servers, with the keys at hand, and changes nothing.  Never shows what lets somebody in:
no verifier or salt, no token, no code, and no text of a message, for a code stands in it; it says that they
are there.
"""

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cenote.cli.beside import store_beside
from cenote.cli.holding import told_of
from cenote.cli.keys_at_hand import keys_at_hand
from cenote.cli.telling import iso
from cenote.domain.audit import FOR_EVER_MS, AuditLine
from cenote.domain.groups import Group
from cenote.domain.limits import Subject
from cenote.domain.lockout import Activity
from cenote.domain.registrations import Message, Pool
from cenote.domain.sealed import digest_of
from cenote.domain.users import User
from cenote.errors import CenoteError
from cenote.settings import Settings
from cenote.store.ground import Unattached
from cenote.store.inventory import Belonging
from cenote.store.transaction import Transaction
from cenote.vault.keys import Keyring
from cenote.vault.pool_secrets import PoolSecrets

EXPORT_VERSION = 1
NOT_SHOWN = [
    "the password's verifier and salt, and those of former passwords",
    "the digests of codes",
    "the texts of messages, for a code stands in them",
    "tokens, which are not held",
]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose data are asked for: a user of a pool, by one of two."""

    pool_id: str
    sub: str | None
    username: str | None

    def __post_init__(self) -> None:
        """Refuse none and both."""
        if (self.sub is None) == (self.username is None):
            raise CenoteError("Say whose data to export: one of --sub and --username.")


@dataclass(frozen=True, slots=True)
class Everything:
    """All that is held of one user."""

    pool: Pool
    user: User
    belongings: Sequence[Belonging]
    groups: Sequence[Group]
    messages: Sequence[Message]
    activity: Activity
    names: int
    marks: int
    held_until_ms: int | None
    recoverable_until_ms: int | None
    record: Sequence[AuditLine]


def export(settings: Settings, asked: Asked, output: Path | None) -> None:
    """Write the export to a new file of the operator's own, or to stdout."""
    hand = keys_at_hand(settings)
    keyring = Keyring(hand.master, hand.folders[0])
    with store_beside(settings) as store:
        store.attach(keyring, Unattached())
        found = store.read(partial(_found, asked, PoolSecrets(keyring)))
    text = json.dumps(shown(found, time.time_ns() // 1_000_000), indent=2, ensure_ascii=False)
    if output is None:
        print(text)
        return
    _write(output, text + "\n")
    print(f"{output} is written; it is personal data.", file=sys.stderr)


def shown(found: Everything, now_ms: int) -> dict[str, Any]:
    """The export."""
    kinds: defaultdict[str, list[Belonging]] = defaultdict(list)
    for one in found.belongings:
        kinds[one.kind].append(one)
    sessions = kinds.pop("session", []) + kinds.pop("ended", [])
    joined = {one.row_id: one.created_ms for one in kinds.pop("group", [])}
    return {
        "export": EXPORT_VERSION,
        "exported_at": iso(now_ms),
        "pool": {"id": found.pool.pool_id, "name": found.pool.document["Name"]},
        "user": _user(found.user),
        "hold": _hold(found.held_until_ms, now_ms),
        "deleted_and_recoverable_until": iso(found.recoverable_until_ms),
        "groups": [_group(group, joined) for group in found.groups],
        "sessions": [_session(one) for one in sessions],
        "codes": [_code(one) for one in kinds.pop("code", [])],
        "attempts": [_attempts(one) for one in kinds.pop("attempts", [])],
        "activity": _activity(found.activity),
        "messages": [_message(one) for one in found.messages],
        "found_by": {"names": found.names, "search_marks": found.marks},
        "others": [_other(one) for its in kinds.values() for one in its],
        "record": [told_of(line) for line in found.record],
        "not_shown": NOT_SHOWN,
    }


def _found(asked: Asked, secrets: PoolSecrets, tx: Transaction) -> Everything:
    pool = tx.pools.find(asked.pool_id)
    if pool is None:
        raise CenoteError(f"There is no pool {asked.pool_id}.")
    if asked.username is not None:
        user = tx.users.find_named(pool, secrets.of(pool).blind(asked.username))
    else:
        user = tx.users.find(asked.sub or "") or tx.recoverable.find(asked.sub or "")
    if user is None or user.pool_id != asked.pool_id:
        raise CenoteError(f"The pool {asked.pool_id} has no such user.")
    return Everything(
        pool=pool,
        user=user,
        belongings=tx.inventory.list_belongings(user.sub),
        groups=tx.groups.list_of_user(user.sub),
        messages=tx.outbox.list_of_user(user.sub),
        activity=tx.activity.find(Subject(user.sub)),
        names=tx.inventory.count_names(user.sub),
        marks=tx.inventory.count_marks(user.sub),
        held_until_ms=tx.inventory.find_held_until_ms(user.sub),
        recoverable_until_ms=tx.inventory.find_recoverable_until_ms(user.sub),
        record=tx.audit.list_of_user(digest_of(user.sub)),
    )


def _user(user: User) -> dict[str, Any]:
    return {
        "sub": user.sub,
        "username": user.username,
        "status": user.status.value,
        "enabled": user.enabled,
        "created_at": iso(user.created_ms),
        "modified_at": iso(user.modified_ms),
        "attributes": dict(user.attributes),
        "addresses_to_be_proven": dict(user.pending),
        "password": {
            "verifier": "held, not shown" if user.password is not None else "none",
            "temporary_since": iso(user.temporary_since_ms),
            "former_verifiers": len(user.former_passwords),
        },
    }


def _hold(held_until_ms: int | None, now_ms: int) -> dict[str, Any] | None:
    if held_until_ms is None or held_until_ms <= now_ms:
        return None
    return {"until": "released" if held_until_ms >= FOR_EVER_MS else iso(held_until_ms)}


def _group(group: Group, joined: dict[str, int]) -> dict[str, Any]:
    return {
        "name": group.name,
        "description": group.description,
        "role_arn": group.role_arn,
        "precedence": group.precedence,
        "joined_at": iso(joined.get(group.group_id)),
    }


def _session(one: Belonging) -> dict[str, Any]:
    return {
        "id": one.row_id,
        "state": "alive" if one.kind == "session" else "ended",
        "event_id": one.tag,
        "client_id": None if one.body is None else one.body.decode(),
        "began_at": iso(one.created_ms),
        "expires_at": iso(one.expires_ms),
        "refreshed": one.count,
    }


def _code(one: Belonging) -> dict[str, Any]:
    made, expires = iso(one.created_ms), iso(one.expires_ms)
    return {"for": one.row_id, "attribute": one.tag, "sent_at": made, "expires_at": expires}


def _attempts(one: Belonging) -> dict[str, Any]:
    return {"of": one.row_id, "count": one.count, "since": iso(one.created_ms), "until": iso(one.expires_ms)}


def _activity(activity: Activity) -> dict[str, Any]:
    return {"wrong_passwords": activity.failures, "latest_at": iso(activity.failed_ms or None)}


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": message.message_id,
        "medium": message.medium,
        "to": message.to,
        "subject": message.subject,
        "promised_at": iso(message.created_ms),
        "expires_at": iso(message.expires_ms),
    }


def _other(one: Belonging) -> dict[str, Any]:
    return {"kind": one.kind, "created_at": iso(one.created_ms), "expires_at": iso(one.expires_ms)}


def _write(output: Path, text: str) -> None:
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as failure:
        raise CenoteError(f"{output} is there already; an export never overwrites anything.") from failure
    except OSError as failure:
        raise CenoteError(f"{output} can't be written: {failure.strerror}.") from failure
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
