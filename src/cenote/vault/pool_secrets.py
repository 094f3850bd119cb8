"""
What a pool keeps secret: the key of its blind names and its two signing keys, sealed under the pool's own
key.

Opened once a process and pool, since parsing an RSA key is dear; a pool's end is read from its row and slot
at each call, not from here.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from cenote.domain.names import fold
from cenote.domain.registrations import Pool
from cenote.domain.sealed import Place, WrappedKey
from cenote.errors import ResourceNotFoundException
from cenote.vault.blind import blind_mark, blind_name
from cenote.vault.keys import Keyring
from cenote.vault.sealing import KEY_BYTES
from cenote.vault.signing import SigningKey

POOLS_OPEN_MAX = 1_024
_PLACE = Place("pools", "secrets")


class _Sealed(msgspec.Struct):
    blind_key: bytes
    is_case_sensitive: bool
    access_kid: str
    access_der: bytes
    id_kid: str
    id_der: bytes


@dataclass(frozen=True, slots=True, repr=False)
class OpenedPool:
    """The opened secrets of one pool."""

    blind_key: bytes
    is_case_sensitive: bool  # fixed for a pool's life, so that a name is blinded without reading its document
    access: SigningKey
    id: SigningKey

    def blind(self, name: str) -> bytes:
        """What a user name or an alias is found by."""
        return blind_name(self.blind_key, fold(name, self.is_case_sensitive))

    def mark(self, rungs: Iterable[str]) -> bytes:
        """What users are searched by: whole, or the beginning that those who share these rungs have."""
        return blind_mark(self.blind_key, rungs)


@dataclass(frozen=True, slots=True, repr=False)
class NewPoolSecrets:
    """The secrets of a pool that is about to be held."""

    key: WrappedKey
    sealed: bytes
    opened: OpenedPool


class PoolSecrets:
    """Makes and opens the secrets of pools."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._opened: OrderedDict[str, OpenedPool] = OrderedDict()
        self._guard = threading.Lock()

    def new(self, pool_id: str, *, is_case_sensitive: bool) -> NewPoolSecrets:
        """Fresh secrets under a slot of the pool's own (two RSA keys: some tenths of a second)."""
        key, wrapped = self._keyring.new_key(pool_id, None)
        opened = OpenedPool(os.urandom(KEY_BYTES), is_case_sensitive, SigningKey.new(), SigningKey.new())
        words = _Sealed(
            opened.blind_key,
            is_case_sensitive,
            opened.access.kid,
            opened.access.private_der,
            opened.id.kid,
            opened.id.private_der,
        )
        return NewPoolSecrets(wrapped, key.seal(_PLACE, msgspec.msgpack.encode(words)), opened)

    def of(self, pool: Pool) -> OpenedPool:
        """The secrets of a pool that is held."""
        kept = self.kept(pool.pool_id)
        if kept is not None:
            return kept
        opened = self._open(pool)
        with self._guard:
            self._opened[pool.pool_id] = opened
            while len(self._opened) > POOLS_OPEN_MAX:
                self._opened.popitem(last=False)
        return opened

    def kept(self, pool_id: str) -> OpenedPool | None:
        """The secrets of a pool that this process has opened already; the pool itself may be gone."""
        with self._guard:
            opened = self._opened.get(pool_id)
            if opened is not None:
                self._opened.move_to_end(pool_id)
            return opened

    def forget(self, pool_id: str) -> None:
        """Keep nothing opened of a pool that has gone."""
        with self._guard:
            self._opened.pop(pool_id, None)

    def _open(self, pool: Pool) -> OpenedPool:
        key = self._keyring.open_key(pool.pool_id, pool.wrapped)
        if key is None:
            raise ResourceNotFoundException(f"User pool {pool.pool_id} does not exist.")
        words = msgspec.msgpack.decode(key.open(_PLACE, pool.secrets), type=_Sealed)
        access = SigningKey(words.access_kid, words.access_der)
        blind_key, is_case_sensitive = words.blind_key, words.is_case_sensitive
        return OpenedPool(blind_key, is_case_sensitive, access, SigningKey(words.id_kid, words.id_der))
