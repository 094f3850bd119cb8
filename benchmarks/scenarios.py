"""
What is measured: a call, the requests that make it, and what a right answer is.

Each answer's status is checked and a sample of the bodies; a benchmark of wrong answers ends with an error.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from benchmarks.calls import Line, request_bytes, signed_bytes
from benchmarks.people import PASSWORD, People, email_of, name_of, some_of
from benchmarks.proofs import PUBLIC, Prover

PEOPLE_ASKED_MAX = 8_000  # distinct users whose calls are repeated in turn, as far as so many are signed in
PROOFS_MAX = 1_500  # each takes the generator two powers, before the clock begins
LISTED = 60


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of call."""

    name: str
    requests: Callable[[People, int], list[bytes]]  # at most so many, where each can be sent only once
    is_right: Callable[[bytes], bool]
    once: bool  # each request changes who is there, or answers one question, so that it makes sense once


def _get_user(people: People, _most: int) -> list[bytes]:
    tokens = people.signed_in(PEOPLE_ASKED_MAX)
    return [request_bytes("GetUser", {"AccessToken": token}) for token in tokens]


def _list_users(people: People, _most: int) -> list[bytes]:
    request = {"UserPoolId": people.pool_id, "Limit": LISTED}
    return [signed_bytes("ListUsers", request, people.access_key)]


def _sign_in(people: People, _most: int) -> list[bytes]:
    return [
        _begun(people, "USER_PASSWORD_AUTH", {"USERNAME": name, "PASSWORD": PASSWORD})
        for name in _asked(people, PEOPLE_ASKED_MAX)
    ]


def _srp(people: People, _most: int) -> list[bytes]:
    return [
        _begun(people, "USER_SRP_AUTH", {"USERNAME": name, "SRP_A": PUBLIC})
        for name in _asked(people, PEOPLE_ASKED_MAX)
    ]


def _proof(people: People, most: int) -> list[bytes]:
    """Answers to questions that were asked before the clock began."""
    prover = Prover(people.pool_id, PASSWORD)
    names = _asked(people, min(most, PROOFS_MAX))
    with closing(Line(people.port)) as line:
        return [_answered(people, prover, line, name) for name in names]


def _answered(people: People, prover: Prover, line: Line, name: str) -> bytes:
    begun = {"AuthFlow": "USER_SRP_AUTH", "AuthParameters": {"USERNAME": name, "SRP_A": PUBLIC}}
    asked = line.ask("InitiateAuth", ClientId=people.client_id, **begun)
    return request_bytes(
        "RespondToAuthChallenge",
        {
            "ClientId": people.client_id,
            "ChallengeName": "PASSWORD_VERIFIER",
            "ChallengeResponses": prover.answers(asked["ChallengeParameters"]),
        },
    )


def _asked(people: People, most: int) -> list[str]:
    """Names of those who are signed in: elsewhere nobody else is confirmed."""
    return [name_of(number) for number in some_of(people.users, min(most, len(people.access_tokens)))]


def _begun(people: People, flow: str, parameters: Mapping[str, str]) -> bytes:
    request = {"AuthFlow": flow, "ClientId": people.client_id, "AuthParameters": parameters}
    return request_bytes("InitiateAuth", request)


def _delete_user(people: People, most: int) -> list[bytes]:
    return [request_bytes("DeleteUser", {"AccessToken": token}) for token in people.victims(most)]


def _sign_up(people: People, most: int) -> list[bytes]:
    return sign_up_requests(people.client_id, people.newcomers(most))


def sign_up_requests(client_id: str, numbers: range) -> list[bytes]:
    """The sign-ups of these people; peers without a bulk loader are filled with them as well."""
    return [
        request_bytes(
            "SignUp",
            {
                "ClientId": client_id,
                "Username": name_of(number),
                "Password": PASSWORD,
                "UserAttributes": [{"Name": "email", "Value": email_of(number)}],
            },
        )
        for number in numbers
    ]


def _has_tokens(body: bytes) -> bool:
    return "AccessToken" in json.loads(body)["AuthenticationResult"]


GET_USER = Scenario("GetUser", _get_user, lambda body: "Username" in json.loads(body), once=False)
LIST_USERS = Scenario("ListUsers", _list_users, lambda body: len(json.loads(body)["Users"]) > 1, once=False)
SIGN_IN = Scenario("USER_PASSWORD_AUTH", _sign_in, _has_tokens, once=False)
SRP = Scenario(
    "USER_SRP_AUTH", _srp, lambda body: "SRP_B" in json.loads(body)["ChallengeParameters"], once=False
)
PROOF = Scenario("PASSWORD_VERIFIER", _proof, _has_tokens, once=True)
SIGN_UP = Scenario("SignUp", _sign_up, lambda body: "UserSub" in json.loads(body), once=True)
DELETE_USER = Scenario("DeleteUser", _delete_user, lambda body: body in (b"", b"{}"), once=True)
# In the order in which one server can do them all: who was erased can't be asked.
SCENARIOS: Sequence[Scenario] = (GET_USER, LIST_USERS, SIGN_IN, SRP, PROOF, SIGN_UP, DELETE_USER)
