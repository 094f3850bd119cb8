"""
After the rows of a restore are in: open the vault beside them, and count who is back and who stays gone.
"""

import time

from rich.console import Console

from cenote.agreement import look_back_is_done
from cenote.app import open_store
from cenote.lookback import look_back
from cenote.opening import open_vault
from cenote.settings import Settings


def welcome_back(settings: Settings, console: Console) -> None:
    """Clear away whoever was erased since the backup, and say the numbers."""
    store = open_store(settings)
    try:
        vault = open_vault(settings, store, lambda _name: None)
        try:
            seen = look_back(store, vault.keyring, time.time_ns() // 1_000_000)
            if not seen.unread:
                look_back_is_done(store)
        finally:
            vault.close()
    finally:
        store.close()
    console.print(f"{seen.living_users} users are back.", style="green")
    console.print(f"{seen.erased_users} users and {seen.erased_pools} pools erased since stay gone.")
