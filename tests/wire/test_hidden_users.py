"""
Nobody is told from somebody: a client that hides who exists answers both in one shape, one size and one time.

Times are compared by rank: the chance that a call for somebody takes longer than one for nobody, asked in
turn on one connection, is a half when nothing can be learned.  A busy machine slows both alike.  That the
measure would catch a difference is shown with a client that hides nothing.
"""

import http.client
import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.everyday import of_which
from tests.house import PASSWORD, House, Tenant
from tests.srp_client import SrpClient, timestamp

FLOWS = ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
PEOPLE = 40
TIMES_EACH = 2
ROUNDS_MAX = 5
CHANCE_APART = 0.2  # of a half; the spread of the measure itself is about 0.05 in one round
TARGET = "AWSCognitoIdentityProviderService."
Ask = Callable[[str], tuple[str, dict[str, Any]]]


class Line:
    """One connection, kept open, and how long each answer on it took."""

    def __init__(self, house: House) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)

    def call(self, operation: str, request: dict[str, Any]) -> tuple[int, bytes, float]:
        body = json.dumps(request).encode()
        headers = {"X-Amz-Target": TARGET + operation, "Content-Type": "application/x-amz-json-1.1"}
        began = time.perf_counter()
        self._connection.request("POST", "/", body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        return answer.status, text, time.perf_counter() - began

    def close(self) -> None:
        self._connection.close()


class Town:
    """A pool of people, and as many names of nobody, all equally long."""

    def __init__(self, house: House, hiding: str) -> None:
        self.tenant = Tenant(house, client={"ExplicitAuthFlows": FLOWS, "PreventUserExistenceErrors": hiding})
        self.client_id = self.tenant.client_id
        self.somebody = [f"some-{number:03}@example.com" for number in range(PEOPLE)]
        self.nobody = [f"none-{number:03}@example.com" for number in range(PEOPLE)]
        for name in self.somebody:
            self.tenant.sign_up(name, email=name)
            self.tenant.cognito.admin_update_user_attributes(
                UserPoolId=self.tenant.pool_id,
                Username=name,
                UserAttributes=[{"Name": "email_verified", "Value": "true"}],
            )


@pytest.fixture
def line(house: House) -> Iterator[Line]:
    opened = Line(house)
    yield opened
    opened.close()


def password(town: Town) -> Ask:
    def ask(name: str) -> tuple[str, dict[str, Any]]:
        parameters = {"USERNAME": name, "PASSWORD": "Wrong-horse1"}
        request = {"ClientId": town.client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}
        return "InitiateAuth", request

    return ask


def srp(town: Town) -> Ask:
    public = SrpClient(town.tenant.pool_id, PASSWORD).public

    def ask(name: str) -> tuple[str, dict[str, Any]]:
        parameters = {"USERNAME": name, "SRP_A": public}
        request = {"ClientId": town.client_id, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": parameters}
        return "InitiateAuth", request

    return ask


def proof(town: Town) -> Ask:
    """A wrong proof, to a question asked beforehand."""
    public = SrpClient(town.tenant.pool_id, PASSWORD).public

    def ask(name: str) -> tuple[str, dict[str, Any]]:
        asked = town.tenant.cognito.initiate_auth(
            ClientId=town.client_id,
            AuthFlow="USER_SRP_AUTH",
            AuthParameters={"USERNAME": name, "SRP_A": public},
        )
        answers = {
            "USERNAME": asked["ChallengeParameters"]["USERNAME"],
            "PASSWORD_CLAIM_SECRET_BLOCK": asked["ChallengeParameters"]["SECRET_BLOCK"],
            "PASSWORD_CLAIM_SIGNATURE": "A" * 43 + "=",
            "TIMESTAMP": timestamp(),
        }
        challenge = {"ClientId": town.client_id, "ChallengeName": "PASSWORD_VERIFIER"}
        return "RespondToAuthChallenge", challenge | {"ChallengeResponses": answers}

    return ask


def forgot(town: Town) -> Ask:
    return lambda name: ("ForgotPassword", {"ClientId": town.client_id, "Username": name})


def wrong_recovery_code(town: Town) -> Ask:
    for name in town.somebody + town.nobody:
        town.tenant.cognito.forgot_password(ClientId=town.client_id, Username=name)
    request = {"ClientId": town.client_id, "ConfirmationCode": "000000", "Password": "Another-horse2"}
    return lambda name: ("ConfirmForgotPassword", request | {"Username": name})


def samples(line: Line, town: Town, ask: Ask) -> list[tuple[bool, int, bytes, float]]:
    """Each name asked some times, in an order that nobody chose: is it somebody, status, body, seconds."""
    names = [(name, True) for name in town.somebody] + [(name, False) for name in town.nobody]
    order = names * TIMES_EACH
    random.Random(7).shuffle(order)
    calls = [(ask(name), is_real) for name, is_real in order]
    return [(is_real, *line.call(*call)) for call, is_real in calls]


def chance_of_longer(taken: list[tuple[bool, int, bytes, float]]) -> float:
    """How probably a call for somebody took longer than one for nobody (the area under the ROC curve)."""
    real = [one[3] for one in taken if one[0]]
    unreal = [one[3] for one in taken if not one[0]]
    longer = sum((a > b) + (a == b) / 2 for a in real for b in unreal)
    return longer / (len(real) * len(unreal))


@pytest.mark.parametrize("way", of_which([password, srp, proof, forgot, wrong_recovery_code], [forgot]))
def test_nobody_is_answered_like_somebody(house: House, line: Line, way: Callable[[Town], Ask]) -> None:
    taken: list[tuple[bool, int, bytes, float]] = []
    for _round in range(ROUNDS_MAX):
        town = Town(house, "ENABLED")
        ask = way(town)
        line.call(*ask("warm-up@example.com"))
        taken += samples(line, town, ask)
        if abs(chance_of_longer(taken) - 0.5) < CHANCE_APART:
            break
    assert abs(chance_of_longer(taken) - 0.5) < CHANCE_APART
    assert len({shape(status, body) for _real, status, body, _seconds in taken}) == 1
    sizes = {is_real: [len(one[2]) for one in taken if one[0] is is_real] for is_real in (True, False)}
    assert abs(sum(sizes[True]) / len(sizes[True]) - sum(sizes[False]) / len(sizes[False])) < 1


@pytest.mark.parametrize("way", of_which([password, srp], [password]))
def test_the_measure_catches_a_client_that_hides_nothing(
    house: House, line: Line, way: Callable[[Town], Ask]
) -> None:
    town = Town(house, "LEGACY")
    ask = way(town)
    line.call(*ask("warm-up@example.com"))
    runs = [samples(line, town, ask) for _run in range(3)]  # another program may blur one of them
    assert max(abs(chance_of_longer(taken) - 0.5) for taken in runs) > CHANCE_APART
    assert all(len({shape(status, body) for _real, status, body, _seconds in taken}) > 1 for taken in runs)


def shape(status: int, body: bytes) -> tuple[Any, ...]:
    """What can be told from an answer besides its values."""
    answer = json.loads(body)
    inner = answer.get("ChallengeParameters") or answer.get("CodeDeliveryDetails") or {}
    fixed = {name: answer.get(name) for name in ("__type", "message", "ChallengeName")}
    return status, tuple(answer), tuple(inner), tuple(fixed.items())
