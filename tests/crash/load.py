"""
A mixed load that remembers what it was told, for servers that are killed under it.

Each client is a thread with people of its own, so that what must be true of each is known to the letter: what
was acknowledged has happened, what was cut off has happened or not, and nothing else has.
"""

import http.client
import json
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.crash.stage import Refused, Stage
from tests.house import PASSWORD
from tests.wire.craft import claims_of

PEOPLE_MAX = 10
TARGET = "AWSCognitoIdentityProviderService."
HEADERS = {"Content-Type": "application/x-amz-json-1.1", "Authorization": "AWS4-HMAC-SHA256 anybody"}
LOST = (OSError, http.client.HTTPException)


class CutOffError(Exception):
    """There was no answer."""


@dataclass
class Person:
    """One user as their client knows them; a set of several values: one of them is true."""

    name: str
    sub: str
    is_there: set[bool] = field(default_factory=lambda: {True})
    nickname: set[str] = field(default_factory=set)
    is_member: set[bool] = field(default_factory=lambda: {False})
    password: set[str] = field(default_factory=lambda: {PASSWORD})
    token: str | None = None
    holds_session: set[bool] = field(default_factory=lambda: {False})

    @property
    def is_surely_there(self) -> bool:
        return self.is_there == {True}


class Client(threading.Thread):
    """Somebody who calls and calls, until there is no answer."""

    def __init__(self, stage: Stage, number: int, chance: random.Random) -> None:
        super().__init__(name=f"client {number}", daemon=True)
        self._stage = stage
        self._number = number
        self._chance = chance
        self._made = 0
        self.people: list[Person] = []
        self.half_made: set[str] = set()  # names whose sign-up was cut off
        self.calls = 0
        self.failure: BaseException | None = None
        self.is_told_to_stop = False

    def again(self) -> "Client":
        """The same client on a thread of its own once more."""
        client = Client(self._stage, self._number, self._chance)
        client.__dict__.update(
            {name: self.__dict__[name] for name in ("people", "half_made", "_made", "calls")}
        )
        return client

    def run(self) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", self._stage.house.port, timeout=30)
        try:
            while not self.is_told_to_stop:
                self._act()
        except CutOffError:
            pass
        except BaseException as failure:  # noqa: BLE001 - told to the test
            self.failure = failure
        finally:
            self._line.close()

    def _act(self) -> None:
        there = [person for person in self.people if person.is_surely_there]
        if len(there) < 3 or (len(there) < PEOPLE_MAX and self._chance.random() < 0.3):
            self._sign_up()
            return
        act = self._chance.choice(ACTS)
        act(self, self._chance.choice(there))

    def _sign_up(self) -> None:
        """Somebody new, often by the name of somebody who is gone."""
        gone = [one.name for one in self.people if one.is_there == {False}]
        taken = {one.name for one in self.people if True in one.is_there}
        free = [name for name in gone if name not in taken]
        name = self._chance.choice(free) if free and self._chance.random() < 0.5 else self._new_name()
        mark = f"n{self._made}"
        request = {
            "ClientId": self._stage.client_id,
            "Username": name,
            "Password": PASSWORD,
            "UserAttributes": [{"Name": "nickname", "Value": mark}],
        }
        self._made += 1
        self.half_made.add(name)
        answer = self.call("SignUp", request)
        self.half_made.discard(name)
        self.people.append(Person(name, answer["UserSub"], nickname={mark}))
        self.call("AdminConfirmSignUp", self._named(name))

    def _new_name(self) -> str:
        self._made += 1
        return f"c{self._number}-{self._made}"

    def _named(self, name: str) -> dict[str, Any]:
        return {"UserPoolId": self._stage.pool_id, "Username": name}

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a call that must succeed, if there is an answer."""
        headers = HEADERS | {"X-Amz-Target": TARGET + operation}
        try:
            self._line.request("POST", "/", json.dumps(request).encode(), headers)
            answer = self._line.getresponse()
            status, body = answer.status, answer.read()
        except LOST as failure:
            raise CutOffError from failure
        self.calls += 1
        if status != 200:
            raise Refused(f"{operation} {request}: {body.decode()}")
        return json.loads(body) if body else {}

    def sign_in(self, person: Person) -> None:
        request = {
            "ClientId": self._stage.client_id,
            "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": {"USERNAME": person.name, "PASSWORD": next(iter(person.password))},
        }
        tokens = self.call("InitiateAuth", request)["AuthenticationResult"]
        person.token, person.holds_session = tokens["AccessToken"], {True}
        if claims_of(person.token)["sub"] != person.sub:
            raise Refused(f"{person.name} signed in as somebody else")

    def erase(self, person: Person) -> None:
        person.is_there = {True, False}
        if person.token is not None and person.holds_session == {True} and self._chance.random() < 0.7:
            self.call("DeleteUser", {"AccessToken": person.token})
        else:
            self.call("AdminDeleteUser", self._named(person.name))
        person.is_there = {False}

    def rename(self, person: Person) -> None:
        self._made += 1
        mark = f"n{self._made}"
        pairs = [{"Name": "nickname", "Value": mark}]
        person.nickname = {*person.nickname, mark}
        if person.token is not None and person.holds_session == {True}:
            self.call("UpdateUserAttributes", {"AccessToken": person.token, "UserAttributes": pairs})
        else:
            self.call("AdminUpdateUserAttributes", self._named(person.name) | {"UserAttributes": pairs})
        person.nickname = {mark}

    def join_group(self, person: Person) -> None:
        is_member = self._chance.random() < 0.6
        person.is_member = {*person.is_member, is_member}
        operation = "AdminAddUserToGroup" if is_member else "AdminRemoveUserFromGroup"
        self.call(operation, self._named(person.name) | {"GroupName": "crew"})
        person.is_member = {is_member}

    def set_password(self, person: Person) -> None:
        self._made += 1
        password = f"New-password{self._made}"
        person.password = {*person.password, password}
        request = self._named(person.name) | {"Password": password, "Permanent": True}
        self.call("AdminSetUserPassword", request)
        person.password = {password}

    def sign_out(self, person: Person) -> None:
        person.holds_session = {*person.holds_session, False}
        self.call("AdminUserGlobalSignOut", self._named(person.name))
        person.holds_session = {False}


ACTS: list[Callable[[Client, Person], None]] = [
    *[Client.erase] * 4,
    *[Client.rename] * 3,
    *[Client.sign_in] * 3,
    Client.join_group,
    Client.set_password,
    Client.sign_out,
]
