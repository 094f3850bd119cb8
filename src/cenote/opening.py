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

from cenote.agreement import settle
from cenote.binding import bind_once
from cenote.changeover import CHECKED, NOT_THIS_DATAS, SECRET, has_sealed, open_masters
from cenote.domain.ledger import beginning
from cenote.domain.sealed import MASTER_CHECK, Place
from cenote.errors import CenoteError
from cenote.log import logger
from cenote.settings import Settings
from cenote.store.contract import Store
from cenote.vault.chunks import PAIR_BYTES
from cenote.vault.erasure import TombstoneWriter
from cenote.vault.keys import Keyring
from cenote.vault.masters import Masters
from cenote.vault.receipt_key import open_receipt_key
from cenote.vault.sealing import KEY_BYTES
from cenote.vault.slots import KeysFolder, create_keys_folder, pair_of
from cenote.vault.statements import fingerprint
from cenote.vault.witness import Witness

_PAIR, _STATE = "pair", "pair_state"
_RECEIPT_KEY = "receipt_key"

log = logger("cenote.opening")


@dataclass(frozen=True, slots=True)
class Vault:
    """An open vault."""

    master: Masters
    server_secret: bytes
    folder: KeysFolder
    keyring: Keyring
    tombstones: TombstoneWriter
    witness: Witness

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
    master = open_masters(
        settings, lambda name: store.read(lambda tx: tx.meta.find(name)), may_create=pair is None
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
        folders = [copy for copy in (settings.keys, settings.keys_mirror) if copy is not None]
        witness = _witness(folders, store, pair, master)
        bind_once(store, master, folders)
        settle(store, folder)
    except BaseException:
        tombstones.close()
        folder.close()
        raise
    return Vault(master, secret, folder, keyring, tombstones, witness)


def _witness(folders: list[Path], store: Store, pair: bytes, master: Masters) -> Witness:
    """Whoever vouches for the ledger's head and signs receipts; that it is another than before is said."""
    witness = Witness(folders, beginning(pair), open_receipt_key(folders, pair, master))
    known = store.read(lambda tx: tx.meta.find(_RECEIPT_KEY))
    if known != witness.public:
        if known is not None:
            log.error("receipt key is another", was=fingerprint(known), now=fingerprint(witness.public))
        store.write(lambda tx: tx.meta.put(_RECEIPT_KEY, witness.public))
    return witness


def _pair_up(store: Store, master: Masters) -> bytes:
    """New data: give it a pair id, which its keys folder will carry too."""
    pair, key = os.urandom(PAIR_BYTES), master.server_key()
    check = key.seal(Place("meta", MASTER_CHECK), CHECKED)
    secret = key.seal(Place("meta", SECRET), os.urandom(KEY_BYTES))
    rows = {_PAIR: pair, _STATE: b"new", MASTER_CHECK: check, SECRET: secret}
    return store.write(lambda tx: tx.meta.add_all(rows))[_PAIR]


def _server_secret(store: Store, master: Masters) -> bytes:
    """Sealed by whoever made the data: of several processes that start at once, all must have one key."""
    check, secret = store.read(lambda tx: (tx.meta.find(MASTER_CHECK), tx.meta.find(SECRET)))
    if not has_sealed(master.current, check):
        raise CenoteError(NOT_THIS_DATAS)
    return master.server_key().open(Place("meta", SECRET), secret or b"")


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
