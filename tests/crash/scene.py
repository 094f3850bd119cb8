"""A house with people in it: Ann and Cid, who stay, and Bob, who goes; and copies of the data from before."""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError

from tests.crash.evidence import owners_of_slots
from tests.house import House, Tenant, error_of

SOON_S_MAX = 20


class Past(Enum):
    """Which data a server finds when it starts again."""

    PRESENT = "present"
    BEFORE_DELETION = "before-deletion"
    BEFORE_CREATION = "before-creation"


class Person:
    """A user who has signed up and signed in."""

    def __init__(self, tenant: Tenant, name: str) -> None:
        self.tenant, self.name = tenant, name
        self.sub = tenant.sign_up(name, email=f"{name}@example.com")
        self.token: str = tenant.sign_in(name)["AccessToken"]

    def delete(self) -> bool:
        """DeleteUser; False when the connection broke before there was an answer."""
        try:
            self.tenant.cognito.delete_user(AccessToken=self.token)
        except BotoCoreError:
            return False
        return True

    def assert_lives(self) -> None:
        """The token is good and the password is good."""
        assert self.tenant.cognito.get_user(AccessToken=self.token)["Username"] == self.name
        assert self.tenant.sign_in(self.name)["AccessToken"]

    def assert_is_gone(self) -> None:
        """Neither token nor password nor administrator finds anybody."""
        asked: list[tuple[Any, dict[str, Any]]] = [
            (self.tenant.cognito.get_user, {"AccessToken": self.token}),
            (self.tenant.cognito.delete_user, {"AccessToken": self.token}),
            (
                self.tenant.cognito.admin_get_user,
                {"UserPoolId": self.tenant.pool_id, "Username": self.name},
            ),
            (
                self.tenant.cognito.initiate_auth,
                {
                    "ClientId": self.tenant.client_id,
                    "AuthFlow": "USER_PASSWORD_AUTH",
                    "AuthParameters": {"USERNAME": self.name, "PASSWORD": "Correct-horse1"},
                },
            ),
        ]
        for call, request in asked:
            assert error_of(call, **request)[0] == "UserNotFoundException"


class Scene:
    """The house, started; `copies` are of the data, taken as a backup would take them."""

    def __init__(self, house: House, *flags: str) -> None:
        self.house = house
        house.start(*flags)
        self.tenant = Tenant(house)
        self.ann = Person(self.tenant, "ann")
        self.copies = {Past.BEFORE_CREATION: house.copy_data(Past.BEFORE_CREATION.value)}
        self.bob, self.cid = Person(self.tenant, "bob"), Person(self.tenant, "cid")
        self.copies[Past.BEFORE_DELETION] = house.copy_data(Past.BEFORE_DELETION.value)

    def living(self, past: Past) -> list[Person]:
        """Who must live in this past, whatever became of Bob."""
        return [self.ann] if past is Past.BEFORE_CREATION else [self.ann, self.cid]

    def turn_back(self, past: Past) -> None:
        """Put a copy of the data in the place of the present, of which a copy is kept too."""
        self.copies[Past.PRESENT] = self.house.copy_data(Past.PRESENT.value)
        if past is not Past.PRESENT:
            self.house.put_data_back(self.copies[past])

    def assert_no_slot_was_used_twice(self) -> None:
        """In no two copies, the present one included, does one slot belong to two."""
        owners = owners_of_slots([*self.copies.values(), self.house.data])
        assert {slot: subs for slot, subs in owners.items() if len(subs) > 1} == {}


def delete_all_at_once(people: list[Person]) -> list[bool]:
    """DeleteUser of everybody at the same time; who was answered."""
    with ThreadPoolExecutor(len(people)) as threads:
        return list(threads.map(Person.delete, people))


def put_back(folder: Path, copy: Path) -> None:
    """Replace a folder by a copy of it."""
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)


def soon(condition: Callable[[], bool]) -> None:
    """Wait for what the housekeeper does within a round or two."""
    until = time.monotonic() + SOON_S_MAX
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)
