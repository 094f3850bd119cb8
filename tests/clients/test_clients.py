"""
Other people's clients against a real server, unmodified and with their own cryptography: step by step.

Each that signs in walks a whole life: it signs up, signs in, deletes itself, and is refused everywhere
afterwards, also when somebody else has taken the name.  Each that signs its calls does an administrator's day
on a server without `--dev`.  AWS's verifier checks the tokens under both forms of issuer.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.clients import places
from tests.clients.claims import KEEPING, LIFE, OWN_WORDS, VERIFYING, WITH_A_SECRET
from tests.clients.walking import Client, Walk
from tests.house import House

BOTO3, CLI = Client("boto3", "life.py", "tests"), Client("AWS CLI", "life.py", "tests")
SDK = Client("SDK for JavaScript", "sdk.mjs", "node")
AMPLIFY = Client("aws-amplify", "amplify.mjs", "node")
IDENTITY_JS = Client("amazon-cognito-identity-js", "identity_js.mjs", "node")
PYCOGNITO = Client("pycognito", "pycognito_life.py", "clients")
VERIFIER = Client("aws-jwt-verify", "jwt_verify.mjs", "node")


class Journey(NamedTuple):
    """A client's way through a server: where it goes, and which steps it must have."""

    client: Client
    house: str
    place: Callable[[House, Client], dict[str, Any]]
    steps: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.client.name} on {self.house}"


def life(client: Client, house: str, *, with_a_secret: bool = True) -> Journey:
    """A whole life; browsers' libraries know no client secrets."""
    expected = LIFE | (WITH_A_SECRET if with_a_secret else {}) | OWN_WORDS.get(client.name, {})
    return Journey(client, house, places.to_live, tuple(expected.items()))


def keeping(client: Client, script: str) -> Journey:
    """An administrator's day, where every call is signed with a key that counts."""
    return Journey(client._replace(script=script), "signed", places.to_keep, tuple(KEEPING.items()))


# The longest first, so that nobody waits for the last.
JOURNEYS = [
    life(CLI, "sqlite"),
    life(IDENTITY_JS, "sqlite", with_a_secret=False),
    keeping(CLI, "keeper.py"),
    life(AMPLIFY, "sqlite", with_a_secret=False),
    life(AMPLIFY, "postgres", with_a_secret=False),
    life(SDK, "sqlite"),
    life(PYCOGNITO, "sqlite"),
    life(BOTO3, "sqlite"),
    life(BOTO3, "postgres"),
    keeping(SDK, "sdk_keeper.mjs"),
    keeping(BOTO3, "keeper.py"),
    Journey(VERIFIER, "sqlite", places.to_verify, tuple(VERIFYING["cenote"].items())),
    Journey(VERIFIER, "aws", places.to_verify, tuple(VERIFYING["aws"].items())),
]
STEPS = [
    pytest.param(journey, step, expected, id=f"{journey}: {step}")
    for journey in JOURNEYS
    for step, expected in journey.steps
]


@pytest.mark.parametrize("journey,step,expected", STEPS)
def test_a_step_meets_what_it_must(
    walked: Callable[[Journey], Walk], journey: Journey, step: str, expected: str
) -> None:
    walk = walked(journey)
    assert walk.met.get(step) == expected, walk.said


@pytest.mark.parametrize("journey", JOURNEYS, ids=str)
def test_a_journey_has_every_step_in_order_and_no_other(
    walked: Callable[[Journey], Walk], journey: Journey
) -> None:
    walk = walked(journey)
    assert list(walk.met) == [step for step, _expected in journey.steps], walk.said
