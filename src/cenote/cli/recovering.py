"""
`cenote pool recovery`, `cenote user recover` and `recoverable`: the days for which a pool keeps users whom an
administrator deleted, and bringing one of them back.

Works beside running servers, and has no vault: nothing of a person's is read.
"""

from functools import partial

from cenote.cli.beside import store_beside
from cenote.cli.holding import Because, Named
from cenote.cli.telling import in_columns, written
from cenote.clock import Clock
from cenote.domain.audit import Act, AuditLine
from cenote.errors import CenoteError, UsernameExistsException, UserNotFoundException
from cenote.settings import Settings
from cenote.store.contract import Store
from cenote.store.recovery import Recoverable
from cenote.store.transaction import Transaction

DAYS_MAX = 365
USERS_PER_PAGE = 500


def set_window(settings: Settings, pool_id: str, days: str) -> None:
    """Keep users whom administrators delete from now on for so many days, or erase them at once (`off`)."""
    number = 0 if days == "off" else int(days) if days.isdecimal() else -1
    if not (0 < number <= DAYS_MAX or days == "off"):
        raise CenoteError(f"--days must be off, or a number of days from 1 to {DAYS_MAX}.")
    with store_beside(settings) as store:
        if not store.write(lambda tx: tx.pools.set_recovery(pool_id, number)):
            raise CenoteError(f"There is no pool {pool_id}.")
    print(
        f"{pool_id} keeps users whom administrators delete for {number} days."
        if number
        else f"{pool_id} erases users whom administrators delete at once."
    )


def recover(settings: Settings, user: Named, because: Because) -> None:
    """Bring a user back under their own names; their sessions stay ended."""
    with store_beside(settings) as store:
        line = because.line(Act.RECOVER, user, at_ms=Clock(store).now_ms())
        try:
            store.write(partial(_recover, user, line))
        except UserNotFoundException as failure:
            raise CenoteError(
                f"The pool {user.pool_id} has no user {user.sub} to bring back:"
                " `cenote user recoverable` shows whom."
            ) from failure
        except UsernameExistsException as failure:
            raise CenoteError(
                f"Somebody else bears a name of {user.sub} by now: while they do, this user stays away. "
                "`cenote user export` shows what is held."
            ) from failure
    print(f"{user.sub} is back.")


def show_recoverable(settings: Settings, pool_id: str) -> None:
    """Print who can be brought back to a pool, and until when."""
    with store_beside(settings) as store:
        rows = [
            (one.sub, written(one.deleted_ms), written(one.until_ms)) for one in _everybody(store, pool_id)
        ]
    print(in_columns([("SUB", "DELETED", "UNTIL"), *rows]))


def _recover(user: Named, line: AuditLine, tx: Transaction) -> None:
    tx.recoverable.bring_back(user.pool_id, user.sub, line.at_ms)
    tx.audit.add(line)


def _everybody(store: Store, pool_id: str) -> list[Recoverable]:
    found: list[Recoverable] = []
    while page := store.read(partial(_page_behind, pool_id, found[-1].sub if found else "")):
        found += page
    return found


def _page_behind(pool_id: str, after: str, tx: Transaction) -> list[Recoverable]:
    return tx.recoverable.list_page(pool_id, after, USERS_PER_PAGE)
