"""
Erasing a user: the one way to go, whoever asked for it.

One write and one durable commit: names, row, key row and belongings go, the ledger line comes.  The store
returns once the tombstone is written too, or owed to the redo.
"""

from cenote.services import Services


def erase(services: Services, sub: str) -> None:
    """Erase the user of this `sub`; `UserNotFoundException` for all callers but one."""
    now_ms = services.now_ms()
    services.store.write(lambda tx: tx.users.erase(sub, now_ms))
