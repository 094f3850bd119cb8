"""
One request for every operation that writes: the list that crash tests and the simulator go through.

A test holds it against the registry, so that a new writing operation must join.  What the request is about
(an `Aim`) is the caller's: the simulator picks it from what it knows, a crash test prepares it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.house import PASSWORD

READERS = {
    *("AdminGetUser", "AdminListGroupsForUser", "DescribeUserPool", "DescribeUserPoolClient", "GetGroup"),
    *("GetUser", "GetUserPoolMfaConfig", "ListGroups", "ListTagsForResource", "ListUserPoolClientSecrets"),
    *("ListUserPoolClients", "ListUserPools", "ListUsers", "ListUsersInGroup"),
}
ERASING = ("DeleteUser", "AdminDeleteUser", "DeleteUserPool")
KEPT = {  # what an update would else set back
    "AutoVerifiedAttributes": ["email"],
    "AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
}
POOL = KEPT | {"AliasAttributes": ["email", "preferred_username"]}
FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
CLIENT = {"ClientName": "app", "ExplicitAuthFlows": FLOWS}
ROTATING = {
    "ClientName": "rotating",
    "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
    "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 0},
}

Request = dict[str, Any]


@dataclass(frozen=True)
class Aim:
    """What a request is about.  `mark` is a word of this request's own: what it writes can be told by it."""

    pool_id: str
    client_id: str
    username: str
    mark: str
    access_token: str = "none"
    refresh_token: str = "none"
    password: str = PASSWORD
    code: str = "000000"
    session: str = "x" * 20
    group: str = "crew"
    secret_id: str = "none"
    address: str = ""  # one that somebody else may have too, instead of one of this request's own
    takes_aliases: bool = False

    @property
    def email(self) -> str:
        return self.address or f"{self.mark}@example.com"

    @property
    def new_password(self) -> str:
        return f"New-password1-{self.mark}"

    @property
    def user(self) -> Request:
        """The user as an administrator names them."""
        return {"UserPoolId": self.pool_id, "Username": self.username}

    @property
    def own_client(self) -> Request:
        return {"UserPoolId": self.pool_id, "ClientId": self.client_id}

    @property
    def in_group(self) -> Request:
        return {"UserPoolId": self.pool_id, "GroupName": self.group}

    @property
    def arn(self) -> Request:
        return {"ResourceArn": f"arn:aws:cognito-idp:us-east-1:123456789012:userpool/{self.pool_id}"}

    @property
    def answer(self) -> Request:
        """The answer to a question for a password of one's own."""
        responses = {"USERNAME": self.username, "NEW_PASSWORD": self.new_password}
        asked = {"ClientId": self.client_id, "ChallengeName": "NEW_PASSWORD_REQUIRED"}
        return asked | {"Session": self.session, "ChallengeResponses": responses}

    def attributes(self, **changes: str) -> list[dict[str, str]]:
        return [{"Name": name, "Value": value} for name, value in changes.items()]


def _sign_in(aim: Aim, flow: str) -> Request:
    parameters = {"USERNAME": aim.username, "PASSWORD": aim.password}
    return {"ClientId": aim.client_id, "AuthFlow": flow, "AuthParameters": parameters}


OF_USERS: dict[str, Callable[[Aim], Request]] = {
    "AdminAddUserToGroup": lambda aim: aim.user | aim.in_group,
    "AdminConfirmSignUp": lambda aim: aim.user,
    "AdminCreateUser": lambda aim: (
        aim.user
        | {"TemporaryPassword": aim.new_password}
        | {
            "UserAttributes": aim.attributes(email=aim.email, email_verified="true", nickname=aim.mark),
            "DesiredDeliveryMediums": ["EMAIL"],
            "ForceAliasCreation": aim.takes_aliases,
        }
    ),
    "AdminDeleteUser": lambda aim: aim.user,
    "AdminDeleteUserAttributes": lambda aim: aim.user | {"UserAttributeNames": ["nickname"]},
    "AdminDisableUser": lambda aim: aim.user,
    "AdminEnableUser": lambda aim: aim.user,
    "AdminInitiateAuth": lambda aim: aim.own_client | _sign_in(aim, "ADMIN_USER_PASSWORD_AUTH"),
    "AdminRemoveUserFromGroup": lambda aim: aim.user | aim.in_group,
    "AdminResetUserPassword": lambda aim: aim.user,
    "AdminRespondToAuthChallenge": lambda aim: aim.own_client | aim.answer,
    "AdminSetUserPassword": lambda aim: aim.user | {"Password": aim.new_password, "Permanent": True},
    "AdminUpdateUserAttributes": lambda aim: (
        aim.user | {"UserAttributes": aim.attributes(nickname=aim.mark, email=aim.email)}
    ),
    "AdminUserGlobalSignOut": lambda aim: aim.user,
    "ChangePassword": lambda aim: {
        "AccessToken": aim.access_token,
        "PreviousPassword": aim.password,
        "ProposedPassword": aim.new_password,
    },
    "ConfirmForgotPassword": lambda aim: {
        "ClientId": aim.client_id,
        "Username": aim.username,
        "ConfirmationCode": aim.code,
        "Password": aim.new_password,
    },
    "ConfirmSignUp": lambda aim: {
        "ClientId": aim.client_id,
        "Username": aim.username,
        "ConfirmationCode": aim.code,
        "ForceAliasCreation": aim.takes_aliases,
    },
    "DeleteUser": lambda aim: {"AccessToken": aim.access_token},
    "DeleteUserAttributes": lambda aim: {
        "AccessToken": aim.access_token,
        "UserAttributeNames": ["nickname"],
    },
    "ForgotPassword": lambda aim: {"ClientId": aim.client_id, "Username": aim.username},
    "GetTokensFromRefreshToken": lambda aim: {
        "ClientId": aim.client_id,
        "RefreshToken": aim.refresh_token,
    },
    "GetUserAttributeVerificationCode": lambda aim: {
        "AccessToken": aim.access_token,
        "AttributeName": "email",
    },
    "GlobalSignOut": lambda aim: {"AccessToken": aim.access_token},
    "InitiateAuth": lambda aim: _sign_in(aim, "USER_PASSWORD_AUTH"),
    "ResendConfirmationCode": lambda aim: {"ClientId": aim.client_id, "Username": aim.username},
    "RespondToAuthChallenge": lambda aim: aim.answer,
    "RevokeToken": lambda aim: {"ClientId": aim.client_id, "Token": aim.refresh_token},
    "SignUp": lambda aim: {
        "ClientId": aim.client_id,
        "Username": aim.username,
        "Password": aim.new_password,
        "UserAttributes": aim.attributes(nickname=aim.mark, email=aim.email),
    },
    "UpdateUserAttributes": lambda aim: {
        "AccessToken": aim.access_token,
        "UserAttributes": aim.attributes(nickname=aim.mark, email=aim.email),
    },
    "VerifyUserAttribute": lambda aim: {
        "AccessToken": aim.access_token,
        "AttributeName": "email",
        "Code": aim.code,
    },
}
OF_POOLS: dict[str, Callable[[Aim], Request]] = {
    "AddCustomAttributes": lambda aim: {
        "UserPoolId": aim.pool_id,
        "CustomAttributes": [{"Name": aim.mark[:20], "AttributeDataType": "String"}],
    },
    "AddUserPoolClientSecret": lambda aim: aim.own_client,
    "CreateGroup": lambda aim: aim.in_group | {"Description": aim.mark},
    "CreateUserPool": lambda aim: {"PoolName": aim.mark} | POOL,
    "CreateUserPoolClient": lambda aim: {"UserPoolId": aim.pool_id} | CLIENT | {"ClientName": aim.mark},
    "DeleteGroup": lambda aim: aim.in_group,
    "DeleteUserPool": lambda aim: {"UserPoolId": aim.pool_id},
    "DeleteUserPoolClient": lambda aim: aim.own_client,
    "DeleteUserPoolClientSecret": lambda aim: aim.own_client | {"ClientSecretId": aim.secret_id},
    "SetUserPoolMfaConfig": lambda aim: {"UserPoolId": aim.pool_id, "MfaConfiguration": "OFF"},
    "TagResource": lambda aim: aim.arn | {"Tags": {"mark": aim.mark}},
    "UntagResource": lambda aim: aim.arn | {"TagKeys": ["mark"]},
    "UpdateGroup": lambda aim: aim.in_group | {"Description": aim.mark},
    "UpdateUserPool": lambda aim: {"UserPoolId": aim.pool_id, "UserPoolTags": {"mark": aim.mark}} | KEPT,
    "UpdateUserPoolClient": lambda aim: aim.own_client | CLIENT | {"ClientName": aim.mark},
}
WRITERS = OF_USERS | OF_POOLS
