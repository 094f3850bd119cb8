"""
`kill -9` at random moments under a mixed load, on both engines, starts included.

Nothing acknowledged is lost, what was cut off has happened or not, whoever's DeleteUser was answered is gone
from every older copy too, and no living user is without a key.  CENOTE_KILLS asks for more of them.
"""

import logging
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from cenote.domain.powers import BLINDING_BYTES, blinding_of
from cenote.domain.sealed import digest_of
from cenote.domain.srp import is_password
from cenote.domain.users import Status, User
from tests.books import Books, books_of, untidy
from tests.conftest import ENGINES
from tests.crash.load import Client, Person
from tests.crash.scene import soon
from tests.crash.stage import Stage
from tests.nursery import QuickHouse
from tests.postgres import drop_database, new_database
from tests.wire.craft import claims_of

log = logging.getLogger(__name__)
KILLS = int(os.environ.get("CENOTE_KILLS", "8"))
KILLS_PER_HOUSE = 50
EVERYDAY_KILLS = 2
CLIENTS = 6
LOAD_S_MAX = 0.5
START_S_MAX = 0.3


@pytest.fixture(params=ENGINES)
def stage(request: pytest.FixtureRequest, tmp_path) -> Iterator[Stage]:
    url = new_database() if request.param == "postgres" else None
    flags = [] if url is None else ["--database-url", url]
    house = QuickHouse(tmp_path, *flags).start()
    yield Stage.of(house)
    house.stop()
    if url is not None:
        drop_database(url)


@dataclass
class Memory:
    """What is remembered from kill to kill: keys as older copies hold them, and who ever had a slot."""

    wrapped: dict[str, bytes] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)

    def note(self, books: Books) -> None:
        for sub, slot, wrapped in books.query("select sub, slot, wrapped from keys"):
            self.wrapped[sub] = bytes(wrapped)
            owner = self.owners.setdefault(slot, sub)
            assert owner == sub, f"slot {slot} was used twice"


@pytest.mark.parametrize(
    "kills",
    [
        EVERYDAY_KILLS,
        *(
            pytest.param(min(KILLS - first, KILLS_PER_HOUSE), marks=pytest.mark.thorough, id=f"from {first}")
            for first in range(0, KILLS, KILLS_PER_HOUSE)
        ),
    ],
)
def test_whatever_was_acknowledged_holds_after_each_kill(stage: Stage, kills: int) -> None:
    chance, memory, house = random.Random(), Memory(), stage.house
    assert isinstance(house, QuickHouse)
    clients = [Client(stage, number, chance) for number in range(CLIENTS)]
    killed_s = 0.0
    for _kill in range(kills):
        books = books_of(stage.house)
        memory.note(books)
        for client in clients:
            client.start()
        began = time.monotonic()
        time.sleep(chance.uniform(0.02, LOAD_S_MAX))
        memory.note(books)
        kill(house, chance)
        killed_s += time.monotonic() - began
        for client in clients:
            client.join()
            assert client.failure is None, client.failure
        while chance.random() < 0.3:
            house.start_and_kill(chance.uniform(0, START_S_MAX))
        house.start()
        hold_against_the_books(stage, clients, memory)
        clients = [client.again() for client in clients]
    calls = sum(client.calls for client in clients)
    log.warning("%d kills in %.0f s of load, %d calls acknowledged", kills, killed_s, calls)


def kill(house: QuickHouse, chance: random.Random) -> None:
    if chance.random() < 0.5:
        house.kill()
    else:
        house.kill_worker()


def hold_against_the_books(stage: Stage, clients: list[Client], memory: Memory) -> None:
    """Everything that the clients know, against what is there; what they did not know they know then."""
    books = books_of(stage.house)
    soon(lambda: not untidy(books))
    users = {sub: user for sub, user in books.users().items() if isinstance(user, User)}
    members = set(books.column("select sub from belongings where kind = 'group'"))
    sessions = set(books.column("select id from belongings where kind = 'session'"))
    ledger = books.ledger()
    for client in clients:
        adopt(client, users)
        for person in client.people:
            user = users.get(person.sub)
            assert (user is not None) in person.is_there, f"{person}: {user}"
            person.is_there = {user is not None}
            if user is None:
                assert digest_of(person.sub) in ledger, f"{person} left no line in the ledger"
            else:
                hold_against_the_row(person, user, person.sub in members, sessions)
                confirm(stage, user)
    for sub, wrapped in memory.wrapped.items():
        key = books.keyring.open_key(sub, wrapped)
        assert (key is not None) == (sub in users), f"{sub} opens from an older copy: {key is not None}"
    hold_against_the_tokens(stage, clients)


def adopt(client: Client, users: dict[str, User]) -> None:
    """Whoever is there although their sign-up was cut off is one of the client's people from now on."""
    known = {person.sub for person in client.people}
    for sub, user in users.items():
        if user.username in client.half_made and sub not in known:
            client.people.append(Person(user.username, sub, nickname={user.attributes["nickname"]}))
    client.half_made.clear()


def hold_against_the_row(person: Person, user: User, is_member: bool, sessions: set[str]) -> None:
    assert user.username == person.name
    assert user.attributes["nickname"] in person.nickname, person
    person.nickname = {user.attributes["nickname"]}
    assert is_member in person.is_member, person
    person.is_member = {is_member}
    if person.token is not None:
        holds = claims_of(person.token)["origin_jti"] in sessions
        assert holds in person.holds_session, person
        person.holds_session = {holds}
    assert user.password is not None
    who, unblinded = (user.password, user.pool_id, user.username), blinding_of(bytes(BLINDING_BYTES))
    right = {one for one in person.password if is_password(*who, one, unblinded)}
    assert right, person
    person.password = right


def confirm(stage: Stage, user: User) -> None:
    """A confirmation that was cut off is asked for again."""
    if user.status is Status.UNCONFIRMED:
        stage.call("AdminConfirmSignUp", {"UserPoolId": user.pool_id, "Username": user.username})


def hold_against_the_tokens(stage: Stage, clients: list[Client]) -> None:
    """Tokens of the gone are refused; those of the living, whose sessions last, are not."""
    for client in clients:
        for person in [one for one in client.people if one.token is not None]:
            status, answer = stage.try_call("GetUser", {"AccessToken": person.token})
            is_good = person.is_surely_there and person.holds_session == {True}
            assert (status == 200) == is_good, (person, answer)
        client.people = [person for person in client.people if person.is_surely_there][-20:] + [
            person for person in client.people if not person.is_surely_there
        ][-5:]
