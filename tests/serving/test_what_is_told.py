"""
Nothing of anybody's, and no secret, is told by a server: by its log, its figures, its command line, or a file
that it leaves anywhere.

A whole life is lived on each engine, with the doors of development and the faults that they bring, and then
the rows are spoilt, so that what nobody foresaw is told too.  A server with secrets in its environment asks
for signatures, and hands mails to a relay that repeats their addresses in its refusals.
"""

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from cenote.app import load_operations
from tests.crash.test_canaries import found_in
from tests.delivery.relay import PASSWORD as RELAY_PASSWORD
from tests.delivery.relay import QUOTED, SENDER, Relay, running_relay
from tests.house import House, Tenant, environment
from tests.postgres import drop_database, new_database
from tests.serving.lives import MARK, Life, live, told_of_people
from tests.signed import Pair, SignedHouse, presigned, shown, signed, unsigned
from tests.wire.craft import change_row, claims_of
from tests.wire.steps import pairs
from tests.wire.takers import Line, least_request

LINE_WAIT_S_MAX = 30
# A value that no code knows, and an envelope that does not open.
ROWS_SPOILT = (
    "update users set status = :canary where sub = :sub",
    "update users set version = version + 1 where sub = :sub",
)


class Watched:
    """A server whose surroundings are its own: what it may leave behind lies below one folder."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.temporary = folder / "tmp"
        self.temporary.mkdir()

    def told(self) -> str:
        """Everything that it says to its operator or to the machine."""
        status, _headers, figures = self.house.http("GET", "/metrics")
        assert status == 200
        return self.house.log.read_text(encoding="utf-8") + figures.decode() + "".join(self.command_lines())

    def rest_of_stdout(self) -> str:
        """What it said on stdout after it had said that it answers; it ends by that."""
        process = self.house.process
        assert process is not None
        assert process.stdout is not None
        process.terminate()
        return process.stdout.read()

    def command_lines(self) -> Iterator[str]:
        """What everybody on the machine sees of its processes."""
        for process_id in processes_of(self.house):
            yield Path(f"/proc/{process_id}/cmdline").read_text()
            for task in Path(f"/proc/{process_id}/task").iterdir():
                yield (task / "comm").read_text()


def processes_of(house: House) -> list[int]:
    """The parent and what it has begun."""
    assert house.process is not None
    parent = house.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [parent, *map(int, children)]


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where whatever is started from now on may leave something."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("HOME", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_nothing_is_told(watched: Watched, words: set[str]) -> None:
    told = watched.told()
    assert told.count('"event":"call"') > 5 * len(load_operations())
    assert told_of_people(told, words) == []
    assert found_in(watched.temporary, [*words, MARK]) == []
    assert [one.name for one in watched.temporary.rglob("*") if one.is_file()] == []


@pytest.fixture(params=["sqlite", "postgres"])
def watched(request: pytest.FixtureRequest, surroundings: Path) -> Iterator[Watched]:
    """A server of each engine."""
    url = new_database() if request.param == "postgres" else None
    flags = [] if url is None else ["--database-url", url]
    opened = Watched(House(surroundings, *flags), surroundings)
    opened.house.start()
    yield opened
    assert MARK not in opened.rest_of_stdout()
    opened.house.stop()
    if url is not None:
        drop_database(url)


@pytest.fixture
def line(watched: Watched) -> Iterator[Line]:
    opened = Line(watched.house.port)
    yield opened
    opened.close()


def test_a_whole_life_is_told_to_nobody(watched: Watched, line: Line) -> None:
    house = watched.house
    life = Life(house.client(), line, lambda to: house.inbox(to)[0]["code"], heeds_faults=True)
    live(life)
    assert life.done == load_operations().keys(), "give the operation a life in tests/serving/lives.py"
    assert_nothing_is_told(watched, life.words)
    spoil(house)
    told = house.log.read_text(encoding="utf-8")
    assert '"event":"fault"' in told
    assert '"event":"alarm"' in told
    assert_nothing_is_told(watched, life.words)


def spoil(house: House) -> None:
    """Let rows hold what they never should, and ask for them: a fault that nobody foresaw, an alarm."""
    tenant = Tenant(house)
    for number, statement in enumerate(ROWS_SPOILT):
        name = f"canary-spoilt-{number}-{MARK}"
        tokens = tenant.user(name, email=f"canary-spoilt-{number}-{MARK}@example.com")
        sub = claims_of(tokens["AccessToken"])["sub"]
        change_row(house, statement, sub=sub, canary=f"canary-status-{MARK}")
        for operation in ("GetUser", "ChangePassword", "DeleteUserAttributes"):
            request = least_request(operation) | {"AccessToken": tokens["AccessToken"]}
            assert house.call(operation, request)[0] == 500
        forgetting = {"ClientId": tenant.client_id, "Username": name}
        assert house.call("ForgotPassword", forgetting)[0] == 500


def test_secrets_of_an_operator_are_told_to_nobody(surroundings: Path) -> None:
    with running_relay(surroundings / "relay") as relay:
        house = SignedHouse(surroundings, "--smtp-from", SENDER)
        master_key = secrets.token_hex(32)
        house.variables = {"CENOTE_MASTER_KEY": master_key, "CENOTE_SMTP_URL": relay.url()}
        watched = Watched(house.start(), surroundings)
        root = house.root_key
        words = {master_key, root.secret, RELAY_PASSWORD, QUOTED, *by_a_refusing_relay(house, relay)}
        words |= by_signatures(house, root, master_key)
        told = watched.told() + house.said.replace(root.secret, "", 1)
        assert told_of_people(told, words) == []
        house.stop()
    assert found_in(watched.temporary, sorted(words)) == []
    assert not house.master.exists()


def by_a_refusing_relay(house: SignedHouse, relay: Relay) -> set[str]:
    """A message that the relay refuses for good, in words that hold the address."""
    cognito = house.signing(house.root_key)
    pool_id = cognito.create_user_pool(PoolName="p", AutoVerifiedAttributes=["email"])["UserPool"]["Id"]
    client = cognito.create_user_pool_client(UserPoolId=pool_id, ClientName="app")["UserPoolClient"]
    to = f"canary-refused-{MARK}@example.com"
    relay.refusals["RCPT"] = [f"550 5.1.1 <{to}>: canary {MARK} is not here"]
    relay.refusals["DATA"] = [f"554 5.7.1 canary {MARK} to {to} is spam"]
    for name in ("one", "other"):
        cognito.sign_up(
            ClientId=client["ClientId"],
            Username=f"canary-{name}-{MARK}",
            Password=f"Canary-{MARK}!1",
            UserAttributes=pairs(email=to),
        )
        wait_for_line(house, "message given up", {"one": 1, "other": 2}[name])
    return {to, MARK}


def by_signatures(house: SignedHouse, root: Pair, master_key: str) -> set[str]:
    """Keys that come, change and go, and signatures of every kind, right and wrong."""
    house_keys = partial(run_keys, house, master_key)
    made = shown(house_keys("create", "canary", "--all"), "canary")
    rotated = shown(house_keys("rotate", made.key_id, "--grace-hours", "1"), "canary")
    words = {made.secret, rotated.secret}
    for pair in (made, rotated, Pair(made.key_id, f"canary-wrong-{MARK}".ljust(40, "A"))):
        for late_s in (0, 10_000):
            request = unsigned("ListUserPools", b'{"MaxResults":1}', host=f"127.0.0.1:{house.port}")
            sent = signed(request, pair, late_s=late_s, token=f"canary-session-{MARK}" if late_s else None)
            words.add(sent.headers["Authorization"].rpartition("=")[2])
            house.send(sent)
            request = unsigned("ListUserPools", b'{"MaxResults":1}', host=f"127.0.0.1:{house.port}")
            sent, body = presigned(request, pair, late_s=late_s)
            words.add(sent.url.rpartition("=")[2])
            house.send(sent, body=body)
    revoked = house_keys("revoke", made.key_id)
    assert (revoked.returncode, revoked.stderr) == (0, "")
    assert root.secret not in house_keys("list").stdout
    return words


def run_keys(house: SignedHouse, master_key: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """`cenote keys ...` beside the server, with its master key in the environment."""
    return subprocess.run(
        [sys.executable, "-m", "cenote", "keys", *words, "--data", str(house.data)],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment() | {"CENOTE_MASTER_KEY": master_key},
        check=False,
    )


def wait_for_line(house: House, event: str, count: int) -> None:
    """Wait until the log has so many lines of an event."""
    until = time.monotonic() + LINE_WAIT_S_MAX
    while house.log.read_text(encoding="utf-8").count(f'"event":"{event}"') < count:
        assert time.monotonic() < until, house.log.read_text(encoding="utf-8")[-2_000:]
        time.sleep(0.05)
