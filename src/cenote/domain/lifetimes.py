"""
How long a client's tokens live: units, defaults and ranges of the three validity members.

Leaves out when a token was issued, and the life of a sign-in session, which is a plain number of minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

MINUTE_S = 60
HOUR_S = 60 * MINUTE_S
DAY_S = 24 * HOUR_S
_UNIT_S: Final = {"seconds": 1, "minutes": MINUTE_S, "hours": HOUR_S, "days": DAY_S}


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The life of one kind of token, as its two members of a client document say it."""

    member: str
    unit_member: str
    default_unit: str
    default_s: int
    min_s: int
    max_s: int

    def seconds(self, document: Mapping[str, Any]) -> int:
        """The life in seconds; without a value the default holds, whatever the unit says."""
        value: int | None = document.get(self.member)
        return self.default_s if value is None else value * self._unit_s(document)

    def default_value(self, document: Mapping[str, Any]) -> int:
        """The default life in the unit that the client chose for it."""
        return self.default_s // self._unit_s(document)

    def is_in_range(self, document: Mapping[str, Any]) -> bool:
        """Whether the service accepts a life of this length for this kind of token."""
        return self.min_s <= self.seconds(document) <= self.max_s

    def _unit_s(self, document: Mapping[str, Any]) -> int:
        units: Mapping[str, str] = document.get("TokenValidityUnits", {})
        return _UNIT_S[units.get(self.unit_member, self.default_unit)]


ACCESS: Final = Lifetime("AccessTokenValidity", "AccessToken", "hours", HOUR_S, 5 * MINUTE_S, DAY_S)
ID: Final = Lifetime("IdTokenValidity", "IdToken", "hours", HOUR_S, 5 * MINUTE_S, DAY_S)
REFRESH: Final = Lifetime("RefreshTokenValidity", "RefreshToken", "days", 30 * DAY_S, HOUR_S, 3650 * DAY_S)
ALL: Final = (ACCESS, ID, REFRESH)


def units(given: Mapping[str, str]) -> dict[str, str]:
    """The TokenValidityUnits to show: none where none was sent, and all three where one was (terraform)."""
    return {life.unit_member: life.default_unit for life in ALL} | dict(given) if given else {}


def refusal(document: Mapping[str, Any]) -> str | None:
    """Why these lives are refused, or None."""
    if not all(life.is_in_range(document) for life in ALL):
        return "Invalid range for token validity."
    if max(ACCESS.seconds(document), ID.seconds(document)) > REFRESH.seconds(document):
        return (
            "Access and Id Token expiration times must be less than or equal to"
            " refresh token expiration times."
        )
    return None
