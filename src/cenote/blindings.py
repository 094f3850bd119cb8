"""
Blindings for powers of the generator: made long before they are used, each used once.

Who watches the machine's caches could hold the places of a blinding's own power against those of the power
that it hides, sign-in after sign-in.  So the two are not made at one time: a new blinding goes to a random
place of the stock, and whatever was there is taken.  Leaves out the arithmetic (`domain/powers.py`).
"""

import threading
from collections.abc import Callable

from cenote.domain.powers import BLINDING_BYTES, Blinding, blinding_of

STOCK = 64


class Blindings:
    """The stock of one process, filled by those who take first: at once would stop a server for a moment."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        self._stock: list[Blinding] = []
        self._guard = threading.Lock()

    def take(self) -> Blinding:
        """One that nobody has used; once there is a stock, its making says nothing of when it is used."""
        fresh, place = self._fresh(), self._random_bytes(1)[0] % STOCK
        with self._guard:
            if len(self._stock) == STOCK:
                fresh, self._stock[place] = self._stock[place], fresh
                return fresh
        another = self._fresh()
        with self._guard:
            self._stock = [*self._stock, another][:STOCK]
        return fresh

    def _fresh(self) -> Blinding:
        return blinding_of(self._random_bytes(BLINDING_BYTES))
