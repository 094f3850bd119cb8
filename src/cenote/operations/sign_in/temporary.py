"""
Temporary passwords: whoever signs in with one has to set their own first, while it is good for that.

The challenge that would ask for it, NEW_PASSWORD_REQUIRED, is not served: such a sign-in is refused as what
it is, neither as a wrong password nor with tokens.
"""

from cenote.domain.invitations import is_temporary_over
from cenote.domain.pools import password_policy
from cenote.domain.registrations import Pool
from cenote.domain.users import Status, User
from cenote.errors import NotAuthorizedException, UnsupportedOperationException
from cenote.services import Services

OVER = "Temporary password has expired and must be reset by an administrator."
NOT_SERVED = "The challenge NEW_PASSWORD_REQUIRED is not supported."


def require_own_password(services: Services, pool: Pool, user: User) -> None:
    """Refuse a user whose password is right, and temporary."""
    if user.status is not Status.FORCE_CHANGE_PASSWORD:
        return
    if is_temporary_over(user, password_policy(pool.document), now_ms=services.now_ms()):
        raise NotAuthorizedException(OVER)
    raise UnsupportedOperationException(NOT_SERVED, detail="AdminSetUserPassword can set a permanent one")
