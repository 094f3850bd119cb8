"""
A house in which one goes and the others stay, and every place where something of them lies, before and after.

The house is stopped when the scene is there; what is shown is shown of files and rows.
"""

import copy
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cenote.cli.backup import source_of
from cenote.cli.keys_at_hand import keys_at_hand
from cenote.domain.registrations import Pool
from cenote.domain.sealed import Place
from cenote.settings import Settings
from cenote.store.copying import TABLES
from cenote.vault.keys import Keyring, read_header
from cenote.vault.master import Master
from cenote.vault.pool_secrets import OpenedPool, PoolSecrets
from cenote.vault.searching import SlotFiles
from tests.crash.scene import soon
from tests.house import House, Tenant
from tests.nursery import QuickHouse, run_command
from tests.proof.finder import Hand, InPlaceOf, Piece, Sought
from tests.proof.people import CLIENT, GROUP, POOL, Resident, plant_what_no_operation_makes
from tests.vault.files import slot_in

Rows = dict[str, list[dict[str, Any]]]
MARKS = (
    ("kanarie7f3a91", "49991337552301"),
    ("vecina5c20e4", "49991337552302"),
    ("vecino9b13d7", "49991337552303"),
)
PASSER_BY = "passer-by"  # arrives last, so that every table is written to once more
KEY, ENVELOPE, SUB, DIGEST = "key", "envelope", "sub", "digest"
EVERYTHING = frozenset({KEY, ENVELOPE, SUB})
OF_TABLES = {
    "a row": ("users", {ENVELOPE, SUB}),
    "a key row": ("keys", {KEY, SUB}),
    "an alias": ("names", {SUB}),
    "a search token": ("search_marks", {SUB}),
    "a queued message": ("outbox", {ENVELOPE, SUB}),
    "the activity": ("activity", {SUB}),
}
OF_KINDS = {
    "a group": ("group", {SUB}),
    "a session": ("session", {SUB}),
    "a code": ("code", {SUB}),
    "a count of attempts": ("attempts", {SUB}),
    "a device": ("device", {ENVELOPE, SUB}),
    "a passkey": ("passkey", {ENVELOPE, SUB}),
    "an event": ("event", {ENVELOPE, SUB}),
}
TEMPLATES = ("base/1/", "base/4/", "base/5/")  # PostgreSQL's own databases, which no user's row enters


@dataclass(frozen=True, slots=True)
class Lay:
    """What lies in a place: before the deletion (or in a copy from then), and now; and what must be there."""

    before: list[Piece]
    now: list[Piece]
    holds: frozenset[str]
    keeps: frozenset[str] = EVERYTHING | {DIGEST}  # what may still be there now, as bytes that nothing opens


Places = dict[str, Callable[[], Lay]]


@dataclass
class Scene:
    """The one who went, the ones who stay, and where they lay."""

    root: Path
    house: House
    settings: Settings
    tenant: Tenant
    canary: Resident
    stay: list[Resident]
    early: list[Resident]  # everybody, as they were when they had just arrived
    before: Rows = field(default_factory=dict)
    now: Rows = field(default_factory=dict)
    places: Places = field(default_factory=dict)
    copies: dict[str, Callable[[Path], "Copy"]] = field(default_factory=dict)
    beside: list[Path] = field(default_factory=list)  # the copies from before, as an auditor would name them
    loose: list[bytes] = field(default_factory=list)
    pool: OpenedPool = field(init=False)  # since the deletion, as all keys are
    master: Master = field(init=False)

    @property
    def everybody(self) -> list[Resident]:
        """The one who went first."""
        return [self.canary, *self.stay]

    @property
    def mirror(self) -> Path:
        return self.root / "mirror"

    @property
    def old_keys(self) -> Path:
        """The keys folder as it was before the deletion."""
        return self.root / "keys before"

    @property
    def old_mirror(self) -> Path:
        return self.root / "mirror before"

    def wrapped(self, resident: Resident) -> bytes:
        """The resident's key as its row held it."""
        (row,) = [row for row in self.before["keys"] if row["sub"] == resident.sub]
        return bytes(row["wrapped"])

    def slot(self, resident: Resident) -> int:
        return read_header(self.wrapped(resident)).slot

    def sought(self, resident: Resident) -> Sought:
        """All that is known of a resident from before."""
        secret = slot_in(self.old_keys, self.slot(resident))
        values, secrets = resident.values, resident.secrets
        return Sought(resident.sub, resident.mark, values, secrets, self.wrapped(resident), secret)

    @property
    def everything_left(self) -> Hand:
        """Whoever has all that there is now: both folders, each slot tried in place of the canary's."""
        present, mirror = SlotFiles(self.house.keys), SlotFiles(self.mirror)
        own = self.slot(self.canary)
        others = [row["slot"] for row in (*self.now["keys"], *self.now["pools"])]
        instead = [InPlaceOf(present, own, other) for other in others]
        return Hand(self.master, [present, mirror, *instead], self.loose)

    @property
    def as_before(self) -> Hand:
        """Whoever has a keys folder from before the deletion: the third clock."""
        return Hand(self.master, [SlotFiles(self.old_keys)])

    def look(self) -> Rows:
        """Every row of the database."""
        with source_of(self.settings) as source:
            return {
                table: [
                    dict(zip(source.columns(table), row, strict=True))
                    for rows in source.rows(table)
                    for row in rows
                ]
                for table in TABLES
            }

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """One of the operator's commands on this house."""
        return command(self.house, *words)

    def backup(self) -> Path:
        """`cenote backup`."""
        file = self.root / "rows.backup"
        done = self.command("backup", str(file))
        assert done.returncode == 0, done.stderr
        return file

    def keep_the_keys(self) -> None:
        """Copies of the keys folder and its mirror: what nobody should have."""
        shutil.copytree(self.house.keys, self.old_keys)
        shutil.copytree(self.mirror, self.old_mirror)

    def part(self) -> None:
        """DeleteUser, and what comes behind it; then the house is looked at once more."""
        self.before = self.look()
        self.canary.delete()
        soon(lambda: [row["done"] for row in self.look()["ledger"]] == [1])
        self.now = self.look()
        _status, _headers, metrics = self.house.http("GET", "/metrics")
        self.places["the metrics"] = lambda: Lay([], [Piece("metrics", metrics)], frozenset())
        self._gather_keys()
        self._lay_rows()

    def _gather_keys(self) -> None:
        """Every key that is left, opened."""
        self.master = keys_at_hand(self.settings).master.current
        keyring = Keyring(self.master, SlotFiles(self.house.keys))
        server = self.master.server_key()
        (sealed,) = [bytes(row["value"]) for row in self.now["meta"] if row["name"] == "server_secret"]
        (row,) = self.now["pools"]
        row = {name: row[name] for name in ("pool_id", "slot", "created_ms", "modified_ms")} | {
            name: bytes(row[name]) for name in ("wrapped", "secrets")
        }
        self.pool = PoolSecrets(keyring).of(Pool(document={}, **row))
        pools_own = keyring.open_key(row["pool_id"], row["wrapped"])
        assert pools_own is not None
        self.loose = [self.master.secret, server.secret, pools_own.secret, self.pool.blind_key]
        self.loose.append(server.open(Place("meta", "server_secret"), sealed))
        for row in self.now["keys"]:
            opened = keyring.open_key(row["sub"], bytes(row["wrapped"]))
            assert opened is not None
            self.loose.append(opened.secret)

    def _lay_rows(self) -> None:
        """The places that are rows: what was there, and that it is there no more."""
        for name, (table, holds) in OF_TABLES.items():
            self._lay(name, table, holds)
        for name, (kind, holds) in OF_KINDS.items():
            self._lay(name, "belongings", holds, kind)
        before, now = (piece_of("audit", rows["audit"]) for rows in (self.before, self.now))
        kept = frozenset({DIGEST})
        self.places["the record of operators"] = lambda: Lay([before], [now], kept, kept)

    def _lay(self, name: str, table: str, holds: set[str], kind: str | None = None) -> None:
        """A place that is the rows of a table, or those of one kind."""
        before, now = (
            piece_of(table, [row for row in rows[table] if kind in {None, row.get("kind")}])
            for rows in (self.before, self.now)
        )
        self.places[name] = lambda: Lay([before], [now], frozenset(holds), frozenset())


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that can be served: the flags that name its database, who is in it, and what was said so far."""

    flags: tuple[str, ...]
    people: list[Resident]
    living: int
    said: str = ""  # by the restore; else the server says it


def begin(house: House, settings: Settings) -> Scene:
    """A house with everybody in it, and everything of theirs in it; it serves."""
    house.start()
    tenant = Tenant(house, pool=POOL, client=CLIENT)
    tenant.cognito.create_group(UserPoolId=tenant.pool_id, GroupName=GROUP)
    people = [Resident(tenant, mark, digits) for mark, digits in MARKS]
    for one in people:
        one.arrive()
    house.stop()
    plant_what_no_operation_makes(settings, people)
    early = [replace(one, secrets=[]) for one in people]
    if settings.database_url is None:
        shutil.copytree(house.data, house.root / "early")
    house.start()
    tenant.sign_up(PASSER_BY)
    for one in people:
        one.settle()
    return Scene(house.root, house, settings, tenant, people[0], people[1:], early)


def command(house: House, *words: str) -> "subprocess.CompletedProcess[str]":
    """One of the operator's commands on a house."""
    return run_command(*words, "--data", str(house.data), *database_of(house))


def database_of(house: House) -> list[str]:
    """The flags that name the house's database, if it is not in its folder."""
    if "--database-url" not in house.flags:
        return []
    return ["--database-url", house.flags[house.flags.index("--database-url") + 1]]


def beside_its_keys(scene: Scene, root: Path, *flags: str) -> House:
    """A new house that has the present keys."""
    house = QuickHouse(root, *flags)
    shutil.copytree(scene.house.keys, house.keys)
    shutil.copy(scene.house.master, house.master)
    return house


def moved(people: list[Resident], house: House) -> list[Resident]:
    """The same people, who call another house."""
    tenant = copy.copy(people[0].tenant)
    tenant.house, tenant.cognito = house, house.client()
    return [replace(one, tenant=tenant, secrets=[]) for one in people]


def piece_of(name: str, rows: Any) -> Piece:
    """Rows as bytes."""
    return Piece(name, b"\0".join(_bytes_of(value) for row in rows for value in row.values()))


def _bytes_of(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def pieces_below(*paths: Path) -> list[Piece]:
    """Every file among these and below them."""
    return list(_pieces(paths))


def _pieces(paths: tuple[Path, ...]) -> Iterator[Piece]:
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            name = str(file.relative_to(path.parent))
            if file.is_file() and not any(template in name for template in TEMPLATES):
                yield Piece(name, file.read_bytes())
