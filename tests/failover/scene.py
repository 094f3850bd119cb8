"""Two nodes on one database of several servers, with one keys folder; and what is to be found out there."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cenote.domain.sealed import digest_of
from cenote.errors import CenoteError
from cenote.vault.keys import Keyring
from cenote.vault.master import load_master
from cenote.vault.searching import SlotFiles
from tests.crash.evidence import ERASED, OPENS, TORN, is_buried
from tests.failover.cluster import Postgres
from tests.failover.crowd import Crowd, Life, Resident, nickname_in
from tests.house import House, environment
from tests.nursery import QuickHouse

VERIFY_WAIT_S_MAX = 120
LOOKERS = 4
COLUMNS = 400  # of what is printed: no sentence is broken


class Nodes:
    """Two processes that serve one house."""

    def __init__(self, root: Path, url: str, *, number: int = 2) -> None:
        self.keys, self.master = root / "keys", root / "master.key"
        place = ("--keys", str(self.keys), "--master-key-file", str(self.master))
        self.flags = (*place, "--database-url", url)
        self.houses: list[House] = []
        for name in ("one", "two")[:number]:
            (root / name).mkdir(exist_ok=True)
            self.houses.append(QuickHouse(root / name, *self.flags))

    def start(self) -> None:
        """Serve."""
        for house in self.houses:
            house.start()

    def stop(self) -> None:
        """Stop them cleanly."""
        for house in self.houses:
            house.stop()

    def said(self, event: str) -> list[dict[str, Any]]:
        """What either has told its operator under this name."""
        lines = [line for house in self.houses for line in house.log.read_text().splitlines()]
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in found if line["event"] == event]

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """One of the operator's commands on this house."""
        return subprocess.run(
            [sys.executable, "-m", "cenote", *words, *self.flags],
            capture_output=True,
            text=True,
            timeout=VERIFY_WAIT_S_MAX,
            check=False,
            env={**environment(), "COLUMNS": str(COLUMNS)},
        )

    def receipts(self, *words: str) -> dict[str, str]:
        """The verdicts of `cenote erasure verify`, by digest."""
        done = self.command("erasure", "verify", *words)
        text = done.stdout if "--all" in words else done.stdout.replace("\n", "")
        found = [json.loads(line) for line in text.splitlines()]
        assert found, done.stderr
        return {one["sub_sha256"]: one["verdict"] for one in found if "sub_sha256" in one}

    def state_of(self, sub: str, wrapped: bytes) -> str:
        """What becomes of a key in the hands of whoever has the keys folder and the master key."""
        master = load_master(text=None, command=None, file=self.master, may_create=False)
        try:
            key = Keyring(master, SlotFiles(self.keys)).open_key(sub, wrapped)
        except CenoteError:
            return TORN
        return ERASED if key is None else OPENS

    def states_in(self, server: Postgres) -> dict[str, str]:
        """What becomes of everybody of whom this server holds a key."""
        rows = server.ask("select sub, wrapped from keys", database="cenote")
        return {sub: self.state_of(sub, wrapped) for sub, wrapped in rows}

    def is_buried(self, server: Postgres, sub: str) -> bool:
        """Whether the ledger of this server has a line about the user, whose slot is a tombstone."""
        lines = server.ask("select slot from ledger where digest = %s", digest_of(sub), database="cenote")
        return len(lines) == 1 and is_buried(self.keys, lines[0][0], sub)


@contextmanager
def nodes_on(root: Path, url: str, *, number: int = 2) -> Iterator[Nodes]:
    """Nodes that are stopped afterwards."""
    nodes = Nodes(root, url, number=number)
    try:
        nodes.start()
        yield nodes
    finally:
        nodes.stop()


def owed(server: Postgres) -> int:
    """How many tombstones are not known to be written."""
    return int(server.tell("select count(*) from ledger where done = 0"))


def slots_of(server: Postgres) -> dict[str, int]:
    """Who holds which slot."""
    return dict(
        server.ask("select sub, slot from keys union select pool_id, slot from pools", database="cenote")
    )


def assert_everybody_is_as_told(crowd: Crowd, lost: frozenset[str] = frozenset()) -> None:
    """Each resident is, on every node, what their caller was told; `lost` are unknown since a fail-over."""

    def look(resident: Resident) -> None:
        for node in range(len(crowd.nodes)):
            if resident.sub in lost or resident.life is Life.GONE:
                assert_is_gone(crowd, node, resident)
            elif resident.life is Life.LIVES:
                assert_lives(crowd, node, resident)
        if resident.life is Life.UNSURE and resident.sub not in lost:
            assert_is_whole_or_gone(crowd, resident)

    with ThreadPoolExecutor(LOOKERS) as threads:
        list(threads.map(look, crowd.residents))


def assert_is_gone(crowd: Crowd, node: int, resident: Resident) -> None:
    """Neither token nor password nor administrator finds anybody."""
    for token in resident.tokens:
        status, answer = crowd.ask(node, "GetUser", {"AccessToken": token.text})
        assert (status, answer["__type"]) in REFUSED, (resident, answer)
    assert _by_administrator(crowd, node, resident)[0] == 400, resident
    assert crowd.sign_in(node, resident.name)[1]["__type"] == "UserNotFoundException"


REFUSED = {(400, "UserNotFoundException"), (400, "NotAuthorizedException")}


def assert_lives(crowd: Crowd, node: int, resident: Resident) -> None:
    """The administrator finds them by their name, and whatever was acknowledged is good."""
    status, answer = _by_administrator(crowd, node, resident)
    assert status == 200, (resident, answer)
    for token in resident.tokens:
        status, answer = crowd.ask(node, "GetUser", {"AccessToken": token.text})
        assert status == 200 or token.at_risk, (resident, answer)
        if status == 200:
            assert nickname_in(answer) in resident.nicknames, (resident, answer)
    if resident.is_confirmed:
        status, answer = crowd.sign_in(node, resident.name)
        assert status == 200, (resident, answer)


def assert_is_whole_or_gone(crowd: Crowd, resident: Resident) -> None:
    """The nodes agree on which."""
    found = {_by_administrator(crowd, node, resident)[0] for node in range(len(crowd.nodes))}
    assert len(found) == 1
    assert_one = assert_lives if found == {200} else assert_is_gone
    assert_one(crowd, 0, resident)


def assert_namesakes_get_nothing(crowd: Crowd, gone: list[Resident]) -> None:
    """Whoever takes the name of somebody erased begins anew, and the old tokens are no good."""
    for number, resident in enumerate(gone):
        node = number % len(crowd.nodes)
        sub = crowd.tenant.sign_up(resident.name)
        assert sub != resident.sub
        token = crowd.sign_in(node, resident.name)[1]["AuthenticationResult"]["AccessToken"]
        _status, answer = crowd.ask(node, "GetUser", {"AccessToken": token})
        assert {pair["Name"] for pair in answer["UserAttributes"]} == {"sub"}
        for old in resident.tokens:
            status, answer = crowd.ask(node, "GetUser", {"AccessToken": old.text})
            assert (status, answer["__type"]) in REFUSED


def _by_administrator(crowd: Crowd, node: int, resident: Resident) -> tuple[int, dict[str, Any]]:
    request = {"UserPoolId": crowd.tenant.pool_id, "Username": resident.name}
    return crowd.ask(node, "AdminGetUser", request)
