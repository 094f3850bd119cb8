"""
A crowd at two nodes: callers who sign up, sign in, change and delete themselves, and remember each answer.

Each resident belongs to one caller, so what they remember has an order.  While acknowledgements are `at_risk`
(the standby gets nothing), what is told may be lost by a fail-over, but a deletion never.
"""

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tests.house import PASSWORD, House, Tenant

CALLERS = 4
RESIDENTS_MAX = 25  # of one caller, in one phase: each is looked at afterwards
SIGNED = "AWS4-HMAC-SHA256 Credential=anybody/20260101/us-east-1/cognito-idp/aws4_request"
WAIT_S_MAX = 60


class Life(Enum):
    """What is known of a resident."""

    LIVES = "lives"
    GONE = "gone"  # DeleteUser was answered with 200
    UNSURE = "unsure"  # it was answered with 500: whole or gone
    LOST = "lost"  # came while acknowledgements were at risk, and is unknown since the fail-over


@dataclass(frozen=True)
class Token:
    """An access token, and whether its session may be lost."""

    text: str
    at_risk: bool


@dataclass
class Resident:
    """A user as their one caller knows them."""

    name: str
    sub: str
    at_risk: bool
    is_confirmed: bool = False
    life: Life = Life.LIVES
    tokens: list[Token] = field(default_factory=list)
    nicknames: set[str | None] = field(default_factory=lambda: {None})  # any of which may be the present one


@dataclass(frozen=True)
class Answer:
    """What came back, when, and from which node."""

    at_s: float
    node: int
    operation: str
    status: int


class Crowd:
    """The callers, their residents, and whoever keeps trying the tokens of the erased."""

    def __init__(self, nodes: list[House], tenant: Tenant) -> None:
        self.nodes, self.tenant = nodes, tenant
        self.at_risk = False
        self.residents: list[Resident] = []
        self.answers: list[Answer] = []
        self.wrong: list[str] = []
        self.tried_in_vain = 0
        self._phase = 0
        self._is_ending = threading.Event()
        self._threads: list[threading.Thread] = []

    def begin(self) -> None:
        """Let everybody call."""
        self._phase += 1
        self._is_ending.clear()
        works: list[Callable[[], None]] = [
            *(_Caller(self, f"{self._phase}-{number}").live for number in range(CALLERS)),
            self._try_the_erased,
        ]
        self._threads = [threading.Thread(target=self._guarded, args=(work,)) for work in works]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Let everybody finish the call under way."""
        self._is_ending.set()
        for thread in self._threads:
            thread.join(WAIT_S_MAX)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Go on until this is so."""
        until = time.monotonic() + WAIT_S_MAX
        while not condition():
            assert time.monotonic() < until, f"it never came: {self.wrong} {self.answers[-20:]}"
            assert any(thread.is_alive() for thread in self._threads), self.wrong
            time.sleep(0.01)

    def count(self, operation: str, *, since_s: float = 0.0, node: int | None = None) -> int:
        """How many calls of an operation went well since then, on one node or on any."""
        return sum(
            answer.operation == operation and answer.status == 200 and answer.at_s >= since_s
            for answer in self.answers
            if node in {None, answer.node}
        )

    def of(self, *lives: Life) -> list[Resident]:
        """Whoever is in one of these states."""
        return [resident for resident in self.residents if resident.life in lives]

    def ask(self, node: int, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """One call; whatever else than 200, 400 and an InternalErrorException comes is wrong."""
        status, _headers, body = self.nodes[node].call(operation, request, Authorization=SIGNED)
        self.answers.append(Answer(time.monotonic(), node, operation, status))
        answer: dict[str, Any] = json.loads(body or b"{}")
        if status not in {200, 400} and (status, answer.get("__type")) != (500, "InternalErrorException"):
            self.wrong.append(f"{operation} was answered with {status} {answer}")
        return status, answer

    def sign_in(self, node: int, name: str) -> tuple[int, dict[str, Any]]:
        """A sign-in by password."""
        parameters = {"USERNAME": name, "PASSWORD": PASSWORD}
        request = {"ClientId": self.tenant.client_id, "AuthFlow": "USER_PASSWORD_AUTH"}
        return self.ask(node, "InitiateAuth", request | {"AuthParameters": parameters})

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as failure:  # noqa: BLE001 - told to the test, whatever it was
            self.wrong.append(repr(failure))

    def _try_the_erased(self) -> None:
        """Ask for people who are gone, all the time, by everything that once led to them."""
        chance = random.Random(0)
        while not self._is_ending.is_set():
            gone = [resident for resident in self.of(Life.GONE) if resident.tokens]
            if not gone:
                self._is_ending.wait(0.01)
                continue
            resident, node = chance.choice(gone), chance.randrange(len(self.nodes))
            pool = {"UserPoolId": self.tenant.pool_id, "Username": resident.name}
            token = {"AccessToken": chance.choice(resident.tokens).text}
            found = [
                self.ask(node, "GetUser", token),
                self.ask(node, "AdminGetUser", pool),
                self.sign_in(node, resident.name),
            ][: chance.choice((1, 1, 1, 2, 3))]
            self.tried_in_vain += len(found)
            if any(status == 200 for status, _answer in found):
                self.wrong.append(f"{resident.name} is back: {found}")


class _Caller:
    """One of the crowd, who calls without a pause."""

    def __init__(self, crowd: Crowd, name: str) -> None:
        self._crowd, self._name = crowd, name
        self._chance = random.Random(name)
        self._came = 0
        self._mine: list[Resident] = []

    def live(self) -> None:
        """Do one thing after another until the crowd ends."""
        while not self._crowd._is_ending.is_set():
            living = [one for one in self._mine if one.life is Life.LIVES and one.tokens]
            deeds = [self._look, self._look, self._change, self._sign_in, self._go]
            if len(living) < 3 or (self._came < RESIDENTS_MAX and self._chance.random() < 0.4):
                self._come()
            else:
                self._chance.choice(deeds)(self._chance.choice(living))

    def _come(self) -> None:
        self._came += 1
        name, at_risk = f"user-{self._name}-{self._came}", self._crowd.at_risk
        request = {"ClientId": self._crowd.tenant.client_id, "Username": name, "Password": PASSWORD}
        status, answer = self._ask("SignUp", request)
        if status != 200:
            return
        resident = Resident(name, answer["UserSub"], at_risk)
        self._mine.append(resident)
        self._crowd.residents.append(resident)
        status, answer = self._ask(
            "AdminConfirmSignUp", {"UserPoolId": self._crowd.tenant.pool_id, "Username": name}
        )
        resident.is_confirmed = status == 200
        if self._went_well(resident, status, answer):
            self._sign_in(resident)

    def _sign_in(self, resident: Resident) -> None:
        at_risk = self._crowd.at_risk
        status, answer = self._crowd.sign_in(self._node(), resident.name)
        if self._went_well(resident, status, answer):
            resident.tokens.append(Token(answer["AuthenticationResult"]["AccessToken"], at_risk))

    def _look(self, resident: Resident) -> None:
        token = self._chance.choice(resident.tokens)
        status, answer = self._ask("GetUser", {"AccessToken": token.text})
        if self._went_well(resident, status, answer, token) and nickname_in(answer) not in resident.nicknames:
            self._crowd.wrong.append(f"{resident.name} is called {nickname_in(answer)}")

    def _change(self, resident: Resident) -> None:
        token, at_risk = self._chance.choice(resident.tokens), self._crowd.at_risk
        nickname = f"nick {self._chance.random()}"
        resident.nicknames.add(nickname)
        pairs = [{"Name": "nickname", "Value": nickname}]
        request = {"AccessToken": token.text, "UserAttributes": pairs}
        status, answer = self._ask("UpdateUserAttributes", request)
        if self._went_well(resident, status, answer, token) and not at_risk:
            resident.nicknames = {nickname}

    def _go(self, resident: Resident) -> None:
        token = self._chance.choice(resident.tokens)
        status, answer = self._ask("DeleteUser", {"AccessToken": token.text})
        if self._went_well(resident, status, answer, token):
            resident.life = Life.GONE
        elif resident.life is Life.LIVES and status == 500:
            resident.life = Life.UNSURE

    def _went_well(
        self, resident: Resident, status: int, answer: dict[str, Any], token: Token | None = None
    ) -> bool:
        """Whether it did; a refusal is wrong, unless what it is about may be lost."""
        if status == 400:
            if resident.at_risk or (token is not None and token.at_risk):
                resident.life = Life.LOST if resident.at_risk else resident.life
                resident.tokens = [one for one in resident.tokens if not one.at_risk]
            else:
                self._crowd.wrong.append(f"{resident.name}: {answer}")
        return status == 200

    def _ask(self, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return self._crowd.ask(self._node(), operation, request)

    def _node(self) -> int:
        return self._chance.randrange(len(self._crowd.nodes))


def nickname_in(answer: dict[str, Any]) -> str | None:
    """What a user is called, of an answer of GetUser."""
    return next((pair["Value"] for pair in answer["UserAttributes"] if pair["Name"] == "nickname"), None)
