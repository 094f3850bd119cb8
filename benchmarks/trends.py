"""
Whether something grows: a robust slope over samples, so that no one outlier makes a trend and none hides one.

Pure arithmetic.  Leaves out what is sampled (`soak.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

RISING_SHARE_MIN = 0.75  # of all pairs of samples the later one is the higher; chance alone gives half


@dataclass(frozen=True, slots=True)
class Limit:
    """What may come on top within a whole run: so much, or this share of what is usual, whichever is more."""

    amount: float
    share: float = 0.0

    def of(self, values: Sequence[float]) -> float:
        """The limit in the unit of these values."""
        return max(self.amount, self.share * median(values))


@dataclass(frozen=True, slots=True)
class Trend:
    """How much a quantity grew from the first to the last of its samples, and how steadily."""

    name: str
    usual: float
    growth: float
    rising_share: float
    limit: float

    @property
    def is_there(self) -> bool:
        """True when it grew steadily, and by more than it may."""
        return self.growth > self.limit and self.rising_share >= RISING_SHARE_MIN


def trend(name: str, at: Sequence[float], values: Sequence[float], limit: Limit) -> Trend:
    """The median of all slopes between two samples (Theil and Sen), over the whole time."""
    if len(values) < 2:  # noqa: PLR2004 - a slope has two ends
        return Trend(name, median(values) if values else 0.0, 0.0, 0.0, limit.amount)
    pairs = list(combinations(zip(at, values, strict=True), 2))
    slopes = [(late[1] - early[1]) / (late[0] - early[0]) for early, late in pairs]
    rising = sum(slope > 0 for slope in slopes) / len(slopes)
    return Trend(name, median(values), median(slopes) * (at[-1] - at[0]), rising, limit.of(values))
