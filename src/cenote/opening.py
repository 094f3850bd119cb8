"""
Opening the house: data, keys folder and master key belong together, or the start is refused with one
sentence.

Owns the checks of a start and the redo of what the last stop left.  It deletes nothing: a key that is
missing, stale or foreign is said, and never a reason to clear a row away.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from cenote.agreement import settle
from cenote.domain.sealed import Place
from cenote.errors import CenoteError
from cenote.settings import Settings
from cenote.store.contract import Store
from cenote.vault.chunks import PAIR_BYTES
from cenote.vault.erasure import TombstoneWriter
from cenote.vault.keys import Keyring
from cenote.vault.master import Master, load_master
from cenote.vault.sealing import KEY_BYTES, Unopenable
from cenote.vault.slots import KeysFolder, create_keys_folder, pair_of

_PAIR, _STATE, _CHECK, _SECRET = "pair", "pair_state", "master_check", "server_secret"

log = structlog.get_logger("cenote.opening")


@dataclass(frozen=True, slots=True)
class Vault:
    """An open vault."""

    master: Master
    server_secret: bytes
    folder: KeysFolder
    keyring: Keyring
    tombstones: TombstoneWriter

    def close(self) -> None:
        """Write the waiting tombstones and let go of the folder."""
        self.tombstones.close()
        self.folder.close()


@contextmanager
def _in_words() -> Iterator[None]:
    """What the operating system refuses is one sentence for the operator."""
    try:
        yield
    except OSError as failure:
        place = f" ({failure.filename})" if failure.filename else ""
        raise CenoteError(f"The keys can't be used: {failure.strerror}{place}.") from failure


@_in_words()
def open_vault(settings: Settings, store: Store, reach: Callable[[str], None]) -> Vault:
    """The vault that belongs to this store, attached to it; `CenoteError` when there is none that does."""
    found, pair = pair_of(settings.keys), store.read(lambda tx: tx.meta.find(_PAIR))
    if pair is None and found is not None:
        raise CenoteError(
            f"The keys folder {settings.keys} belongs to other data; new data needs a new keys folder."
        )
    master = load_master(
        text=settings.master_key,
        command=settings.master_key_command,
        file=settings.master_key_file,
        may_create=pair is None,
    )
    if pair is None:
        pair = _pair_up(store, master)
    secret = _server_secret(store, master)
    _join(settings.keys, store, pair)
    folder = KeysFolder(settings.keys, pair, settings.keys_mirror, reach=reach)
    keyring = Keyring(master, folder)
    tombstones = TombstoneWriter(folder, reach)
    store.attach(keyring, tombstones)
    try:
        settle(store, folder)
    except BaseException:
        tombstones.close()
        folder.close()
        raise
    return Vault(master, secret, folder, keyring, tombstones)


def _pair_up(store: Store, master: Master) -> bytes:
    """New data: give it a pair id, which its keys folder will carry too."""
    pair, key = os.urandom(PAIR_BYTES), master.server_key()
    check = key.seal(Place("meta", _CHECK), b"cenote")
    secret = key.seal(Place("meta", _SECRET), os.urandom(KEY_BYTES))
    rows = {_PAIR: pair, _STATE: b"new", _CHECK: check, _SECRET: secret}
    return store.write(lambda tx: tx.meta.add_all(rows))[_PAIR]


def _server_secret(store: Store, master: Master) -> bytes:
    check, secret = store.read(lambda tx: (tx.meta.find(_CHECK), tx.meta.find(_SECRET)))
    require_master(master, check)
    return master.server_key().open(Place("meta", _SECRET), secret or b"")


def require_master(master: Master, check: bytes | None) -> None:
    """Refuse a master key that did not seal the check value which new data keeps for this."""
    try:
        master.server_key().open(Place("meta", _CHECK), check or b"")
    except Unopenable as failure:
        raise CenoteError("The master key is not the one that this data was sealed with.") from failure


def _join(keys: Path, store: Store, pair: bytes) -> None:
    """Make the folder of new data, and refuse any other than the one that the data names."""
    found, state = pair_of(keys), store.read(lambda tx: tx.meta.find(_STATE))
    if found is None and state != b"new":
        raise CenoteError(f"The keys folder {keys} is missing; point --keys to it or to its mirror.")
    if found is not None and found != pair:
        raise CenoteError(f"The keys folder {keys} belongs to other data than this.")
    if state == b"new":
        create_keys_folder(keys, pair)
        store.write(lambda tx: tx.meta.put(_STATE, b"ready"))
