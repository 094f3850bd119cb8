"""
The primary dies under load and its standby takes over: two nodes go on by themselves.

With a synchronous standby nothing that was acknowledged is lost.  An asynchronous one may lack the last
commits, and who was erased by one of them is gone all the same.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cenote.domain.sealed import digest_of
from tests.crash.evidence import ERASED, OPENS
from tests.failover.cluster import Cluster, Postgres, a_cluster, soon
from tests.failover.crowd import Crowd, Life, Resident
from tests.failover.scene import (
    Nodes,
    assert_everybody_is_as_told,
    assert_namesakes_get_nothing,
    nodes_on,
    owed,
    slots_of,
)
from tests.house import Tenant

DEEDS = ("SignUp", "UpdateUserAttributes", "DeleteUser")
NAMESAKES = 5


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A primary with its archive."""
    with a_cluster() as made:
        yield made


def wait_for_deeds(crowd: Crowd, number: int, since_s: float) -> None:
    """Wait until each node has done so much of everything since then."""
    crowd.wait_for(
        lambda: all(
            crowd.count(deed, since_s=since_s, node=node) >= number
            for deed in DEEDS
            for node in range(len(crowd.nodes))
        )
    )


def fail_over(crowd: Crowd, cluster: Cluster, standby: Postgres, *, late: bool = False) -> None:
    """
    Kill the primary under load, promote, and go on until both nodes do everything again.

    A late promotion comes when both nodes have told somebody that they can't.
    """
    killed_s = time.monotonic()
    cluster.primary.kill()
    if late:
        crowd.wait_for(lambda: {one.node for one in crowd.answers if one.status == 500} == {0, 1})
    standby.promote()
    promoted_s = time.monotonic()
    crowd.at_risk = False
    wait_for_deeds(crowd, 3, promoted_s)
    crowd.end()
    tell_the_gap(crowd, killed_s, promoted_s)


def tell_the_gap(crowd: Crowd, killed_s: float, promoted_s: float) -> None:
    """For whoever reads the output: how long it took, and what was said meanwhile."""
    for node in range(len(crowd.nodes)):
        since = [one for one in crowd.answers if one.node == node and one.at_s > killed_s]
        first = min(one.at_s for one in since if one.status == 200 and one.at_s > promoted_s)
        failed = [one.at_s for one in since if one.status == 500]
        sys.stdout.write(
            f"node {node}: answers again {first - killed_s:.2f} s after the kill"
            f" ({first - promoted_s:.2f} s after the promotion), {len(failed)} errors,"
            f" the last {max(failed, default=killed_s) - killed_s:.2f} s after the kill\n"
        )
    sys.stdout.write(f"{len(crowd.residents)} residents, {crowd.tried_in_vain} vain calls for the erased\n")


def assert_the_erased_are_proven_gone(
    nodes: Nodes, gone: list[Resident], standby: Postgres, *folders: Path
) -> None:
    """In the ledger, in the keys folder, and in the files of every server."""
    assert gone
    soon(lambda: owed(standby) == 0)
    assert all(nodes.is_buried(standby, resident.sub) for resident in gone)
    files = [word for folder in (standby.folder, *folders) for word in ("--also", str(folder))]
    verdicts = nodes.receipts("--all", *files)
    assert {verdicts[digest_of(resident.sub).hex()] for resident in gone} == {"erased"}
    assert set(nodes.receipts(gone[0].sub).values()) == {"erased"}


def test_a_synchronous_standby_takes_over_under_load_and_nothing_acknowledged_is_lost(tmp_path, cluster):
    standby = cluster.add_standby(is_synchronous=True)
    with nodes_on(tmp_path, cluster.url(cluster.primary, standby)) as nodes:
        crowd = Crowd(nodes.houses, Tenant(nodes.houses[0]))
        crowd.begin()
        wait_for_deeds(crowd, 3, 0.0)
        fail_over(crowd, cluster, standby, late=True)
        assert crowd.wrong == []
        assert_everybody_is_as_told(crowd)
        assert set(nodes.states_in(standby).values()) == {OPENS}
        gone = crowd.of(Life.GONE)
        assert_the_erased_are_proven_gone(nodes, gone, standby, cluster.primary.folder)
        assert_namesakes_get_nothing(crowd, gone[:NAMESAKES])
        assert nodes.said("ledger is not what was vouched for") == []
        assert crowd.wrong == []


@pytest.mark.thorough
def test_an_asynchronous_standby_lacks_the_last_commits_and_nobody_erased_is_back(tmp_path, cluster):
    standby = cluster.add_standby(is_synchronous=False)
    with nodes_on(tmp_path, cluster.url(cluster.primary, standby)) as nodes:
        crowd = Crowd(nodes.houses, Tenant(nodes.houses[0]))
        crowd.begin()
        wait_for_deeds(crowd, 2, 0.0)
        crowd.end()
        cluster.await_replay(standby)
        standby.stop_receiving()
        crowd.at_risk = True
        cut_s = time.monotonic()
        crowd.begin()
        wait_for_deeds(crowd, 2, cut_s)
        fail_over(crowd, cluster, standby)
        assert crowd.wrong == []
        soon(lambda: ERASED not in nodes.states_in(standby).values())
        old = cluster.revived(cluster.primary, "old")
        lost = frozenset(slots_of(old).keys() - slots_of(standby).keys())
        assert lost
        assert set(nodes.states_in(standby).values()) == {OPENS}
        assert_everybody_is_as_told(crowd, lost)
        assert_no_slot_has_two_owners(old, standby)
        gone = crowd.of(Life.GONE)
        passed_by = [one for one in gone if one.at_risk and nodes.is_buried(old, one.sub)]
        known = [one for one in gone if one not in passed_by]
        assert_the_erased_are_proven_gone(nodes, known, standby, cluster.primary.folder)
        for resident in passed_by[:1]:  # they came and went in commits that are lost
            assert set(nodes.receipts(resident.sub).values()) == {"erased"}
        assert_namesakes_get_nothing(crowd, gone[:NAMESAKES])
        assert nodes.said("another database took over")
        assert crowd.wrong == []


def assert_no_slot_has_two_owners(*servers: Postgres) -> None:
    owners: dict[int, set[str]] = {}
    for server in servers:
        for subject, slot in slots_of(server).items():
            owners.setdefault(slot, set()).add(subject)
    assert {slot: who for slot, who in owners.items() if len(who) > 1} == {}
