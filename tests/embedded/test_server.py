"""A server in this process from its start to its end: what it takes, and that it gives everything back."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import cenote
from cenote import services
from cenote.domain.access_keys import AccessKey, Binding, binding_of
from cenote.embedded.exchange import environ_of
from cenote.store.sqlite import DATABASE_FILE
from tests.embedded.steps import tenant_of
from tests.engines import WAIT_S_MAX
from tests.house import Tenant, environment

OPENINGS = 20
DELETE_USER = {
    "X-Amz-Target": "AWSCognitoIdentityProviderService.DeleteUser",
    "Content-Type": "application/x-amz-json-1.1",
}


def said_by(script: str, folder: Path, **surroundings: str) -> str:
    """What a program prints that runs in this folder, warnings being errors; nothing but that, and exit 0."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=folder,
        env=environment() | surroundings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_folder_keeps_its_users_from_one_start_to_the_next(tmp_path: Path):
    with cenote.start(tmp_path / "home") as server:
        tenant = tenant_of(server)
        sub = tenant.sign_up("ann", email="ann@example.com")
        token = tenant.sign_in("ann")["AccessToken"]
        shown = server.clock.advance(600)
    with cenote.start(tmp_path / "home") as server:
        found = server.client().get_user(AccessToken=token)
        assert {"Name": "sub", "Value": sub} in found["UserAttributes"]
        assert server.clock.now() >= shown
        server.client().delete_user(AccessToken=token)
    with cenote.start(tmp_path / "home") as server:
        cognito = server.client()
        with pytest.raises(cognito.exceptions.UserNotFoundException):
            cognito.get_user(AccessToken=token)


def test_of_the_row_of_its_own_key_only_what_it_vouches_for_stays(tmp_path: Path):
    """Whoever writes rows has no master key, and no start may seal what they wrote."""

    def start_and_look() -> AccessKey:
        with cenote.start(tmp_path) as server:
            assert server.client().list_user_pools(MaxResults=1)["UserPools"] == []
            seams = server._application.services
            (key,) = seams.store.read(lambda tx: tx.access_keys.list_page("", 10))
            assert binding_of(key, seams.master.sealing_key) is Binding.BOUND
            return replace(key, secret=None, used_ms=None)

    first = start_and_look()
    assert start_and_look() == first
    with closing(sqlite3.connect(tmp_path / "data" / DATABASE_FILE)) as file, file:
        file.execute("update access_keys set name = 'root', created_ms = 1, former_until_ms = 2")
    again = start_and_look()
    assert (again.name, again.former_until_ms) == ("embedded", 0)
    assert again.created_ms >= first.created_ms


def test_a_thread_keeps_no_token_beyond_its_call(tmp_path: Path):
    with cenote.start(tmp_path) as server:
        tenant = tenant_of(server)
        tenant.sign_up("ann")
        token = tenant.sign_in("ann")["AccessToken"]
        assert server.client().get_user(AccessToken=token)["Username"] == "ann"
        assert services._presented.get() is None


def test_what_a_served_folder_holds_is_there_without_a_port_too(tmp_path: Path, own_house):
    own_house.start()
    pool_id = Tenant(own_house).pool_id
    own_house.stop()
    with cenote.start(tmp_path) as server:
        assert server.client().describe_user_pool(UserPoolId=pool_id)["UserPool"]["Id"] == pool_id


def test_an_open_folder_is_refused_to_a_second_server(tmp_path: Path):
    with cenote.start(tmp_path), pytest.raises(cenote.CenoteError) as refused:
        cenote.start(tmp_path)
    assert str(refused.value) == f"Another Cenote is serving the data folder {tmp_path / 'data'}."
    cenote.start(tmp_path).close()


def test_folders_and_keys_are_their_owners_alone(tmp_path: Path):
    former = os.umask(0)
    try:
        cenote.start(tmp_path / "home").close()
    finally:
        os.umask(former)
    for name, mode in (("data", 0o700), ("data-keys", 0o700), ("data-master.key", 0o600)):
        assert (tmp_path / "home" / name).stat().st_mode & 0o777 == mode


def test_a_temporary_folder_goes_with_its_server():
    with cenote.start() as server:
        assert (server.path / "data-keys").is_dir()
    assert not server.path.exists()


def test_a_start_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(cenote.CenoteError, match=r"^region .* must be a region"):
        cenote.start(region="mars")
    with pytest.raises(cenote.CenoteError, match="master key"):
        cenote.start(master_key="short")
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_ends_closes_what_it_left_open(tmp_path: Path):
    script = "import cenote; s = cenote.start(); t = cenote.start('home'); s.client(); print(s.path)"
    path = said_by(script, tmp_path)
    assert not Path(path.strip()).exists()
    cenote.start(tmp_path / "home").close()


def test_opening_and_closing_again_and_again_leaks_neither_threads_nor_files():
    def held() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    counts = []
    for _opening in range(OPENINGS):
        with cenote.start() as server:
            server.client().create_user_pool(PoolName="x")
        counts.append(held())
    assert counts[0] == counts[-1]


def test_a_closed_server_says_so_to_whoever_still_asks():
    server = cenote.start()
    client = server.client()
    server.close()
    server.close()
    assert repr(server) == f"<cenote.Server on {server.path}, closed>"
    asked = (
        lambda: client.get_user(AccessToken="x"),
        server.inbox.messages,
        server.clock.now,
        lambda: server.clock.advance(1),
        lambda: server.jwks("us-east-1_x"),
    )
    for ask in asked:
        with pytest.raises(cenote.CenoteError, match=r"^This server is closed\.$"):
            ask()


class SlowBody:
    """The body of a request that arrives when it is told to."""

    def __init__(self) -> None:
        self.is_awaited, self.may_come = threading.Event(), threading.Event()
        self._pieces = [b'{"AccessToken":"string"}', b""]

    def read(self, _size: int) -> bytes:
        self.is_awaited.set()
        assert self.may_come.wait(WAIT_S_MAX)
        return self._pieces.pop(0)


def test_a_call_under_way_is_answered_before_the_server_closes():
    server, body = cenote.start(), SlowBody()
    met: list[bytes] = []
    environ = environ_of("POST", "http://cenote.invalid/", DELETE_USER, b"")
    environ |= {"wsgi.input": body, "CONTENT_LENGTH": ""}
    call = threading.Thread(target=lambda: met.extend(server.wsgi(environ, lambda *_begun: None)))
    call.start()
    assert body.is_awaited.wait(WAIT_S_MAX)
    closing = threading.Thread(target=server.close)
    closing.start()
    while not server._is_closed:
        closing.join(0.001)
    assert closing.is_alive()
    body.may_come.set()
    for thread in (call, closing):
        thread.join(WAIT_S_MAX)
    assert json.loads(met[0])["message"] == "Invalid Access Token"
    assert not server.path.exists()


FORKING = """
import os
import cenote

server = cenote.start()
client = server.client()
client.list_user_pools(MaxResults=1)
child = os.fork()
if not child:
    try:
        client.list_user_pools(MaxResults=1)
    except cenote.CenoteError as refusal:
        print(refusal, flush=True)
    server.close()
    raise SystemExit(0)
assert os.waitpid(child, 0)[1] == 0
print(client.list_user_pools(MaxResults=1)["UserPools"], server.path.exists())
"""


def test_a_forked_child_neither_uses_its_parents_server_nor_ends_it(tmp_path: Path):
    quiet = "import warnings; warnings.simplefilter('ignore')\n"  # of threads beside a fork: it is the point
    assert said_by(quiet + FORKING, tmp_path).splitlines() == [
        "This server is its parent's: a forked process needs one of its own.",
        "[] True",
    ]


def test_importing_the_package_loads_nothing_and_starting_no_client(tmp_path: Path):
    script = """
import sys
import cenote
loaded = {name for name in sys.modules if name.startswith(("cenote.", "boto"))}
cenote.start().close()
print(sorted(loaded), sorted({"boto3", "botocore.session", "granian"} & set(sys.modules)))
"""
    assert said_by(script, tmp_path) == "[] []\n"


def test_without_boto3_it_says_what_to_install(tmp_path: Path):
    script = """
import sys
import cenote
sys.modules["boto3"] = None
with cenote.start() as server:
    try:
        server.client("cognito-idp")
    except cenote.CenoteError as failure:
        print(failure)
"""
    said = "A client needs boto3, which is not installed: pip install 'cenote[testing]'.\n"
    assert said_by(script, tmp_path) == said


def test_neither_variables_nor_a_file_are_settings_here(tmp_path: Path):
    (tmp_path / "cenote.toml").write_text("nonsense = 1\n")
    script = "import cenote\nwith cenote.start() as server: print(server.region)"
    surroundings = {"CENOTE_REGION": "mars", "CENOTE_DATA": "/", "CENOTE_DEV": "perhaps"}
    assert said_by(script, tmp_path, **surroundings) == "us-east-1\n"


def test_a_program_that_uses_structlog_keeps_it_and_its_stdout(tmp_path: Path):
    script = """
import structlog
import cenote
before = structlog.get_config()
with cenote.start() as server:
    client = server.client()
    try:
        client.get_user(AccessToken="x")
    except client.exceptions.NotAuthorizedException:
        print(structlog.is_configured(), structlog.get_config() == before)
"""
    assert said_by(script, tmp_path) == "False True\n"


def test_calls_are_told_to_the_logging_of_the_program(caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO", "cenote.access")
    with cenote.start() as server:
        client = server.client()
        with pytest.raises(client.exceptions.NotAuthorizedException):
            client.get_user(AccessToken="string")
    (line,) = caplog.messages
    assert line.startswith("call id=")
    assert "operation=GetUser status=400 error=NotAuthorizedException" in line


@pytest.mark.parametrize("name", ["dev", "host", "port", "data", "workers", "colour"])
def test_a_setting_that_makes_no_sense_here_is_refused_by_name(name: str):
    with pytest.raises(cenote.CenoteError, match=f"^{name} is no setting of a server without a port; its"):
        cenote.start(**{name: "x"})


@pytest.mark.parametrize("path", ["", " ", "a\0b"])
def test_a_path_must_be_one(path: str):
    with pytest.raises(cenote.CenoteError, match=r"^path must be the path of a file or folder"):
        cenote.start(path)


def test_a_database_elsewhere_needs_a_folder_for_its_keys():
    with pytest.raises(cenote.CenoteError, match=r"^database_url needs a path beside it"):
        cenote.start(database_url="postgresql://localhost/x")


def test_what_is_not_there_is_missed_by_its_name():
    with pytest.raises(AttributeError, match="module 'cenote' has no attribute 'begin'"):
        _missing: Any = cenote.begin  # type: ignore[attr-defined]
