"""
After the rows of a restore are in: open the vault beside them, and count who is back and who stays gone.
"""

import time

from rich.console import Console

from cenote.agreement import look_back_is_done
from cenote.app import open_store
from cenote.chaining import LINES_PER_COMMIT, chain
from cenote.cli.ledger import said_of_gap
from cenote.domain.ledger import Gap
from cenote.lookback import look_back
from cenote.opening import Vault, open_vault
from cenote.settings import Settings
from cenote.store.contract import Store


def welcome_back(settings: Settings, console: Console) -> None:
    """Clear away whoever was erased since the backup, and say the numbers."""
    store = open_store(settings)
    try:
        vault = open_vault(settings, store, lambda _name: None)
        try:
            now_ms = time.time_ns() // 1_000_000
            seen = look_back(store, vault.keyring, now_ms)
            if not seen.unread:
                look_back_is_done(store)
            gap = _chained(store, vault, now_ms)
        finally:
            vault.close()
    finally:
        store.close()
    console.print(f"{seen.living_users} users are back.", style="green")
    console.print(f"{seen.erased_users} users and {seen.erased_pools} pools erased since stay gone.")
    if gap is not None:
        console.print(said_of_gap(gap), style="yellow")


def _chained(store: Store, vault: Vault, now_ms: int) -> Gap | None:
    """Chain what the look back has written again; the gap that older rows leave in the ledger, if any."""
    gap = None
    while (made := chain(store, vault.witness, now_ms=now_ms)).lines == LINES_PER_COMMIT:
        gap = gap or made.gap
    return gap or made.gap
