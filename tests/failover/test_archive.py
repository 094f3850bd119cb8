"""
An older copy of the database is served beside the present keys folder: out of an archive, or a standby.

Whoever was erased since stays gone, everybody else is back, and the server says how many of each.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cenote.domain.sealed import digest_of
from tests.crash.evidence import OPENS
from tests.crash.scene import Person
from tests.failover.cluster import Cluster, Postgres, a_cluster, soon
from tests.failover.scene import Nodes, nodes_on, owed, slots_of
from tests.house import Tenant, error_of

pytestmark = pytest.mark.thorough


@dataclass
class Past:
    """A house with a past, of which there are copies from several moments; it is stopped."""

    cluster: Cluster
    root: Path
    tenant: Tenant
    fallen: Tenant
    people: dict[str, Person]
    backup: Path
    before_deletions: str
    standby: Postgres

    def living(self, *names: str) -> None:
        for name in names:
            self.people[name].assert_lives()

    def gone(self, *names: str) -> None:
        for name in names:
            self.people[name].assert_is_gone()

    def beside_its_keys(self, place: Path) -> Path:
        """A place that has the present keys."""
        place.mkdir()
        shutil.copytree(self.root / "keys", place / "keys")
        shutil.copy(self.root / "master.key", place)
        return place

    def move_to(self, nodes: Nodes) -> None:
        """From now on everybody calls the node that serves a copy."""
        for tenant in (self.tenant, self.fallen):
            tenant.cognito = nodes.houses[0].client()


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """Ann, Bob and Cid were there at the backup; Dan came, Bob and Eve's pool went, and Fay came last."""
    root = tmp_path_factory.mktemp("past")
    with a_cluster() as cluster:
        standby = cluster.add_standby(is_synchronous=False)
        with nodes_on(root, cluster.url(cluster.primary), number=1) as nodes:
            tenant, fallen = Tenant(nodes.houses[0]), Tenant(nodes.houses[0])
            people = {name: Person(tenant, name) for name in ("ann", "bob", "cid")}
            people["eve"] = Person(fallen, "eve")
            backup = cluster.base_backup("backup")
            people["dan"] = Person(tenant, "dan")
            moment = str(cluster.primary.ask("select clock_timestamp()")[0][0])
            people["bob"].delete()
            fallen.cognito.delete_user_pool(UserPoolId=fallen.pool_id)
            people["fay"] = Person(tenant, "fay")
        cluster.await_replay(standby)
        yield Past(cluster, root, tenant, fallen, people, backup, moment, standby)


def doctor(nodes: Nodes) -> str:
    """What the doctor says, in one line."""
    return " ".join(nodes.command("doctor").stdout.replace("\u2502", " ").split())


def test_an_archive_restored_to_before_a_deletion_brings_back_all_but_the_erased(past, tmp_path):
    server = past.cluster.restored(past.backup, "restored", past.before_deletions)
    assert_all_are_back_but_the_erased(past, server, past.beside_its_keys(tmp_path / "house"), "ann cid dan")


def test_an_old_base_backup_brings_back_all_whom_it_knew_but_the_erased(past, tmp_path):
    server = past.cluster.as_it_was(past.backup, "as it was")
    assert_all_are_back_but_the_erased(past, server, past.beside_its_keys(tmp_path / "house"), "ann cid")


def assert_all_are_back_but_the_erased(past: Past, server: Postgres, place: Path, names: str) -> None:
    back, bob = names.split(), past.people["bob"]
    assert bob.sub in slots_of(server)
    url = past.cluster.url(server)
    assert "this database is older, and the next start notes it" in doctor(Nodes(place, url))
    with nodes_on(place, url, number=1) as nodes:
        past.move_to(nodes)
        past.gone("bob", *({"dan", "fay"}.difference(back)))
        past.living(*back)
        refusal = error_of(past.fallen.cognito.describe_user_pool, UserPoolId=past.fallen.pool_id)
        assert refusal[0] == "ResourceNotFoundException"
        soon(lambda: bool(nodes.said("erased ones cleared")))
        (told,) = nodes.said("erased ones cleared")
        assert (told["users"], told["pools"], told["living"]) == (2, 1, len(back))
        soon(lambda: owed(server) == 0)
        assert set(nodes.states_in(server).values()) == {OPENS}
        assert nodes.is_buried(server, bob.sub)
        assert nodes.receipts("--all")[digest_of(bob.sub).hex()] == "erased"
        soon(lambda: "This database was put back to an older state" in doctor(nodes))


def test_a_standby_promoted_after_a_deletion_has_everybody_but_the_erased(past, tmp_path):
    past.standby.promote()
    place = past.beside_its_keys(tmp_path / "house")
    with nodes_on(place, past.cluster.url(past.standby), number=1) as nodes:
        past.move_to(nodes)
        past.gone("bob")
        past.living("ann", "cid", "dan", "fay")
        assert set(nodes.states_in(past.standby).values()) == {OPENS}
        assert nodes.is_buried(past.standby, past.people["bob"].sub)
        assert nodes.said("erased ones cleared") == []
        assert "put back to an older state" not in doctor(nodes)
