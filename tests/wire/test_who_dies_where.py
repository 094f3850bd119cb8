"""
Who dies where: each way to end something, against each place where its tokens are met.

One table.  A fate is what the session's refresh token is answered by both operations that renew, and what its
access token is answered by GetUser; whoever verifies tokens offline notices nothing of any of it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.house import PASSWORD, House, Tenant
from tests.wire.craft import claims_of
from tests.wire.steps import refresh, renew, revoke, rotating

NEW_PASSWORD = "Battery-staple2"
KINDS = ("AccessToken", "IdToken")
ALIVE = "alive"


@dataclass(frozen=True)
class Scene:
    """Sessions before anything ends: three of Ann's, the last through another client, and one of Bob's."""

    tenant: Tenant
    own: dict[str, Any]  # the session that the action is about
    other: dict[str, Any]
    elsewhere: dict[str, Any]
    bob: dict[str, Any]
    other_client_id: str

    @property
    def sessions(self) -> dict[str, dict[str, Any]]:
        """Every session by its name in the table."""
        return {name: getattr(self, name) for name in ("own", "other", "elsewhere", "bob")}

    @property
    def ann(self) -> dict[str, str]:
        """Ann as an administrator names her."""
        return {"UserPoolId": self.tenant.pool_id, "Username": "ann"}


@dataclass(frozen=True)
class Fate:
    """What becomes of one session's tokens."""

    renewed: str  # by GetTokensFromRefreshToken
    refreshed: str  # by InitiateAuth
    acts: str  # by GetUser


LIVES = Fate(ALIVE, ALIVE, ALIVE)
REVOKED = Fate(
    "NotAuthorizedException",
    "NotAuthorizedException: Refresh Token has been revoked",
    "NotAuthorizedException: Access Token has been revoked",
)
DISABLED = Fate(*["NotAuthorizedException: User is disabled."] * 3)
RESET = Fate(*["PasswordResetRequiredException: Password reset required for the user"] * 3)
_DELETED = "NotAuthorizedException: The user has been deleted for the associated refresh token"
DELETED = Fate(_DELETED, _DELETED, "UserNotFoundException: User does not exist.")
_NO_CLIENT = "ResourceNotFoundException: User pool client {client} does not exist."
CLIENTLESS = Fate(_NO_CLIENT, _NO_CLIENT, _NO_CLIENT)
POOLLESS = Fate(_NO_CLIENT, _NO_CLIENT, "ResourceNotFoundException: User pool {pool} does not exist.")
_ELSEWHERE = "UnsupportedOperationException: This API does not support refresh token rotation"
ROTATES = Fate(ALIVE, _ELSEWHERE, ALIVE)
RETIRED = Fate("RefreshTokenReuseException: Refresh token reuse detected", _ELSEWHERE, ALIVE)


def revoke_token(scene: Scene) -> None:
    revoke(scene.tenant, scene.own["RefreshToken"])


def global_sign_out(scene: Scene) -> None:
    scene.tenant.cognito.global_sign_out(AccessToken=scene.own["AccessToken"])


def admin_user_global_sign_out(scene: Scene) -> None:
    scene.tenant.cognito.admin_user_global_sign_out(**scene.ann)


def admin_disable_user(scene: Scene) -> None:
    scene.tenant.cognito.admin_disable_user(**scene.ann)


def admin_disable_and_enable_user(scene: Scene) -> None:
    scene.tenant.cognito.admin_disable_user(**scene.ann)
    scene.tenant.cognito.admin_enable_user(**scene.ann)


def change_password(scene: Scene) -> None:
    scene.tenant.cognito.change_password(
        AccessToken=scene.own["AccessToken"], PreviousPassword=PASSWORD, ProposedPassword=NEW_PASSWORD
    )


def set_a_permanent_password(scene: Scene) -> None:
    scene.tenant.cognito.admin_set_user_password(**scene.ann, Password=NEW_PASSWORD, Permanent=True)


def set_a_temporary_password(scene: Scene) -> None:
    scene.tenant.cognito.admin_set_user_password(**scene.ann, Password=NEW_PASSWORD, Permanent=False)


def admin_reset_user_password(scene: Scene) -> None:
    scene.tenant.cognito.admin_reset_user_password(**scene.ann)


def delete_user(scene: Scene) -> None:
    scene.tenant.cognito.delete_user(AccessToken=scene.own["AccessToken"])


def admin_delete_user(scene: Scene) -> None:
    scene.tenant.cognito.admin_delete_user(**scene.ann)


def delete_user_pool_client(scene: Scene) -> None:
    named = {"UserPoolId": scene.tenant.pool_id, "ClientId": scene.tenant.client_id}
    scene.tenant.cognito.delete_user_pool_client(**named)


def delete_user_pool(scene: Scene) -> None:
    scene.tenant.cognito.delete_user_pool(UserPoolId=scene.tenant.pool_id)


def rotate(scene: Scene) -> None:
    assert renew(scene.tenant, scene.own["RefreshToken"])["RefreshToken"]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    action: Callable[[Scene], None]
    own: Fate
    other: Fate
    elsewhere: Fate
    bob: Fate = LIVES
    client: dict[str, Any] = field(default_factory=dict)


TABLE = [
    #   action                         own       other     elsewhere   bob
    Row(revoke_token, REVOKED, LIVES, LIVES),
    Row(global_sign_out, REVOKED, REVOKED, REVOKED),
    Row(admin_user_global_sign_out, REVOKED, REVOKED, REVOKED),
    Row(admin_disable_user, DISABLED, DISABLED, DISABLED),
    Row(admin_disable_and_enable_user, REVOKED, REVOKED, REVOKED),
    Row(change_password, LIVES, LIVES, LIVES),
    Row(set_a_permanent_password, LIVES, LIVES, LIVES),
    Row(set_a_temporary_password, LIVES, LIVES, LIVES),
    Row(admin_reset_user_password, RESET, RESET, RESET),
    Row(delete_user, DELETED, DELETED, DELETED),
    Row(admin_delete_user, DELETED, DELETED, DELETED),
    Row(delete_user_pool_client, CLIENTLESS, CLIENTLESS, LIVES, CLIENTLESS),
    Row(delete_user_pool, POOLLESS, POOLLESS, POOLLESS, POOLLESS),
    Row(rotate, RETIRED, ROTATES, LIVES, ROTATES, client=rotating()),
]


def staged(tenant: Tenant) -> Scene:
    """A pool with everybody signed in."""
    verified = [{"Name": "email_verified", "Value": "true"}]
    tenant.sign_up("ann", email="ann@example.com")
    tenant.cognito.admin_update_user_attributes(
        UserPoolId=tenant.pool_id, Username="ann", UserAttributes=verified
    )
    other_client_id = tenant.new_client()["ClientId"]
    return Scene(
        tenant=tenant,
        own=tenant.sign_in("ann"),
        other=tenant.sign_in("ann"),
        elsewhere=tenant.sign_in("ann", other_client_id),
        bob=tenant.user("bob"),
        other_client_id=other_client_id,
    )


def answer_to(call: Callable[..., Any], *arguments: Any, **request: Any) -> str:
    """ALIVE, or the refusal: its name, and its text if it has one."""
    try:
        call(*arguments, **request)
    except ClientError as refusal:
        error = refusal.response["Error"]
        return ": ".join(filter(None, (error["Code"], error.get("Message"))))
    return ALIVE


def fate_of(tenant: Tenant, tokens: dict[str, Any]) -> Fate:
    """What the tokens of a session are answered now."""
    client_id, token = claims_of(tokens["AccessToken"])["client_id"], tokens["RefreshToken"]
    return Fate(
        acts=answer_to(tenant.cognito.get_user, AccessToken=tokens["AccessToken"]),
        refreshed=answer_to(refresh, tenant, token, client_id),
        renewed=answer_to(renew, tenant, token, client_id),
    )


def expected(scene: Scene, name: str, fate: Fate) -> Fate:
    """The fate with the ids of the scene in its texts."""
    client_id = scene.other_client_id if name == "elsewhere" else scene.tenant.client_id
    ids = {"client": client_id, "pool": scene.tenant.pool_id}
    return Fate(*[text.format(**ids) for text in (fate.renewed, fate.refreshed, fate.acts)])


def published_keys(house: House, pool_id: str) -> tuple[int, dict[str, Any]]:
    """What the pool's JWK set is answered with."""
    status, _headers, body = house.http("GET", f"/{pool_id}/.well-known/jwks.json")
    return status, json.loads(body)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.action.__name__)
def test_who_dies_where(tenants, row: Row) -> None:
    scene = staged(tenants(client=row.client))
    tenant = scene.tenant
    before = published_keys(tenant.house, tenant.pool_id)
    row.action(scene)
    assert {name: fate_of(tenant, tokens) for name, tokens in scene.sessions.items()} == {
        name: expected(scene, name, getattr(row, name)) for name in scene.sessions
    }
    keys = KeySet.import_key_set(before[1])  # type: ignore[arg-type]  # a JWK set as it is on the wire
    for tokens in scene.sessions.values():
        for kind in KINDS:
            assert jwt.decode(tokens[kind], keys, algorithms=["RS256"]).claims == claims_of(tokens[kind])
    after = published_keys(tenant.house, tenant.pool_id)
    assert after == before if row.action is not delete_user_pool else after[0] == 404
