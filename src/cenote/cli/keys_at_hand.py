"""
The keys that a command has at hand: the master key, the keys folder and its mirror, and the key for receipts.

Refuses what does not belong to the data: with foreign keys everything would look erased.  Reads only.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cenote.changeover import open_masters
from cenote.cli.backup import source_of
from cenote.domain.ledger import beginning
from cenote.errors import CenoteError
from cenote.settings import Settings
from cenote.store.migrations import pending
from cenote.vault.masters import Masters
from cenote.vault.receipt_key import read_receipt_key
from cenote.vault.searching import SlotFiles
from cenote.vault.slots import pair_of
from cenote.vault.witness import Witness


@dataclass(frozen=True, slots=True, repr=False)
class KeysAtHand:
    """What opens, and what signs."""

    master: Masters
    pair: bytes
    folders: list[SlotFiles]  # the keys folder first; a mirror that is away is one that holds nothing
    private: Ed25519PrivateKey
    witness: Witness


def keys_at_hand(settings: Settings) -> KeysAtHand:
    """The keys of these settings; `CenoteError` when they are not this data's."""
    with source_of(settings) as source:
        if pending(source.schema):
            raise CenoteError(
                "The database has an older schema; run cenote migrate, or start the server once."
            )
        meta = {name: bytes(value) for rows in source.rows("meta") for name, value in rows}
    master = open_masters(settings, meta.get)
    pair = meta["pair"]
    paths = [folder for folder in (settings.keys, settings.keys_mirror) if folder is not None]
    for folder in paths:
        if pair_of(folder) not in {pair, None}:
            raise CenoteError(f"The keys folder {folder} does not belong to this data.")
    present = [folder for folder in paths if pair_of(folder) is not None]
    if paths[0] not in present:
        raise CenoteError(f"The keys folder {paths[0]} is missing; point --keys to it or to its mirror.")
    private = read_receipt_key(paths[0], pair, master)
    witness = Witness(present, beginning(pair), private)
    return KeysAtHand(master, pair, [SlotFiles(path) for path in paths], private, witness)
