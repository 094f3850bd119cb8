"""
Alarms: what is wrong with what is kept, told when it begins and when it is over, and not in between.

Owns when something counts as wrong.  Nothing is done about it here: whoever owes a tombstone writes it, and a
row that does not open is for the operator.
"""

from cenote.log import logger
from cenote.opening import Vault
from cenote.store.contract import Store

LATE_MS = 5_000  # a tombstone that is owed for so long is not merely on its way
QUIET_ROUNDS = 60  # of a second: so long nothing may have failed to open before that is over

log = logger("cenote.alarms")


class Alarms:
    """What is wrong now."""

    def __init__(self) -> None:
        self._raised: set[str] = set()

    def tell(self, what: str, *, is_wrong: bool, **details: int) -> None:
        """Say that it began, or that it is over; nothing where it is as it was."""
        if is_wrong == (what in self._raised):
            return
        if is_wrong:
            self._raised.add(what)
            log.error("alarm raised", what=what, **details)
        else:
            self._raised.remove(what)
            log.warning("alarm over", what=what)


class Watch:
    """Looks once a round."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._alarms = Alarms()
        self._unopenable = 0
        self._quiet_rounds = QUIET_ROUNDS
        self.wrong_slots = 0  # those that the latest look back could not read, or found to be another's

    def step(self, now_ms: int) -> None:
        """Look at what is owed, at what did not open, and at what the look back found."""
        late = self._store.read(lambda tx: tx.ledger.count_owed_before(now_ms - LATE_MS))
        self._alarms.tell("tombstones owed", is_wrong=late > 0, count=late)
        total = self._vault.keyring.unopenable_total
        self._quiet_rounds = 0 if total > self._unopenable else self._quiet_rounds + 1
        self._unopenable = total
        self._alarms.tell("rows don't open", is_wrong=self._quiet_rounds < QUIET_ROUNDS, count=total)
        self._alarms.tell("slots are wrong", is_wrong=self.wrong_slots > 0, count=self.wrong_slots)
