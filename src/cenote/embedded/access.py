"""
The access key with which a program signs the calls to the server that it holds.

It is made of the server's own secret, so that it is the same at every start and whoever opens the data has
it: nobody is shown it, no start ends another's, and it leaves one row.  An operator who revokes it ends it
until the next such start.
"""

from dataclasses import replace

from cenote.domain.access_keys import (
    ENTROPY_BYTES,
    AccessKey,
    Binding,
    SealingKeyOf,
    binding_of,
    new_access_key,
    with_secrets,
)
from cenote.services import Services
from cenote.store.transaction import Transaction
from cenote.wire.policy import ALL

NAME = "embedded"


def own_access_key(services: Services) -> tuple[str, str]:
    """The id and the secret of a key that may do everything."""
    pieces = (services.keyed_digest(b"access key of a program|" + piece) for piece in (b"1", b"2"))
    key, secret = new_access_key(
        b"".join(pieces)[:ENTROPY_BYTES],
        services.master.sealing_key,
        name=NAME,
        policy=ALL,
        now_ms=services.wall_ms(),
    )
    services.store.write(lambda tx: _keep(key, secret, services.master.sealing_key, tx))
    return key.key_id, secret


def _keep(key: AccessKey, secret: str, sealing_key: SealingKeyOf, tx: Transaction) -> None:
    """Hold the key; of a row that is there, nothing stays but its last use and a time that it vouches for."""
    held = tx.access_keys.hold(key.key_id)
    if held is None:
        tx.access_keys.add(key)
        return
    is_vouched_for = not held.is_revoked and binding_of(held, sealing_key) is Binding.BOUND
    again = replace(key, created_ms=held.created_ms) if is_vouched_for else key
    tx.access_keys.save(with_secrets(again, sealing_key, secret))
