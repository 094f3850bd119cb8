"""
The master keys of a house: the one that seals, and, while it is being changed, the other one too.

An envelope names the key that closed it, so both are opened side by side.  One that is not known yet is
looked for where it may be, but only for what lies in the database: whoever sends us an envelope of their own
must not make us look.  Leaves out when the one takes the other's place (`cenote/changeover.py`).
"""

import threading
import time
from collections.abc import Callable, Iterable

from cenote.domain.sealed import Place, master_id_of
from cenote.vault.master import SERVER, Master
from cenote.vault.sealing import Unopenable

SEEK_EVERY_S = 2.0


class Masters:
    """
    Every master key that is known here; `current` is the one that closes what belongs to no pool.

    What belongs to a pool is closed by the one that closed the pool's own key: that is how the change of a
    master key comes to a pool at one moment, for all nodes.
    """

    def __init__(
        self,
        current: Master,
        others: Iterable[Master] = (),
        seek: Callable[[], Iterable[Master]] = tuple,
    ) -> None:
        self.current = current
        self._known = {master.key_id: master for master in (*others, current)}
        self._seek = seek
        self._seeking = threading.Lock()
        self._seek_again_s = 0.0

    def named(self, key_id: bytes) -> Master | None:
        """The key of this id, if it is known."""
        return self._known.get(key_id)

    def sought(self, key_id: bytes) -> Master | None:
        """The key of this id, looked for where it may be, every two seconds at most; None where it is not."""
        found = self._known.get(key_id)
        if found is not None:
            return found
        with self._seeking:
            if time.monotonic() >= self._seek_again_s:
                self._known = {master.key_id: master for master in self._seek()} | self._known
                self._seek_again_s = time.monotonic() + SEEK_EVERY_S
        return self._known.get(key_id)

    def use(self, current: Master) -> None:
        """Close with this one from now on; the other still opens."""
        self._known = {**self._known, current.key_id: current}
        self.current = current

    def forget_others(self) -> None:
        """Open with the current one alone."""
        self._known = {self.current.key_id: self.current}

    def sealing_key(self, subject: str, like: bytes | None = None) -> "RecoverableKey":
        """
        The key for secrets that must be recoverable: client secrets, access keys, the house's own.

        It closes as `like` was closed, where one is given.
        """
        closing = self.current if like is None else self.sought(master_id_of(like))
        if closing is None:
            raise Unopenable("an envelope was closed by a master key that is not known here")
        return RecoverableKey(subject, closing, self.sought)

    def server_key(self) -> "RecoverableKey":
        """The key that seals what belongs to the server as a whole, and may come back from a client."""
        return RecoverableKey(SERVER, self.current, self.named)


class RecoverableKey:
    """One subject's key for what must be recoverable: closes with one master key, opens with every one."""

    def __init__(self, subject: str, closing: Master, find: Callable[[bytes], Master | None]) -> None:
        self._subject = subject
        self._closing = closing
        self._find = find

    def seal(self, place: Place, plaintext: bytes) -> bytes:
        """Close an envelope at this place."""
        return self._closing.sealing_key(self._subject).seal(place, plaintext)

    def open(self, place: Place, envelope: bytes) -> bytes:
        """The plaintext, or `Unopenable` when no master key that is known here closed it at this place."""
        master = self._find(master_id_of(envelope))
        if master is None:
            raise Unopenable(f"an envelope of {place.table}.{place.column} is another's")
        return master.sealing_key(self._subject).open(place, envelope)
