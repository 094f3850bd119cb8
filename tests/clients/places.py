"""The servers that clients are let loose on, and what a script is told of its place there."""

from pathlib import Path
from typing import Any

from tests.clients.walking import Client
from tests.house import REGION, House, Tenant
from tests.postgres import drop_database, new_database
from tests.signed import SignedHouse
from tests.wire.craft import claims_of

PEOPLE = {
    "name": "ann",
    "invited": "ina",
    "password": "Correct-horse1",
    "secondPassword": "Battery-staple2",
    "thirdPassword": "Tenth-muse3",
    "temporaryPassword": "For-a-day4",
    "wrongCode": "000000",
}
FLOWS = ["USER_SRP", "USER_PASSWORD", "ADMIN_USER_PASSWORD", "REFRESH_TOKEN"]


class Houses:
    """Servers by what is special about them, each started when it is first asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._running: dict[str, House] = {}
        self._databases: list[str] = []

    def open(self, kind: str) -> House:
        """A server on `sqlite` or `postgres`, one with `aws` issuers, or one that wants calls `signed`."""
        if kind not in self._running:
            self._running[kind] = self._new(kind).start()
        return self._running[kind]

    def _new(self, kind: str) -> House:
        root = self._root / kind
        root.mkdir()
        if kind == "signed":
            return SignedHouse(root)
        flags = ["--issuer", "aws"] if kind == "aws" else []
        if kind == "postgres":
            self._databases.append(new_database())
            flags = ["--database-url", self._databases[-1]]
        return House(root, *flags)

    def close(self) -> None:
        """Stop all, and take their databases away."""
        for house in self._running.values():
            house.stop()
        for url in self._databases:
            drop_database(url)


def to_live(house: House, client: Client) -> dict[str, Any]:
    """A pool with an open client, one that has a secret, and somebody who was invited."""
    flows = {"ExplicitAuthFlows": [f"ALLOW_{flow}_AUTH" for flow in FLOWS]}
    tenant = Tenant(house, client=flows)
    secret = tenant.new_client(GenerateSecret=True, **flows)
    tenant.cognito.admin_create_user(
        UserPoolId=tenant.pool_id,
        Username=PEOPLE["invited"],
        TemporaryPassword=PEOPLE["temporaryPassword"],
        MessageAction="SUPPRESS",
    )
    return PEOPLE | {
        "endpoint": house.url,
        "region": REGION,
        "speaker": client.name,
        "pool": tenant.pool_id,
        "client": tenant.client_id,
        "secretClient": secret["ClientId"],
        "secret": secret["ClientSecret"],
        "mail": f"ann@{tenant.client_id}.example",
        "namesakeMail": f"another.ann@{tenant.client_id}.example",
    }


def to_keep(house: House, client: Client) -> dict[str, Any]:
    """A server that asks for signatures, and its root key."""
    assert isinstance(house, SignedHouse)
    return PEOPLE | {
        "endpoint": house.url,
        "region": REGION,
        "speaker": client.name,
        "keyId": house.root_key.key_id,
        "keySecret": house.root_key.secret,
    }


def to_verify(house: House, _client: Client) -> dict[str, Any]:
    """The tokens of a member of a group, and one of another pool."""
    tenant = Tenant(house)
    sub = tenant.sign_up("ann")
    tenant.cognito.create_group(UserPoolId=tenant.pool_id, GroupName="staff")
    tenant.cognito.admin_add_user_to_group(UserPoolId=tenant.pool_id, Username="ann", GroupName="staff")
    tokens = tenant.sign_in("ann")
    return {
        "endpoint": house.url,
        "issuer": claims_of(tokens["AccessToken"])["iss"],
        "pool": tenant.pool_id,
        "client": tenant.client_id,
        "sub": sub,
        "idToken": tokens["IdToken"],
        "accessToken": tokens["AccessToken"],
        "strangersToken": Tenant(house).user("bea")["AccessToken"],
    }
