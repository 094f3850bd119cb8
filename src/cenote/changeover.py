"""
The change of the master key, as every process sees it: which keys open the data, and which one closes.

Announced, the old key still closes everything, and whoever serves makes sure of the new one.  Switched, the
new one closes what belongs to the house, and pool by pool what belongs to a pool; both open.  Finished, the
old one is forgotten.  From the announcement on the old key lies in the data sealed under the new one, so that
a start with the new one opens both; never the other way round, for the old one may be in wrong hands.  Leaves
out the rows (`rewrapping.py`) and the command (`cli/rotating.py`).
"""

import os
import socket
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

import msgspec

from cenote.domain.sealed import MASTER_CHECK, Place, master_id_of
from cenote.errors import CenoteError
from cenote.log import logger
from cenote.settings import Settings
from cenote.store.changeover import Ack
from cenote.store.contract import Store
from cenote.store.transaction import Transaction
from cenote.vault.master import Master, load_master
from cenote.vault.masters import Masters
from cenote.vault.sealing import Unopenable

SECRET, FORMER, CHANGE = "server_secret", "master_former", "master_change"
CHECKED = b"cenote"
QUIET_ROUNDS = 60  # after a change, whatever was wrapped just before it still opens for so many seconds
NEXT_ENDING = ".next"
_NODE_ID_BYTES = 8
NOT_THIS_DATAS = "The master key is not the one that this data was sealed with."

Find = Callable[[str], bytes | None]
log = logger("cenote.changeover")


class Change(msgspec.Struct, frozen=True):
    """A change that is under way: from which key to which (their ids), and who is called to say so."""

    former: bytes
    following: bytes
    call: str


def open_masters(
    settings: Settings, find: Find, *, may_create: bool = False, also: Master | None = None
) -> Masters:
    """
    The master keys that open this data, from where the settings say; `find` reads a value of the data.

    While a change is under way either key will do, and the new one opens both.  `also` is at hand besides.
    """
    given = load_master(
        text=settings.master_key,
        command=settings.master_key_command,
        file=settings.master_key_file,
        may_create=may_create,
    )
    seek, check = partial(_at_hand, settings), find(MASTER_CHECK)
    if check is None:
        return Masters(given, seek=seek)
    former = _former(given, find(FORMER))
    for current in (given, former):
        if current is not None and has_sealed(current, check):
            return Masters(current, [one for one in (given, former) if one is not None], seek)
    change = change_under_way(find)
    for present in chain([] if also is None else [also], seek()):
        if has_sealed(present, check):
            if change is None:
                log.warning("master key is outdated", present=present.key_id.hex())
            return Masters(present, [given], seek)
    if change is not None and change.former == given.key_id:
        raise CenoteError("The master key is being changed: start with the new one, which opens both.")
    raise CenoteError(NOT_THIS_DATAS)


def has_sealed(master: Master, check: bytes | None) -> bool:
    """Whether this key sealed the value by which data knows its master key."""
    try:
        return master.server_key().open(_place(MASTER_CHECK), check or b"") == CHECKED
    except Unopenable:
        return False


def change_under_way(find: Find) -> Change | None:
    """The change of the master key that is under way, if one is."""
    text = find(CHANGE)
    return None if text is None else msgspec.msgpack.decode(text, type=Change)


def next_file(settings: Settings) -> Path:
    """Where a server looks for the key that follows the one in its file."""
    return settings.master_key_file.with_name(settings.master_key_file.name + NEXT_ENDING)


def announce(former: Master, following: Master, call: str, tx: Transaction) -> None:
    """Let every serving process look for the new key, and a start with the new one open the data."""
    check = tx.meta.hold(MASTER_CHECK, b"")
    if has_sealed(following, check):
        return
    if not has_sealed(former, check):
        raise CenoteError(NOT_THIS_DATAS)
    present = change_under_way(tx.meta.find)
    if present is not None and present.following != following.key_id:
        raise CenoteError(
            f"A change to another master key is under way (to {present.following.hex()}): finish that one."
        )
    change = Change(former.key_id, following.key_id, call)
    tx.meta.put(CHANGE, msgspec.msgpack.encode(change))
    tx.meta.put(FORMER, following.server_key().seal(_place(FORMER), former.secret))
    tx.changeover.forget_acks()


def switch(former: Master, following: Master, tx: Transaction) -> None:
    """Let the new key close what belongs to the house from now on, for every process at one moment."""
    check = tx.meta.hold_alone(MASTER_CHECK)
    if has_sealed(following, check):
        return
    secret = former.server_key().open(_place(SECRET), tx.meta.find(SECRET) or b"")
    tx.meta.put(MASTER_CHECK, following.server_key().seal(_place(MASTER_CHECK), CHECKED))
    tx.meta.put(SECRET, following.server_key().seal(_place(SECRET), secret))


def finish(tx: Transaction) -> None:
    """Forget the old key."""
    for name in (CHANGE, FORMER):
        tx.meta.drop(name)
    tx.changeover.forget_acks()


class Follower:
    """What a serving process does about a change: once a second it looks, and says whether it is ready."""

    def __init__(self, store: Store, masters: Masters) -> None:
        self._store = store
        self._masters = masters
        self._node_id = os.urandom(_NODE_ID_BYTES).hex()
        self._told: tuple[str, bool] | None = None
        self._quiet_rounds = 0

    def step(self) -> None:
        """Learn the new key, answer the call, close with the key that the data says, forget the old one."""
        change, check = self._store.read(_change_and_check)
        if change is not None:
            self._answer(change)
        current = None if check is None else self._masters.sought(master_id_of(check))
        if current is not None and current.key_id != self._masters.current.key_id:
            self._masters.use(current)
            log.warning("master key changes", now=current.key_id.hex())
        self._quiet_rounds = 0 if change is not None else self._quiet_rounds + 1
        if self._quiet_rounds == QUIET_ROUNDS and current is not None:
            self._masters.forget_others()

    def _answer(self, change: Change) -> None:
        is_known = self._masters.sought(change.following) is not None
        if self._told != (change.call, is_known):
            name = f"{socket.gethostname()}, process {os.getpid()}"
            self._store.write(partial(_acknowledge, self._node_id, change.call, Ack(name, is_known)))
            self._told = change.call, is_known
            log.warning("master key is to change", to=change.following.hex(), known=is_known)


def _change_and_check(tx: Transaction) -> tuple[Change | None, bytes | None]:
    return change_under_way(tx.meta.find), tx.meta.find(MASTER_CHECK)


def _acknowledge(node_id: str, call: str, ack: Ack, tx: Transaction) -> None:
    tx.changeover.acknowledge(node_id, call, ack)


def _former(given: Master, sealed: bytes | None) -> Master | None:
    """The old key, where the given one is the new one."""
    try:
        return None if sealed is None else Master.of(given.server_key().open(_place(FORMER), sealed))
    except Unopenable:
        return None


def _at_hand(settings: Settings) -> Iterator[Master]:
    """Keys that may have come since the start: beside the file, in it, or out of the command."""
    places: list[tuple[str | None, Path]] = [(None, next_file(settings)), (None, settings.master_key_file)]
    if settings.master_key_command is not None:
        places.append((settings.master_key_command, settings.master_key_file))
    for command, file in places:
        try:
            yield load_master(text=None, command=command, file=file, may_create=False)
        except (CenoteError, OSError) as failure:
            if command is not None or file.exists():
                log.warning("no master key there", reason=str(failure))


def _place(name: str) -> Place:
    return Place("meta", name)
