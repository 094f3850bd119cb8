"""
A user: what one is, and how one changes.

Owns the states of a profile.  Leaves out what may be written in it (`attributes.py`), how a password is
checked (`srp.py`) and who asks (`callers.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    pending: Mapping[str, str] = field(default_factory=dict)  # new addresses that wait for their proof
    password: Verifier | None
    former_passwords: tuple[Verifier, ...] = ()  # the latest first; kept where the pool remembers them
    temporary_since_ms: int | None = None  # since when the password is only good for setting another one
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

    def with_attributes(self, given: Mapping[str, str]) -> "User":
        """The user with more attributes; an address that nobody has proven yet is marked as such."""
        flags = {f"{name}_verified": "false" for name in ("email", "phone_number") if name in given}
        return replace(self, attributes={**self.attributes, **given, **flags})

    def address_to_prove(self, attribute: str) -> str | None:
        """Where a code for this attribute must be sent: the address that waits, or the present one."""
        return self.pending.get(attribute, self.attributes.get(attribute))

    def proven(self, attribute: str, *, now_ms: int) -> "User":
        """The user who proved the address of this attribute: one that waited takes its place."""
        value = self.address_to_prove(attribute)
        if value is None:
            return self
        pending = {name: address for name, address in self.pending.items() if name != attribute}
        attributes = {**self.attributes, attribute: value, f"{attribute}_verified": "true"}
        return replace(self, attributes=attributes, pending=pending, modified_ms=now_ms)

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

    def with_password(
        self, password: Verifier, *, remembered: int, now_ms: int, status: Status | None = None
    ) -> "User":
        """
        The user with a new password, and in another status if one is named.

        Of all their passwords, the new one included, so many are remembered as the pool wants.
        """
        kept = () if self.password is None else (self.password, *self.former_passwords)
        return replace(
            self,
            password=password,
            temporary_since_ms=None,
            former_passwords=kept[: max(remembered - 1, 0)],
            status=status or self.status,
            modified_ms=now_ms,
        )

    def with_temporary_password(self, password: Verifier, *, remembered: int, now_ms: int) -> "User":
        """The user with a password that is only good for setting one of their own, for the pool's days."""
        changed = self.with_password(
            password, remembered=remembered, now_ms=now_ms, status=Status.FORCE_CHANGE_PASSWORD
        )
        return replace(changed, temporary_since_ms=now_ms)
