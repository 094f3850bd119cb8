"""
After the rows of a restore are in: open the vault beside them, and count who is back and who stays gone.
"""

import time
from functools import partial
from pathlib import Path

from rich.console import Console

from cenote.agreement import look_back_is_done
from cenote.app import open_store
from cenote.binding import refused_keys
from cenote.chaining import LINES_PER_COMMIT, chain
from cenote.changeover import announce
from cenote.cli.ledger import said_of_gap
from cenote.domain.ledger import Gap
from cenote.errors import CenoteError
from cenote.lookback import look_back
from cenote.opening import Vault, open_vault
from cenote.settings import Settings
from cenote.store.contract import Store
from cenote.vault.master import load_master


def welcome_back(settings: Settings, console: Console, former: Path | None = None) -> None:
    """
    Clear away whoever was erased since the backup, and say the numbers.

    `former` is the file of the master key of then: the present one opens the data from now on, as in the
    midst of a change.
    """
    store = open_store(settings)
    try:
        if former is not None:
            _announce(settings, store, former)
        vault = open_vault(settings, store, lambda _name: None)
        try:
            now_ms = time.time_ns() // 1_000_000
            seen = look_back(store, vault.keyring, now_ms)
            if not seen.unread:
                look_back_is_done(store)
            gap = _chained(store, vault, now_ms)
            refused = len(list(refused_keys(store.read, vault.master)))
        finally:
            vault.close()
    finally:
        store.close()
    console.print(f"{seen.living_users} users are back.", style="green")
    console.print(f"{seen.erased_users} users and {seen.erased_pools} pools erased since stay gone.")
    if former is not None:
        console.print("Bring it under the present master key: cenote keys rotate-master.", style="yellow")
    if refused:
        console.print(f"{refused} access keys are refused: cenote doctor names them.", style="yellow")
    if gap is not None:
        console.print(said_of_gap(gap), style="yellow")


def _announce(settings: Settings, store: Store, former: Path) -> None:
    present = load_master(
        text=settings.master_key,
        command=settings.master_key_command,
        file=settings.master_key_file,
        may_create=False,
    )
    if not former.exists():
        raise CenoteError(f"The former master key file {former} is missing.")
    then = load_master(text=None, command=None, file=former, may_create=False)
    store.write(partial(announce, then, present, "a restore"))


def _chained(store: Store, vault: Vault, now_ms: int) -> Gap | None:
    """Chain what the look back has written again; the gap that older rows leave in the ledger, if any."""
    gap = None
    while (made := chain(store, vault.witness, now_ms=now_ms)).lines == LINES_PER_COMMIT:
        gap = gap or made.gap
    return gap or made.gap
