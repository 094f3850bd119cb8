"""
A life in which everything that is said is a canary: each operation that is served, done and spoilt.

Leaves out what is looked for and where (`test_what_is_told.py`).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore import xform_name
from botocore.client import BaseClient

from tests.srp_client import SrpClient
from tests.wire.steps import pairs, secret_hash
from tests.wire.takers import Line

MARK = "zq7f3a"  # in every word that is made up here, and in no hex
NAME, MAIL, SECOND_MAIL, NICK = (
    f"canary-name-{MARK}",
    f"canary-mail-{MARK}@example.com",
    f"canary-second-{MARK}@example.com",
    f"canary-nick-{MARK}",
)
BOB, BOBS_MAIL, CARL = f"canary-bob-{MARK}", f"canary-bob-{MARK}@example.com", f"canary-carl-{MARK}"
PASSWORD, SECOND_PASSWORD, THIRD_PASSWORD = (
    f"Canary-{which}-{MARK}!1" for which in ("first", "second", "third")
)
TEMPORARY, OWN = f"Canary-temporary-{MARK}!1", f"Canary-own-{MARK}!1"
GROUP, CUSTOM, TAG = f"canary-group-{MARK}", f"canary{MARK}", f"canary-tag-{MARK}"
TOLD_ONCE = ("AccessToken", "IdToken", "RefreshToken", "Session", "ClientSecret", "ClientSecretValue")
FLOWS = [
    *("ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"),
    "ALLOW_REFRESH_TOKEN_AUTH",
]


class Life:
    """What was said to a server, and which operations have done what they were told."""

    def __init__(
        self, cognito: BaseClient, line: Line, code_of: Callable[[str], str], *, heeds_faults: bool = False
    ) -> None:
        self._cognito, self._line, self._code_of = cognito, line, code_of
        self._faults = ("InternalErrorException", f"canary-fault-{MARK}") if heeds_faults else ()
        self.words: set[str] = set()  # secrets that the server made up
        self.done: set[str] = set()

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """One call that is answered, and behind it the same call spoilt in every way."""
        answer: dict[str, Any] = getattr(self._cognito, xform_name(operation))(**request)
        self.done.add(operation)
        self.words |= set(_told_once(answer))
        for body, headers in spoilt(request):
            self._line.send(operation, body, headers)
        for fault in self._faults:
            self._line.send(operation, json.dumps(request).encode(), {"X-CENOTE-FAULT": fault})
        return answer

    def code_of(self, address: str) -> str:
        """The code that was sent there."""
        code = self._code_of(address)
        self.words.add(code)
        return code


def spoilt(request: Mapping[str, Any]) -> Iterator[tuple[bytes, dict[str, str]]]:
    """Bodies and headers of what is nearly the same call, and is refused."""
    text = json.dumps(request, default=str)
    yield text[:-3].encode(), {}
    yield text.replace("{", "[", 1).encode(), {}
    yield json.dumps({name: [value] for name, value in request.items()}, default=str).encode(), {}
    yield json.dumps(dict.fromkeys(request, f"\0canary-odd-{MARK}")).encode(), {}
    yield text.encode(), {"Content-Type": f"canary/content-{MARK}"}
    yield text.encode(), {"X-Amz-Target": f"AWSCognitoIdentityProviderService.Canary{MARK}"}
    yield text.encode() if not request else b"{}", {"Authorization": f"canary-signature-{MARK}"}
    yield b'"canary-text-%b"' % MARK.encode(), {"Cookie": f"canary-cookie-{MARK}"}


def _told_once(answer: Any) -> Iterator[str]:
    """The secrets in an answer, the parts of tokens by themselves."""
    if isinstance(answer, dict):
        for name, value in answer.items():
            if name in TOLD_ONCE and isinstance(value, str):
                yield from (part for part in [value, *value.split(".")] if len(part) > 20)
            else:
                yield from _told_once(value)
    elif isinstance(answer, list):
        for item in answer:
            yield from _told_once(item)


def live(life: Life) -> None:
    """Everything that may be done to a pool, a client and their users."""
    call = life.call
    pool_id = _found(call)
    client = _configure(call, pool_id)
    own = {"ClientId": client["ClientId"]}
    _come(life, pool_id, client)
    _change(life, client)
    _administer(life, pool_id, client)
    _part(life, pool_id, client)
    call("DeleteUserPoolClient", UserPoolId=pool_id, **own)
    call("DeleteUserPool", UserPoolId=pool_id)


Call = Callable[..., dict[str, Any]]


def _found(call: Call) -> str:
    """A pool, with all that is said of it."""
    schema = [{"Name": CUSTOM, "AttributeDataType": "String", "Mutable": True}]
    made = call(
        "CreateUserPool",
        PoolName=f"canary-pool-{MARK}",
        AutoVerifiedAttributes=["email"],
        Schema=schema,
        UserPoolTags={TAG: f"canary-value-{MARK}"},
        EmailVerificationMessage=f"canary message {MARK} {{####}}",
    )["UserPool"]
    pool_id: str = made["Id"]
    call("AddCustomAttributes", UserPoolId=pool_id, CustomAttributes=[schema[0] | {"Name": f"more{MARK}"}])
    call("DescribeUserPool", UserPoolId=pool_id)
    call("ListUserPools", MaxResults=60)
    call("UpdateUserPool", UserPoolId=pool_id, AutoVerifiedAttributes=["email"])
    call("TagResource", ResourceArn=made["Arn"], Tags={TAG: f"canary-other-{MARK}"})
    call("ListTagsForResource", ResourceArn=made["Arn"])
    call("UntagResource", ResourceArn=made["Arn"], TagKeys=[TAG])
    call("SetUserPoolMfaConfig", UserPoolId=pool_id, MfaConfiguration="OFF")
    call("GetUserPoolMfaConfig", UserPoolId=pool_id)
    return pool_id


def _configure(call: Call, pool_id: str) -> dict[str, Any]:
    """A confidential client."""
    wanted = {"ClientName": f"canary-client-{MARK}", "ExplicitAuthFlows": FLOWS}
    client: dict[str, Any] = call("CreateUserPoolClient", UserPoolId=pool_id, GenerateSecret=True, **wanted)[
        "UserPoolClient"
    ]
    named = {"UserPoolId": pool_id, "ClientId": client["ClientId"]}
    added = call("AddUserPoolClientSecret", **named)["ClientSecretDescriptor"]
    call("ListUserPoolClientSecrets", **named)
    call("DeleteUserPoolClientSecret", **named, ClientSecretId=added["ClientSecretId"])
    call("DescribeUserPoolClient", **named)
    call("ListUserPoolClients", UserPoolId=pool_id)
    call("UpdateUserPoolClient", **named, **wanted)
    return client


def _proved(client: Mapping[str, Any], name: str = NAME) -> dict[str, str]:
    return {"SecretHash": secret_hash(dict(client), name), "ClientId": client["ClientId"], "Username": name}


def _sign_in(life: Life, client: Mapping[str, Any], password: str, name: str = NAME) -> dict[str, str]:
    parameters = {"USERNAME": name, "PASSWORD": password, "SECRET_HASH": secret_hash(dict(client), name)}
    wanted = {"ClientId": client["ClientId"], "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}
    result: dict[str, str] = life.call("InitiateAuth", **wanted)["AuthenticationResult"]
    return result


def _come(life: Life, pool_id: str, client: Mapping[str, Any]) -> None:
    """Ann signs up, confirms, and signs in by both ways."""
    mine, call = _proved(client), life.call
    own = {"Name": f"custom:{CUSTOM}", "Value": f"canary-own-{MARK}"}
    attributes = [*pairs(email=MAIL, nickname=NICK), own]
    metadata = {f"canary-key-{MARK}": f"canary-value-{MARK}"}
    call("SignUp", **mine, Password=PASSWORD, UserAttributes=attributes, ClientMetadata=metadata)
    call("ResendConfirmationCode", **mine)
    call("ConfirmSignUp", **mine, ConfirmationCode=life.code_of(MAIL))
    prover = SrpClient(pool_id, PASSWORD)
    proven = {"SECRET_HASH": mine["SecretHash"]}
    asked = call(
        "InitiateAuth",
        ClientId=client["ClientId"],
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": NAME, "SRP_A": prover.public} | proven,
    )["ChallengeParameters"]
    life.words |= {asked["SECRET_BLOCK"], asked["SALT"], asked["SRP_B"], prover.public}
    answers = prover.answers(asked) | proven
    life.words.add(answers["PASSWORD_CLAIM_SIGNATURE"])
    call(
        "RespondToAuthChallenge",
        ClientId=client["ClientId"],
        ChallengeName="PASSWORD_VERIFIER",
        ChallengeResponses=answers,
    )


def _change(life: Life, client: Mapping[str, Any]) -> None:
    """Ann looks at herself, changes, forgets her password and renews her session."""
    mine, call = _proved(client), life.call
    tokens = _sign_in(life, client, PASSWORD)
    access = {"AccessToken": tokens["AccessToken"]}
    call("GetUser", **access)
    call("UpdateUserAttributes", **access, UserAttributes=pairs(email=SECOND_MAIL, nickname=f"{NICK}-2"))
    call("GetUserAttributeVerificationCode", **access, AttributeName="email")
    call("VerifyUserAttribute", **access, AttributeName="email", Code=life.code_of(SECOND_MAIL))
    call("DeleteUserAttributes", **access, UserAttributeNames=["nickname"])
    call("ChangePassword", **access, PreviousPassword=PASSWORD, ProposedPassword=SECOND_PASSWORD)
    call("ForgotPassword", **mine)
    code = life.code_of(SECOND_MAIL)
    call("ConfirmForgotPassword", **mine, ConfirmationCode=code, Password=THIRD_PASSWORD)
    renewing = {"ClientId": client["ClientId"], "ClientSecret": client["ClientSecret"]}
    call("GetTokensFromRefreshToken", **renewing, RefreshToken=tokens["RefreshToken"])
    call("RevokeToken", **renewing, Token=tokens["RefreshToken"])


def _administer(life: Life, pool_id: str, client: Mapping[str, Any]) -> None:
    """An administrator makes Bob, and does to him what one can."""
    call, bob = life.call, {"UserPoolId": pool_id, "Username": BOB}
    call("AdminCreateUser", **bob, TemporaryPassword=TEMPORARY, UserAttributes=pairs(email=BOBS_MAIL))
    proven = {"SECRET_HASH": secret_hash(dict(client), BOB), "USERNAME": BOB}
    by_client = {"UserPoolId": pool_id, "ClientId": client["ClientId"]}
    asked = call(
        "AdminInitiateAuth",
        **by_client,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters=proven | {"PASSWORD": TEMPORARY},
    )
    call(
        "AdminRespondToAuthChallenge",
        **by_client,
        ChallengeName=asked["ChallengeName"],
        Session=asked["Session"],
        ChallengeResponses=proven | {"NEW_PASSWORD": OWN},
    )
    flags = pairs(email_verified="true", nickname=NICK)
    call("AdminUpdateUserAttributes", **bob, UserAttributes=flags)
    call("AdminResetUserPassword", **bob)
    life.code_of(BOBS_MAIL)
    call("AdminSetUserPassword", **bob, Password=SECOND_PASSWORD, Permanent=True)
    call("AdminGetUser", **bob)
    call("AdminDeleteUserAttributes", **bob, UserAttributeNames=["nickname"])
    for operation in ("AdminUserGlobalSignOut", "AdminDisableUser", "AdminEnableUser"):
        call(operation, **bob)
    call("ListUsers", UserPoolId=pool_id, Filter=f'email = "{BOBS_MAIL}"')
    _group(call, pool_id, bob)
    call("SignUp", **_proved(client, CARL), Password=PASSWORD)
    call("AdminConfirmSignUp", UserPoolId=pool_id, Username=CARL)
    call("AdminDeleteUser", **bob)


def _group(call: Call, pool_id: str, bob: Mapping[str, Any]) -> None:
    group = {"UserPoolId": pool_id, "GroupName": GROUP}
    call("CreateGroup", **group, Description=f"canary description {MARK}")
    call("UpdateGroup", **group, Description=f"canary description {MARK}, another")
    call("GetGroup", **group)
    call("ListGroups", UserPoolId=pool_id)
    call("AdminAddUserToGroup", **bob, GroupName=GROUP)
    call("AdminListGroupsForUser", **bob)
    call("ListUsersInGroup", **group)
    call("AdminRemoveUserFromGroup", **bob, GroupName=GROUP)
    call("DeleteGroup", **group)


def _part(life: Life, _pool_id: str, client: Mapping[str, Any]) -> None:
    """Ann signs out everywhere, comes again, and erases herself."""
    life.call("GlobalSignOut", AccessToken=_sign_in(life, client, THIRD_PASSWORD)["AccessToken"])
    life.call("DeleteUser", AccessToken=_sign_in(life, client, THIRD_PASSWORD)["AccessToken"])


def told_of_people(text: str, words: set[str]) -> list[str]:
    """What a text tells of the life: words of it, whatever the times, ids and figures in its lines."""
    told = re.sub(
        r'"(id|timestamp)":"[^"]*"|"ms":[0-9.]+|^(cenote_\S*) [0-9.e+-]+$', r"\2", text, flags=re.MULTILINE
    )
    return [word for word in [MARK, "anary", *words] if word in told]
