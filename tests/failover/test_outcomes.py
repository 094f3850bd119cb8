"""A server dies between the last statement of a transaction and its commit: its outcome is not guessed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cenote.errors import InternalErrorException
from cenote.settings import Settings
from cenote.store.postgres import PostgresStore
from tests.engines import Engine, Newcomer, open_store_at
from tests.failover.cluster import Cluster, a_cluster


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A primary that keeps its journal to itself for as long as nothing is committed."""
    with a_cluster() as made:
        made.primary.alter("wal_writer_delay", "10s")
        yield made


@contextmanager
def store_on(url: str, place: Path) -> Iterator[Engine]:
    """A store with its vault and a pool."""
    settings = Settings(data=place / "data", database_url=url)
    engine = open_store_at(settings, lambda seams: PostgresStore(url, reach=seams.reach))
    yield engine
    engine.close()


def dies_before_the_commit(engine: Engine, cluster: Cluster, then: Callable[[int], None]) -> Newcomer:
    """Ann, whose transaction meets the death of the server; `then` is told its number, and brings another."""
    under_way = "select backend_xid::text::bigint from pg_stat_activity where backend_xid is not null"

    def die() -> None:
        del engine.seams.hung["commit.before"]
        ((number,),) = cluster.primary.ask(under_way)
        cluster.primary.kill()
        then(number)

    ann = engine.new_user()
    engine.seams.hung["commit.before"] = die
    return ann


def test_a_commit_that_never_arrived_is_run_again_on_the_standby(cluster, tmp_path):
    standby = cluster.add_standby(is_synchronous=True)
    with store_on(cluster.url(cluster.primary, standby), tmp_path) as engine:
        ann = dies_before_the_commit(engine, cluster, lambda _number: standby.promote())
        ann.add()
        assert ann.is_held()


@pytest.mark.thorough
def test_another_s_commit_under_the_same_number_is_not_taken_for_ours(cluster, tmp_path):
    """The number of a transaction that no journal on the disk has named is given again."""

    def give_the_number_again(number: int) -> None:
        server = cluster.primary.start()
        while server.ask("select pg_current_xact_id()::text::bigint")[0][0] < number:
            continue
        assert server.ask("select pg_xact_status(%s::text::xid8)", number) == [("committed",)]

    with store_on(cluster.url(cluster.primary), tmp_path) as engine:
        ann = dies_before_the_commit(engine, cluster, give_the_number_again)
        with pytest.raises(InternalErrorException):
            ann.add()
        assert not ann.is_held()
        ann.add()
        assert ann.is_held()
