"""How often an operation goes to PostgreSQL and back: on another machine that is what an operation costs."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.cut_wire import Wire
from tests.house import House, Tenant
from tests.nursery import QuickHouse
from tests.postgres import drop_database, new_database
from tests.wire.steps import renew, revoke, rotating

TRIES = (
    8  # the housekeeper goes there as well, now and then: the fewest of some tries are the operation's own
)


@pytest.fixture(scope="module")
def wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Wire, House]]:
    """A server whose way to its database is counted."""
    url = new_database()
    wire = Wire(url)
    house = QuickHouse(tmp_path_factory.mktemp("wired"), "--database-url", wire.url).start()
    yield wire, house
    house.stop()
    wire.close()
    drop_database(url)


def fewest(wire: Wire, calls: list[Callable[[], object]]) -> int:
    """The round trips of one of these calls, which are all alike."""
    counts = []
    for call in calls:
        before = wire.round_trips
        call()
        counts.append(wire.round_trips - before)
    return min(counts)


def test_each_operation_goes_to_the_database_as_seldom_as_it_can(wired: tuple[Wire, House]) -> None:
    wire, house = wired
    tenant = Tenant(house)
    names = [f"user{number}" for number in range(TRIES)]
    cognito = tenant.cognito
    for name in names:
        tenant.sign_up(name, email=f"{name}@example.com")
    tokens = [tenant.sign_in(name)["AccessToken"] for name in names]
    signing_up = partial(cognito.sign_up, ClientId=tenant.client_id, Password="Correct-horse1")
    counted = {
        "GetUser": fewest(wire, [partial(cognito.get_user, AccessToken=token) for token in tokens]),
        "InitiateAuth": fewest(wire, [partial(tenant.sign_in, name) for name in names]),
        "SignUp": fewest(wire, [partial(signing_up, Username=f"fresh{name}") for name in names]),
        "DeleteUser": fewest(wire, [partial(cognito.delete_user, AccessToken=token) for token in tokens]),
    }
    # One read, all in one statement; then what a write waits for: its first answer, and the commit.
    assert counted["GetUser"] == 1
    assert counted["DeleteUser"] <= 1 + 2
    assert counted["InitiateAuth"] <= 2 + 2
    assert counted["SignUp"] <= 2 + 4


def test_renewing_and_revoking_go_there_as_seldom(wired: tuple[Wire, House]) -> None:
    wire, house = wired
    plain, strict = Tenant(house), Tenant(house, client=rotating())
    kept = [plain.user(f"user{number}")["RefreshToken"] for number in range(TRIES)]
    rotated = [strict.user(f"user{number}")["RefreshToken"] for number in range(TRIES)]
    renewing, rotation = (
        fewest(wire, [partial(renew, tenant, token) for token in tokens])
        for tenant, tokens in ((plain, kept), (strict, rotated))
    )
    # The client; the user with the session; the groups.
    assert renewing == 3
    # And what a write waits for, once the tokens are signed.
    assert rotation == 3 + 2
    # The client, and the write.
    assert fewest(wire, [partial(revoke, plain, token) for token in kept]) == 1 + 2
