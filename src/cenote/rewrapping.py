"""
Rewrapping: what the old master key closed is closed by the new one, row by row, while servers serve.

Each step may be done again and be cut off anywhere: a row says itself which key closed it.  A pool comes
first and what is in it after it, since from then on whatever joins it is closed as it is.  Leaves out who
knows which key when (`changeover.py`).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from cenote.binding import now_ms
from cenote.domain.access_keys import AccessKey, legible, resealed
from cenote.domain.client_secrets import place_of_secret
from cenote.domain.registrations import Client, ClientSecret
from cenote.domain.sealed import master_id_of
from cenote.errors import CenoteError
from cenote.store.contract import Store
from cenote.store.transaction import Transaction
from cenote.vault.keys import Keyring, read_header
from cenote.vault.masters import Masters
from cenote.vault.sealing import ENVELOPE_VERSION

ROWS_PER_STEP = 64  # of one commit: some milliseconds, of which a serving process waits one or two
_AGAIN = "Something is under the old master key again: give the command once more."


@dataclass(frozen=True, slots=True)
class Bench:
    """What is worked with: the rows, what opens and closes them, and how fast at most."""

    store: Store
    keyring: Keyring
    masters: Masters  # of which the current one is the new one
    told: Callable[[int], None] = lambda _rows: None
    reach: Callable[[str], None] = lambda _name: None
    rows_per_second_max: float | None = None

    @property
    def following(self) -> bytes:
        """The id of the new key."""
        return self.masters.current.key_id

    @property
    def like(self) -> bytes:
        """What looks like something that the new key has closed."""
        return bytes([ENVELOPE_VERSION]) + self.following

    def is_done(self, closed: bytes | None) -> bool:
        """Whether nothing is to be done about this."""
        return closed is None or master_id_of(closed) == self.following


@dataclass(slots=True)
class Done:
    """How much was done."""

    keys: int = 0
    secrets: int = 0


def rewrap(bench: Bench) -> Done:
    """Go through everything once; what is done already is passed over, and what does not open."""
    done = Done()
    for pool_id in bench.store.read(lambda tx: tx.changeover.list_pool_ids()):
        done.keys += bench.store.write(partial(_rewrap_pool, bench, pool_id))
        bench.reach("pool rewrapped")
        done.secrets += _reseal_clients(bench, pool_id)
    done.keys += _rewrap_users(bench)
    done.secrets += _reseal_access_keys(bench)
    bench.reach("all rewrapped")
    return done


def slots_left(bench: Bench) -> list[int]:
    """
    The slots of users who can't be opened under any key, after everything else was done.

    `CenoteError` when anything that opens is still under the old one: it must not be retired.
    """
    unopenable, after = [], ""
    while page := bench.store.read(partial(_left_behind, bench.following, after)):
        for sub, wrapped in page:
            try:
                is_living = bench.keyring.open_key(sub, wrapped) is not None
            except (CenoteError, OSError):
                unopenable.append(read_header(wrapped).slot)
            else:
                if is_living:
                    raise CenoteError(_AGAIN)
        after = page[-1][0]
    if bench.store.read(lambda tx: tx.changeover.count_secrets_left(bench.following)):
        raise CenoteError(_AGAIN)
    return unopenable


def _left_behind(following: bytes, after: str, tx: Transaction) -> list[tuple[str, bytes]]:
    return tx.changeover.list_left(following, after, ROWS_PER_STEP)


def _rewrap_pool(bench: Bench, pool_id: str, tx: Transaction) -> bool:
    wrapped = tx.changeover.hold_pool(pool_id)
    if wrapped is None or bench.is_done(wrapped):
        return False
    again = bench.keyring.rewrapped(pool_id, wrapped, bench.like)
    if again is not None:  # else its slot says that it is erased
        tx.changeover.save_pool(pool_id, again)
    return again is not None


def _rewrap_users(bench: Bench) -> int:
    count, after = 0, ""
    while page := bench.store.read(partial(_keys_behind, after)):
        began_s = time.monotonic()
        swaps = [swap for sub, wrapped in page if (swap := _swap(bench, sub, wrapped)) is not None]
        if swaps:
            bench.store.write(partial(_swap_all, swaps))
            _pause(bench, len(swaps), time.monotonic() - began_s)
        bench.told(len(page))
        bench.reach("users rewrapped")
        count, after = count + len(swaps), page[-1][0]
    return count


def _swap(bench: Bench, sub: str, wrapped: bytes) -> tuple[str, bytes, bytes] | None:
    """What a user's row is to hold instead; None where there is nothing to do, or nothing that opens."""
    if bench.is_done(wrapped):
        return None
    try:
        again = bench.keyring.rewrapped(sub, wrapped, bench.like)
    except (CenoteError, OSError):
        return None
    return None if again is None else (sub, wrapped, again)


def _swap_all(swaps: Sequence[tuple[str, bytes, bytes]], tx: Transaction) -> None:
    for sub, was, now in swaps:
        tx.changeover.swap_key(sub, was, now)


def _keys_behind(after: str, tx: Transaction) -> list[tuple[str, bytes]]:
    return tx.changeover.list_keys(after, ROWS_PER_STEP)


def _reseal_clients(bench: Bench, pool_id: str) -> int:
    count, after = 0, ""
    while page := bench.store.read(partial(_clients_behind, pool_id, after)):
        for client in page:
            if not all(bench.is_done(secret.sealed) for secret in client.secrets):
                count += bench.store.write(partial(_reseal_client, bench, client))
                bench.reach("client resealed")
        after = page[-1].client_id
    return count


def _clients_behind(pool_id: str, after: str, tx: Transaction) -> list[Client]:
    return tx.clients.list_page(pool_id, after, ROWS_PER_STEP)


def _reseal_client(bench: Bench, found: Client, tx: Transaction) -> int:
    """The client's secrets as they are now; a new version, so that no process keeps the former ones."""
    client = tx.clients.hold(found.pool_id, found.client_id)
    if client is None:
        return 0
    key, place = bench.masters.sealing_key(client.client_id), place_of_secret(client.client_id)
    secrets = tuple(
        ClientSecret(one.created_ms, key.seal(place, key.open(place, one.sealed))) for one in client.secrets
    )
    tx.clients.save(replace(client, secrets=secrets), client.document["ClientName"])
    return len(secrets)


def _reseal_access_keys(bench: Bench) -> int:
    count, after = 0, ""
    while page := bench.store.read(partial(_access_keys_behind, after)):
        for key in page:
            if not (bench.is_done(key.secret) and bench.is_done(key.former_secret)):
                count += bench.store.write(partial(_reseal_access_key, bench, key.key_id))
                bench.reach("access key resealed")
        after = page[-1].key_id
    return count


def _access_keys_behind(after: str, tx: Transaction) -> list[AccessKey]:
    return tx.access_keys.list_page(after, ROWS_PER_STEP)


def _reseal_access_key(bench: Bench, key_id: str, tx: Transaction) -> int:
    key = tx.access_keys.hold(key_id)
    if key is None or key.is_revoked:
        return 0
    try:
        again = resealed(key.standing(now_ms()), bench.masters.sealing_key)
    except CenoteError as failure:
        raise CenoteError(
            f"The access key {legible(key_id)} does not open: its row was changed by somebody else, or is"
            " damaged. Revoke it (cenote keys revoke), and give the command again."
        ) from failure
    tx.access_keys.save(again)
    return 1


def _pause(bench: Bench, rows: int, spent_s: float) -> None:
    """Leave the database to others for as long as was worked, and longer where the operator says so."""
    least_s = 0.0 if bench.rows_per_second_max is None else rows / bench.rows_per_second_max - spent_s
    time.sleep(max(spent_s, least_s))
