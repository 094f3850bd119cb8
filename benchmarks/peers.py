"""
The other servers: ministack, moto's server and cognito-local, where they are installed.

A folder holds them all: a virtual environment with `ministack` and `moto[server,cognitoidp]`, and a
`node_modules` with `cognito-local`.  Each is asked for the cheapest call that does the same thing, and keeps
its defaults otherwise.  None of them makes anything durable but cognito-local, which rewrites its one file.
"""

import base64
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.calls import OK, Line
from benchmarks.fill import CLIENT, POOL
from benchmarks.load import HOST, Load, run
from benchmarks.people import PASSWORD, People, email_of, name_of, some_of
from benchmarks.scenarios import (
    DELETE_USER,
    GET_USER,
    LIST_USERS,
    SIGN_IN,
    SIGN_UP,
    sign_up_requests,
)
from benchmarks.servers import House, Running, Server, all_of, free_port, started

FOLDER_VARIABLE = "CENOTE_BENCH_PEERS"
USERS_MAX = 10_000  # they are filled through their API, and walk through all users in many calls
SIGNED_IN_MAX = 1_200
FILL_CALLERS = 8
FILL_S_MAX = 300.0


@dataclass(frozen=True, slots=True)
class _Started:
    """A peer keeps running for all measurements: filling it anew would take most of the time."""

    server: Running

    @contextmanager
    def running(self) -> Iterator[Running]:
        """The one that runs, as the last measurement left it."""
        yield self.server


class Emulator:
    """A peer that lives in memory, and is filled by sign-ups."""

    is_fresh = False
    users_max = USERS_MAX

    def __init__(self, name: str, program: Path, scenarios: frozenset[str]) -> None:
        self.name = name
        self._program = program
        self.scenarios = scenarios

    @contextmanager
    def inhabited(self, users: int, signed_in: int) -> Iterator[House]:
        """The peer, running, with its people signed up and some of them signed in."""
        port = free_port()
        settings = {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": HOST,
            "SERVICES": "cognito-idp",
            "LOG_LEVEL": "ERROR",
            "MOTO_PORT": str(port),
        }
        with (
            TemporaryDirectory(prefix="cenote-bench-") as folder,
            started([str(self._program)], port, Path(folder), os.environ | settings) as (pid, start_s),
            closing(Line(port)) as line,
        ):
            pool_id, client_id = _found(line)
            _sign_all_up(port, client_id, users)
            for number in some_of(users, SIGNED_IN_MAX):
                line.ask("AdminConfirmSignUp", UserPoolId=pool_id, Username=name_of(number))
            asked = some_of(users, min(signed_in, SIGNED_IN_MAX))
            tokens = [_sign_in(line, client_id, number) for number in asked]
            yield _Started(
                Running(
                    port,
                    (pid,),
                    (),
                    People(pool_id, client_id, users, tokens, port=port),
                    start_s,
                    is_ours=False,
                )
            )


class CognitoLocal:
    """A peer that keeps everything in one JSON file, which is written for it before it starts."""

    name = "cognito-local"
    scenarios = all_of((GET_USER, LIST_USERS, SIGN_IN, SIGN_UP, DELETE_USER))  # its SRP was not tried
    is_fresh = False
    users_max = USERS_MAX

    def __init__(self, program: Path) -> None:
        self._program = program

    @contextmanager
    def inhabited(self, users: int, signed_in: int) -> Iterator[House]:
        """The peer, running, with its people in its file.  It reads tokens and checks no signature."""
        port = free_port()
        environment = os.environ | {"PORT": str(port), "HOST": HOST}
        with TemporaryDirectory(prefix="cenote-bench-") as name:
            folder = Path(name)
            (folder / ".cognito").mkdir()
            config: dict[str, object] = {"UserPoolDefaults": {"UsernameAttributes": []}}
            (folder / ".cognito" / "config.json").write_text(json.dumps(config))
            with started([str(self._program)], port, folder, environment), closing(Line(port)) as line:
                pool_id, client_id = _found(line)
            subs = _move_in(folder / ".cognito" / "db" / f"{pool_id}.json", users)
            tokens = [_unsigned(client_id, subs[n]) for n in some_of(users, min(signed_in, SIGNED_IN_MAX))]
            with started([str(self._program)], port, folder, environment) as (pid, start_s):
                yield _Started(
                    Running(
                        port,
                        (pid,),
                        (),
                        People(pool_id, client_id, users, tokens, port=port),
                        start_s,
                        is_ours=False,
                    )
                )


def peers(names: list[str]) -> tuple[list[Server], list[str]]:
    """Those of these peers that are installed, and a sentence on each that is not."""
    folder = Path(os.environ.get(FOLDER_VARIABLE, ".peers")).absolute()
    found: list[Server] = []
    missing = []
    for name in names:
        program = folder / _PROGRAMS[name]
        if program.exists():
            found.append(_peer(name, program))
        else:
            missing.append(f"{name} is left out: there is no {program} ({FOLDER_VARIABLE} names the folder)")
    return found, missing


_PROGRAMS: Mapping[str, str] = {
    "ministack": "bin/ministack",
    "moto": "bin/moto_server",
    "cognito-local": "node_modules/.bin/cognito-local",
}
NAMES = tuple(_PROGRAMS)


def _peer(name: str, program: Path) -> Server:
    if name == "cognito-local":
        return CognitoLocal(program)
    if name == "moto":  # it has no DeleteUser
        return Emulator("moto server", program, all_of((GET_USER, LIST_USERS, SIGN_IN, SIGN_UP)))
    return Emulator(name, program, all_of((GET_USER, LIST_USERS, SIGN_IN, SIGN_UP, DELETE_USER)))


def _found(line: Line) -> tuple[str, str]:
    """A pool and a client, as Cenote's."""
    pool_id = line.ask("CreateUserPool", **POOL)["UserPool"]["Id"]
    client = line.ask("CreateUserPoolClient", UserPoolId=pool_id, **CLIENT)["UserPoolClient"]
    return pool_id, client["ClientId"]


def _sign_all_up(port: int, client_id: str, users: int) -> None:
    load = Load(callers=FILL_CALLERS, seconds_max=FILL_S_MAX, calls_max=users, once=True)
    outcome = run(port, sign_up_requests(client_id, range(users)), load)
    if outcome.statuses != {OK: users}:
        raise RuntimeError(f"not everybody could sign up: {dict(outcome.statuses)}")


def _sign_in(line: Line, client_id: str, number: int) -> str:
    parameters = {"USERNAME": name_of(number), "PASSWORD": PASSWORD}
    answer = line.ask(
        "InitiateAuth", ClientId=client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters
    )
    token: str = answer["AuthenticationResult"]["AccessToken"]
    return token


def _move_in(file: Path, users: int) -> list[str]:
    """Write people into cognito-local's file; their subs."""
    pool = json.loads(file.read_text())
    subs = [str(uuid.uuid4()) for _number in range(users)]
    born = "2026-01-01T00:00:00.000Z"
    pool["Users"] = {
        name_of(number): {
            "Attributes": [{"Name": "sub", "Value": sub}, {"Name": "email", "Value": email_of(number)}],
            "Enabled": True,
            "Password": PASSWORD,
            "RefreshTokens": [],
            "UserCreateDate": born,
            "UserLastModifiedDate": born,
            "Username": name_of(number),
            "UserStatus": "CONFIRMED",
        }
        for number, sub in enumerate(subs)
    }
    file.write_text(json.dumps(pool, indent=2))
    return subs


def _unsigned(client_id: str, sub: str) -> str:
    """An access token as a peer that checks nothing takes it, about as long as a real one."""
    claims = {"sub": sub, "client_id": client_id, "token_use": "access", "jti": str(uuid.uuid4())}
    parts = [{"alg": "RS256", "kid": "k" * 44}, claims, {"signature": "s" * 240}]
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join(texts).decode()
