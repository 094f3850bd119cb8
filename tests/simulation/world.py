"""
What the people of a history know and do, and what they may never be told.

Every call goes through the wire protocol of the house.  Whatever an answer shows to be wrong is a fault at
once; what is wrong with the house in the end is `verdict.py`.
"""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from cenote.domain.sealed import digest_of
from cenote.store.transaction import Transaction
from cenote.vault.tombstones import tombstone
from cenote.wire.protocol import CONTENT_TYPE, TARGET_PREFIX, Call
from cenote.wire.sigv4 import Head
from tests.house import PASSWORD
from tests.simulation.baton import Baton
from tests.simulation.stepping import SteppedHouse
from tests.wire.craft import claims_of
from tests.writers import WRITERS, Aim, Request

SIGNED = Head("", lambda name: "AWS4-HMAC-SHA256 anybody" if name == "Authorization" else None, "127.0.0.1")
MESSAGES_MAX = 200
LOOKING = ("GetUser", "Refresh")  # what is asked beside the operations that write
SHARED = "shared"  # whose address this is changes often
GROUPS = ("crew", "team")
NEVER = 2**62


@dataclass(frozen=True)
class Sitting:
    """A session that somebody was given tokens of."""

    sub: str
    username: str
    client_id: str
    session_id: str
    access: str
    refresh: str


@dataclass
class Event:
    """One call: when it was made, when it was answered (if it was), and what it was told."""

    operation: str
    aim: Aim
    sub: str | None  # whom it is bound to, by a token or a code
    invoked: int
    answered: int = NEVER
    error: str | None = None
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def may_have_happened(self) -> bool:
        return self.error is None


@dataclass(frozen=True)
class Birth:
    """How a user came."""

    username: str
    pool_id: str
    mark: str
    invoked: int
    answered: int


@dataclass(frozen=True)
class Pools:
    """What every history begins with: two pools, and the clients of the first."""

    pool_id: str
    client_id: str
    rotating_id: str
    confidential_id: str
    spare_id: str
    other_pool_id: str


@dataclass
class Knowledge:
    """What the people know, which outlives every crash of the house."""

    pools: Pools
    sittings: list[Sitting] = field(default_factory=list)
    births: dict[str, Birth] = field(default_factory=dict)
    passwords: dict[str, list[str]] = field(default_factory=dict)
    questions: list[tuple[str, str, str]] = field(default_factory=list)  # Session, name, and client
    secret_ids: list[str] = field(default_factory=list)

    def copied(self) -> "Knowledge":
        return Knowledge(
            self.pools,
            [*self.sittings],
            {**self.births},
            {name: [*some] for name, some in self.passwords.items()},
            [*self.questions],
            [*self.secret_ids],
        )


class World:
    """One history as it goes."""

    def __init__(self, house: SteppedHouse, baton: Baton, knows: Knowledge) -> None:
        self.house = house
        self.baton = baton
        self.knows = knows
        self.now = 0
        self.events: list[Event] = []
        self.gone: dict[str, int] = {}  # since when a user is known to be erased
        self.faults: list[str] = []

    def move(self, operation: str, username: str, mark: str) -> Event:
        """Make one call about whoever bears this name, as far as the people know."""
        aim, sub = aimed(self, operation, username, mark)
        if operation == "Refresh":
            return self.call("InitiateAuth", refreshing(aim), aim, sub)
        return self.call(operation, _request(operation, aim), aim, sub)

    def call(self, operation: str, request: Request, aim: Aim, sub: str | None = None) -> Event:
        """Make a call, hold its answer against what is known, and learn from it."""
        self.now += 1
        event = Event(operation, aim, sub, self.now)
        self.events.append(event)
        self.baton.say(f"{operation} of {aim.username} ({aim.mark})")
        call_id = f"call {self.now}"
        body = msgspec.json.encode(request)
        call = Call(call_id, TARGET_PREFIX + operation, CONTENT_TYPE, SIGNED, body)
        reply = self.house.protocol.answer(call)
        self.now += 1
        event.answered, event.error = self.now, reply.error
        event.answer = msgspec.json.decode(reply.body) if reply.body else {}
        self.baton.say(f"{operation} of {aim.username} ({aim.mark}): {reply.error or 'done'}")
        if reply.status != 200:
            if reply.status == 500:
                self.faults.append(f"{operation} of {aim.username} ({aim.mark}) came to a fault")
            return event
        self._learn(event)
        self._hold_against_the_gone(event)
        return event

    def note_the_gone(self) -> None:
        """Whoever was there and is not any more is gone from now on."""
        living = self.living()
        for sub in self.knows.births:
            if sub not in living:
                self.gone.setdefault(sub, self.now)

    def forget_who_is_back(self) -> None:
        """After a rollback: those of whom the data is right to know, since no tombstone says otherwise."""
        living = self.living()
        self.gone = {
            sub: since for sub, since in self.gone.items() if sub not in living or self.is_buried(sub)
        }

    def living(self) -> set[str]:
        rows = self.house.peek("select u.sub from users u join pools p on p.pool_id = u.pool_id")
        return {row[0] for row in rows}

    def is_buried(self, sub: str) -> bool:
        """Whether the slot of this user holds their tombstone, as far as the ledger or their key tells it."""
        digest = digest_of(sub)
        held = [row[1] for row in self.house.peek("select sub, slot from keys") if row[0] == sub]
        left = [row[1] for row in self.house.peek("select digest, slot from ledger") if row[0] == digest]
        return any(self.house.vault.folder.read(slot) == tombstone(digest) for slot in (*held, *left))

    def _learn(self, event: Event) -> None:
        knows, answer, aim = self.knows, event.answer, event.aim
        if event.operation in {"SignUp", "AdminCreateUser"}:
            sub = answer["UserSub"] if event.operation == "SignUp" else _sub_of(answer["User"])
            birth = Birth(aim.username, aim.pool_id, aim.mark, event.invoked, event.answered)
            knows.births.setdefault(sub, birth)
        if aim.new_password in str(_request(event.operation, aim)):
            knows.passwords.setdefault(aim.username, []).append(aim.new_password)
        if "Session" in answer:
            knows.questions.append((answer["Session"], aim.username, aim.client_id))
        if "ClientSecretDescriptor" in answer:
            knows.secret_ids.append(answer["ClientSecretDescriptor"]["ClientSecretId"])
        tokens = answer.get("AuthenticationResult")
        if tokens is not None:
            sitting = sitting_of(tokens, aim.refresh_token)
            knows.sittings.append(sitting)
            event.sub = sitting.sub

    def _hold_against_the_gone(self, event: Event) -> None:
        if event.sub is not None and event.operation != "RevokeToken":
            since = self.gone.get(event.sub)
            if since is not None and since < event.invoked:
                self.faults.append(f"{event.operation} did something for {event.sub}, who was gone")
        self.note_the_gone()
        if event.operation == "DeleteUser":
            self._hold_against_the_files(str(event.sub))
        if event.operation == "DeleteUserPool":
            for sub, birth in self.knows.births.items():
                if birth.pool_id == event.aim.pool_id:
                    self.gone.setdefault(sub, self.now)

    def _hold_against_the_files(self, sub: str) -> None:
        """Whoever was told 200 is gone by then, from every copy; the tombstone may be owed, if it is late."""
        if sub in self.living():
            self.faults.append(f"DeleteUser of {sub} was answered, and the user is there")
        is_excused = digest_of(sub) in self.house.committer.late or self.house.tombstones.failures_total
        if not is_excused and not self.is_buried(sub):
            self.faults.append(f"DeleteUser of {sub} was answered before the tombstone")


def aimed(world: World, operation: str, username: str, mark: str) -> tuple[Aim, str | None]:
    """What a call is about, by what the people know now, and whom it is bound to by a token or a code."""
    knows, chance = world.knows, random.Random(f"{mark}/{world.now}")
    pools = knows.pools
    aim = Aim(pools.pool_id, pools.client_id, username, mark, group=chance.choice(GROUPS))
    changes: dict[str, Any] = {"password": _password(knows, username, chance)}
    if not mark.startswith("before"):
        changes["address"] = f"{SHARED}@example.com" if chance.random() < 0.3 else ""
        changes["takes_aliases"] = chance.random() < 0.5
    sub: str | None = None
    sittings = [one for one in knows.sittings if one.username == username] or knows.sittings
    if _needs_a_token(operation):
        sitting = chance.choice(sittings[-3:])
        sub = sitting.sub
        changes |= {"access_token": sitting.access, "refresh_token": sitting.refresh}
        changes |= {"client_id": sitting.client_id, "username": sitting.username}
    elif operation in {"InitiateAuth", "SignUp"}:
        changes["client_id"] = chance.choice([pools.client_id, pools.rotating_id])
    if operation in {"ConfirmSignUp", "ConfirmForgotPassword", "VerifyUserAttribute"}:
        changes["code"], code_sub = _code(world, str(changes.get("username", username)))
        sub = sub or code_sub
    if operation in {"RespondToAuthChallenge", "AdminRespondToAuthChallenge"}:
        asked = [(session, client) for session, name, client in knows.questions if name == username]
        changes["session"], changes["client_id"] = asked[-1] if asked else (aim.session, aim.client_id)
    changes |= _of_the_pool(knows, operation, chance)
    return Aim(**{**aim.__dict__, **changes}), sub


def _needs_a_token(operation: str) -> bool:
    if operation in LOOKING:
        return True
    request = WRITERS[operation](Aim("pool", "client", "name", "mark", "an-access", "a-refresh"))
    return "an-access" in request.values() or "a-refresh" in request.values()


def _of_the_pool(knows: Knowledge, operation: str, chance: random.Random) -> dict[str, Any]:
    """Which pool and client an operation about those is about: seldom one that the people need."""
    pools = knows.pools
    if operation == "DeleteUserPool":
        return {"pool_id": pools.pool_id if chance.random() < 0.3 else pools.other_pool_id}
    if operation == "DeleteUserPoolClient":
        return {"client_id": chance.choice([pools.spare_id, pools.spare_id, pools.rotating_id])}
    if operation in {"AddUserPoolClientSecret", "DeleteUserPoolClientSecret"}:
        secret_id = chance.choice(knows.secret_ids or ["none"])
        return {"client_id": pools.confidential_id, "secret_id": secret_id}
    return {}


def _password(knows: Knowledge, username: str, chance: random.Random) -> str:
    known = knows.passwords.get(username, [])
    return chance.choice(known[-2:] or [PASSWORD])


def _code(world: World, username: str) -> tuple[str, str | None]:
    """A code that was sent to somebody of this name, be it the one before, and their `sub`."""

    def newest(tx: Transaction) -> list[tuple[str, str]]:
        return [(one.code, one.sub) for one in tx.outbox.list_newest(MESSAGES_MAX)]

    subs = {sub for sub, birth in world.knows.births.items() if birth.username == username}
    for code, sub in world.house.look(newest):
        if sub in subs:
            return code, sub
    return "000000", None


def _request(operation: str, aim: Aim) -> Request:
    if operation == "GetUser":
        return {"AccessToken": aim.access_token}
    return WRITERS[operation](aim)


def refreshing(aim: Aim) -> Request:
    parameters = {"REFRESH_TOKEN": aim.refresh_token}
    return {"ClientId": aim.client_id, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters}


def sitting_of(tokens: dict[str, Any], former_refresh: str = "none") -> Sitting:
    """The session of these tokens."""
    claims = claims_of(tokens["AccessToken"])
    return Sitting(
        sub=claims["sub"],
        username=claims["username"],
        client_id=claims["client_id"],
        session_id=claims.get("origin_jti", ""),
        access=tokens["AccessToken"],
        refresh=tokens.get("RefreshToken", former_refresh),
    )


def _sub_of(user: dict[str, Any]) -> str:
    subs = [str(pair["Value"]) for pair in user["Attributes"] if pair["Name"] == "sub"]
    return subs[0]


def data_copied(house: SteppedHouse, target: Path) -> None:
    """A copy of the data as it is committed now, journal and all."""
    target.mkdir()
    for file in house.settings.data.glob("cenote.db*"):
        if not file.name.endswith("-shm"):
            (target / file.name).write_bytes(file.read_bytes())
