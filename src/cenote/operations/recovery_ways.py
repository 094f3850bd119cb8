"""How users of a pool get back in without their password: by which address of theirs, if at all."""

from cenote.domain.pools import recovery_mechanisms
from cenote.domain.registrations import Pool
from cenote.domain.users import User
from cenote.errors import NotAuthorizedException
from cenote.operations.codes import Channel

ADMIN_ONLY = "Contact administrator to reset password."
NO_ADDRESS = "Cannot reset password for the user as there is no registered/verified email or phone_number"
NOT_RESETTABLE = "User password cannot be reset in the current state."


def recovery_addresses(pool: Pool) -> tuple[str, ...]:
    """The attributes that a code may go to, in the pool's order; refused where only administrators help."""
    mechanisms = recovery_mechanisms(pool.document)
    if mechanisms == ("admin_only",):
        raise NotAuthorizedException(ADMIN_ONLY)
    return tuple(mechanism.removeprefix("verified_") for mechanism in mechanisms)


def recovery_channel(pool: Pool, user: User) -> Channel | None:
    """The first address of the user's, in the pool's order, that they have proved."""
    for attribute in recovery_addresses(pool):
        if user.attributes.get(f"{attribute}_verified") == "true" and attribute in user.attributes:
            return Channel(attribute, user.attributes[attribute])
    return None
