"""
The lock after wrong passwords, for every flow that proves one; the count is the store's, one for all nodes.

Passwords are checked side by side, but their outcomes stand in line, in the order of the commits: one that
comes when the door is shut is told so and nothing else, whether it was right or wrong.  The write that begins
a session (`tokens.begin_session`) lets a right one in, and forgives the wrong ones.
"""

from cenote.domain.limits import Subject
from cenote.domain.lockout import Activity
from cenote.errors import NotAuthorizedException
from cenote.services import Services
from cenote.store.transaction import Transaction

LOCKED = "Password attempts exceeded"


def require_unlocked(services: Services, activity: Activity) -> None:
    """Refuse early, and for nothing, what would be refused in the end."""
    if activity.is_locked(services.now_ms()):
        raise NotAuthorizedException(LOCKED)


def counted_failure(services: Services, subject: Subject) -> NotAuthorizedException:
    """Count a wrong password, unless it came while the door was shut; the refusal, to be raised now."""
    now_ms = services.now_ms()

    def body(tx: Transaction) -> NotAuthorizedException:
        tx.activity.begin(subject, now_ms)
        held = tx.activity.hold(subject)
        if held.is_locked(now_ms):
            return NotAuthorizedException(LOCKED)
        tx.activity.save(held.failed(now_ms=now_ms))
        return NotAuthorizedException()

    return services.store.write(body)
