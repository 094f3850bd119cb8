"""
What is measured: a call, the requests that make it, and what a right answer is.

Each answer's status is checked and a sample of the bodies; a benchmark of wrong answers ends with an error.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.calls import request_bytes
from benchmarks.people import PASSWORD, People, email_of, name_of, some_of

PEOPLE_ASKED_MAX = 1_000  # distinct users whose calls are repeated in turn


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of call."""

    name: str
    requests: Callable[[People, int], list[bytes]]  # at most so many, where each can be sent only once
    is_right: Callable[[bytes], bool]
    once: bool  # each request changes who is there, so that it makes sense once


def _get_user(people: People, _most: int) -> list[bytes]:
    tokens = people.signed_in(PEOPLE_ASKED_MAX)
    return [request_bytes("GetUser", {"AccessToken": token}) for token in tokens]


def _sign_in(people: People, _most: int) -> list[bytes]:
    return [
        request_bytes(
            "InitiateAuth",
            {
                "AuthFlow": "USER_PASSWORD_AUTH",
                "ClientId": people.client_id,
                "AuthParameters": {"USERNAME": name_of(number), "PASSWORD": PASSWORD},
            },
        )
        for number in some_of(people.users, PEOPLE_ASKED_MAX)
    ]


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


GET_USER = Scenario("GetUser", _get_user, lambda body: "Username" in json.loads(body), once=False)
SIGN_IN = Scenario(
    "USER_PASSWORD_AUTH",
    _sign_in,
    lambda body: "AccessToken" in json.loads(body)["AuthenticationResult"],
    once=False,
)
SIGN_UP = Scenario("SignUp", _sign_up, lambda body: "UserSub" in json.loads(body), once=True)
DELETE_USER = Scenario("DeleteUser", _delete_user, lambda body: body in (b"", b"{}"), once=True)
# In the order in which one server can do them all: who was erased can't be asked.
SCENARIOS: Sequence[Scenario] = (GET_USER, SIGN_IN, SIGN_UP, DELETE_USER)
