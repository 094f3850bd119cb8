"""
The key that signs receipts and the ledger's head: made with the keys folder, sealed under the master key.

It lies beside the chunks, and in the mirror, so that losing one copy loses nothing and no backup of the data
has it.  Leaves out what is signed (`statements.py`).
"""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cenote.domain.sealed import Place
from cenote.errors import CenoteError
from cenote.folders import sync_folder
from cenote.log import logger
from cenote.vault.chunks import write_exclusively
from cenote.vault.master import Master
from cenote.vault.masters import Masters
from cenote.vault.sealing import Unopenable

KEY_FILE = "receipt.key"
_SUBJECT = "cenote receipt key"

log = logger("cenote.vault")


def open_receipt_key(folders: list[Path], pair: bytes, master: Master | Masters) -> Ed25519PrivateKey:
    """
    The house's key, and every folder holds it afterwards; made when none of them has it.

    The mirror comes before the folder, as with chunks: what the folder uses, the mirror has.  Where the two
    differ, the folder's is used: receipts of the other are still checked by its public half.
    """
    holders = [folder for folder in folders if (folder / KEY_FILE).exists()]
    if not holders:
        content = _sealed(Ed25519PrivateKey.generate(), pair, master)
        # Of several processes that start at once, one makes it.
        write_exclusively(folders[-1] / KEY_FILE, content)
        holders = folders[-1:]
    private = read_receipt_key(holders[0], pair, master)
    content = (holders[0] / KEY_FILE).read_bytes()
    for folder in reversed(folders):
        if not write_exclusively(folder / KEY_FILE, content) and (folder / KEY_FILE).read_bytes() != content:
            log.warning("another receipt key replaced", folder=folder.name)
            (folder / KEY_FILE).unlink()
            write_exclusively(folder / KEY_FILE, content)
    return private


def read_receipt_key(folder: Path, pair: bytes, master: Master | Masters) -> Ed25519PrivateKey:
    """The key that a folder holds; `CenoteError` when there is none, or none that this master key opens."""
    file = folder / KEY_FILE
    if not file.exists():
        raise CenoteError(f"The keys folder {folder} has no receipt key; a start of the server makes it.")
    try:
        sealed = bytes.fromhex(file.read_text().strip())
        return Ed25519PrivateKey.from_private_bytes(master.sealing_key(_SUBJECT).open(_place(pair), sealed))
    except (ValueError, Unopenable) as failure:
        raise CenoteError(
            f"The receipt key {file} is damaged, or another house's, or sealed with a later master key."
        ) from failure


def reseal_receipt_key(folders: list[Path], pair: bytes, masters: Masters) -> None:
    """Close the house's key with the present master key, in the mirror first, then in the folder."""
    private = read_receipt_key(folders[0], pair, masters)
    content = _sealed(private, pair, masters)
    for folder in reversed(folders):
        temporary = folder / f"{KEY_FILE}.new"
        temporary.unlink(missing_ok=True)
        write_exclusively(temporary, content)
        temporary.replace(folder / KEY_FILE)
        sync_folder(folder)


def _sealed(private: Ed25519PrivateKey, pair: bytes, master: Master | Masters) -> bytes:
    sealed = master.sealing_key(_SUBJECT).seal(_place(pair), private.private_bytes_raw())
    return sealed.hex().encode() + b"\n"


def _place(pair: bytes) -> Place:
    return Place("keys folder", KEY_FILE, pair.hex())
