"""
New passwords of an existing user: held against their own past, and turned into what is kept of them.

Leaves out the policy (`domain/passwords.py`), whose sentence depends on the operation.
"""

from cenote.domain.pools import password_policy
from cenote.domain.registrations import Pool
from cenote.domain.srp import SALT_BYTES, Verifier, is_password, verifier_of
from cenote.domain.users import User
from cenote.errors import PasswordHistoryPolicyViolationException
from cenote.services import Services


def remembered_passwords(pool: Pool) -> int:
    """How many of a user's latest passwords, the present one included, may not come back."""
    return password_policy(pool.document).history_size


def new_verifier(services: Services, pool: Pool, user: User, password: str) -> Verifier:
    """
    What is to be kept of a new password of the user's, who is as they were at an earlier look.

    `PasswordHistoryPolicyViolationException` when the pool remembers it as one of theirs: only who may set a
    password is told, so this is asked last.
    """
    past = () if user.password is None else (user.password, *user.former_passwords)
    for one in past[: remembered_passwords(pool)]:
        if knows_password(services, user, one, password):
            raise PasswordHistoryPolicyViolationException
    salt = services.random_bytes(SALT_BYTES)
    return verifier_of(user.pool_id, user.username, password, salt, services.blindings.take())


def knows_password(services: Services, user: User, kept: Verifier, password: str) -> bool:
    """Whether this is the password of which that is kept; as dear for a wrong one."""
    blinding = services.blindings.take()
    return is_password(kept, user.pool_id, user.username, password, blinding)
