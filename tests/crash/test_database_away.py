"""The database goes away under a running server and comes back: an error meanwhile, and nothing is lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.database_away import stopped_postgres
from tests.house import House, Tenant, error_of
from tests.nursery import QuickHouse
from tests.postgres import OwnServer

FAULT = ("InternalErrorException", "Something went wrong", 500)
AT_ONCE = 16


@pytest.fixture
def server() -> Iterator[OwnServer]:
    own = OwnServer()
    yield own
    own.end()


@pytest.fixture
def served_by(tmp_path: Path, server: OwnServer) -> Iterator[House]:
    """A house whose database is on a server of its own."""
    house = QuickHouse(tmp_path, "--database-url", server.url).start()
    yield house
    house.stop()


def statuses(house: House, operation: str, request: object, calls: int) -> set[int]:
    """How so many calls at once are answered: more readers than are kept open."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return set(threads.map(lambda _: house.call(operation, request)[0], range(calls)))


def test_a_postgres_that_is_stopped_is_an_error_and_one_that_is_back_is_used_without_a_restart(
    served_by: House, server: OwnServer
) -> None:
    tenant = Tenant(served_by)
    token = {"AccessToken": tenant.user("ann")["AccessToken"]}
    with stopped_postgres(served_by, server):
        assert error_of(tenant.cognito.delete_user, **token) == FAULT
        assert served_by.http("GET", "/health")[0] == 503
    assert tenant.cognito.get_user(**token)["Username"] == "ann"
    tenant.cognito.delete_user(**token)
    assert error_of(tenant.cognito.delete_user, **token)[0] == "UserNotFoundException"


def test_a_file_that_is_moved_away_for_a_moment_is_not_made_anew_and_loses_nothing(own_house: House) -> None:
    """A new file beside the old one's journal would take the journal for its own, and all that is in it."""
    tenant = Tenant(own_house.start())
    token = {"AccessToken": tenant.user("ann")["AccessToken"]}
    file, away = own_house.data / "cenote.db", own_house.root / "away.db"
    file.rename(away)
    assert statuses(own_house, "GetUser", token, 20 * AT_ONCE) <= {200, 500}
    assert not file.exists()
    away.rename(file)
    assert statuses(own_house, "GetUser", token, 5 * AT_ONCE) == {200}
    own_house.kill()
    own_house.start()
    assert tenant.sign_in("ann")["AccessToken"]
    tenant.cognito.delete_user(**token)


@pytest.mark.thorough
def test_a_house_whose_file_is_away_stops_all_the_same(own_house: House) -> None:
    tenant = Tenant(own_house.start())
    tenant.user("ann")
    file, away = own_house.data / "cenote.db", own_house.root / "away.db"
    file.rename(away)
    own_house.stop()
    away.rename(file)
    own_house.start()
    assert tenant.sign_in("ann")["AccessToken"]
