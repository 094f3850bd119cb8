"""
A user: what one is, and how one changes.

Owns the states of a profile.  Leaves out what may be written in it (`attributes.py`), how a password is
checked (`srp.py`) and who asks (`callers.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from cenote.domain.srp import Verifier
from cenote.errors import NotAuthorizedException


class Status(StrEnum):
    """The UserStatusType of the API, as far as users here can be in it."""

    UNCONFIRMED = "UNCONFIRMED"
    CONFIRMED = "CONFIRMED"
    RESET_REQUIRED = "RESET_REQUIRED"
    FORCE_CHANGE_PASSWORD = "FORCE_CHANGE_PASSWORD"
    EXTERNAL_PROVIDER = "EXTERNAL_PROVIDER"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One profile.  `sub` is its identity; `username` is a name that somebody else may bear later."""

    sub: str
    pool_id: str
    username: str
    status: Status
    enabled: bool = True
    attributes: Mapping[str, str]
    password: Verifier | None
    created_ms: int
    modified_ms: int
    version: int = 1

    def __repr__(self) -> str:
        return f"User(sub={self.sub}, status={self.status})"

    def confirmed(self, *, now_ms: int) -> "User":
        """The user as confirmed; refused, with the live service's words, when there is nothing to confirm."""
        if self.status is not Status.UNCONFIRMED:
            raise NotAuthorizedException(f"User cannot be confirmed. Current status is {self.status}")
        return replace(self, status=Status.CONFIRMED, modified_ms=now_ms)

    def verified(self, attribute: str | None) -> "User":
        """The user with the attribute that carried a code marked as theirs."""
        if attribute is None or attribute not in self.attributes:
            return self
        return replace(self, attributes={**self.attributes, f"{attribute}_verified": "true"})

    def unverified(self, attribute: str) -> "User":
        """The user with an address that is somebody else's alias now."""
        return replace(self, attributes={**self.attributes, f"{attribute}_verified": "false"})

    def disabled(self, *, now_ms: int) -> "User":
        """The user shut out, otherwise as they were."""
        return replace(self, enabled=False, modified_ms=now_ms)

    def enabled_again(self, *, now_ms: int) -> "User":
        """The user let in again; sessions that ended with the disabling stay ended."""
        return replace(self, enabled=True, modified_ms=now_ms)

    def reset_required(self, *, now_ms: int) -> "User":
        """The user whose password no longer counts until a new one is set with a code."""
        return replace(self, status=Status.RESET_REQUIRED, modified_ms=now_ms)
