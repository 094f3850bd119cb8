"""
Errands: what an operator's command asks of a serving process, which alone may erase on its database.

An errand lies sealed under the master key, so that nobody orders one who can't open the data; it says itself
when it was ordered, so that nobody puts one back that was refused.  It is carried out once, whichever process
takes it and whatever crashed before; what became of it is one word.  Leaves out the waiting for that
(`cli/erasing.py`).
"""

import time
from enum import Enum
from functools import partial

import msgspec

from cenote.domain.audit import Act, AuditLine
from cenote.domain.sealed import Grave, Place, digest_of
from cenote.errors import CenoteError, CognitoError, OperationNotEnabledException, UserNotFoundException
from cenote.log import logger
from cenote.opening import Vault
from cenote.store.contract import Store
from cenote.store.transaction import Transaction
from cenote.vault.masters import Masters
from cenote.vault.sealing import Unopenable

LIFE_MS = 600_000  # nobody waits any more for one that is so old: it is not begun with
ERRANDS_PER_STEP = 20
_SUBJECT = "cenote errands"

log = logger("cenote.errands")


class Outcome(Enum):
    """What became of an errand."""

    ERASED = "erased"
    PENDING = "pending"  # erased for every client; a tombstone is owed
    UNKNOWN = "unknown"  # the pool has no such user
    HELD = "held"
    FOREIGN = "foreign"  # whoever sealed it does not have this house's master key, or did it long ago


class Erasure(msgspec.Struct, frozen=True):
    """The order to erase one user, and what is recorded of it."""

    errand_id: str
    pool_id: str
    sub: str
    who: str
    reason: str
    ordered_ms: int  # by the time of the command's machine


_decoder = msgspec.msgpack.Decoder(Erasure)


def sealed(order: Erasure, master: Masters) -> bytes:
    """An order as it lies in the database."""
    key = master.sealing_key(_SUBJECT)
    return key.seal(_place(order.errand_id), msgspec.msgpack.encode(order))


def carry_out(order: Erasure, store: Store, vault: Vault, now_ms: int) -> Outcome:
    """
    Erase a user as DeleteUser does, and record in the same commit who ordered it and why.

    Erased it is only called once every copy of the keys folder has the tombstone.
    """
    try:
        store.write(partial(_erase, order, now_ms))
    except (UserNotFoundException, OperationNotEnabledException) as refusal:
        return _refused(refusal)
    return _buried(order, store, vault)


def carry_out_all(store: Store, vault: Vault, now_ms: int) -> None:
    """Carry out what is asked and not begun with.  An errand's age is told by the machines' own time."""
    since_ms = time.time_ns() // 1_000_000 - LIFE_MS
    for errand_id, body in store.read(lambda tx: tx.errands.list_open(since_ms, ERRANDS_PER_STEP)):
        try:
            order = _opened(errand_id, body, vault.master, since_ms)
            outcome = _buried(order, store, vault) if store.write(partial(_begin, order, now_ms)) else None
        except (Unopenable, msgspec.MsgspecError):
            log.error("foreign errand")
            outcome = Outcome.FOREIGN
        except (UserNotFoundException, OperationNotEnabledException) as refusal:
            outcome = _refused(refusal)
        if outcome is not None:
            store.write(partial(_settle, errand_id, outcome))


def drop_old(tx: Transaction) -> None:
    """Forget errands that nobody waits for any more."""
    tx.errands.drop_older(time.time_ns() // 1_000_000 - LIFE_MS)


def _begin(order: Erasure, now_ms: int, tx: Transaction) -> bool:
    """Take the errand on and carry it out, in one commit; False when another process did, or nobody waits."""
    is_ours = tx.errands.begin(order.errand_id, Outcome.PENDING.value)
    if is_ours:
        _erase(order, now_ms, tx)
    return is_ours


def _erase(order: Erasure, now_ms: int, tx: Transaction) -> None:
    if not tx.users.is_in(order.pool_id, order.sub):
        raise UserNotFoundException
    tx.users.erase(order.sub, now_ms)
    line = AuditLine(
        line_id=order.errand_id,
        act=Act.ERASE,
        pool_id=order.pool_id,
        digest=digest_of(order.sub),
        at_ms=now_ms,
        who=order.who,
        reason=order.reason,
    )
    tx.audit.add(line)


def _buried(order: Erasure, store: Store, vault: Vault) -> Outcome:
    """Whether every copy of the keys folder has the tombstone by now; it is written again where it has."""
    line = store.read(lambda tx: tx.ledger.find(digest_of(order.sub)))
    try:
        if line is not None:
            vault.folder.bury([Grave(line.digest, line.slot)])
    except (OSError, CenoteError):
        return Outcome.PENDING
    return Outcome.ERASED


def _refused(refusal: CognitoError) -> Outcome:
    return Outcome.HELD if isinstance(refusal, OperationNotEnabledException) else Outcome.UNKNOWN


def _settle(errand_id: str, outcome: Outcome, tx: Transaction) -> None:
    tx.errands.settle(errand_id, outcome.value)


def _opened(errand_id: str, body: bytes, master: Masters, since_ms: int) -> Erasure:
    """The order; `Unopenable` for one that was not given since then, whatever its row says."""
    order = _decoder.decode(master.sealing_key(_SUBJECT).open(_place(errand_id), body))
    if order.ordered_ms < since_ms:
        raise Unopenable("an errand is older than its row")
    return order


def _place(errand_id: str) -> Place:
    return Place("errands", "body", errand_id)
