"""
The users of a house as the scenarios use them up: names, access tokens, and newcomers.

Every server knows the same people by the same names and the same password.
"""

import random
from dataclasses import dataclass, field

PASSWORD = "Correct-horse1"
SEED = 1


def name_of(number: int) -> str:
    """The user name of this number, from 0."""
    return f"user{number:07d}"


def email_of(number: int) -> str:
    """Their address."""
    return f"{name_of(number)}@example.com"


def some_of(users: int, number: int) -> list[int]:
    """So many of these users, from everywhere among them and in no order: the same ones each time."""
    return random.Random(SEED).sample(range(users), min(number, users))  # noqa: S311 - a choice, no secret


@dataclass(slots=True)
class People:
    """Who lives in a house of one pool; some are signed in, and their tokens come in no order."""

    pool_id: str
    client_id: str
    users: int
    access_tokens: list[str] = field(repr=False)
    access_key: tuple[str, str] = field(default=("anybody", "anything"), repr=False)  # of an administrator
    port: int = 0  # at which their house answers
    _erased: int = 0
    _newcomers: int = 0

    def again(self, port: int) -> "People":
        """The same people, as they were before anybody was used up, in the house at this port."""
        return People(
            self.pool_id,
            self.client_id,
            self.users,
            self.access_tokens,
            access_key=self.access_key,
            port=port,
        )

    @property
    def victims_left(self) -> int:
        """How many signed-in users there still are."""
        return len(self.access_tokens) - self._erased

    def signed_in(self, most: int) -> list[str]:
        """The tokens of some who are still there."""
        return self.access_tokens[self._erased :][-most:]

    def victims(self, most: int) -> list[str]:
        """The tokens of some users, each given away once: they are about to be erased."""
        began, self._erased = self._erased, min(self._erased + most, len(self.access_tokens))
        return self.access_tokens[began : self._erased]

    def newcomers(self, number: int) -> range:
        """Numbers of people who are not there yet, each given once."""
        began = self.users + self._newcomers
        self._newcomers += number
        return range(began, began + number)
