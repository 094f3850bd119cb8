"""
The gate before powers and signatures: as many at once as there are cores for them, and a queue with an end.

Which calls go through it is known by their names: they are the dear ones, of which only so many begin
(`turns.py`), so that who stands before the gate has been let in.
"""

import os
import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

from cenote.cores import Cores
from cenote.errors import TooManyRequestsException
from cenote.turns import aside

T = TypeVar("T")

WAITING_MAX = 256
WAIT_S_MAX = 10.0
DEAR_OPERATIONS = frozenset(
    {
        "AdminCreateUser",
        "AdminInitiateAuth",
        "AdminRespondToAuthChallenge",
        "AdminSetUserPassword",
        "ChangePassword",
        "ConfirmForgotPassword",
        "CreateUserPool",
        "GetTokensFromRefreshToken",
        "InitiateAuth",
        "RespondToAuthChallenge",
        "SignUp",
    }
)  # what signs, or turns a password into a power


class Gate:
    """Permits for work that is dear in processor time."""

    def __init__(self, cores: Cores | None = None, *, waiting_max: int = WAITING_MAX) -> None:
        permits = cores.elsewhere_count if cores is not None else os.cpu_count() or 1
        self._elsewhere = nullcontext if cores is None else cores.elsewhere
        self._permits = threading.Semaphore(permits)
        self._places = threading.Semaphore(permits + waiting_max)

    def run(self, work: Callable[[], T]) -> T:
        """Do the work when it is its turn; `TooManyRequestsException` when the queue is full or too slow."""
        if not self._places.acquire(blocking=False):
            raise TooManyRequestsException(detail="the gate's queue is full")
        try:
            with aside():
                return self._inside(work)
        finally:
            self._places.release()

    def _inside(self, work: Callable[[], T]) -> T:
        if not self._permits.acquire(timeout=WAIT_S_MAX):
            raise TooManyRequestsException(detail="the gate's queue is too slow")
        try:
            with self._elsewhere():
                return work()
        finally:
            self._permits.release()
