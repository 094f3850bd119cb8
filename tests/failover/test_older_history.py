"""
A standby that lacks one deletion and one change: what nothing but its timeline tells apart from the primary.

The counters that a node keeps in the data are written once a second, so the last of them are lost together
with the deletion that they would have told of.
"""

import json
from collections.abc import Iterator

import pytest

from cenote.domain.sealed import digest_of
from tests.crash.scene import Person
from tests.failover.cluster import Cluster, Postgres, a_cluster, soon
from tests.failover.scene import Nodes, nodes_on, owed
from tests.house import Tenant
from tests.vault.files import counters_in

pytestmark = pytest.mark.thorough

CHANGED = ({"AccessTokenValidity": 7}, {"AccessTokenValidity": 9})
HOUR_S = 3600


@pytest.fixture(scope="module")
def taken_over(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Nodes, Tenant, dict[str, Person], Postgres]]:
    """Nodes whose database is a standby that never heard of Bob's end, nor of a client's change."""
    with a_cluster() as cluster:
        standby = cluster.add_standby(is_synchronous=False)
        url = cluster.url(standby, cluster.primary, asks="")  # the one that takes no writes comes first
        with nodes_on(tmp_path_factory.mktemp("nodes"), url) as nodes:
            tenant = Tenant(nodes.houses[0])
            people = {name: Person(tenant, name) for name in ("ann", "bob", "cid")}
            people["cid"].delete()
            wait_until_all_is_seen(nodes, cluster)
            cluster.await_replay(standby)
            standby.stop_receiving()
            change_client(tenant, CHANGED[0])
            assert {life_s(nodes, number, tenant) for number in (0, 1)} == {7 * HOUR_S}
            people["bob"].delete()
            cluster.primary.kill()
            standby.promote()
            yield nodes, tenant, people, standby


def wait_until_all_is_seen(nodes: Nodes, cluster: Cluster) -> None:
    """Until the data has noted everything that the keys folder counts."""
    soon(lambda: owed(cluster.primary) == 0)
    seen = "select convert_from(value, 'UTF8') from meta where name = 'keys_seen'"
    soon(lambda: json.loads(cluster.primary.tell(seen))["0"] == list(counters_in(nodes.keys)))


def change_client(tenant: Tenant, change: dict[str, int]) -> None:
    flows = ["ALLOW_USER_PASSWORD_AUTH"]
    tenant.cognito.update_user_pool_client(
        UserPoolId=tenant.pool_id, ClientId=tenant.client_id, ExplicitAuthFlows=flows, **change
    )


def life_s(nodes: Nodes, number: int, tenant: Tenant) -> int:
    """How long an access token from this node lives."""
    answer = (
        nodes.houses[number]
        .client()
        .initiate_auth(
            ClientId=tenant.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "ann", "PASSWORD": "Correct-horse1"},
        )
    )
    return int(answer["AuthenticationResult"]["ExpiresIn"])


def test_who_was_erased_by_a_lost_commit_is_gone_and_back_in_the_ledger(taken_over):
    nodes, _tenant, people, standby = taken_over
    for name in ("bob", "cid"):
        people[name].assert_is_gone()
    people["ann"].assert_lives()
    soon(lambda: standby.tell("select count(*) from keys where sub = %s", people["bob"].sub) == 0)
    soon(lambda: owed(standby) == 0)
    for name in ("bob", "cid"):
        assert nodes.is_buried(standby, people[name].sub)
    (noticed,) = nodes.said("another database took over")
    assert noticed["level"] == "warning"
    assert nodes.receipts(people["bob"].sub) == {digest_of(people["bob"].sub).hex(): "erased"}


def test_a_change_that_was_lost_is_not_mistaken_for_the_next_one_of_that_number(taken_over):
    nodes, tenant, _people, _standby = taken_over
    assert {life_s(nodes, number, tenant) for number in (0, 1)} == {HOUR_S}
    change_client(tenant, CHANGED[1])
    assert {life_s(nodes, number, tenant) for number in (0, 1)} == {9 * HOUR_S}
