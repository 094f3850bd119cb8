"""
Real threads, and on PostgreSQL several real processes, all at one user and their name at once.

Exactly one erasure of each user succeeds, nothing of the erased is left, whoever takes the name inherits
nothing, and nobody meets a fault.  CENOTE_RACES asks for more users.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Barrier
from typing import Any

import pytest

from cenote.domain.sealed import digest_of
from cenote.domain.users import User
from tests.books import books_of, faults_of, untidy
from tests.conftest import ENGINES
from tests.crash.scene import soon
from tests.crash.stage import Stage, prepared
from tests.everyday import of_which
from tests.nursery import QuickHouse
from tests.postgres import drop_database, new_database
from tests.wire.craft import claims_of
from tests.writers import WRITERS, Aim

RACES = int(os.environ.get("CENOTE_RACES", "12"))
EVERYDAY = 3  # of them
WAIT_S_MAX = 60
ERASERS = ("DeleteUser", "DeleteUser", "DeleteUser", "AdminDeleteUser", "AdminDeleteUser")
NAMESAKES = 2
SIGN_UPS_MAX = 40
OTHERS = (
    *("UpdateUserAttributes", "AdminUpdateUserAttributes", "DeleteUserAttributes", "InitiateAuth"),
    *("AdminAddUserToGroup", "AdminRemoveUserFromGroup", "AdminDisableUser", "AdminEnableUser"),
    *("GlobalSignOut", "AdminUserGlobalSignOut", "RevokeToken", "ForgotPassword", "AdminSetUserPassword"),
    *("GetUserAttributeVerificationCode", "AdminResetUserPassword", "ChangePassword"),
)


@dataclass(frozen=True)
class Outcome:
    """What one caller was told."""

    operation: str
    aim: Aim
    status: int
    answer: dict[str, Any]


@pytest.fixture(scope="module", params=ENGINES)
def nodes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Stage]]:
    """One process on SQLite; two on one database and one keys folder on PostgreSQL."""
    folder = tmp_path_factory.mktemp(f"races-{request.param}")
    if request.param == "sqlite":
        house = QuickHouse(folder)
        yield [Stage.of(house.start())]
        house.stop()
        assert faults_of(books_of(house)) == []
        return
    url = new_database()
    first = QuickHouse(folder, "--database-url", url)
    shared = ("--keys", str(first.keys), "--master-key-file", str(first.master))
    (folder / "other").mkdir()
    second = QuickHouse(folder / "other", "--database-url", url, *shared)
    stage = Stage.of(first.start())
    yield [stage, replace(stage, house=second.start())]
    for house in (first, second):
        house.stop()
    assert faults_of(books_of(first)) == []
    drop_database(url)


@pytest.mark.parametrize("race", of_which(range(RACES), range(EVERYDAY)))
def test_of_all_who_erase_one_user_one_succeeds_and_nobody_inherits_anything(nodes, race):
    aim = prepared(nodes[0], "GetUser")
    original = claims_of(aim.access_token)["sub"]
    outcomes = raced(nodes, aim)
    assert [one for one in outcomes if one.status >= 500] == []
    told = Counter(one.operation for one in outcomes if one.status == 200)
    born = {one.answer["UserSub"]: one.aim for one in outcomes if "UserSub" in one.answer}
    books = books_of(nodes[0].house)
    soon(lambda: not untidy(books))
    users, ledger = books.users(), books.ledger()
    erased = [sub for sub in (original, *born) if digest_of(sub) in ledger]
    assert told["DeleteUser"] <= 1
    assert told["DeleteUser"] + told["AdminDeleteUser"] == len(erased)
    assert original in erased
    assert {sub for sub in (original, *born) if sub in users} == born.keys() - set(erased)
    for sub in born.keys() & users.keys():
        hold_the_namesake(users[sub], born[sub], outcomes)
    for node in nodes:
        hold_the_tokens(node, aim, outcomes, living=set(users))


def raced(nodes: list[Stage], aim: Aim) -> list[Outcome]:
    """Everybody at once, each through one of the nodes."""
    operations = [*ERASERS, *["SignUp"] * NAMESAKES, *random.sample(OTHERS, 7)]
    start = Barrier(len(operations))

    def act(number: int) -> list[Outcome]:
        node, operation = nodes[number % len(nodes)], operations[number]
        own = replace(aim, mark=f"{aim.mark}-{number}")
        start.wait(WAIT_S_MAX)
        return signed_up(node, own) if operation == "SignUp" else [asked(node, operation, own)]

    with ThreadPoolExecutor(len(operations)) as threads:
        return [outcome for some in threads.map(act, range(len(operations))) for outcome in some]


def signed_up(node: Stage, aim: Aim) -> list[Outcome]:
    """Somebody who wants the name, and tries until it is free, or somebody else has it; then signs in."""
    outcomes: list[Outcome] = []
    for _try in range(SIGN_UPS_MAX):
        outcomes.append(asked(node, "SignUp", aim))
        if outcomes[-1].status == 200:
            mine = replace(aim, password=aim.new_password)
            outcomes += [asked(node, name, mine) for name in ("AdminConfirmSignUp", "InitiateAuth")]
            break
    return outcomes


def asked(node: Stage, operation: str, aim: Aim) -> Outcome:
    return Outcome(operation, aim, *node.try_call(operation, WRITERS[operation](aim)))


def hold_the_namesake(user: User | str, aim: Aim, outcomes: list[Outcome]) -> None:
    """They have what they came with, and what was done to whoever bears the name; nothing by a token."""
    assert isinstance(user, User), user
    by_name = {one.aim.mark for one in outcomes if one.operation == "AdminUpdateUserAttributes"}
    assert user.attributes.get("nickname", aim.mark) in {aim.mark, *by_name}
    assert user.attributes["email"].partition("@")[0] in {aim.mark, *by_name}


def hold_the_tokens(node: Stage, aim: Aim, outcomes: list[Outcome], *, living: set[str]) -> None:
    """No token of somebody who is gone does anything, on any node."""
    tokens = [one.answer["AuthenticationResult"] for one in outcomes if "AuthenticationResult" in one.answer]
    access = {aim.access_token, *(one["AccessToken"] for one in tokens)}
    refresh = {aim.refresh_token, *(one["RefreshToken"] for one in tokens if "RefreshToken" in one)}
    gone = [token for token in access if claims_of(token)["sub"] not in living]
    assert aim.access_token in gone
    calls: list[Callable[[], tuple[int, dict[str, Any]]]] = [
        *(lambda token=token: node.try_call("GetUser", {"AccessToken": token}) for token in gone),
        *(lambda token=token: node.try_call("DeleteUser", {"AccessToken": token}) for token in gone),
    ]
    assert {call()[0] for call in calls} == {400}
    request = {"ClientId": aim.client_id, "AuthFlow": "REFRESH_TOKEN_AUTH"}
    for token in refresh:
        status, answer = node.try_call("InitiateAuth", request | {"AuthParameters": {"REFRESH_TOKEN": token}})
        if status == 200:
            assert claims_of(answer["AuthenticationResult"]["AccessToken"])["sub"] in living
