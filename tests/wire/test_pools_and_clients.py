"""Pools and app clients as boto3 meets them: what is answered unasked, refusals, ends and secrets."""

import json
import re
from collections.abc import Callable

from cenote.domain.clients import secret_hash
from tests.house import PASSWORD, House, Tenant, error_of

Make = Callable[..., Tenant]

# As the live service answers, without the dates and what names the pool; tags may be shown or not.
POOL = {
    "Policies": {
        "PasswordPolicy": {
            "MinimumLength": 8,
            "RequireUppercase": True,
            "RequireLowercase": True,
            "RequireNumbers": True,
            "RequireSymbols": True,
            "TemporaryPasswordValidityDays": 7,
        },
        "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD"]},
    },
    "DeletionProtection": "INACTIVE",
    "LambdaConfig": {},
    "VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_CODE"},
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": []},
    "MfaConfiguration": "OFF",
    "EstimatedNumberOfUsers": 0,
    "EmailConfiguration": {"EmailSendingAccount": "COGNITO_DEFAULT"},
    "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False, "UnusedAccountValidityDays": 7},
    "AccountRecoverySetting": {
        "RecoveryMechanisms": [
            {"Name": "verified_email", "Priority": 1},
            {"Name": "verified_phone_number", "Priority": 2},
        ]
    },
    "UserPoolTier": "ESSENTIALS",
    "IssuerConfiguration": {"Type": "ORIGINAL"},
    "KeyConfiguration": {"KeyType": "AWS_OWNED_KEY"},
}
# In the order in which they are answered.
STANDARD = (
    *("sub", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile"),
    *("picture", "website", "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale"),
    *("phone_number", "phone_number_verified", "address", "updated_at"),
)
# As the live service answers, without the dates and what names the client.
CLIENT = {
    "RefreshTokenValidity": 30,
    "TokenValidityUnits": {},
    "AllowedOAuthFlowsUserPoolClient": False,
    "EnableTokenRevocation": True,
    "EnablePropagateAdditionalUserContextData": False,
    "AuthSessionValidity": 3,
}
SECRET_FORM = r"[0-9a-v]{51,52}"
PROTECTED = (
    "The user pool cannot be deleted because deletion protection is activated."
    " Deletion protection must be inactivated first."
)


def no_pool(pool_id: str) -> tuple[str, str, int]:
    """The refusal of a call that names a pool which is not there."""
    return "ResourceNotFoundException", f"User pool {pool_id} does not exist.", 400


def no_client(client_id: str) -> tuple[str, str, int]:
    """The refusal of a call that names a client which is not there, or not in this pool."""
    return "ResourceNotFoundException", f"User pool client {client_id} does not exist.", 400


# What is there when nothing was asked for.


def test_a_pool_of_which_only_the_name_was_said_is_as_the_service_makes_it(house: House):
    pool = house.client().create_user_pool(PoolName="bare")["UserPool"]
    assert re.fullmatch(r"us-east-1_[0-9A-Za-z]{9}", pool["Id"])
    assert pool["Arn"] == f"arn:aws:cognito-idp:us-east-1:123456789012:userpool/{pool['Id']}"
    assert pool["Name"] == "bare"
    assert pool["CreationDate"] == pool["LastModifiedDate"]
    assert pool.pop("UserPoolTags", {}) == {}
    named = {"Id", "Arn", "Name", "CreationDate", "LastModifiedDate", "SchemaAttributes"}
    assert {member: value for member, value in pool.items() if member not in named} == POOL


def test_the_twenty_standard_attributes_come_in_the_services_order(house: House):
    pool = house.client().create_user_pool(PoolName="bare")["UserPool"]
    entries = {entry.pop("Name"): entry for entry in pool["SchemaAttributes"]}
    assert tuple(entries) == STANDARD
    text = {
        "AttributeDataType": "String",
        "DeveloperOnlyAttribute": False,
        "Required": False,
        "Mutable": True,
    }
    usual = text | {"StringAttributeConstraints": {"MinLength": "0", "MaxLength": "2048"}}
    flag = text | {"AttributeDataType": "Boolean"}
    unusual = {
        "sub": usual
        | {"Required": True, "Mutable": False}
        | {"StringAttributeConstraints": {"MinLength": "1", "MaxLength": "2048"}},
        "birthdate": usual | {"StringAttributeConstraints": {"MinLength": "10", "MaxLength": "10"}},
        "email_verified": flag,
        "phone_number_verified": flag,
        "updated_at": text | {"AttributeDataType": "Number", "NumberAttributeConstraints": {"MinValue": "0"}},
    }
    assert entries == {name: unusual.get(name, usual) for name in STANDARD}


def test_a_description_tells_what_the_creation_told(house: House):
    cognito = house.client()
    created = cognito.create_user_pool(PoolName="told", UserPoolTags={"team": "blue"})["UserPool"]
    described = cognito.describe_user_pool(UserPoolId=created["Id"])["UserPool"]
    assert {member: described[member] for member in created if member != "SchemaAttributes"} == {
        member: value for member, value in created.items() if member != "SchemaAttributes"
    }
    told = [entry for entry in described["SchemaAttributes"] if entry["Name"] != "identities"]
    assert told == created["SchemaAttributes"]


def test_a_client_of_which_only_the_name_was_said_is_as_the_service_makes_it(tenant: Tenant):
    cognito = tenant.cognito
    client = cognito.create_user_pool_client(UserPoolId=tenant.pool_id, ClientName="bare")["UserPoolClient"]
    described = cognito.describe_user_pool_client(UserPoolId=tenant.pool_id, ClientId=client["ClientId"])
    assert described["UserPoolClient"] == client
    assert re.fullmatch(r"[0-9a-v]{26}", client.pop("ClientId"))
    assert client.pop("CreationDate") == client.pop("LastModifiedDate")
    assert client == CLIENT | {"UserPoolId": tenant.pool_id, "ClientName": "bare"}


def test_a_validity_of_zero_is_none_and_one_unit_brings_the_others(tenant: Tenant):
    client = tenant.new_client(RefreshTokenValidity=0, TokenValidityUnits={"AccessToken": "minutes"})
    assert client["RefreshTokenValidity"] == 30
    assert client["TokenValidityUnits"] == {
        "AccessToken": "minutes",
        "IdToken": "hours",
        "RefreshToken": "days",
    }


def test_the_number_of_users_follows_them(tenant: Tenant):
    tenant.sign_up("ann")
    tenant.sign_up("bob", confirmed=False)
    described = tenant.cognito.describe_user_pool(UserPoolId=tenant.pool_id)["UserPool"]
    assert described["EstimatedNumberOfUsers"] == 2


def test_names_need_not_be_unique_and_ids_are(tenants: Make):
    one, other = tenants(pool={"PoolName": "same"}), tenants(pool={"PoolName": "same"})
    assert one.pool_id != other.pool_id
    assert one.new_client(ClientName="same")["ClientId"] != one.new_client(ClientName="same")["ClientId"]


def test_region_and_account_are_in_every_name(own_house: House):
    own_house.start("--region", "eu-central-1", "--account", "000000000042")
    pool = own_house.client().create_user_pool(PoolName="x")["UserPool"]
    assert pool["Id"].startswith("eu-central-1_")
    assert pool["Arn"] == f"arn:aws:cognito-idp:eu-central-1:000000000042:userpool/{pool['Id']}"


def test_members_that_the_model_does_not_know_are_not_kept(house: House, tenant: Tenant):
    asked = {
        "PoolName": "odd",
        "Extra": 1,
        "AccountRecoverySetting": {
            "Extra": 1,
            "RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}],
        },
        "Schema": [{"Name": "x", "AttributeDataType": "String", "Extra": {"Extra": 1}}],
    }
    client = {"UserPoolId": tenant.pool_id, "ClientName": "odd", "TokenValidityUnits": {"Extra": "days"}}
    for operation, request in (("CreateUserPool", asked), ("CreateUserPoolClient", client)):
        status, _headers, body = house.call(operation, request, Authorization="any")
        assert status == 200
        assert b"Extra" not in body


# What is not there.


def test_a_pool_that_never_was_is_named_by_every_operation(house: House):
    cognito, pool_id = house.client(), "us-east-1_NeverWas1"
    client = {"UserPoolId": pool_id, "ClientId": "4nobody4nobody4nobody4nobo"}
    for refused in (
        error_of(cognito.describe_user_pool, UserPoolId=pool_id),
        error_of(cognito.delete_user_pool, UserPoolId=pool_id),
        error_of(cognito.create_user_pool_client, UserPoolId=pool_id, ClientName="x"),
        error_of(cognito.list_user_pool_clients, UserPoolId=pool_id),
        error_of(cognito.describe_user_pool_client, **client),
        error_of(cognito.delete_user_pool_client, **client),
    ):
        assert refused == no_pool(pool_id)


def test_a_client_is_found_in_its_own_pool_only(tenants: Make):
    one, other = tenants(), tenants()
    for client_id in (other.client_id, "4nobody4nobody4nobody4nobo"):
        asked = {"UserPoolId": one.pool_id, "ClientId": client_id}
        assert error_of(one.cognito.describe_user_pool_client, **asked) == no_client(client_id)
        assert error_of(one.cognito.delete_user_pool_client, **asked) == no_client(client_id)
    assert other.sign_up("ann")


def test_a_deleted_client_is_gone_for_everybody(tenant: Tenant):
    tenant.sign_up("ann")
    asked = {"UserPoolId": tenant.pool_id, "ClientId": tenant.client_id}
    tenant.cognito.delete_user_pool_client(**asked)
    assert error_of(tenant.cognito.describe_user_pool_client, **asked) == no_client(tenant.client_id)
    assert error_of(tenant.cognito.delete_user_pool_client, **asked) == no_client(tenant.client_id)
    assert error_of(tenant.sign_up, username="bob") == no_client(tenant.client_id)
    assert error_of(tenant.sign_in, username="ann") == no_client(tenant.client_id)
    assert tenant.cognito.list_user_pool_clients(UserPoolId=tenant.pool_id)["UserPoolClients"] == []


def test_a_deleted_pool_takes_clients_users_and_documents_along(house: House, tenant: Tenant):
    token = tenant.user("ann")["AccessToken"]
    tenant.cognito.delete_user_pool(UserPoolId=tenant.pool_id)
    pool = {"UserPoolId": tenant.pool_id}
    for refused in (
        error_of(tenant.cognito.describe_user_pool, **pool),
        error_of(tenant.cognito.delete_user_pool, **pool),
        error_of(tenant.cognito.list_user_pool_clients, **pool),
        error_of(tenant.cognito.describe_user_pool_client, **pool, ClientId=tenant.client_id),
        error_of(tenant.cognito.admin_get_user, **pool, Username="ann"),
        error_of(tenant.cognito.get_user, AccessToken=token),
    ):
        assert refused == no_pool(tenant.pool_id)
    assert error_of(tenant.sign_up, username="bob") == no_client(tenant.client_id)
    assert error_of(tenant.sign_in, username="ann") == no_client(tenant.client_id)
    every = house.client().get_paginator("list_user_pools").paginate(MaxResults=60)
    assert tenant.pool_id not in {item["Id"] for page in every for item in page["UserPools"]}
    for name in ("jwks.json", "openid-configuration"):
        assert house.http("GET", f"/{tenant.pool_id}/.well-known/{name}")[0] == 404


def test_a_protected_pool_is_not_deleted_and_stays_as_it_is(tenants: Make):
    tenant = tenants(pool={"DeletionProtection": "ACTIVE"})
    tenant.sign_up("ann")
    assert error_of(tenant.cognito.delete_user_pool, UserPoolId=tenant.pool_id) == (
        "InvalidParameterException",
        PROTECTED,
        400,
    )
    described = tenant.cognito.describe_user_pool(UserPoolId=tenant.pool_id)["UserPool"]
    assert (described["DeletionProtection"], described["EstimatedNumberOfUsers"]) == ("ACTIVE", 1)
    assert tenant.sign_in("ann")["AccessToken"]


def test_lives_of_tokens_out_of_range_are_refused_and_no_client_is_made(tenant: Tenant):
    for odd in ({"AccessTokenValidity": 25}, {"RefreshTokenValidity": 3_651}, {"IdTokenValidity": 25}):
        refused = error_of(tenant.new_client, **odd)
        assert refused == ("InvalidParameterException", "Invalid range for token validity.", 400)
    assert len(tenant.cognito.list_user_pool_clients(UserPoolId=tenant.pool_id)["UserPoolClients"]) == 1


# Secrets.


def test_a_generated_secret_is_shown_when_made_and_described_and_never_listed(tenant: Tenant):
    secrets = {tenant.new_client(GenerateSecret=True)["ClientSecret"] for _client in range(3)}
    assert len(secrets) == 3
    assert all(re.fullmatch(SECRET_FORM, secret) for secret in secrets)
    listed = tenant.cognito.list_user_pool_clients(UserPoolId=tenant.pool_id)["UserPoolClients"]
    described = [
        tenant.cognito.describe_user_pool_client(UserPoolId=tenant.pool_id, ClientId=one["ClientId"])
        for one in listed
    ]
    shown = [one["UserPoolClient"].get("ClientSecret") for one in described]
    assert set(shown) == secrets | {None}
    assert not any(secret in json.dumps(listed) for secret in secrets)


def test_a_public_client_has_no_secret(tenant: Tenant):
    for odd in ({}, {"GenerateSecret": False}):
        assert "ClientSecret" not in tenant.new_client(**odd)


def test_a_secret_may_be_brought_along(tenant: Tenant):
    brought = "brought_along_0123456789_ABC"
    client = tenant.new_client(ClientSecret=brought)
    asked = {"UserPoolId": tenant.pool_id, "ClientId": client["ClientId"]}
    assert client["ClientSecret"] == brought
    described = tenant.cognito.describe_user_pool_client(**asked)["UserPoolClient"]
    assert described["ClientSecret"] == brought


def test_a_client_with_a_secret_serves_whoever_can_prove_it(tenant: Tenant):
    client = tenant.new_client(GenerateSecret=True)
    client_id, secret = client["ClientId"], client["ClientSecret"]
    ann = {"ClientId": client_id, "Username": "ann", "Password": PASSWORD}
    assert error_of(tenant.cognito.sign_up, **ann) == (
        "NotAuthorizedException",
        f"Client {client_id} is configured with secret but SECRET_HASH was not received",
        400,
    )
    for wrong in (secret_hash(secret, "bob", client_id), secret_hash(secret + "x", "ann", client_id)):
        assert error_of(tenant.cognito.sign_up, **ann, SecretHash=wrong) == (
            "NotAuthorizedException",
            f"Unable to verify secret hash for client {client_id}",
            400,
        )
    assert tenant.cognito.sign_up(**ann, SecretHash=secret_hash(secret, "ann", client_id))["UserSub"]
