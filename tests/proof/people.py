"""
People who have left something everywhere that a user can: the one who goes, and the ones who stay.

Each has a mark that stands in everything of theirs and nowhere else.
"""

import json
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from cenote.app import open_store
from cenote.domain.audit import FOR_EVER_MS, Act, AuditLine
from cenote.domain.sealed import Place, digest_of
from cenote.opening import open_vault
from cenote.settings import Settings
from cenote.store.transaction import Transaction
from tests.house import Tenant, error_of
from tests.srp_client import sign_in_by_srp

MADE_BY_THE_TEST = ("device", "passkey", "event")
GROUP = "crew"
POOL = {
    "AliasAttributes": ["email", "phone_number", "preferred_username"],
    "AutoVerifiedAttributes": ["email"],
    "Schema": [{"Name": "secret", "AttributeDataType": "String", "StringAttributeConstraints": {}}],
}
CLIENT = {
    "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH"],
    "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 0},
}
NOBODY = {"NotAuthorizedException", "UserNotFoundException"}
YEAR_2030_MS = 1_900_000_000_000


@dataclass
class Resident:
    """A user, their tokens, and all that must be found of them nowhere."""

    tenant: Tenant
    mark: str
    digits: str
    sub: str = ""
    access: str = ""
    refresh: str = ""
    secrets: list[str] = field(default_factory=list)

    @property
    def username(self) -> str:
        return f"{self.mark}-name"

    @property
    def password(self) -> str:
        return f"P4-{self.mark}-Word!"

    @property
    def email(self) -> str:
        return f"{self.mark}-mail@{self.mark}.example"

    @property
    def values(self) -> list[str]:
        """What is looked for: everything of theirs holds one of these."""
        return [self.mark, self.digits]

    def attributes(self) -> list[dict[str, str]]:
        told = {
            "email": self.email,
            "phone_number": f"+{self.digits}",
            "name": f"{self.mark} one",
            "given_name": f"{self.mark} two",
            "family_name": f"{self.mark} three",
            "custom:secret": f"{self.mark} four",
        }
        return [{"Name": name, "Value": value} for name, value in told.items()]

    @property
    def aliases(self) -> list[str]:
        """Every name to sign in by."""
        return [self.username, self.email, f"+{self.digits}", f"{self.mark}-alias"]

    def arrive(self) -> None:
        """Sign up, with every name and attribute, and be put into a group."""
        cognito, user = self.tenant.cognito, self.user
        made = cognito.sign_up(
            ClientId=self.tenant.client_id,
            Username=self.username,
            Password=self.password,
            UserAttributes=self.attributes(),
        )
        self.sub = made["UserSub"]
        cognito.admin_confirm_sign_up(**user)
        proved = {"email_verified": "true", "phone_number_verified": "true"}
        proved |= {"preferred_username": f"{self.mark}-alias"}
        pairs = [{"Name": name, "Value": value} for name, value in proved.items()]
        cognito.admin_update_user_attributes(**user, UserAttributes=pairs)
        cognito.admin_add_user_to_group(**user, GroupName=GROUP)
        self.sign_in()

    def settle(self) -> None:
        """Sign in by every name, renew, fail once, change something, and ask for a code."""
        for name in self.aliases:
            self.sign_in(name)
        self.renew()
        with suppress(ClientError):
            self.sign_in(password=f"{self.password}-not")
        pair = {"Name": "given_name", "Value": f"{self.mark} anew"}
        self.tenant.cognito.update_user_attributes(AccessToken=self.access, UserAttributes=[pair])
        self.tenant.cognito.get_user_attribute_verification_code(
            AccessToken=self.access, AttributeName="phone_number"
        )
        assert self.sign_in_by_srp()

    def sign_in(self, name: str | None = None, password: str | None = None) -> None:
        """By password; the tokens are kept."""
        given = {"USERNAME": name or self.username, "PASSWORD": password or self.password}
        answer = self.tenant.cognito.initiate_auth(
            ClientId=self.tenant.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given
        )
        self._keep(answer["AuthenticationResult"])

    def sign_in_by_srp(self) -> dict[str, Any]:
        answer: dict[str, Any] = sign_in_by_srp(
            self.tenant.cognito, self.tenant.client_id, self.tenant.pool_id, self.username, self.password
        )
        return answer

    def renew(self) -> None:
        """The refresh token for the next one."""
        answer = self.tenant.cognito.get_tokens_from_refresh_token(
            ClientId=self.tenant.client_id, RefreshToken=self.refresh
        )
        self._keep(answer["AuthenticationResult"])

    def delete(self) -> None:
        """DeleteUser: from the answer on they are gone."""
        self.tenant.cognito.delete_user(AccessToken=self.access)

    @property
    def user(self) -> dict[str, str]:
        return {"UserPoolId": self.tenant.pool_id, "Username": self.username}

    def assert_lives(self) -> None:
        """Token, refresh token, password, SRP and every name are good, and whatever was theirs is there."""
        shown = self.tenant.cognito.get_user(AccessToken=self.access)
        assert shown["Username"] == self.username
        told = {pair["Name"]: pair["Value"] for pair in shown["UserAttributes"]}
        assert told["custom:secret"] == f"{self.mark} four"
        self.renew()
        for name in self.aliases:
            self.sign_in(name)
        assert self.sign_in_by_srp()["AuthenticationResult"]
        groups = self.tenant.cognito.admin_list_groups_for_user(**self.user)["Groups"]
        assert [group["GroupName"] for group in groups] == [GROUP]

    def assert_is_gone(self) -> None:
        """Neither token, password, SRP, name, list nor administrator finds anybody."""
        cognito = self.tenant.cognito
        assert error_of(cognito.get_user, AccessToken=self.access)[0] == "UserNotFoundException"
        assert error_of(cognito.delete_user, AccessToken=self.access)[0] == "UserNotFoundException"
        assert error_of(cognito.admin_get_user, **self.user)[0] == "UserNotFoundException"
        told = {error_of(partial(self.sign_in, name))[0] for name in self.aliases}
        assert told == {"UserNotFoundException"}
        assert error_of(self.sign_in_by_srp)[0] == "UserNotFoundException"
        assert error_of(self.renew)[0] in NOBODY
        pool = {"UserPoolId": self.tenant.pool_id}
        for wanted in (f'email = "{self.email}"', f'given_name ^= "{self.mark}"', f'sub = "{self.sub}"'):
            assert cognito.list_users(**pool, Filter=wanted)["Users"] == []

    def assert_namesake_gets_nothing(self) -> None:
        """Whoever takes the name begins anew, and the tokens from before are not theirs."""
        pairs = [{"Name": "nickname", "Value": "another"}]
        made = self.tenant.cognito.sign_up(
            ClientId=self.tenant.client_id,
            Username=self.username,
            Password="Another-one-99",
            UserAttributes=pairs,
        )
        assert made["UserSub"] != self.sub
        self.tenant.cognito.admin_confirm_sign_up(**self.user)
        assert error_of(self.sign_in)[0] == "NotAuthorizedException"
        assert error_of(self.tenant.cognito.get_user, AccessToken=self.access)[0] in NOBODY
        assert error_of(self.renew)[0] in NOBODY
        shown = self.tenant.cognito.admin_get_user(**self.user)["UserAttributes"]
        assert {pair["Name"]: pair["Value"] for pair in shown} == {
            "nickname": "another",
            "sub": made["UserSub"],
        }
        assert self.tenant.cognito.admin_list_groups_for_user(**self.user)["Groups"] == []

    def _keep(self, tokens: dict[str, str]) -> None:
        self.access, self.refresh = tokens["AccessToken"], tokens.get("RefreshToken", self.refresh)
        self.secrets += [tokens["AccessToken"].split(".")[2], self.refresh.split(".")[-1]]


def plant_what_no_operation_makes(settings: Settings, residents: list[Resident]) -> None:
    """Rows of the kinds that are to come, and lines of operators; the house is stopped."""
    store = open_store(settings)
    try:
        vault = open_vault(settings, store, lambda _name: None)
        try:
            for resident in residents:
                store.write(partial(_plant, resident))
        finally:
            vault.close()
    finally:
        store.close()


def _plant(resident: Resident, tx: Transaction) -> None:
    sub, key = resident.sub, tx.users.key_of(resident.sub)
    assert key is not None
    for kind in MADE_BY_THE_TEST:
        row_id = str(uuid.uuid4())
        words = json.dumps({"kind": kind, "name": f"{resident.mark} {kind}"}).encode()
        tx._ground.run(
            "insert into belongings (sub, kind, id, created_ms, body)"
            " values (:sub, :kind, :id, :created_ms, :body)",
            {
                "sub": sub,
                "kind": kind,
                "id": row_id,
                "created_ms": YEAR_2030_MS,
                "body": key.seal(Place("belongings", "body", f"{kind}|{row_id}"), words),
            },
        )
    for act, until_ms in ((Act.HOLD, FOR_EVER_MS), (Act.RELEASE, None)):
        line = AuditLine(
            line_id=str(uuid.uuid4()),
            act=act,
            pool_id=resident.tenant.pool_id,
            digest=digest_of(sub),
            at_ms=YEAR_2030_MS,
            who="the auditor",
            reason="a case",
            until_ms=until_ms,
        )
        tx.audit.add(line)
