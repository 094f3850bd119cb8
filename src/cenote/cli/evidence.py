"""
The evidence of an erasure: what the ledger, the slots and the files say of one user or pool.

Leaves out the search itself (`places.py`) and what the evidence amounts to (`receipts.py`).
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cenote.chaining import LINES_PER_CHECK, Examined
from cenote.cli.keys_at_hand import KeysAtHand
from cenote.cli.places import Searched
from cenote.cli.receipts import ARCHIVED, KEYS_FOLDER, MIRROR, Copy, Evidence, KeysCopy, Standing
from cenote.cli.volumes import file_system
from cenote.domain.ledger import Link
from cenote.domain.registrations import LedgerLine
from cenote.domain.sealed import digest_of
from cenote.store.copying import Source
from cenote.vault.chunks import SLOTS_PER_CHUNK
from cenote.vault.keys import Keyring, SlotReader, read_header
from cenote.vault.sealing import Unopenable
from cenote.vault.searching import ChunkCopy, EveryCopy, SlotFiles, Traces, Wanted, opens
from cenote.vault.tombstones import state_of


@dataclass(frozen=True, slots=True)
class Bench:
    """All that evidence is made of."""

    hand: KeysAtHand
    wanted: Wanted
    searched: Searched
    source: Source
    chain: Examined

    @property
    def keyrings(self) -> list[tuple[str, Keyring]]:
        """What a thief of each copy of the keys folder could open, and one who has all of them."""
        readers: list[tuple[str, SlotReader]] = list(
            zip((KEYS_FOLDER, MIRROR), self.hand.folders, strict=False)
        )
        if self.searched.chunks:
            readers.append((ARCHIVED, EveryCopy(self.hand.folders, self.searched.chunks)))
        return [(name, Keyring(self.hand.master, reader)) for name, reader in readers]


def evidence_of_everybody(bench: Bench) -> Iterator[Evidence]:
    """The evidence of each line that is wanted, in the order of the chain."""
    tx, alive = bench.source.tables, _alive(bench)
    after = 0
    while entries := tx.ledger.list_entries(after, sys.maxsize, LINES_PER_CHECK):
        for entry in entries:
            if isinstance(entry, Link) and entry.line.digest in bench.wanted.digests:
                yield _evidence_of_line(bench, entry.line, entry, is_alive=entry.line.digest in alive)
        after = entries[-1].number
    for line in tx.ledger.list_unchained(sys.maxsize):  # a second's worth beside a running server
        if line.digest in bench.wanted.digests:
            yield _evidence_of_line(bench, line, None, is_alive=line.digest in alive)


def _alive(bench: Bench) -> set[bytes]:
    """Who of those who are wanted still has a row, as after a restore that nobody has looked at yet."""
    at = bench.source.columns("keys").index("sub")
    users = {digest_of(row[at]) for rows in bench.source.rows("keys") for row in rows}
    pools = {digest_of(pool_id) for pool_id, _slot in bench.source.tables.pools.list_slots()}
    return (users | pools) & bench.wanted.digests


def _evidence_of_line(bench: Bench, line: LedgerLine, link: Link | None, *, is_alive: bool) -> Evidence:
    if line.kind == "pool":
        traces = [(one.of_pools.get(line.slot), kind, name) for kind, name, one in bench.searched.found]
    else:
        traces = [(one.of.get(line.digest), kind, name) for kind, name, one in bench.searched.found]
    return Evidence(
        subject=line.kind,
        digest=line.digest,
        is_alive_in_rows=is_alive,
        line=line,
        slot=line.slot,
        keys=tuple(_keys_copies(bench, line.slot, line.digest)),
        copies=tuple(_copies(bench, traces)),
        standing=_standing(bench, link),
    )


def evidence_of_one(bench: Bench, sub: str) -> Evidence:
    """The evidence of one user, alive, erased or unknown."""
    tx, digest = bench.source.tables, digest_of(sub)
    traces = [(one.of.get(digest), kind, name) for kind, name, one in bench.searched.found]
    row = bench.source.one("select wrapped from keys where sub = :sub", {"sub": sub})
    line = tx.ledger.find(digest) or _pool_line(bench, traces)
    slot = line.slot if line is not None else _slot_of(bench, digest, row)
    named = digest if line is None else line.digest
    return Evidence(
        subject="user",
        digest=digest,
        is_alive_in_rows=row is not None,
        line=line,
        slot=slot,
        keys=() if slot is None else tuple(_keys_copies(bench, slot, named)),
        copies=tuple(_copies(bench, traces)),
        standing=_standing(bench, None if line is None else tx.ledger.find_link(line.digest)),
    )


def _slot_of(bench: Bench, digest: bytes, row: Sequence[Any] | None) -> int | None:
    """
    The slot of somebody of whom the ledger says nothing.

    Who came and went in commits that a fail-over lost has neither row nor line, but a tombstone.
    """
    if row is not None:
        return read_header(bytes(row[0])).slot
    buried = (folder.slot_buried(digest) for folder in bench.hand.folders)
    return next((slot for slot in buried if slot is not None), None)


_Found = Sequence[tuple[Traces | None, str, str]]


def _pool_line(bench: Bench, traces: _Found) -> LedgerLine | None:
    """The erasure of the pool that the user's keys were wrapped under, if there was one."""
    for slot in sorted({slot for one, _kind, _name in traces if one is not None for slot in one.pool_slots}):
        row = bench.source.one(
            "select digest from ledger where kind = 'pool' and slot = :slot", {"slot": slot}
        )
        if row is not None:
            return bench.source.tables.ledger.find(bytes(row[0]))
    return None


def _copies(bench: Bench, traces: _Found) -> Iterator[Copy]:
    for one, kind, name in traces:
        if one is None:
            continue
        opened = [
            (number, other)
            for number, (sub, key) in enumerate(one.keys)
            for other, keyring in bench.keyrings
            if opens(key, sub, keyring)
        ]
        yield Copy(
            kind=kind,
            name=name,
            envelopes=one.envelopes,
            keys=len(one.keys),
            openable=len({number for number, _other in opened}),
            identities=one.clear,
            opened_with=tuple(sorted({other for _number, other in opened})),
        )


def _keys_copies(bench: Bench, slot: int, digest: bytes) -> Iterator[KeysCopy]:
    """What the slot holds in every copy of the keys folder that is known or was found."""
    for kind, folder in zip((KEYS_FOLDER, MIRROR), bench.hand.folders, strict=False):
        state = state_in(folder, slot, digest)
        yield KeysCopy(kind, folder.folder.name, state, file_system(folder.folder))
    for _kind, name, found in bench.searched.found:
        for chunk in found.chunks:
            if chunk.number == slot // SLOTS_PER_CHUNK:
                yield KeysCopy(ARCHIVED, name, state_in(chunk, slot, digest))


def _standing(bench: Bench, link: Link | None) -> Standing:
    head, previous = bench.chain.head, None
    if link is not None:
        before = link.number - 1
        previous = bench.source.tables.ledger.find_hash(before) if before else bench.hand.witness.first.hash
    return Standing(
        number=None if link is None else link.number,
        hash=None if link is None else link.hash,
        previous=previous,
        head_number=head.number,
        head_hash=head.hash,
        broken=bench.chain.broken,
    )


def state_in(copy: SlotFiles | ChunkCopy, slot: int, digest: bytes) -> str:
    """What a copy of the keys folder says of a slot, as its owner of this digest reads it."""
    try:
        return state_of(copy.read(slot), digest).value
    except (Unopenable, OSError):
        return "missing"
