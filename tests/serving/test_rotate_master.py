"""`cenote keys rotate-master` beside running servers: under load, cut off, and with a wrong key."""

import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cenote.app import open_store
from cenote.settings import Settings
from cenote.store.beside import SQLiteGuest
from tests.commands import run_beside
from tests.conftest import ENGINES
from tests.everyday import of_which
from tests.house import PASSWORD, House, Tenant, environment, error_of
from tests.nursery import QuickHouse, run_command
from tests.postgres import drop_database, new_database
from tests.signed import SignedHouse
from tests.wire.steps import secret_hash

WAIT_S_MAX = 90
GONE = ("UserNotFoundException", "User does not exist.", 400)


@pytest.fixture(params=ENGINES)
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A running server of each engine, of this test's own."""
    url = new_database() if request.param == "postgres" else None
    house = QuickHouse(tmp_path / "own", *([] if url is None else ["--database-url", url]))
    house.root.mkdir()
    yield house.start()
    house.stop()
    if url is not None:
        drop_database(url)


@pytest.fixture
def new_key(tmp_path: Path) -> Path:
    """The file of a key that nobody knows yet."""
    return key_file(tmp_path / "new.key")


def key_file(file: Path) -> Path:
    file.write_text(secrets.token_hex(32))
    file.chmod(0o600)
    return file


def rotating(house: House, new: Path, *words: str) -> list[str]:
    command = [sys.executable, "-m", "cenote", "keys", "rotate-master", "--new-master-key-file", str(new)]
    return [*command, "--data", str(house.data), *house.flags, *words]


def rotate(house: House, new: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return run_command(*rotating(house, new, *words)[3:])


def under(house: House) -> Counter[bytes]:
    """How many users' keys each master key closes, by the first bytes of their rows."""
    database = next((flag for flag in house.flags if flag.startswith("postgres")), None)
    settings = Settings(data=house.data, database_url=database)
    if database is None:
        with closing(SQLiteGuest(settings.data)) as guest:
            pages = guest.read(lambda tx: tx.changeover.list_keys("", 100_000))
    else:
        store = open_store(settings)
        pages = store.read(lambda tx: tx.changeover.list_keys("", 100_000))
        store.close()
    return Counter(wrapped[1:5] for _sub, wrapped in pages)


class Crowd:
    """People who come, sign in and delete themselves without a pause, and what went wrong meanwhile."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self.stop = threading.Event()
        self.stay: list[str] = []
        self.gone: list[str] = []
        self.failures: list[str] = []

    def come_and_go(self, number: int) -> None:
        count = 0
        while not self.stop.is_set():
            name = f"u{number}x{count}"
            try:
                self._tenant.sign_up(name, email=f"{name}@example.com")
                token = self._tenant.sign_in(name)["AccessToken"]
                if count % 2:
                    self._tenant.cognito.delete_user(AccessToken=token)
                (self.gone if count % 2 else self.stay).append(name)
            except ClientError as failure:
                self.failures.append(f"{name}: {failure}")
            count += 1


def test_the_key_changes_while_people_come_and_go_and_nobody_notices(own: House, new_key: Path) -> None:
    tenant = Tenant(own, client={"GenerateSecret": False})
    confidential = tenant.new_client(GenerateSecret=True)
    old_file = own.master.read_text()
    crowd = Crowd(tenant)
    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(crowd.come_and_go, number) for number in range(4)]
        while len(crowd.stay) < 40:
            time.sleep(0.01)
        done = rotate(own, new_key)
        until = len(crowd.stay) + 20
        while len(crowd.stay) < until and not crowd.failures:
            time.sleep(0.01)
        crowd.stop.set()
        for one in running:
            one.result(WAIT_S_MAX)
    assert (done.returncode, crowd.failures) == (0, []), done.stderr
    assert done.stdout.endswith(" are under the new master key.\n")
    assert own.master.read_text().strip() == new_key.read_text().strip()
    (kept,) = own.root.glob("*.former-*")
    assert kept.read_text() == old_file
    assert len(under(own)) == 1
    own.stop()
    assert own.refuses_to_start("--master-key-file", str(kept)) == (
        "The master key is not the one that this data was sealed with."
    )
    own.start()
    for name in crowd.stay:
        assert tenant.sign_in(name)
    for name in crowd.gone:
        assert error_of(tenant.cognito.admin_get_user, UserPoolId=tenant.pool_id, Username=name) == GONE
    name = crowd.stay[0]
    proof = {"USERNAME": name, "PASSWORD": PASSWORD, "SECRET_HASH": secret_hash(confidential, name)}
    answer = tenant.cognito.initiate_auth(
        ClientId=confidential["ClientId"], AuthFlow="USER_PASSWORD_AUTH", AuthParameters=proof
    )
    assert answer["AuthenticationResult"]["AccessToken"]


def begun(house: House, new: Path, old_id: bytes) -> "subprocess.Popen[str]":
    """A change that goes slowly, and is under way: some users are under the new key, and some are not."""
    process = subprocess.Popen(
        rotating(house, new, "--at-most-per-second", "20"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    until = time.monotonic() + WAIT_S_MAX
    while time.monotonic() < until and process.poll() is None:
        counted = under(house)
        if len(counted) == 2 and counted[old_id] > 0:
            return process
    raise AssertionError(f"not under way: {process.communicate()}")


@pytest.fixture
def crowded(own: House) -> Tenant:
    """More people than are rewrapped in one step."""
    tenant = Tenant(own)
    for number in range(90):
        tenant.sign_up(f"user{number}")
    return tenant


@pytest.mark.parametrize(
    "is_server_killed", of_which([False, True], [True]), ids=["the command", "the command and the server"]
)
def test_killed_in_the_middle_everybody_opens_and_it_goes_on(
    own: House, crowded: Tenant, new_key: Path, is_server_killed: bool
) -> None:
    (old_id,) = under(own)
    process = begun(own, new_key, old_id)
    process.kill()
    process.communicate()
    if is_server_killed:
        own.kill()
        own.start()  # with the old key's file: the new one lies beside it
    counted = under(own)
    assert (len(counted), sum(counted.values())) == (2, 90)
    for number in range(90):
        crowded.sign_in(f"user{number}")
    crowded.sign_up("newcomer")
    crowded.cognito.delete_user(AccessToken=crowded.sign_in("user0")["AccessToken"])
    done = rotate(own, new_key)
    assert (done.returncode, len(under(own))) == (0, 1), done.stderr
    assert old_id not in under(own)
    own.stop()
    own.start()
    for name in ("user1", "user89", "newcomer"):
        assert crowded.sign_in(name)
    pool = {"UserPoolId": crowded.pool_id}
    assert error_of(crowded.cognito.admin_get_user, **pool, Username="user0") == GONE


@pytest.mark.thorough
def test_a_start_in_the_middle_opens_both_with_the_new_key_and_says_so_with_the_old_one(
    own: House, crowded: Tenant, new_key: Path, tmp_path: Path
) -> None:
    (old_id,) = under(own)
    process = begun(own, new_key, old_id)
    process.kill()
    process.communicate()
    own.stop()
    own.start("--master-key-file", str(new_key))
    for number in range(90):
        crowded.sign_in(f"user{number}")
    own.stop()
    apart = tmp_path / "apart.key"
    shutil.copy(own.master, apart)  # beside this one nothing lies
    assert own.refuses_to_start("--master-key-file", str(apart)) == (
        "The master key is being changed: start with the new one, which opens both."
    )
    assert rotate(own, new_key).returncode == 0
    own.start()
    assert crowded.sign_in("user7")


@pytest.mark.thorough
def test_another_key_does_not_come_between_and_no_key_at_all_is_refused(
    own: House, crowded: Tenant, new_key: Path, tmp_path: Path
) -> None:
    (old_id,) = under(own)
    process = begun(own, new_key, old_id)
    process.kill()
    process.communicate()
    other = key_file(tmp_path / "other.key")
    done = rotate(own, other)
    assert done.returncode == 2
    assert "key" in done.stderr
    assert done.stderr.count("\n") == 1
    (tmp_path / "short.key").write_text("abcd")
    (tmp_path / "short.key").chmod(0o600)
    for file, sentence in (
        (tmp_path / "short.key", "must be 32 bytes"),
        (tmp_path / "none.key", "is missing."),
    ):
        done = rotate(own, file)
        assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr
    new_key.chmod(0o644)
    assert "can be read by others" in rotate(own, new_key).stderr
    new_key.chmod(0o600)
    both = rotate(own, new_key, "--new-master-key-command", "cat x")
    assert both.stderr.startswith("cenote: Say where the new key is:")
    assert rotate(own, new_key).returncode == 0
    assert crowded.sign_in("user3")


@pytest.mark.thorough
def test_a_server_that_can_not_learn_the_new_key_is_waited_for_and_nothing_is_changed(
    own: House, new_key: Path, tmp_path: Path
) -> None:
    """Its key comes from a file of another name than the command's: beside that one nothing is put."""
    tenant = Tenant(own)
    sub = tenant.sign_up("ann")
    own.stop()
    elsewhere = tmp_path / "elsewhere.key"
    shutil.copy(own.master, elsewhere)
    own.start("--master-key-file", str(elsewhere))
    (old_id,) = under(own)
    process = subprocess.Popen(
        rotating(own, new_key),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    until = time.monotonic() + WAIT_S_MAX
    while '"known":false' not in own.log.read_text():
        assert time.monotonic() < until
        time.sleep(0.1)
    assert set(under(own)) == {old_id}
    shutil.copy(new_key, elsewhere.with_name("elsewhere.key.next"))
    said = process.communicate(timeout=WAIT_S_MAX)
    assert process.returncode == 0, said
    assert old_id not in under(own)
    assert tenant.cognito.admin_get_user(UserPoolId=tenant.pool_id, Username="ann")["Username"] == "ann"
    assert sub


@pytest.mark.thorough
def test_several_servers_of_one_database_change_together(tmp_path: Path, new_key: Path) -> None:
    url = new_database()
    one = QuickHouse(tmp_path / "one", "--database-url", url)
    one.root.mkdir()
    one.start()
    places = ["--keys", str(one.keys), "--master-key-file", str(one.master)]
    other = QuickHouse(tmp_path / "other", "--database-url", url, *places)
    other.root.mkdir()
    other.start()
    try:
        tenant = Tenant(one)
        beside = other.client()
        for number in range(30):
            tenant.sign_up(f"user{number}")
        done = rotate(one, new_key)
        assert done.returncode == 0, done.stderr
        for number in range(30):
            name = {"UserPoolId": tenant.pool_id, "Username": f"user{number}"}
            assert beside.admin_get_user(**name)["Username"] == f"user{number}"
        beside.admin_create_user(UserPoolId=tenant.pool_id, Username="later")
        assert len(under(one)) == 1
    finally:
        one.stop()
        other.stop()
        drop_database(url)


@pytest.mark.thorough
def test_access_keys_sign_before_in_the_middle_and_afterwards(tmp_path: Path, new_key: Path) -> None:
    house = SignedHouse(tmp_path / "signed")
    house.root.mkdir()
    house.start()
    root, ann = house.root_key, house.new_key("ann", "--all")
    try:
        calls: list[Callable[..., Any]] = [house.signing(pair).list_user_pools for pair in (root, ann)]
        assert rotate(house, new_key).returncode == 0
        for call in calls:
            assert call(MaxResults=1)["UserPools"] == []
        bob = house.new_key("bob", "--all")
        house.stop()
        house.start()
        for pair in (root, ann, bob):
            assert house.signing(pair).list_user_pools(MaxResults=1)["UserPools"] == []
    finally:
        house.stop()


def test_what_is_erased_is_proven_before_and_after(own: House, new_key: Path) -> None:
    tenant = Tenant(own)
    ann, bob = tenant.sign_up("ann"), tenant.sign_up("bob")
    tenant.cognito.admin_delete_user(UserPoolId=tenant.pool_id, Username="ann")
    assert rotate(own, new_key).returncode == 0
    tenant.cognito.admin_delete_user(UserPoolId=tenant.pool_id, Username="bob")
    for sub in (ann, bob):
        done = run_beside(own, "erasure", "verify", sub)
        assert (done.returncode, '"verdict": "erased"' in done.stdout) == (0, True), done.stderr
    done = run_beside(own, "erasure", "ledger")
    assert done.returncode == 0, done.stderr


@pytest.mark.thorough
def test_a_backup_from_before_needs_the_former_key_beside_the_present_one(
    own: House, new_key: Path, tmp_path: Path
) -> None:
    tenant = Tenant(own)
    ann, bob = tenant.sign_up("ann"), tenant.sign_up("bob")
    night = tmp_path / "night.cenote"
    assert run_beside(own, "backup", str(night)).returncode == 0
    assert rotate(own, new_key).returncode == 0
    tenant.cognito.admin_delete_user(UserPoolId=tenant.pool_id, Username="ann")
    own.stop()
    (kept,) = own.root.glob("*.former-*")
    places = ["--keys", str(own.keys), "--master-key-file", str(own.master)]
    restored = QuickHouse(tmp_path / "restored", *places)  # whichever engine it came from
    restored.root.mkdir()
    words = ["restore", str(night), *places, "--data", str(restored.data)]
    command = [sys.executable, "-m", "cenote", *words, "--former-master-key-file", str(kept)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 0, done.stderr
    assert "1 users are back." in done.stderr
    assert "cenote keys rotate-master" in done.stderr
    restored.start()
    try:
        again = Tenant(restored)
        pool = {"UserPoolId": tenant.pool_id}
        cognito = restored.client()
        assert cognito.admin_get_user(**pool, Username="bob")["UserAttributes"][0]["Value"] == bob
        assert error_of(cognito.admin_get_user, **pool, Username="ann") == GONE
        assert again.sign_up("newcomer")
        done = subprocess.run(
            rotating(restored, new_key), capture_output=True, text=True, env=environment(), check=False
        )
        assert done.returncode == 0, done.stderr
        assert len(under(restored)) == 1
        assert cognito.admin_get_user(**pool, Username="bob")["Username"] == "bob"
        restored.stop()
        restored.start()
        assert restored.client().admin_get_user(**pool, Username="bob")["Username"] == "bob"
        assert ann
    finally:
        restored.stop()
