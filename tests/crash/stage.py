"""
A house with a pool in it, and whatever a writing operation needs to succeed: prepared over the wire.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.error import URLError

from tests.house import House
from tests.writers import CLIENT, ROTATING, WRITERS, Aim, Request
from tests.writers import POOL as WITH_MAIL

SIGNED = {"authorization": "AWS4-HMAC-SHA256 anybody"}
BROKEN = (URLError, ConnectionError)  # a connection that ended before there was an answer


class Refused(Exception):
    """A call that had to succeed did not."""


class NotAnsweredError(Exception):
    """The connection broke before there was an answer."""


@dataclass
class Stage:
    """A pool of a running house, with its clients and a group."""

    house: House
    pool_id: str = ""
    client_id: str = ""
    rotating_id: str = ""
    confidential_id: str = ""
    made: int = field(default=0)

    @classmethod
    def of(cls, house: House) -> "Stage":
        stage = cls(house)
        stage.pool_id = stage.call("CreateUserPool", {"PoolName": "a pool", **WITH_MAIL})["UserPool"]["Id"]
        stage.client_id = stage.new_client(CLIENT)
        stage.rotating_id = stage.new_client(ROTATING)
        stage.confidential_id = stage.new_client(CLIENT | {"GenerateSecret": True})
        stage.call("CreateGroup", {"UserPoolId": stage.pool_id, "GroupName": "crew"})
        return stage

    def call(self, operation: str, request: Request) -> dict[str, Any]:
        """The answer to a call that must succeed."""
        status, answer = self.try_call(operation, request)
        if status != 200:
            raise Refused(f"{operation}: {answer}")
        return answer

    def try_call(self, operation: str, request: Request) -> tuple[int, dict[str, Any]]:
        """Status and answer; NotAnsweredError when the server is gone."""
        try:
            status, _headers, body = self.house.call(operation, request, **SIGNED)
        except BROKEN as failure:
            raise NotAnsweredError(operation) from failure
        return status, json.loads(body) if body else {}

    def new_client(self, configuration: Request) -> str:
        made = self.call("CreateUserPoolClient", {"UserPoolId": self.pool_id, **configuration})
        client_id: str = made["UserPoolClient"]["ClientId"]
        return client_id

    def new_aim(self) -> Aim:
        """Somebody of a new name, with a mark of their own."""
        self.made += 1
        name = f"user-{self.made}"
        return Aim(self.pool_id, self.client_id, name, f"m-{self.made}-{self.pool_id[-4:]}", group="crew")

    def code_to(self, aim: Aim) -> str:
        """The newest code that was sent to this address."""
        code: str = self.house.inbox(to=aim.email)[0]["code"]
        return code


def prepared(stage: Stage, operation: str) -> Aim:
    """What the operation is to be about, so that it succeeds."""
    return PREPARATIONS.get(operation, _signed_in)(stage)


def perform(stage: Stage, operation: str, aim: Aim) -> tuple[int, dict[str, Any]]:
    """The operation, over the wire."""
    return stage.try_call(operation, WRITERS[operation](aim))


def _nobody(stage: Stage) -> Aim:
    return stage.new_aim()


def _unconfirmed(stage: Stage) -> Aim:
    aim = stage.new_aim()
    stage.call("SignUp", WRITERS["SignUp"](aim))
    return replace(aim, password=aim.new_password, code=stage.code_to(aim))


def _confirmed(stage: Stage) -> Aim:
    aim = _unconfirmed(stage)
    stage.call("ConfirmSignUp", WRITERS["ConfirmSignUp"](aim))
    return aim


def _signed_in(stage: Stage) -> Aim:
    aim = _confirmed(stage)
    tokens = stage.call("InitiateAuth", WRITERS["InitiateAuth"](aim))["AuthenticationResult"]
    # What it is to write must differ from what is there.
    again = replace(aim, mark=f"{aim.mark}-more", access_token=tokens["AccessToken"])
    return replace(again, refresh_token=tokens["RefreshToken"])


def _rotating(stage: Stage) -> Aim:
    aim = replace(_confirmed(stage), client_id=stage.rotating_id)
    tokens = stage.call("InitiateAuth", WRITERS["InitiateAuth"](aim))["AuthenticationResult"]
    return replace(aim, refresh_token=tokens["RefreshToken"])


def _with_a_code_to(asking: str) -> Callable[[Stage], Aim]:
    def prepare(stage: Stage) -> Aim:
        before = _signed_in(stage)
        aim = replace(before, address=before.email.replace("-more", ""))
        stage.call(asking, WRITERS[asking](aim))
        return replace(aim, code=stage.code_to(aim))

    return prepare


def _invited(stage: Stage) -> Aim:
    aim = stage.new_aim()
    stage.call("AdminCreateUser", WRITERS["AdminCreateUser"](aim))
    aim = replace(aim, password=aim.new_password)
    session = stage.call("InitiateAuth", WRITERS["InitiateAuth"](aim))["Session"]
    return replace(aim, session=session, mark=f"{aim.mark}-more")


def _disabled(stage: Stage) -> Aim:
    aim = _confirmed(stage)
    stage.call("AdminDisableUser", aim.user)
    return aim


def _member(stage: Stage) -> Aim:
    aim = _confirmed(stage)
    stage.call("AdminAddUserToGroup", WRITERS["AdminAddUserToGroup"](aim))
    return aim


def _new_group(stage: Stage) -> Aim:
    aim = stage.new_aim()
    return replace(aim, group=aim.mark)


def _group(stage: Stage) -> Aim:
    aim = _new_group(stage)
    stage.call("CreateGroup", WRITERS["CreateGroup"](aim))
    return replace(aim, mark=f"{aim.mark}-more")


def _full_group(stage: Stage) -> Aim:
    aim = _group(stage)
    member = replace(_confirmed(stage), group=aim.group)
    stage.call("AdminAddUserToGroup", WRITERS["AdminAddUserToGroup"](member))
    return aim


def _tagged(stage: Stage) -> Aim:
    aim = stage.new_aim()
    stage.call("TagResource", WRITERS["TagResource"](aim))
    return aim


def _client(stage: Stage) -> Aim:
    return replace(stage.new_aim(), client_id=stage.new_client(CLIENT))


def _one_secret(stage: Stage) -> Aim:
    return replace(stage.new_aim(), client_id=stage.new_client(CLIENT | {"GenerateSecret": True}))


def _two_secrets(stage: Stage) -> Aim:
    aim = _one_secret(stage)
    made = stage.call("AddUserPoolClientSecret", WRITERS["AddUserPoolClientSecret"](aim))
    return replace(aim, secret_id=made["ClientSecretDescriptor"]["ClientSecretId"])


def _full_pool(stage: Stage) -> Aim:
    pool_id = stage.call("CreateUserPool", {"PoolName": "to go", **WITH_MAIL})["UserPool"]["Id"]
    other = Stage(stage.house, pool_id, made=stage.made)
    other.client_id = other.new_client(CLIENT)
    other.call("CreateGroup", {"UserPoolId": pool_id, "GroupName": "crew"})
    members = [_member(other) for _one in range(3)]
    stage.made = other.made
    return members[-1]


PREPARATIONS: dict[str, Callable[[Stage], Aim]] = {
    **dict.fromkeys(("SignUp", "AdminCreateUser", "CreateUserPool", "CreateUserPoolClient"), _nobody),
    **dict.fromkeys(
        ("TagResource", "UpdateUserPool", "SetUserPoolMfaConfig", "AddCustomAttributes"), _nobody
    ),
    **dict.fromkeys(("ConfirmSignUp", "AdminConfirmSignUp", "ResendConfirmationCode"), _unconfirmed),
    **dict.fromkeys(("RespondToAuthChallenge", "AdminRespondToAuthChallenge"), _invited),
    "AddUserPoolClientSecret": _one_secret,
    "AdminEnableUser": _disabled,
    "AdminInitiateAuth": _confirmed,
    "AdminRemoveUserFromGroup": _member,
    "ConfirmForgotPassword": _with_a_code_to("ForgotPassword"),
    "CreateGroup": _new_group,
    "DeleteGroup": _full_group,
    "DeleteUserPool": _full_pool,
    "DeleteUserPoolClient": _client,
    "DeleteUserPoolClientSecret": _two_secrets,
    "GetTokensFromRefreshToken": _rotating,
    "InitiateAuth": _confirmed,
    "UntagResource": _tagged,
    "UpdateGroup": _group,
    "UpdateUserPoolClient": _client,
    "VerifyUserAttribute": _with_a_code_to("GetUserAttributeVerificationCode"),
}
