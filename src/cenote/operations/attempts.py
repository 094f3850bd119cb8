"""
Attempts: counted in the store before they are looked at, so that every node and every refusal counts.

Leaves out the lock after wrong passwords (`sign_in/lockout.py`).
"""

from cenote.domain.limits import ATTEMPTS_PER_HOUR_MAX, Limit, Subject
from cenote.domain.registrations import Pool
from cenote.domain.users import User
from cenote.errors import LimitExceededException
from cenote.services import Services
from cenote.store.transaction import Transaction


def subject_of(services: Services, pool: Pool, user: User | None, username: str) -> Subject:
    """Whom an attempt in this name counts against: the user, or else the name itself, as a digest."""
    if user is not None:
        return Subject(user.sub)
    name = services.pool_secrets.of(pool).blind(username)
    return Subject(f"nobody-{services.keyed_digest(b'nobody|' + name).hex()}", is_user=False)


def attempt(
    services: Services, tx: Transaction, subject: Subject, limit: Limit
) -> LimitExceededException | None:
    """
    Count an attempt; the refusal of one too many, as a value.

    The count must outlive the refusal: it is raised once the transaction has closed.
    """
    count = tx.attempts.count(subject, limit, services.now_ms())
    return LimitExceededException() if count > ATTEMPTS_PER_HOUR_MAX[limit] else None


def require_attempt(services: Services, subject: Subject, limit: Limit) -> None:
    """Count an attempt in a transaction of its own; refuse one too many."""
    refusal = services.store.write(lambda tx: attempt(services, tx, subject, limit))
    if refusal is not None:
        raise refusal
