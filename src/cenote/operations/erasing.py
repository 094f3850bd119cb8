"""
Erasing a user: the one way to go, whoever asked for it.

One write and one durable commit: names, row, key row and belongings go, the ledger line comes.  The store
returns once the tombstone is written too, or owed to the redo.
"""

from cenote.domain.registrations import Pool
from cenote.services import Services

DAY_MS = 86_400_000


def erase(services: Services, sub: str) -> None:
    """Erase the user of this `sub`; `UserNotFoundException` for all callers but one."""
    now_ms = services.now_ms()
    services.store.write(lambda tx: tx.users.erase(sub, now_ms))


def set_aside(services: Services, pool: Pool, sub: str) -> None:
    """Take a user of a pool that keeps them for some days out of everybody's sight; they are erased then."""
    now_ms = services.now_ms()
    until_ms = now_ms + pool.recovery_days * DAY_MS
    services.store.write(lambda tx: tx.recoverable.put(sub, now_ms, until_ms))
