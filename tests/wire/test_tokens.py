"""Tokens as clients read them: header, claims and their order, keys, lives, and their end all at once."""

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.house import House, Tenant
from tests.wire.craft import claims_of, decoded, header_of
from tests.wire.steps import refresh, refused, sign_in, verified_user

ANN = "ann@example.com"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ACCESS_ORDER = [
    *("sub", "iss", "client_id", "origin_jti", "event_id", "token_use"),
    *("scope", "auth_time", "exp", "iat", "jti", "username"),
]
ID_ORDER = [
    *("sub", "iss", "cognito:username", "origin_jti", "aud", "event_id"),
    *("token_use", "auth_time", "exp", "iat", "jti"),
]
KINDS = ("AccessToken", "IdToken")
REVOKED = "NotAuthorizedException: Refresh Token has been revoked"
ACCESS_REVOKED = "NotAuthorizedException: Access Token has been revoked"


def now_s(house: House) -> float:
    """What the server's clock shows."""
    body = house.http("POST", "/_cenote/clock", b'{"advance_seconds": 0}')[2]
    now: float = json.loads(body)["now"]
    return now


def key_set(tenant: Tenant) -> dict[str, Any]:
    """The pool's published keys."""
    document: dict[str, Any] = json.loads(
        tenant.house.http("GET", f"/{tenant.pool_id}/.well-known/jwks.json")[2]
    )
    return document


# The header and the keys.


@pytest.mark.parametrize("kind", KINDS)
def test_a_header_is_a_kid_and_an_alg_in_this_order_and_no_typ(tenant: Tenant, kind: str) -> None:
    token = tenant.user("ann")[kind]
    kid = header_of(token)["kid"]
    assert decoded(token.split(".")[0]) == f'{{"kid":"{kid}","alg":"RS256"}}'.encode()
    assert len(kid) == 44
    assert len(b64decode(kid, validate=True)) == 32


def test_no_two_keys_of_two_pools_are_the_same(tmp_path: Path) -> None:
    """Of a server that was not forked: the pools of those take ready keys in turn."""
    house = House(tmp_path).start()
    try:
        keys = [key for _ in range(2) for key in key_set(Tenant(house))["keys"]]
    finally:
        house.stop()
    assert len({key["n"] for key in keys}) == len({key["kid"] for key in keys}) == 4


def test_every_token_is_verified_by_the_published_keys_and_each_kind_by_its_own(tenant: Tenant) -> None:
    tokens, document = tenant.user("ann"), key_set(tenant)
    keys = KeySet.import_key_set(document)  # type: ignore[arg-type]  # a JWK set as it is on the wire
    for kind in KINDS:
        read = jwt.decode(tokens[kind], keys, algorithms=["RS256"])
        assert read.claims == claims_of(tokens[kind])
    kids = [header_of(tokens[kind])["kid"] for kind in KINDS]
    assert sorted(kids) == sorted(key["kid"] for key in document["keys"])
    assert len(set(kids)) == 2


def test_a_key_shows_six_members_in_alphabetical_order(tenant: Tenant) -> None:
    status, headers, body = tenant.house.http("GET", f"/{tenant.pool_id}/.well-known/jwks.json")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert headers["cache-control"] == "public, max-age=86400"
    keys = json.loads(body)["keys"]
    assert [list(key) for key in keys] == [["alg", "e", "kid", "kty", "n", "use"]] * 2
    assert {(key["alg"], key["e"], key["kty"], key["use"]) for key in keys} == {
        ("RS256", "AQAB", "RSA", "sig")
    }
    assert [len(decoded(key["n"])) for key in keys] == [256, 256]
    assert b" " not in body


def test_no_two_pools_share_a_key(tenants) -> None:
    kids = [key["kid"] for tenant in (tenants(), tenants()) for key in key_set(tenant)["keys"]]
    assert len(set(kids)) == 4


def test_keys_outlive_their_users(tenant: Tenant) -> None:
    tokens, before = tenant.user("ann"), key_set(tenant)
    tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])
    assert key_set(tenant) == before


def test_the_discovery_document_stands_under_the_issuer(tenant: Tenant) -> None:
    issuer = claims_of(tenant.user("ann")["AccessToken"])["iss"]
    assert issuer == f"{tenant.house.url}/{tenant.pool_id}"
    path = issuer.removeprefix(tenant.house.url) + "/.well-known/openid-configuration"
    status, headers, body = tenant.house.http("GET", path)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(body) == {
        "id_token_signing_alg_values_supported": ["RS256"],
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "response_types_supported": ["code", "token"],
        "scopes_supported": ["openid", "email", "phone", "profile"],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }


@pytest.mark.parametrize("document", ["jwks.json", "openid-configuration"])
def test_a_pool_that_is_not_there_has_no_documents(tenant: Tenant, document: str) -> None:
    tenant.cognito.delete_user_pool(UserPoolId=tenant.pool_id)
    for pool_id in (tenant.pool_id, "us-east-1_nobodyxxx", "favicon.ico"):
        status, _headers, body = tenant.house.http("GET", f"/{pool_id}/.well-known/{document}")
        assert (status, json.loads(body)) == (404, {"message": f"User pool {pool_id} does not exist."})


# The claims.


def test_an_access_token_says_this_in_this_order(tenant: Tenant) -> None:
    sub, before = tenant.sign_up("ann", email=ANN), now_s(tenant.house)
    answer = sign_in(tenant, "ann")
    claims = claims_of(answer["AuthenticationResult"]["AccessToken"])
    assert list(claims) == ACCESS_ORDER
    assert claims == {
        "sub": sub,
        "iss": f"{tenant.house.url}/{tenant.pool_id}",
        "client_id": tenant.client_id,
        "origin_jti": claims["origin_jti"],
        "event_id": answer["ResponseMetadata"]["RequestId"],
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin",
        "auth_time": claims["iat"],
        "exp": claims["iat"] + 3600,
        "iat": claims["iat"],
        "jti": claims["jti"],
        "username": "ann",
    }
    assert int(before) <= claims["iat"] <= now_s(tenant.house)
    assert {type(claims[name]) for name in ("auth_time", "exp", "iat")} == {int}


def test_an_id_token_of_somebody_without_attributes_says_this_in_this_order(tenant: Tenant) -> None:
    sub = tenant.sign_up("ann")
    answer = sign_in(tenant, "ann")
    tokens = answer["AuthenticationResult"]
    claims, access = claims_of(tokens["IdToken"]), claims_of(tokens["AccessToken"])
    assert list(claims) == ID_ORDER
    assert claims == {
        "sub": sub,
        "iss": access["iss"],
        "cognito:username": "ann",
        "origin_jti": access["origin_jti"],
        "aud": tenant.client_id,
        "event_id": answer["ResponseMetadata"]["RequestId"],
        "token_use": "id",
        "auth_time": access["auth_time"],
        "exp": access["iat"] + 3600,
        "iat": access["iat"],
        "jti": claims["jti"],
    }


def test_every_token_has_an_id_and_the_tokens_of_a_session_share_their_origin(tenant: Tenant) -> None:
    first, second = tenant.user("ann"), tenant.sign_in("ann")
    claims = [claims_of(tokens[kind]) for tokens in (first, second) for kind in KINDS]
    assert len({one["jti"] for one in claims}) == 4
    assert [one["origin_jti"] for one in claims[:2]] == [claims[0]["origin_jti"]] * 2
    assert [one["origin_jti"] for one in claims[2:]] == [claims[2]["origin_jti"]] * 2
    assert claims[0]["origin_jti"] != claims[2]["origin_jti"]
    assert all(
        UUID.fullmatch(one[name]) for one in claims for name in ("jti", "origin_jti", "event_id", "sub")
    )


def test_attributes_are_claims_of_the_id_token_and_of_no_other(tenants) -> None:
    tenant = tenants(
        pool={
            "Schema": [
                {"Name": "team", "AttributeDataType": "String"},
                {"Name": "floor", "AttributeDataType": "Number"},
                {"Name": "lead", "AttributeDataType": "Boolean"},
            ]
        }
    )
    given = {
        "given_name": "Ann",
        "address": "1 High Street",
        "updated_at": "1790257797",
        "phone_number": "+15550001234",
        "custom:team": "red",
        "custom:floor": "7",
        "custom:lead": "true",
    }
    tenant.sign_up("ann", confirmed=False, email=ANN, **given)
    tenant.cognito.admin_confirm_sign_up(UserPoolId=tenant.pool_id, Username="ann")
    tokens = tenant.sign_in("ann")
    claims = claims_of(tokens["IdToken"])
    assert {name: value for name, value in claims.items() if name not in ID_ORDER} == {
        **given,
        "email": ANN,
        "email_verified": False,
        "phone_number_verified": False,
        "address": {"formatted": "1 High Street"},
        "updated_at": 1790257797,
    }
    assert next(iter(claims)) == "sub"
    assert list(claims_of(tokens["AccessToken"])) == ACCESS_ORDER
    shown = {
        pair["Name"]: pair["Value"]
        for pair in tenant.cognito.get_user(AccessToken=tokens["AccessToken"])["UserAttributes"]
    }
    verified = {"email": ANN, "email_verified": "false", "phone_number_verified": "false"}
    assert shown == {**given, **verified, "sub": claims["sub"]}


def test_a_verified_address_is_true_in_the_token_and_a_text_in_the_profile(tenant: Tenant) -> None:
    tokens = verified_user(tenant, "ann", ANN)
    assert claims_of(tokens["IdToken"])["email_verified"] is True
    profile = tenant.cognito.get_user(AccessToken=tokens["AccessToken"])
    assert {"Name": "email_verified", "Value": "true"} in profile["UserAttributes"]
    assert profile["UserAttributes"][-1]["Name"] == "sub"


def test_what_a_client_may_not_read_is_in_no_token_and_no_profile(tenant: Tenant) -> None:
    tenant.sign_up("ann", email=ANN, given_name="Ann", family_name="Ng")
    narrow = tenant.new_client(ReadAttributes=["given_name"])
    tokens = tenant.sign_in("ann", narrow["ClientId"])
    assert set(claims_of(tokens["IdToken"])) == {*ID_ORDER, "given_name"}
    shown = tenant.cognito.get_user(AccessToken=tokens["AccessToken"])["UserAttributes"]
    assert [pair["Name"] for pair in shown] == ["given_name", "sub"]


def test_where_an_address_is_the_name_tokens_name_the_sub(tenants) -> None:
    tenant = tenants(pool={"UsernameAttributes": ["email"]})
    tokens = tenant.user(ANN)
    access, identity = claims_of(tokens["AccessToken"]), claims_of(tokens["IdToken"])
    assert access["username"] == identity["cognito:username"] == access["sub"]
    assert identity["email"] == ANN
    assert tenant.cognito.get_user(AccessToken=tokens["AccessToken"])["Username"] == access["sub"]


# Their lives.


@pytest.mark.parametrize(
    "settings, access_s, id_s",
    [
        ({}, 3600, 3600),
        ({"AccessTokenValidity": 2, "IdTokenValidity": 3}, 7200, 10800),
        (
            {
                "AccessTokenValidity": 300,
                "IdTokenValidity": 6,
                "TokenValidityUnits": {"AccessToken": "seconds", "IdToken": "minutes"},
            },
            300,
            360,
        ),
        (
            {
                "AccessTokenValidity": 1,
                "IdTokenValidity": 24,
                "TokenValidityUnits": {"AccessToken": "days", "IdToken": "hours"},
            },
            86400,
            86400,
        ),
    ],
)
def test_a_token_lives_as_long_as_its_client_says(tenants, settings, access_s: int, id_s: int) -> None:
    tokens = tenants(client=settings).user("ann")
    access, identity = claims_of(tokens["AccessToken"]), claims_of(tokens["IdToken"])
    assert (access["exp"] - access["iat"], identity["exp"] - identity["iat"]) == (access_s, id_s)
    assert (tokens["ExpiresIn"], tokens["TokenType"]) == (access_s, "Bearer")


def test_a_token_is_good_until_its_end(tenants) -> None:
    tenant = tenants(client={"AccessTokenValidity": 300, "TokenValidityUnits": {"AccessToken": "seconds"}})
    token = tenant.user("ann")["AccessToken"]
    end = claims_of(token)["exp"]
    tenant.house.advance(end - now_s(tenant.house) - 10)
    assert tenant.cognito.get_user(AccessToken=token)["Username"] == "ann"
    tenant.house.advance(10)
    assert refused(tenant.cognito.get_user, AccessToken=token) == (
        "NotAuthorizedException: Access Token has expired"
    )


# Revocation switched off.


def test_without_revocation_no_origin_is_shown_and_no_id_of_the_id_token(tenants) -> None:
    tokens = tenants(client={"EnableTokenRevocation": False}).user("ann")
    assert list(claims_of(tokens["AccessToken"])) == [name for name in ACCESS_ORDER if name != "origin_jti"]
    assert list(claims_of(tokens["IdToken"])) == [
        name for name in ID_ORDER if name not in {"origin_jti", "jti"}
    ]


def test_without_revocation_a_global_sign_out_ends_everything_all_the_same(tenants) -> None:
    tenant = tenants(client={"EnableTokenRevocation": False})
    first, second = tenant.user("ann"), tenant.sign_in("ann")
    tenant.cognito.global_sign_out(AccessToken=first["AccessToken"])
    for tokens in (first, second):
        assert refused(tenant.cognito.get_user, AccessToken=tokens["AccessToken"]) == ACCESS_REVOKED
        assert refused(refresh, tenant, tokens["RefreshToken"]) == REVOKED
    assert tenant.cognito.get_user(AccessToken=tenant.sign_in("ann")["AccessToken"])["Username"] == "ann"


# Global sign-out.


def test_a_global_sign_out_ends_all_sessions_of_one_user_and_says_so_again(tenant: Tenant) -> None:
    first, second, bob = tenant.user("ann"), tenant.sign_in("ann"), tenant.user("bob")
    answer = tenant.cognito.global_sign_out(AccessToken=first["AccessToken"])
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-length"] == "2"
    for tokens in (first, second):
        assert refused(tenant.cognito.global_sign_out, AccessToken=tokens["AccessToken"]) == ACCESS_REVOKED
        assert refused(refresh, tenant, tokens["RefreshToken"]) == REVOKED
    assert tenant.cognito.get_user(AccessToken=bob["AccessToken"])["Username"] == "bob"
    again = tenant.sign_in("ann")
    assert tenant.cognito.get_user(AccessToken=again["AccessToken"])["Username"] == "ann"
    assert refresh(tenant, again["RefreshToken"])["AuthenticationResult"]["AccessToken"]
