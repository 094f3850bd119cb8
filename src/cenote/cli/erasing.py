"""
`cenote erase`: an operator erases a user, in the same way as users erase themselves.

A server that serves the database carries it out (`errands.py`), since only one process writes the embedded
one; where nobody serves, the command opens the house itself.
"""

import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console

from cenote.app import open_store
from cenote.chaining import chain
from cenote.cli.beside import masters_beside, store_beside
from cenote.cli.holding import LINE_ID_BYTES, Because, Named
from cenote.clock import Clock
from cenote.domain.sealed import digest_of
from cenote.errands import Erasure, Outcome, carry_out, sealed
from cenote.errors import CenoteError
from cenote.opening import Vault, open_vault
from cenote.settings import Settings
from cenote.store.beside import is_served
from cenote.store.contract import Store
from cenote.store.sqlite import DATABASE_FILE
from cenote.store.transaction import Transaction

ANSWER_WAIT_S_MAX = 30.0  # of a server that is there
SERVER_WAIT_S_MAX = 8.0  # to learn whether any server is: each looks once a second
TOMBSTONE_WAIT_S_MAX = 3.0
POLL_S = 0.05
_SURE = "Nothing brings this user back, not even a backup. Erase them? [y/N] "


def erase(settings: Settings, user: Named, because: Because, *, is_sure: bool) -> None:
    """Erase a user for good; `CenoteError` says why it was not done."""
    if not is_sure:
        _require_assent()
    order = Erasure(
        errand_id=secrets.token_hex(LINE_ID_BYTES),
        pool_id=user.pool_id,
        sub=user.sub,
        who=because.who,
        reason=because.reason,
        ordered_ms=time.time_ns() // 1_000_000,
    )
    outcome = _carried_out(settings, order)
    refusal = {
        Outcome.UNKNOWN: f"The pool {user.pool_id} has no user {user.sub}.",
        Outcome.HELD: f"{user.sub} is held: see `cenote user holds`, and `cenote user release`.",
        Outcome.FOREIGN: "The server that answered has another master key than this command.",
    }.get(outcome)
    if refusal is not None:
        raise CenoteError(refusal)
    console = Console(stderr=True)
    print(f"{user.sub} is erased.")
    if outcome is Outcome.PENDING:
        console.print("A tombstone is still owed: the server tries again each second.", style="yellow")
    console.print(f"The proof: cenote erasure verify {user.sub}", highlight=False)


@contextmanager
def house_alone(settings: Settings) -> Iterator[tuple[Store, Vault]]:
    """The house as a server opens it, for a command that nobody serves beside."""
    if settings.database_url is None and not (settings.data / DATABASE_FILE).exists():
        raise CenoteError(f"There is no database at {settings.data / DATABASE_FILE}.")
    store = open_store(settings)
    try:
        vault = open_vault(settings, store, lambda _name: None)
        try:
            yield store, vault
        finally:
            vault.close()
    finally:
        store.close()


def _require_assent() -> None:
    if not sys.stdin.isatty():
        raise CenoteError("Nobody is there to be asked: say --yes to erase for good.")
    sys.stderr.write(_SURE)
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise CenoteError("Nothing was done.")


def _carried_out(settings: Settings, order: Erasure) -> Outcome:
    """By a server if there is one, which on PostgreSQL only its answer tells; else here."""
    is_embedded = settings.database_url is None
    outcome = None
    if not is_embedded or is_served(settings.data):
        outcome = _asked(settings, order, ANSWER_WAIT_S_MAX if is_embedded else SERVER_WAIT_S_MAX)
        if outcome is None and is_embedded:
            raise CenoteError("The server did not answer; nothing was done.")
    return _done_here(settings, order) if outcome is None else outcome


def _asked(settings: Settings, order: Erasure, wait_s: float) -> Outcome | None:
    """What a serving process says; None when nobody began with it in time, and nobody will."""
    with store_beside(settings) as store:
        body = sealed(order, masters_beside(settings, store))
        store.write(lambda tx: tx.errands.add(order.errand_id, body, order.ordered_ms))
        try:
            find = partial(_answer_of, order)
            if _awaited(store, find, {None}, wait_s) is not None:
                _awaited(store, find, {Outcome.PENDING.value}, TOMBSTONE_WAIT_S_MAX)
        finally:  # however this ends, nobody may begin with the errand later
            answer = store.write(lambda tx: tx.errands.take(order.errand_id))
    return None if answer is None else Outcome(answer)


def _awaited(
    store: Store, find: Callable[[Transaction], str | None], unfit: set[str | None], wait_s: float
) -> str | None:
    """The answer as soon as it is another than these, or what it is in the end."""
    until = time.monotonic() + wait_s
    while (answer := store.read(find)) in unfit and time.monotonic() < until:
        time.sleep(POLL_S)
    return answer


def _answer_of(order: Erasure, tx: Transaction) -> str | None:
    return tx.errands.find_answer(order.errand_id)


def _done_here(settings: Settings, order: Erasure) -> Outcome:
    with house_alone(settings) as (store, vault):
        now_ms = Clock(store).now_ms()
        outcome = carry_out(order, store, vault, now_ms)
        buried = frozenset([digest_of(order.sub)] if outcome is Outcome.ERASED else [])
        chain(store, vault.witness, now_ms=now_ms, buried=buried)
    return outcome
