"""
The change of the master key, cut off at every step and gone on with, on both engines; and what comes in
between two of its steps.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from cenote.changeover import Follower, announce, finish, open_masters, switch
from cenote.cli import rotating
from cenote.cli.rotating import Order, rotate
from cenote.domain.access_keys import (
    Binding,
    binding_of,
    new_access_key,
    open_secrets,
    with_secrets,
)
from cenote.domain.client_secrets import place_of_secret
from cenote.domain.registrations import ClientSecret
from cenote.domain.sealed import Grave, digest_of, master_id_of
from cenote.domain.sealed import Place as At
from cenote.domain.users import User
from cenote.errors import CenoteError
from cenote.opening import open_vault
from cenote.settings import Settings
from cenote.stand_ins import StandIns
from cenote.store.contract import Store
from cenote.store.postgres import PostgresStore
from cenote.store.sqlite import SQLiteStore
from cenote.store.transaction import Transaction
from cenote.vault.keys import Keyring
from cenote.vault.master import Master, load_master
from cenote.vault.masters import Masters
from cenote.vault.searching import SlotFiles
from tests.engines import NOW_MS, Engine, new_client, new_pool, open_postgres, open_sqlite

USERS = 100  # more than are rewrapped in one step
NEW = Master.of(bytes(range(32)))
NEVER_MS = 2**50


class CutOff(Exception):
    """The command ends here."""


@dataclass
class Place:
    """A house of one engine that nobody serves, with everything that a master key closes."""

    engine: Engine
    settings: Settings
    subs: list[str]
    secret: str
    client_id: str
    key_id: str
    is_let_go: bool = False

    @property
    def old(self) -> Master:
        return self.engine.vault.master.current

    def opens_with(self, master: Master, sub: str, wrapped: bytes) -> bool:
        try:
            return Keyring(master, SlotFiles(self.settings.keys)).open_key(sub, wrapped) is not None
        except CenoteError:
            return False

    def wrapped(self) -> dict[str, bytes]:
        return dict(self.engine.store.read(lambda tx: tx.changeover.list_keys("", 10_000)))

    def ids(self) -> Counter[bytes]:
        """Which master keys close how much."""
        kept = self.engine.store
        pool = kept.read(lambda tx: tx.pools.find(self.engine.pool.pool_id))
        client = kept.read(lambda tx: tx.clients.find(self.client_id))
        key = kept.read(lambda tx: tx.access_keys.find(self.key_id))
        assert pool is not None
        assert client is not None
        assert key is not None
        assert key.secret is not None
        assert key.former_secret is not None
        closed = [pool.wrapped, key.secret, key.former_secret, *(one.sealed for one in client[1].secrets)]
        return Counter(map(master_id_of, [*closed, *self.wrapped().values()]))


def settings_of(engine: Engine, place: Path) -> Settings:
    return Settings(data=place / "data", database_url=engine.url, keys_mirror=place / "mirror")


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(rotating, "ANSWER_WAIT_S_MIN", 0.2)  # there is nobody who could answer
    engine = {"sqlite": open_sqlite, "postgres": open_postgres}[request.param](tmp_path)
    settings = settings_of(engine, tmp_path)
    engine.vault.close()
    engine.vault = open_vault(settings, engine.store, engine.seams.reach)  # now with a mirror
    people = [engine.new_user() for _ in range(USERS)]

    def add_all(tx: Transaction) -> None:
        for number, one in enumerate(people):
            tx.users.add(one.user, one.key, one.wrapped, [f"user{number}".encode()])

    engine.store.write(add_all)
    sealing, client = engine.vault.master.sealing_key, new_client(engine.pool)
    sealed = sealing(client.client_id).seal(place_of_secret(client.client_id), b"client's secret")
    client = replace(client, secrets=(ClientSecret(NOW_MS, sealed),), document={"ClientName": "app"})
    engine.store.write(lambda tx: tx.clients.add(client, "app"))
    key, secret = new_access_key(secrets.token_bytes(40), sealing, name="ann", policy="{}", now_ms=NOW_MS)
    key = with_secrets(replace(key, former_until_ms=NEVER_MS), sealing, secret, secret)
    engine.store.write(lambda tx: tx.access_keys.add(key))
    subs = [one.sub for one in people]
    made = Place(engine, settings, subs, secret, client.client_id, key.key_id)
    yield made
    if made.is_let_go:
        open_again(made)
    engine.close()


@pytest.fixture
def alone(place: Place) -> Place:
    """The same, with the embedded database let go of."""
    let_go(place)
    return place


def let_go(place: Place) -> None:
    if place.engine.url is None:
        place.engine.store.close()
        place.is_let_go = True


def change(place: Place, reach: Callable[[str], None] = lambda _name: None, **more: bool) -> None:
    rotate(place.settings, Order(NEW, True, None, more.get("leave_unopenable", False), reach))


def open_again(place: Place) -> None:
    """The store and the vault as a start would open them, with whatever key the file holds now."""
    if place.engine.url is None:
        place.engine.store = SQLiteStore(place.settings.data)
    else:
        place.engine.store.close()
        place.engine.store = PostgresStore(place.engine.url)
    place.engine.vault.close()
    place.engine.vault = open_vault(place.settings, place.engine.store, place.engine.seams.reach)
    place.is_let_go = False


def steps_of(place: Place, **more: bool) -> list[str]:
    met: list[str] = []
    change(place, met.append, **more)
    return met


def assert_new_only(place: Place) -> None:
    """Everything opens with the new key alone, and nothing with the old one."""
    old = place.old
    open_again(place)
    assert place.engine.vault.master.current.key_id == NEW.key_id
    wrapped = place.wrapped()
    assert sorted(wrapped) == sorted(place.subs)
    assert all(place.opens_with(NEW, sub, one) for sub, one in wrapped.items())
    assert not any(place.opens_with(old, sub, one) for sub, one in wrapped.items())
    assert place.ids() == {NEW.key_id: USERS + 4}
    store, master = place.engine.store, place.engine.vault.master
    for sub in place.subs:
        assert store.read(partial(found_user, sub)) is not None
    found = store.read(lambda tx: tx.clients.find(place.client_id))
    key = store.read(lambda tx: tx.access_keys.find(place.key_id))
    assert found is not None
    assert key is not None
    sealed, at = found[1].secrets[0].sealed, place_of_secret(place.client_id)
    assert master.sealing_key(place.client_id).open(at, sealed) == b"client's secret"
    assert open_secrets(key, master.sealing_key) == (place.secret, place.secret)
    for name in ("master_change", "master_former"):
        assert store.read(partial(found_value, name)) is None
    for folder in (place.settings.keys, place.settings.keys_mirror):
        assert folder is not None
        assert (folder / "receipt.key").read_text()[2:10] == NEW.key_id.hex()


def found_value(name: str, tx: Transaction) -> bytes | None:
    return tx.meta.find(name)


def found_user(sub: str, tx: Transaction) -> User | None:
    return tx.users.find(sub)


def test_everything_comes_under_the_new_key_and_the_old_file_is_kept(alone):
    old, server_secret = alone.old, alone.engine.vault.server_secret
    public = alone.engine.vault.witness.public
    change(alone)
    assert_new_only(alone)
    assert alone.engine.vault.server_secret == server_secret
    assert alone.engine.vault.witness.public == public
    file = alone.settings.master_key_file
    kept = file.with_name(f"{file.name}.former-{old.key_id.hex()}")
    loaded = [load_master(text=None, command=None, file=one, may_create=False) for one in (file, kept)]
    assert loaded == [NEW, old]
    assert not file.with_name(f"{file.name}.next").exists()
    assert file.stat().st_mode & 0o777 == 0o600


STEPS = [
    "called",
    "announced",
    "switched",
    "pool rewrapped",
    "client resealed",
    "users rewrapped",
    "access key resealed",
    "all rewrapped",
    "receipt key resealed",
    "installed",
]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("passes", [0, 1], ids=["at once", "at the second"])
def test_cut_off_at_any_step_both_keys_open_everything_and_it_goes_on(alone, step, passes):
    left = Counter({step: passes})

    def cut(name: str) -> None:
        if name == step:
            left[name] -= 1
            if left[name] < 0:
                raise CutOff

    try:
        change(alone, cut)
    except CutOff:
        old_file = alone.settings.master_key_file
        new_file = old_file.with_name("new.key")
        new_file.write_text(NEW.secret.hex())
        new_file.chmod(0o600)
        old = alone.old
        for file in (old_file, new_file):
            masters = masters_of(alone, replace(alone.settings, master_key_file=file))
            keyring = Keyring(masters, SlotFiles(alone.settings.keys))
            for sub, wrapped in rows_of(alone).items():
                assert keyring.open_key(sub, wrapped) is not None
        assert alone.old is old
        change(alone)
    assert_new_only(alone)


def masters_of(place: Place, settings: Settings) -> Masters:
    store = opened(place)
    try:
        return open_masters(settings, lambda name: store.read(lambda tx: tx.meta.find(name)))
    finally:
        store.close()


def rows_of(place: Place) -> dict[str, bytes]:
    store = opened(place)
    try:
        return dict(store.read(lambda tx: tx.changeover.list_keys("", 10_000)))
    finally:
        store.close()


def opened(place: Place) -> Store:
    if place.engine.url is None:
        return SQLiteStore(place.settings.data)
    return PostgresStore(place.engine.url, connections_max=1)


def test_every_step_is_met(alone):
    assert set(steps_of(alone)) == set(STEPS)


def test_a_change_to_another_key_does_not_come_between(alone):
    def cut(name: str) -> None:
        if name == "switched":
            raise CutOff

    with pytest.raises(CutOff):
        change(alone, cut)
    third = Master.of(b"3" * 32)
    with pytest.raises(CenoteError):
        rotate(alone.settings, Order(third, True, None, leave_unopenable=False))
    change(alone)
    assert_new_only(alone)


def test_a_change_that_was_announced_to_one_key_is_not_made_to_another(alone):
    def cut(name: str) -> None:
        if name == "announced":
            raise CutOff

    with pytest.raises(CutOff):
        change(alone, cut)
    third = Master.of(b"3" * 32)
    with pytest.raises(CenoteError, match="A change to another master key is under way"):
        rotate(alone.settings, Order(third, True, None, leave_unopenable=False))


def test_once_more_there_is_nothing_to_do(alone, capsys):
    change(alone)
    capsys.readouterr()
    change(alone)
    assert capsys.readouterr().out == "The data is sealed with this master key already.\n"
    assert_new_only(alone)


def test_who_is_erased_meanwhile_stays_erased_and_is_not_in_the_way(place):
    """One whose rows are gone, one whom an older database brought back, a pool that fell with its own."""
    engine, store = place.engine, place.engine.store
    gone, zombie = place.subs[:2]
    pool = engine.add_pool()
    fallen = engine.add_user(b"x", pool=pool, pool_id=pool.pool_id)
    former = {sub: one for sub, one in place.wrapped().items() if sub in {gone, zombie}}
    slot = store.read(lambda tx: dict(tx.users.list_slots("", 10_000)))[zombie]
    store.write(lambda tx: tx.users.erase(gone, NOW_MS))
    engine.vault.folder.bury([Grave(digest_of(zombie), slot)])
    store.write(lambda tx: tx.pools.erase(pool.pool_id, NOW_MS))
    old = place.old
    let_go(place)
    change(place)
    open_again(place)
    for sub, wrapped in former.items():
        for master in (old, NEW):
            assert not place.opens_with(master, sub, wrapped)
        assert place.engine.store.read(lambda tx, sub=sub: tx.users.find(sub)) is None
    assert master_id_of(place.wrapped()[fallen.sub]) == old.key_id
    assert not place.opens_with(old, fallen.sub, place.wrapped()[fallen.sub])


def test_a_copy_from_before_opens_the_living_with_the_old_key_and_nobody_who_was_erased(place):
    """What the database once held is there for good: the slots are what makes an erasure final."""
    former, old = place.wrapped(), place.old
    ann, bob = place.subs[:2]
    place.engine.store.write(lambda tx: tx.users.erase(ann, NOW_MS))
    let_go(place)
    change(place)
    open_again(place)
    place.engine.store.write(lambda tx: tx.users.erase(bob, NOW_MS))
    opens = {sub: place.opens_with(old, sub, wrapped) for sub, wrapped in former.items()}
    assert [sub for sub, it_opens in opens.items() if not it_opens] == sorted([ann, bob])


def test_a_key_that_does_not_open_keeps_the_old_master_key_from_being_retired(place):
    spoil = "update keys set wrapped = :wrapped where sub = :sub"
    sub = place.subs[7]
    wrapped = place.wrapped()[sub]
    damaged = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
    place.engine.store.write(lambda tx: tx.users._ground.run(spoil, {"wrapped": damaged, "sub": sub}))
    let_go(place)
    with pytest.raises(CenoteError, match=r"^1 keys don't open \(slots \d+\), so the old master key"):
        change(place)
    assert place.settings.master_key_file.read_text().strip() == place.old.secret.hex()
    change(place, leave_unopenable=True)
    open_again(place)
    assert place.ids() == {NEW.key_id: USERS + 3, master_id_of(damaged): 1}


def test_an_access_key_of_before_they_were_bound_does_not_become_bound_by_another_master_key(place):
    """Nobody has vouched for what its row says: a backup may have brought it, or somebody planted it."""
    spoil_key(place, by_itself(place, place.secret))
    let_go(place)
    change(place)
    open_again(place)
    held = place.engine.store.read(lambda tx: tx.access_keys.find(place.key_id))
    sealing = place.engine.vault.master.sealing_key
    assert master_id_of(held.secret) == NEW.key_id
    assert binding_of(held, sealing) is Binding.UNBOUND
    assert sealing(place.key_id).open(At("access_keys", "secret", place.key_id), held.secret).decode() == (
        place.secret
    )


def test_a_planted_row_that_no_call_could_name_is_named_and_must_be_revoked_first(place):
    """Its id is as long as a user's and no UUID: there is no envelope that would be of it."""
    planted = "x" * 35 + "\x1b"
    copy = (
        "insert into access_keys (key_id, name, secret, former_until_ms, policy, created_ms)"
        " select :planted, name, secret, 0, policy, created_ms from access_keys where key_id = :key_id"
    )
    values = {"planted": planted, "key_id": place.key_id}
    place.engine.store.write(lambda tx: tx.access_keys._ground.run(copy, values))
    let_go(place)
    with pytest.raises(CenoteError, match=r"^The access key x{35}\\x1b does not open"):
        change(place)
    store = opened(place)
    store.write(partial(revoke, planted))
    store.close()
    change(place)
    assert_new_only(place)


def test_a_former_secret_whose_time_is_over_is_not_in_the_way_of_another_master_key(place):
    damage = "update access_keys set former_secret = :damaged, former_until_ms = 0"
    key = place.engine.store.read(lambda tx: tx.access_keys.find(place.key_id))
    again = with_secrets(replace(key, former_until_ms=0), place.engine.vault.master.sealing_key, place.secret)
    place.engine.store.write(lambda tx: tx.access_keys.save(again))
    place.engine.store.write(lambda tx: tx.access_keys._ground.run(damage, {"damaged": b"damaged"}))
    let_go(place)
    change(place)
    open_again(place)
    held = place.engine.store.read(lambda tx: tx.access_keys.find(place.key_id))
    assert master_id_of(held.secret) == NEW.key_id
    assert open_secrets(held, place.engine.vault.master.sealing_key) == (place.secret,)


def test_an_access_key_that_somebody_altered_is_named_and_must_be_revoked_first(place):
    policy = "update access_keys set policy = 'another' where key_id = :key_id"
    place.engine.store.write(lambda tx: tx.access_keys._ground.run(policy, {"key_id": place.key_id}))
    let_go(place)
    with pytest.raises(CenoteError, match=f"^The access key {place.key_id} does not open"):
        change(place)
    store = opened(place)
    store.write(partial(revoke, place.key_id))
    store.close()
    change(place)
    open_again(place)
    assert place.engine.vault.master.current.key_id == NEW.key_id


def revoke(key_id: str, tx: Transaction) -> None:
    key = tx.access_keys.hold(key_id)
    assert key is not None
    tx.access_keys.save(key.revoked())


def by_itself(place: Place, secret: str) -> bytes:
    """A secret as former versions sealed it."""
    at = At("access_keys", "secret", place.key_id)
    return place.engine.vault.master.sealing_key(place.key_id).seal(at, secret.encode())


def spoil_key(place: Place, secret: bytes) -> None:
    sql = "update access_keys set secret = :secret, former_secret = null where key_id = :key_id"
    values = {"secret": secret, "key_id": place.key_id}
    place.engine.store.write(lambda tx: tx.access_keys._ground.run(sql, values))


def test_who_signs_up_while_their_pool_comes_under_the_new_key_is_under_the_new_key_too(place):
    engine, store, old = place.engine, place.engine.store, place.old
    before = engine.new_user()
    made, client = new_pool(engine.vault), new_client(engine.pool)
    store.write(partial(announce, old, NEW, "call"))
    engine.vault.master.use(old)
    store.write(partial(switch, old, NEW))
    engine.vault.master.use(NEW)
    engine.vault.master.use(old)  # a process that has not looked yet
    keyring = engine.vault.keyring
    like = bytes([1]) + NEW.key_id

    def rewrap_pool(tx: Transaction) -> None:
        held = tx.changeover.hold_pool(engine.pool.pool_id)
        tx.changeover.save_pool(engine.pool.pool_id, keyring.rewrapped(engine.pool.pool_id, held, like))

    store.write(rewrap_pool)
    assert master_id_of(before.wrapped.wrapped) == master_id_of(made.wrapped) == old.key_id
    before.add(b"somebody")
    store.write(lambda tx: tx.pools.add(made, "made", []))
    assert master_id_of(place.wrapped()[before.sub]) == NEW.key_id
    found = store.read(lambda tx: tx.pools.find(made.pool_id))
    assert found is not None
    assert master_id_of(found.wrapped) == NEW.key_id
    assert place.opens_with(NEW, before.sub, place.wrapped()[before.sub])
    assert before.is_held()
    assert client.pool_id == engine.pool.pool_id


def test_a_serving_process_learns_the_key_closes_with_it_and_forgets_the_old_one(place):
    engine, old = place.engine, place.old
    masters = engine.vault.master
    follower = Follower(engine.store, masters)
    follower.step()
    engine.store.write(partial(announce, old, NEW, "one"))
    follower.step()
    (ack,) = engine.store.read(lambda tx: tx.changeover.list_acks("one"))
    assert not ack.is_known
    file = place.settings.master_key_file
    following = file.with_name(f"{file.name}.next")
    following.write_text(NEW.secret.hex())
    following.chmod(0o600)
    masters._seek_again_s = 0.0  # or a second later
    follower.step()
    (ack,) = engine.store.read(lambda tx: tx.changeover.list_acks("one"))
    assert (ack.is_known, masters.current) == (True, old)
    engine.store.write(partial(switch, old, NEW))
    follower.step()
    assert (masters.current, masters.named(old.key_id)) == (NEW, old)
    assert all(engine.store.read(lambda tx, sub=sub: tx.users.find(sub)) for sub in place.subs[:3])
    engine.store.write(finish)
    for _ in range(60):
        follower.step()
    assert (masters.current, masters.named(old.key_id)) == (NEW, None)


def test_nobody_costs_what_somebody_does_after_the_change_too(place):
    """A stand-in for users who are not there lies in memory, closed by the key of then."""
    stand_ins, masters, old = StandIns(place.engine.vault.keyring), place.engine.vault.master, place.old
    stand_ins.open(place.engine.pool)
    masters.use(NEW)
    stand_ins.open(place.engine.pool)
    masters.forget_others()
    assert masters.named(old.key_id) is None
    stand_ins.open(place.engine.pool)
    assert place.engine.vault.keyring.unopenable_total == 0


def test_a_new_key_out_of_a_command_is_written_nowhere(alone, capsys):
    file = alone.settings.master_key_file
    before, old = file.read_text(), alone.old
    rotate(alone.settings, Order(NEW, False, None, leave_unopenable=False))
    assert capsys.readouterr().err.startswith("The former key opens backups from before;")
    assert file.read_text() == before
    beside = [one.name for one in file.parent.iterdir() if one.name.startswith(file.name)]
    assert beside == [file.name]
    with pytest.raises(CenoteError, match="not the one that this data was sealed with"):
        masters_of(alone, alone.settings)
    command = replace(alone.settings, master_key_command=f"echo {NEW.secret.hex()}")
    assert masters_of(alone, command).current == NEW
    assert old.key_id != NEW.key_id
    file.write_text(NEW.secret.hex())  # for the end of this test's house


def test_a_key_is_not_looked_for_because_a_client_names_it(place):
    """What a client sends back names a key too: it must not make us read files or run a command."""
    looked: list[int] = []
    masters = place.engine.vault.master

    def seek() -> list[Master]:
        looked.append(1)
        return []

    masters._seek = seek
    token = bytes([1]) + b"zzzz" + bytes(60)
    with pytest.raises(CenoteError):
        masters.server_key().open(At("pages", "x"), token)
    assert looked == []
    with pytest.raises(CenoteError):
        masters.sealing_key("x").open(At("clients", "secret"), token)
    assert looked == [1]
