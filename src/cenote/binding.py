"""
Binding: access keys that former versions sealed by themselves are sealed anew beside what they may do, once.

That it is done is noted in the keys folder and its mirror, out of reach of whoever can write rows and no
more: from then on a key in the former form is refused wherever it comes from, an older backup too, until an
operator says anew what it may do.  Leaves out what a key is bound to (`domain/access_keys.py`).
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from cenote.domain.access_keys import AccessKey, Binding, binding_of, bound
from cenote.log import logger
from cenote.store.contract import Store
from cenote.store.transaction import Transaction
from cenote.vault.chunks import write_exclusively
from cenote.vault.masters import Masters

BOUND_FILE = "access-keys.bound"
KEYS_PER_PAGE = 500
_SAID = b"Access keys that are not bound to their policies are refused.\n"

Read = Callable[[Callable[[Transaction], list[AccessKey]]], list[AccessKey]]
log = logger("cenote.binding")


def bind_once(store: Store, masters: Masters, folders: list[Path]) -> None:
    """
    Bind every key to what its row says, unless that was done before; cut off, it is done at the next start.

    The mirror is told before the folder, as always: what the folder says, the mirror has said.
    """
    if not are_bound(folders):
        _bind_all(store, masters)
    for folder in reversed(folders):
        if not (folder / BOUND_FILE).exists():
            write_exclusively(folder / BOUND_FILE, _SAID)


def are_bound(folders: list[Path]) -> bool:
    """Whether any copy of the keys folder says that all access keys were bound."""
    return any((folder / BOUND_FILE).exists() for folder in folders)


def refused_keys(read: Read, masters: Masters) -> Iterator[tuple[AccessKey, Binding]]:
    """The keys that nobody can sign with though they are not revoked, and why."""
    for key in every_key(read):
        found = Binding.BOUND if key.is_revoked else binding_of(key.standing(now_ms()), masters.sealing_key)
        if found is not Binding.BOUND:
            yield key, found


def why_refused(found: Binding) -> str:
    """The reason, and what an operator does about it."""
    if found is Binding.UNBOUND:
        return (
            "a former version sealed it, and nothing vouches for its name or secret, or for its policy."
            " cenote keys policy ... --set takes it up with a new secret; or revoke it"
        )
    return (
        "its row was changed by somebody without the master key, or is damaged. Revoke it, and make another"
    )


def every_key(read: Read) -> Iterator[AccessKey]:
    """Every access key, in the order of their ids."""
    after = ""
    while page := read(partial(_page_behind, after)):
        yield from page
        after = page[-1].key_id


def _page_behind(after: str, tx: Transaction) -> list[AccessKey]:
    return tx.access_keys.list_page(after, KEYS_PER_PAGE)


def _bind_all(store: Store, masters: Masters) -> None:
    unbound = [key for key, found in refused_keys(store.read, masters) if found is Binding.UNBOUND]
    count = sum(store.write(partial(_bind, masters, key.key_id)) for key in unbound)
    if count:
        log.warning("access keys bound to their policies", count=count)


def _bind(masters: Masters, key_id: str, tx: Transaction) -> bool:
    """Bind one key, unless another process that starts has done it, or it was revoked meanwhile."""
    held = tx.access_keys.hold(key_id)
    if held is None or held.is_revoked:
        return False
    key = held.standing(now_ms())
    if binding_of(key, masters.sealing_key) is not Binding.UNBOUND:
        return False
    tx.access_keys.save(bound(key, masters.sealing_key))
    return True


def now_ms() -> int:
    """The machine's own time, as signatures are measured by it."""
    return time.time_ns() // 1_000_000
