"""
Codes that nobody is sent: what a client that hides who exists is told, counted and paid for like the truth.
"""

from dataclasses import dataclass, replace

from cenote.domain.codes import Purpose, sending_limit
from cenote.domain.names import fold, looks_like_email, looks_like_phone
from cenote.domain.pools import is_case_sensitive
from cenote.domain.registrations import Pool
from cenote.domain.users import User
from cenote.errors import CognitoError
from cenote.operations.attempts import attempt, subject_of
from cenote.operations.codes import Channel, new_promise
from cenote.services import Services
from cenote.stand_ins import nobody_of
from cenote.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Hidden:
    """A name that was given, beside the user who bears it but must not be seen to; mostly there is none."""

    username: str
    user: User | None = None


def promise_nothing(
    services: Services, pool: Pool, hidden: Hidden, purpose: Purpose, attribute: str
) -> Channel:
    """
    Promise a code to nobody: where it would seem to go, at the price of one that goes there.

    What is held stands under a digest of the name, so that nothing of a user is touched, and goes within
    seconds; only the count of attempts stays for its hour.
    """
    if hidden.user is None:
        services.stand_ins.open(pool)
    channel = simulated_channel(services, pool, hidden.username, attribute)
    subject = subject_of(services, pool, hidden.user, hidden.username)
    nobody = nobody_of(pool, subject_of(services, pool, None, hidden.username).subject_id)
    promise = new_promise(services, pool, nobody, channel, purpose)
    key = services.stand_ins.key(pool)

    def body(tx: Transaction) -> CognitoError | None:
        refusal = attempt(services, tx, subject, sending_limit(purpose))
        if refusal is None:
            tx.codes.put(replace(promise.code, expires_ms=0), now_ms=promise.message.created_ms)
            tx.outbox.add_seeming(promise.message, key)
        return refusal

    refusal = services.store.write(body)
    if refusal is not None:
        raise refusal
    return channel


def simulated_channel(services: Services, pool: Pool, username: str, attribute: str) -> Channel:
    """
    Where a code for nobody would seem to go: the same for the same name, and different for others.

    A name that is an address goes there; any other seems to have this attribute.
    """
    username = fold(username, is_case_sensitive(pool.document))  # as a real user's would be, in any spelling
    if looks_like_email(username):
        return Channel("email", username)
    if looks_like_phone(username):
        return Channel("phone_number", username)
    seed = services.keyed_digest(f"nobody|{pool.pool_id}|{username}".encode())
    if attribute == "phone_number":
        return Channel("phone_number", f"+1{int.from_bytes(seed[:4], 'big') % 10**10:010d}")
    first, domain = (chr(ord("a") + byte % 26) for byte in seed[:2])
    return Channel("email", f"{first}@{domain}.com")
