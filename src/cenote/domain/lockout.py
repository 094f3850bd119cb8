"""
The lock after wrong passwords: how many are free, how long the door then stays shut, and when all is
forgotten.

The figures are the developer guide's.  Leaves out how a password is checked and where the count is kept.
"""

from dataclasses import dataclass, replace

FREE_FAILURES = 5
LOCK_MS_FIRST = 1_000
LOCK_MS_MAX = 15 * 60_000
QUIET_MS = 15 * 60_000  # so long after the last failure the count begins anew


@dataclass(frozen=True, slots=True)
class Activity:
    """What sign-in notes of one user, or of a name that nobody bears: the failures, and when the last was."""

    subject: str
    failures: int = 0
    failed_ms: int = 0

    @property
    def locked_until_ms(self) -> int:
        """When the next password may be tried: 2^(n-5) seconds after the n-th failure, the fifth on."""
        if self.failures < FREE_FAILURES:
            return 0
        doublings = min(self.failures - FREE_FAILURES, LOCK_MS_MAX.bit_length())
        return self.failed_ms + min(LOCK_MS_FIRST << doublings, LOCK_MS_MAX)

    def is_locked(self, now_ms: int) -> bool:
        """Whether no password is looked at now."""
        return now_ms < self.locked_until_ms

    def failed(self, *, now_ms: int) -> "Activity":
        """The activity with one more failure, which may be the first after a quiet time."""
        counted = 0 if now_ms - self.failed_ms >= QUIET_MS else self.failures
        return replace(self, failures=counted + 1, failed_ms=now_ms)
