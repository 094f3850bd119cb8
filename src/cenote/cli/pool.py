"""
`cenote pool`: what an operator decides of one pool beside running servers, and no client can.
"""

import time
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cenote.cli.flags import Data, DatabaseUrl, decided_by
from cenote.errors import CenoteError

if TYPE_CHECKING:
    from cenote.store.transaction import Transaction

app = typer.Typer(help="What an operator decides of one pool.", no_args_is_help=True)


class Switch(Enum):
    """On or off."""

    ON = "on"
    OFF = "off"


@app.callback()
def one_pool() -> None:
    """What an operator decides of one pool."""


@app.command("read-only")
def read_only(
    switch: Annotated[Switch, typer.Argument(help="Whether the pool is only read.")],
    *,
    pool: Annotated[str, typer.Option("--pool", help="The id of the pool.")],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Refuse whatever would change a pool, its users or its clients; reading and signing in go on."""
    decided = decided_by({"data": data, "database_url": database_url})
    from cenote.cli.beside import give, store_beside

    with store_beside(decided) as store:
        if switch is Switch.ON:
            give(store, partial(_close, pool, time.time_ns() // 1_000_000))
        else:
            give(store, lambda tx: tx.orders.take_read_only(pool))
    print(f"{pool} is {'only read' if switch is Switch.ON else 'changed as ever'}.")


@app.command()
def recovery(
    *,
    pool: Annotated[str, typer.Option("--pool", help="The id of the pool.")],
    days: Annotated[str, typer.Option("--days", help="For how many days, or off.")],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Keep users whom administrators delete for some days, so that they can be brought back; off at first."""
    decided = decided_by({"data": data, "database_url": database_url})
    from cenote.cli.recovering import set_window

    set_window(decided, pool, days)


def _close(pool_id: str, now_ms: int, tx: "Transaction") -> None:
    if not tx.orders.set_read_only(pool_id, now_ms):
        raise CenoteError(f"There is no pool {pool_id}.")
