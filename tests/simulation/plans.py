"""
What a seed decides before anybody moves: who does what, which disasters come when, under which conditions.
"""

import random
from dataclasses import dataclass

from tests.simulation.world import LOOKING
from tests.writers import OF_POOLS, OF_USERS

ERASERS = ("DeleteUser", "DeleteUser", "AdminDeleteUser")
STORIES = (  # what one person does one after the other, so that each has something to come to
    ("SignUp", "ConfirmSignUp", "InitiateAuth", "GetUser"),
    ("SignUp", "AdminConfirmSignUp", "InitiateAuth", "DeleteUser"),
    ("SignUp", "ResendConfirmationCode", "ConfirmSignUp"),
    ("ForgotPassword", "ConfirmForgotPassword", "InitiateAuth"),
    ("AdminResetUserPassword", "ConfirmForgotPassword"),
    ("UpdateUserAttributes", "VerifyUserAttribute", "DeleteUserAttributes"),
    ("GetUserAttributeVerificationCode", "VerifyUserAttribute"),
    ("AdminCreateUser", "InitiateAuth", "RespondToAuthChallenge", "GetUser"),
    ("AdminCreateUser", "AdminInitiateAuth", "AdminRespondToAuthChallenge"),
    ("AdminAddUserToGroup", "DeleteGroup", "CreateGroup", "AdminAddUserToGroup"),
    ("AdminAddUserToGroup", "AdminRemoveUserFromGroup"),
    ("AdminDisableUser", "AdminEnableUser", "InitiateAuth"),
    ("InitiateAuth", "GetTokensFromRefreshToken", "Refresh", "RevokeToken"),
    ("ChangePassword", "GlobalSignOut", "InitiateAuth"),
    ("AdminSetUserPassword", "InitiateAuth", "AdminUserGlobalSignOut"),
    ("AddUserPoolClientSecret", "DeleteUserPoolClientSecret"),
    ("TagResource", "UntagResource"),
    ("DeleteUserPool",),
)
TURNS_MAX = 120  # within so many a disaster comes


@dataclass(frozen=True)
class Move:
    """One call of one person."""

    operation: str
    username: str
    mark: str


@dataclass(frozen=True)
class Disaster:
    """The end of the process: after so many turns, and what the next start finds."""

    after_turns: int
    finds: str  # "all", "older data" or "older keys"


@dataclass(frozen=True)
class Plan:
    """What a seed decides before anybody moves."""

    seed: int
    scripts: tuple[tuple[Move, ...], ...]
    disasters: tuple[Disaster, ...] = ()
    jump_hours: int = 0
    stays: float = 0.0
    is_loose: bool = False
    has_mirror: bool = False
    is_deaf: bool = False  # whether the keys folder refuses to be written now and then
    carried: int = 0  # how many messages the courier carries
    schedule: int = 0  # another one lets the same people go in another order

    def told(self) -> str:
        """The plan for somebody who reads it."""
        words = [
            f"seed {self.seed}",
            *(f"{one.finds} after {one.after_turns} turns" for one in self.disasters),
        ]
        words += [name for name in ("is_loose", "has_mirror", "is_deaf") if getattr(self, name)]
        lines = [
            ", ".join(f"{move.operation} of {move.username}" for move in moves) for moves in self.scripts
        ]
        return "\n".join([", ".join(words), *(f"  {line}" for line in lines)])


def plan_of(seed: int) -> Plan:
    """The plan of a seed: several erase Ann, somebody takes her name, and others do all sorts of things."""
    chance = random.Random(seed)
    scripts = [[chance.choice(ERASERS)] for _eraser in range(chance.randint(2, 3))]
    scripts += [["SignUp", *_some(chance, chance.randint(0, 2))]]
    scripts += [_script(chance) for _other in range(chance.randint(2, 4))]
    moves = [_moves(chance, f"m{seed}-{number}", script) for number, script in enumerate(scripts)]
    finds = ["all", chance.choice(["all", "older data", "older keys"])]  # both older is another story
    disasters = [
        Disaster(chance.randint(1, TURNS_MAX), chance.choice(finds))
        for _disaster in range(chance.choice([0, 0, 1, 1, 2]))
    ]
    return Plan(
        seed,
        tuple(moves),
        tuple(disasters),
        jump_hours=chance.choice([0, 0, 0, 2, -2, 30, -30]),
        stays=chance.choice([0.0, 0.5, 0.8]),
        is_loose=chance.random() < 0.4,
        has_mirror=chance.random() < 0.15,
        is_deaf=chance.random() < 0.15,
        carried=chance.choice([0, 0, 4]),
    )


def _script(chance: random.Random) -> list[str]:
    return [*chance.choice(STORIES)] if chance.random() < 0.6 else _some(chance, chance.randint(1, 3))


def _some(chance: random.Random, count: int) -> list[str]:
    """Operations, mostly those of users."""
    of_users, of_pools = [*OF_USERS, *LOOKING], list(OF_POOLS)
    return [chance.choice(of_users if chance.random() < 0.8 else of_pools) for _one in range(count)]


def _moves(chance: random.Random, mark: str, script: list[str]) -> tuple[Move, ...]:
    """The script as one person plays it, mostly as Ann: whose name is erased and taken all the while."""
    name = "ann" if script[0] in ERASERS else chance.choice(["ann"] * 7 + ["bob", "bob", "cid"])
    return tuple(Move(operation, name, f"{mark}-{index}") for index, operation in enumerate(script))
