"""
How often something happened lately: counted in this process, or with a store's URL by all nodes together.

The windows are the library's (`limits`), sliding, so that nobody gets two helpings where two windows meet.
While the common store is away each process counts for itself: quotas then hold for each node, and no call
fails or waits for it.  Leaves out what is counted and how much is too much (`domain/quotas.py`,
`domain/rules.py`).
"""

import threading
import time
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from cenote.errors import CenoteError
from cenote.log import logger
from cenote.turns import aside

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.storage import MemoryStorage
    from limits.strategies import RateLimiter

# Of this process.  The library looks through all of them up to a hundred times a second.
NAMES_COUNTED_MAX = 10_000
AWAY_S = 5.0  # for so long a store that did not answer is not asked again
ANSWER_WAIT_S_MAX = 0.25
_PREFIX = "cenote"

log = logger("cenote.counting")


class Counting:
    """Counts by name.  The library is loaded by whoever counts first: most servers never do."""

    def __init__(self, store_url: str | None = None) -> None:
        self._store_url = store_url
        self._away_until_s = 0.0
        self._making = threading.Lock()
        if store_url is not None:
            self._common = _common(store_url)

    def take(self, name: str, at_most: int, window_s: int) -> bool:
        """Count one more of this name; False, and nothing is counted, when that were too many."""
        item = _item(at_most, window_s)
        if self._store_url is not None and time.monotonic() >= self._away_until_s:
            try:
                with aside():
                    return self._common.hit(item, name)
            except Exception as failure:  # noqa: BLE001 - whatever it was, the call must not fail for it
                self._away_until_s = time.monotonic() + AWAY_S
                log.error("quota store away", kind=type(failure).__name__)
        return self._alone(item, name)

    def _alone(self, item: "RateLimitItem", name: str) -> bool:
        with self._making:
            limiter, storage = self._own
        if len(storage.storage) > NAMES_COUNTED_MAX:
            log.warning("counts forgotten", names=len(storage.storage))
            storage.reset()
        return limiter.hit(item, name)

    @cached_property
    def _own(self) -> "tuple[RateLimiter, MemoryStorage]":
        from limits.storage import MemoryStorage
        from limits.strategies import SlidingWindowCounterRateLimiter

        storage = MemoryStorage()
        return SlidingWindowCounterRateLimiter(storage), storage


@lru_cache(maxsize=1_024)
def _item(at_most: int, window_s: int) -> "RateLimitItem":
    from limits import RateLimitItemPerSecond

    return RateLimitItemPerSecond(at_most, window_s, _PREFIX)


def _common(store_url: str) -> "RateLimiter":
    """The counts that all nodes share; one that is away at the start may come later."""
    from limits.errors import ConfigurationError
    from limits.storage import storage_from_string
    from limits.strategies import SlidingWindowCounterRateLimiter

    options: dict[str, Any] = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), ANSWER_WAIT_S_MAX)
    try:
        storage = storage_from_string(store_url, key_prefix=_PREFIX, **options)
    except (ConfigurationError, ValueError) as failure:
        raise CenoteError(
            "quota_store_url needs the package redis beside Cenote (pip install 'cenote[redis]'), and a URL"
            " that it can read."
        ) from failure
    return SlidingWindowCounterRateLimiter(storage)
