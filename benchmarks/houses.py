"""
Filled houses that are kept: where they lie, whether one may be used again, and fresh tokens for its people.

A house is used again while it has the schema of today and its sessions live; otherwise it is filled anew.
The note beside it holds made-up people's tokens, and is readable by its owner alone.  Leaves out the filling
itself (`fill.py`).
"""

import base64
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from benchmarks.fill import REFRESH_MS, TOKEN_HOURS, fill
from benchmarks.people import People
from benchmarks.postgres import CLUSTER
from cenote.app import build
from cenote.settings import Settings
from cenote.store.migrations import pending
from cenote.vault.pool_secrets import PoolSecrets

FILLED = "filled"
_NOTE = "people.json"
_FORM = 1  # of what is filled; another one is filled anew
HOUR_MS = 3_600_000
SESSION_LEFT_MS_MIN = 24 * HOUR_MS  # a run may take long
TOKEN_LEFT_MS_MIN = 12 * HOUR_MS
MIB = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """How long a house took to fill, and how large it became."""

    server: str
    users: int
    seconds: float
    data_mib: float
    keys_mib: float

    @property
    def rate(self) -> float:
        """Users a second."""
        return self.users / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """What is noted beside a filled house."""

    form: int
    schema: int
    filled_ms: int
    signed_ms: int
    filling: Filling
    pool_id: str
    client_id: str
    access_key: tuple[str, str]
    access_tokens: list[str]

    @property
    def people(self) -> People:
        """Who lives there."""
        users = self.filling.users
        return People(self.pool_id, self.client_id, users, self.access_tokens, self.access_key)

    def is_as_of_today(self, users: int, signed_in: int, now_ms: int) -> bool:
        """Whether it is what a filling would make now, and stays so for a day."""
        return (
            (self.form, self.schema) == (_FORM, _schema())
            and (self.filling.users, len(self.access_tokens)) == (users, min(users, signed_in))
            and now_ms < self.filled_ms + REFRESH_MS - SESSION_LEFT_MS_MIN
        )


@contextmanager
def place_of(houses: Path | None, name: str, users: int) -> Iterator[Path]:
    """The folder of a house of this engine and size; one that is gone afterwards where none are kept."""
    if houses is None:
        with TemporaryDirectory(prefix="cenote-bench-") as fleeting:
            yield Path(fleeting)
        return
    folder = houses.absolute() / f"{name}-{users}"
    folder.mkdir(parents=True, exist_ok=True)
    yield folder


def found(folder: Path, users: int, signed_in: int) -> Household | None:
    """
    The house that was kept here, if it may be used again; else nothing at all is left in the folder.

    What a run that was cut off left of its copies goes in either case.
    """
    note = folder / _NOTE
    kept = None
    if note.exists():
        try:
            kept = msgspec.json.decode(note.read_bytes(), type=Household)
        except msgspec.MsgspecError:  # as an earlier benchmark wrote it
            kept = None
    if kept is not None and not kept.is_as_of_today(users, signed_in, _now_ms()):
        kept = None
    stays = {_NOTE, FILLED, CLUSTER} if kept is not None else set()
    for entry in folder.iterdir():
        if entry.name not in stays:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    return kept


def filled(
    folder: Path, settings: Settings, name: str, people: tuple[int, int], data_mib: Callable[[], float]
) -> Household:
    """Fill a new house with so many users, so many of them signed in, and note who they are."""
    users, signed_in = people
    began = time.perf_counter()
    moved_in = fill(settings, users, signed_in)
    seconds = time.perf_counter() - began
    filling = Filling(
        server=name,
        users=users,
        seconds=seconds,
        data_mib=data_mib(),
        keys_mib=folder_mib(settings.keys),
    )
    household = Household(
        form=_FORM,
        schema=_schema(),
        filled_ms=_now_ms(),
        signed_ms=_now_ms(),
        filling=filling,
        pool_id=moved_in.pool_id,
        client_id=moved_in.client_id,
        access_key=moved_in.access_key,
        access_tokens=moved_in.access_tokens,
    )
    _keep(folder, household)
    return household


def signed_anew(folder: Path, settings: Settings, household: Household) -> Household:
    """The same house, whose people's access tokens live on for a while: their sessions last for weeks."""
    now_ms = _now_ms()
    if now_ms < household.signed_ms + TOKEN_HOURS * HOUR_MS - TOKEN_LEFT_MS_MIN:
        return household
    with closing(build(settings)) as house:
        services = house.services
        pool = services.store.read(lambda tx: tx.pools.find(household.pool_id))
        if pool is None:
            raise RuntimeError(f"the house in {folder} has lost its pool: remove the folder")
        signer = PoolSecrets(services.keyring).of(pool).access
        tokens = [
            signer.sign(msgspec.json.encode(_claims(token) | _fresh(now_ms // 1000)))
            for token in household.access_tokens
        ]
    again = replace(household, signed_ms=now_ms, access_tokens=tokens)
    _keep(folder, again)
    return again


def folder_mib(folder: Path) -> float:
    """How large the files in a folder are."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / MIB


def _claims(token: str) -> dict[str, object]:
    middle = token.split(".")[1]
    claims: dict[str, object] = msgspec.json.decode(
        base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4))
    )
    return claims


def _fresh(now_s: int) -> dict[str, object]:
    return {"iat": now_s, "exp": now_s + TOKEN_HOURS * 3600, "jti": str(uuid.uuid4())}


def _keep(folder: Path, household: Household) -> None:
    """Write the note whole, or not at all."""
    draft = folder / f"{_NOTE}.new"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(household))
    draft.replace(folder / _NOTE)


def _schema() -> int:
    return pending(0)[-1][0]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
