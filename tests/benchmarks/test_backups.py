"""Backups are timed there and back, and slots are weighed, on houses that both leave as they were."""

from collections.abc import Callable

import pytest

from benchmarks.backups import BASE_BACKUP, CENOTES_OWN, BackupTimes, backups, complete
from benchmarks.servers import CenoteOnPostgres, CenoteOnSQLite, Server
from benchmarks.slots import ROUNDS, slots_cost
from tests.conftest import ENGINES

USERS, SIGNED_IN = 60, 5
SERVERS: dict[str, Callable[[], Server]] = {"sqlite": CenoteOnSQLite, "postgres": CenoteOnPostgres}
WAYS = {"sqlite": [CENOTES_OWN], "postgres": [CENOTES_OWN, BASE_BACKUP]}


@pytest.fixture(scope="module", params=ENGINES)
def kind(request) -> str:
    """One engine."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="module")
def house(kind):
    """A filled house of this engine."""
    with SERVERS[kind]().inhabited(USERS, SIGNED_IN) as house:
        yield house


def test_everybody_is_back_by_each_way_of_the_engine(house, kind):
    found = list(backups("a server", house))
    assert [times.way for times in found] == WAYS[kind]
    for times in found:
        assert times.users_back == USERS
        assert times.mib > 0
        assert min(times.backup_s, times.restore_s, times.doctor_s) > 0
    assert not (house.root / "backup").exists()


def test_a_restore_that_lacks_somebody_is_an_error():
    times = BackupTimes(
        way=CENOTES_OWN,
        server="a server",
        users=USERS,
        backup_s=1.0,
        mib=1.0,
        restore_s=1.0,
        doctor_s=1.0,
        users_back=USERS - 1,
        others_cores=0.0,
    )
    with pytest.raises(RuntimeError, match="59 of 60 users are back"):
        complete(times)


def test_erasing_and_reading_are_weighed_with_slots_and_without(house):
    cost = slots_cost("a server", house)
    assert cost.erased == 3 * ROUNDS
    assert min(cost.rate_with, cost.rate_without, cost.cpu_ms_with, cost.cpu_ms_without) > 0
    assert min(cost.open_us_with, cost.open_us_without) > 0
    assert not (house.root / "copy").exists()
