"""
Stand-ins for users who do not exist: to open one costs what opening a user costs.

A client that hides who exists must not be told by the clock.  A stand-in lies in memory alone, sealed in the
form of a row, under the slot of its pool; nothing of it is ever held or answered.
"""

import os
import threading
from collections import OrderedDict
from typing import Any

from cenote.domain.registrations import Pool
from cenote.domain.sealed import Key
from cenote.domain.srp import SALT_BYTES, VERIFIER_BYTES, Verifier
from cenote.domain.users import Status, User
from cenote.errors import ResourceNotFoundException
from cenote.store.users import opened, row_values
from cenote.vault.keys import Keyring

POOLS_MAX = 1_024
_SUB = "00000000-0000-4000-8000-000000000000"
Row = tuple[Any, ...]


class StandIns:
    """One for each pool that has been asked for nobody."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._rows: OrderedDict[str, Row] = OrderedDict()
        self._guard = threading.Lock()

    def open(self, pool: Pool) -> None:
        """Do what is done to show a user of this pool who is there."""
        opened(self._row(pool), self._keyring)

    def key(self, pool: Pool) -> Key:
        """A key to seal with what nobody is promised, opened as a user's is."""
        key = self._keyring.open_key(_SUB, self._row(pool)[-1])
        if key is None:
            raise ResourceNotFoundException(f"User pool {pool.pool_id} does not exist.")
        return key

    def _row(self, pool: Pool) -> Row:
        with self._guard:
            row = self._rows.get(pool.pool_id)
        if row is None or not self._keyring.is_closed_as_now(row[-1]):
            row = self._new(pool)
            with self._guard:
                self._rows[pool.pool_id] = row
                while len(self._rows) > POOLS_MAX:
                    self._rows.popitem(last=False)
        return row

    def _new(self, pool: Pool) -> Row:
        key, wrapped = self._keyring.stand_in_key(_SUB, pool.slot)
        return (*row_values(nobody_of(pool, _SUB), key).values(), wrapped.wrapped)


def nobody_of(pool: Pool, sub: str) -> User:
    """A user as most are, who is not there."""
    return User(
        sub=sub,
        pool_id=pool.pool_id,
        username="nobody@example.com",
        status=Status.CONFIRMED,
        attributes={"email": "nobody@example.com", "email_verified": "true"},
        password=Verifier(os.urandom(SALT_BYTES), os.urandom(VERIFIER_BYTES)),
        created_ms=0,
        modified_ms=0,
    )
