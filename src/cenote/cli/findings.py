"""A finding of the doctor's."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: str  # "ok", "warning" or "alarm"
    what: str
    said: str
