"""
Groups of users: how they are shown, in which order they stand, and what they say in a user's tokens.

A group is known by its id; its name may be given to another group later, which inherits nobody.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from cenote.domain.documents import Document
from cenote.domain.times import wire_time
from cenote.errors import InvalidParameterException, LimitExceededException, ResourceNotFoundException

GROUPS_PER_POOL_MAX: Final = 10_000
GROUPS_PER_USER_MAX: Final = 100
NUL_IN_DESCRIPTION: Final = "Description must not contain the character NUL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group; the lowest precedence is the strongest, and none is the weakest."""

    group_id: str
    pool_id: str
    name: str
    description: str | None = None
    role_arn: str | None = None
    precedence: int | None = None
    created_ms: int
    modified_ms: int

    def __post_init__(self) -> None:
        """Refuse the one letter that PostgreSQL keeps in no text; the model allows any in a description."""
        if self.description is not None and "\0" in self.description:
            raise InvalidParameterException(NUL_IN_DESCRIPTION)

    def updated(self, given: Document, *, now_ms: int) -> "Group":
        """The group as an UpdateGroup request leaves it: what the request leaves out stays as it is."""
        return replace(
            self,
            description=given.get("Description", self.description),
            role_arn=given.get("RoleArn", self.role_arn),
            precedence=given.get("Precedence", self.precedence),
            modified_ms=now_ms,
        )

    def group_type(self) -> Document:
        """The API's GroupType; what was never set is absent."""
        set_or_not: dict[str, Any] = {
            "Description": self.description,
            "RoleArn": self.role_arn,
            "Precedence": self.precedence,
        }
        return {
            "GroupName": self.name,
            "UserPoolId": self.pool_id,
            **{member: value for member, value in set_or_not.items() if value is not None},
            "LastModifiedDate": wire_time(self.modified_ms),
            "CreationDate": wire_time(self.created_ms),
        }


def in_order(groups: Iterable[Group]) -> list[Group]:
    """The strongest first; of equals, and of those without a precedence, by name."""
    return sorted(groups, key=lambda group: (group.precedence is None, group.precedence or 0, group.name))


def roles(groups: Iterable[Group]) -> list[str]:
    """The roles that the groups give, the strongest group's first, each once."""
    return list(dict.fromkeys(group.role_arn for group in in_order(groups) if group.role_arn is not None))


def preferred_role(groups: Sequence[Group]) -> str | None:
    """
    The role of the strongest group that gives one.

    None where the strongest of them disagree, and where none of them has a precedence (captured).
    """
    giving = [group for group in groups if group.role_arn is not None and group.precedence is not None]
    best = min((group.precedence for group in giving if group.precedence is not None), default=None)
    found = {group.role_arn for group in giving if group.precedence == best}
    return found.pop() if len(found) == 1 else None


def not_found() -> ResourceNotFoundException:
    """The refusal of a group that is not there."""
    return ResourceNotFoundException("Group not found.")


def check_pool_has_room(groups: int) -> None:
    """Refuse one group more than a pool may have."""
    if groups >= GROUPS_PER_POOL_MAX:
        raise LimitExceededException(f"A user pool may have {GROUPS_PER_POOL_MAX} groups.")


def check_user_has_room(groups: Sequence[Group]) -> None:
    """Refuse one group more than a user may be in."""
    if len(groups) >= GROUPS_PER_USER_MAX:
        raise LimitExceededException(f"A user may be in {GROUPS_PER_USER_MAX} groups.")
