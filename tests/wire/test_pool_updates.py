"""A pool and a client that are changed after their creation, as boto3 sees it."""

import json
import sqlite3
from functools import partial
from threading import Event, Thread
from typing import Any

import pytest

from cenote.operations.clients import CLIENTS_PER_POOL_MAX
from cenote.operations.pools import POOLS_PER_REGION_MAX
from tests.house import House, Tenant
from tests.wire.steps import DONE, at_once, careless, refused

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms", "SnsRegion": "us-east-1"}
MAIL = {
    "EmailSendingAccount": "DEVELOPER",
    "SourceArn": "arn:aws:ses:us-east-1:000000000000:identity/a.example",
}
NO_PART_OF_AN_UPDATE = {
    *("Arn", "CreationDate", "CustomDomain", "Domain", "EmailConfigurationFailure", "EstimatedNumberOfUsers"),
    *("Id", "LastModifiedDate", "Name", "SchemaAttributes", "SmsConfigurationFailure", "Status"),
    *("AliasAttributes", "UsernameAttributes", "UsernameConfiguration"),
}
NO_POOL = "ResourceNotFoundException: User pool us-east-1_nonexist1 does not exist."
ROUNDS = 12


def pool_of(tenant: Tenant) -> dict[str, Any]:
    shown: dict[str, Any] = tenant.cognito.describe_user_pool(UserPoolId=tenant.pool_id)["UserPool"]
    return shown


def update(tenant: Tenant, **request: Any) -> dict[str, Any]:
    """UpdateUserPool: its answer without the metadata."""
    answer = tenant.cognito.update_user_pool(UserPoolId=tenant.pool_id, **request)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def client_of(tenant: Tenant) -> dict[str, Any]:
    shown: dict[str, Any] = tenant.cognito.describe_user_pool_client(
        UserPoolId=tenant.pool_id, ClientId=tenant.client_id
    )["UserPoolClient"]
    return shown


def update_client(tenant: Tenant, **request: Any) -> dict[str, Any]:
    answer = tenant.cognito.update_user_pool_client(
        UserPoolId=tenant.pool_id, ClientId=tenant.client_id, **request
    )
    changed: dict[str, Any] = answer["UserPoolClient"]
    return changed


def attribute(name: str, **changes: Any) -> dict[str, Any]:
    return {"Name": name, "AttributeDataType": "String", **changes}


def add_attributes(tenant: Tenant, *attributes: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = tenant.cognito.add_custom_attributes(
        UserPoolId=tenant.pool_id, CustomAttributes=list(attributes)
    )
    return answer


# CreateUserPool and DescribeUserPool


@pytest.mark.parametrize("request_of_it", [{}, {"UserPoolTags": {"a": "b"}, "Schema": [attribute("team")]}])
def test_a_pool_is_described_as_its_creation_answered(house, request_of_it):
    cognito = house.client()
    made = cognito.create_user_pool(PoolName="people", **request_of_it)["UserPool"]
    assert cognito.describe_user_pool(UserPoolId=made["Id"])["UserPool"] == made
    assert made["UserPoolTags"] == request_of_it.get("UserPoolTags", {})
    names = [entry["Name"] for entry in made["SchemaAttributes"]]
    assert names[19:] == ["updated_at"] + [f"custom:{one['Name']}" for one in request_of_it.get("Schema", ())]


# UpdateUserPool


def test_an_update_answers_nothing_and_is_seen_at_once(tenant):
    before = pool_of(tenant)
    tenant.house.advance(60)
    for name in ("first", "second", "third"):
        assert update(tenant, PoolName=name) == {}
        assert pool_of(tenant)["Name"] == name
    after = pool_of(tenant)
    assert after["LastModifiedDate"] > before["LastModifiedDate"]
    assert after["CreationDate"] == before["CreationDate"]
    listed = tenant.cognito.get_paginator("list_user_pools").paginate(MaxResults=60)
    names = {pool["Id"]: pool["Name"] for page in listed for pool in page["UserPools"]}
    assert names[tenant.pool_id] == "third"


def test_an_update_is_true_for_the_next_who_signs_up(tenant):
    update(tenant, AdminCreateUserConfig={"AllowAdminCreateUserOnly": True})
    assert refused(tenant.sign_up, "ann").startswith("NotAuthorizedException: ")
    update(tenant)
    tenant.sign_up("ann")


def test_a_description_sent_back_is_accepted_and_changes_nothing(tenants):
    tenant = tenants(
        pool={
            "Policies": {"PasswordPolicy": {"MinimumLength": 9, "TemporaryPasswordValidityDays": 3}},
            "LambdaConfig": {"PreTokenGeneration": FUNCTION},
            "UserPoolTags": {"team": "red"},
            "DeletionProtection": "ACTIVE",
            "UsernameConfiguration": {"CaseSensitive": False},
        }
    )
    before = pool_of(tenant)
    assert update(tenant, **{name: before[name] for name in before.keys() - NO_PART_OF_AN_UPDATE}) == {}
    after = pool_of(tenant)
    assert after | {"LastModifiedDate": None} == before | {"LastModifiedDate": None}


def test_what_is_left_out_is_set_back(tenants):
    plain = tenants(pool={"AutoVerifiedAttributes": []})
    tenant = tenants(
        pool={
            "Policies": {"PasswordPolicy": {"MinimumLength": 12, "TemporaryPasswordValidityDays": 3}},
            "LambdaConfig": {"PreSignUp": FUNCTION},
            "MfaConfiguration": "ON",
            "SmsConfiguration": SMS,
            "SmsAuthenticationMessage": "Code {####}",
            "EmailConfiguration": MAIL,
            "AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "admin_only", "Priority": 1}]},
            "IssuerConfiguration": {"Type": "UPDATED"},
        }
    )
    update(tenant)
    own = dict.fromkeys(("Id", "Arn", "CreationDate", "LastModifiedDate"))
    assert pool_of(tenant) | own == pool_of(plain) | own


def test_what_an_update_keeps_when_it_is_left_out(tenants):
    tenant = tenants(
        pool={
            "UserPoolTier": "PLUS",
            "UserPoolTags": {"team": "red"},
            "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
            "DcrConfiguration": {"AllowedScopes": ["a/b"]},
        }
    )
    before = pool_of(tenant)
    update(tenant, AutoVerifiedAttributes=["email"])
    assert pool_of(tenant) | {"LastModifiedDate": None} == before | {"LastModifiedDate": None}


def test_a_password_policy_that_is_left_out_no_longer_holds(tenants):
    tenant = tenants(pool={"Policies": {"PasswordPolicy": {"MinimumLength": 60}}})
    assert refused(tenant.sign_up, "ann").startswith("InvalidPasswordException: ")
    update(tenant)
    tenant.sign_up("ann")


def test_members_that_are_fixed_are_passed_over(tenant):
    before = pool_of(tenant)
    request = {"UserPoolId": tenant.pool_id, "AliasAttributes": ["email"], "Schema": [attribute("team")]}
    status, _headers, body = tenant.house.call("UpdateUserPool", request, Authorization="any")
    assert (status, body) == (200, b"{}")
    assert pool_of(tenant)["SchemaAttributes"] == before["SchemaAttributes"]
    assert "AliasAttributes" not in pool_of(tenant)


def test_an_update_that_is_refused_leaves_everything_as_it_was(tenant):
    before = pool_of(tenant)
    assert refused(update, tenant, PoolName="other", MfaConfiguration="ON") == (
        "InvalidParameterException: SMS configuration and Auto verification for phone_number are required"
        " when MFA is required/optional"
    )
    assert pool_of(tenant) == before


def test_a_plan_is_not_lowered_below_what_a_client_uses(tenant):
    update_client(tenant, ExplicitAuthFlows=["ALLOW_USER_AUTH"])
    assert refused(update, tenant, UserPoolTier="LITE") == (
        "FeatureUnavailableInTierException: The following features need to be disabled for the LITE"
        " pricing tier configured: Choice-Based Sign-In"
    )
    update_client(tenant)
    assert update(tenant, UserPoolTier="LITE") == {}


def test_of_updates_at_once_none_is_lost_half_way(tenant):
    """Each leaves its own name and trigger together, and none takes a tag away that another call has set."""
    arn = pool_of(tenant)["Arn"]
    wanted = {
        name: {"PoolName": name, "LambdaConfig": {"PreSignUp": f"{FUNCTION}-{name}"}}
        for name in ("one", "two")
    }
    seen: list[dict[str, Any]] = []
    over = Event()

    def watch() -> None:
        while not over.is_set():
            seen.append(pool_of(tenant))

    update(tenant, **wanted["one"])
    watcher = Thread(target=watch)
    watcher.start()
    for number in range(ROUNDS):
        tag = partial(tenant.cognito.tag_resource, ResourceArn=arn, Tags={f"tag{number}": "set"})
        outcomes = at_once(
            lambda: update(tenant, **wanted["one"]),
            lambda: update(tenant, **wanted["two"]),
            tag,
        )
        assert set(outcomes) == {DONE}
    over.set()
    watcher.join()
    for pool in (*seen, pool_of(tenant)):
        assert pool["LambdaConfig"] == wanted[pool["Name"]]["LambdaConfig"]
    dates = [pool["LastModifiedDate"] for pool in seen]
    assert dates == sorted(dates)
    assert len(pool_of(tenant)["UserPoolTags"]) == ROUNDS


# DeleteUserPool


def test_protection_is_lifted_by_an_update(tenants):
    tenant = tenants(pool={"DeletionProtection": "ACTIVE"})
    assert refused(tenant.cognito.delete_user_pool, UserPoolId=tenant.pool_id) == (
        "InvalidParameterException: The user pool cannot be deleted because deletion protection is activated."
        " Deletion protection must be inactivated first."
    )
    update(tenant, DeletionProtection="INACTIVE")
    tenant.cognito.delete_user_pool(UserPoolId=tenant.pool_id)


def test_a_pool_with_a_domain_stays(own_house):
    tenant = Tenant(own_house.start())
    own_house.stop()
    give_domain(own_house, tenant.pool_id, "people")
    own_house.start()
    assert refused(tenant.cognito.delete_user_pool, UserPoolId=tenant.pool_id) == (
        "InvalidParameterException: User pool cannot be deleted."
        " It has a domain configured that should be deleted first."
    )
    update(tenant, PoolName="other")
    assert pool_of(tenant)["Domain"] == "people"


# AddCustomAttributes


def test_attributes_are_added_for_users_and_clients(tenant):
    assert add_attributes(tenant, attribute("team"), attribute("level", Mutable=False))["ResponseMetadata"]
    names = [entry["Name"] for entry in pool_of(tenant)["SchemaAttributes"]]
    assert names[-2:] == ["custom:team", "custom:level"]
    tenant.sign_up("ann", **{"custom:team": "red"})
    assert update_client(tenant, ReadAttributes=["custom:team"])["ReadAttributes"] == ["custom:team"]


def test_of_attributes_all_are_added_or_none(tenant):
    add_attributes(tenant, attribute("team"))
    before = pool_of(tenant)
    assert refused(add_attributes, tenant, attribute("dept"), attribute("team")) == (
        "InvalidParameterException: custom:team: Existing attribute already has name custom:team."
    )
    assert pool_of(tenant) == before


def test_attributes_are_at_most_25_a_call_and_50_a_pool(tenant):
    house = careless(tenant.house)
    too_many = [attribute(f"a{number}") for number in range(26)]
    assert refused(
        house.add_custom_attributes, UserPoolId=tenant.pool_id, CustomAttributes=too_many
    ).endswith("failed to satisfy constraint: Member must have length less than or equal to 25")
    for tens in ("a", "b"):
        add_attributes(tenant, *[attribute(f"{tens}{number}") for number in range(25)])
    assert refused(add_attributes, tenant, attribute("last")) == (
        "InvalidParameterException: A user pool can have at most 50 custom attributes."
    )


# UpdateUserPoolClient


def test_a_client_is_configured_anew_and_shown_whole(tenant):
    before = client_of(tenant)
    tenant.house.advance(60)
    after = update_client(tenant, AccessTokenValidity=2, ExplicitAuthFlows=before["ExplicitAuthFlows"])
    assert after == client_of(tenant)
    assert after["LastModifiedDate"] > before["LastModifiedDate"]
    assert after | {"LastModifiedDate": None} == before | {
        "LastModifiedDate": None,
        "AccessTokenValidity": 2,
    }


def test_all_that_a_client_is_not_told_is_set_back_but_for_its_name(tenants):
    tenant = tenants(client={"PreventUserExistenceErrors": "ENABLED", "ClientName": "mine"})
    after = update_client(tenant)
    assert after["ClientName"] == "mine"
    assert "PreventUserExistenceErrors" not in after
    assert "ExplicitAuthFlows" not in after
    assert update_client(tenant, ClientName="ours")["ClientName"] == "ours"


def test_a_client_keeps_its_secret_and_its_id(tenants):
    tenant = tenants(client={"GenerateSecret": True})
    after = update_client(tenant, ClientName="other")
    assert (after["ClientSecret"], after["ClientId"]) == (tenant.client["ClientSecret"], tenant.client_id)


def test_what_a_client_allows_is_true_for_the_next_sign_in(tenant):
    tenant.sign_up("ann")
    update_client(tenant, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"])
    assert refused(tenant.sign_in, "ann") == (
        "InvalidParameterException: USER_PASSWORD_AUTH flow not enabled for this client"
    )


@pytest.mark.parametrize(
    "request_of_it,text",
    [
        ({"ReadAttributes": ["custom:none"]}, "Invalid read attributes specified while updating a client"),
        ({"WriteAttributes": ["sub"]}, "Invalid write attributes specified while updating a client"),
        ({"AccessTokenValidity": 25}, "Invalid range for token validity."),
    ],
)
def test_an_update_of_a_client_is_refused_as_its_creation_is(tenant, request_of_it, text):
    assert refused(update_client, tenant, **request_of_it) == f"InvalidParameterException: {text}"


# Who is not there


def test_a_pool_that_is_not_there_is_told_by_its_id(house):
    cognito, nowhere = house.client(), {"UserPoolId": "us-east-1_nonexist1"}
    assert refused(cognito.update_user_pool, **nowhere) == NO_POOL
    assert refused(cognito.update_user_pool_client, **nowhere, ClientId="c" * 26) == NO_POOL
    assert refused(cognito.add_custom_attributes, **nowhere, CustomAttributes=[attribute("a")]) == NO_POOL
    assert refused(cognito.delete_user_pool, **nowhere) == NO_POOL


def test_a_client_of_another_pool_is_not_there(tenant, tenants):
    other = tenants()
    assert (
        refused(tenant.cognito.update_user_pool_client, UserPoolId=tenant.pool_id, ClientId=other.client_id)
        == f"ResourceNotFoundException: User pool client {other.client_id} does not exist."
    )


# How many there may be


def test_pools_and_clients_have_their_number(own_house):
    tenant = Tenant(own_house.start())
    own_house.stop()
    with sqlite3.connect(own_house.data / "cenote.db") as database:
        database.executemany(
            "insert into pools (pool_id, name, version, slot, wrapped, secrets, document, created_ms,"
            " modified_ms) select pool_id || ?1, name, version, slot + 1000 + ?1, wrapped, secrets,"
            " document, created_ms, modified_ms from pools where pool_id = ?2",
            [(number, tenant.pool_id) for number in range(POOLS_PER_REGION_MAX - 1)],
        )
        database.executemany(
            "insert into clients select client_id || ?1, pool_id, name, version, document, created_ms,"
            " modified_ms from clients where client_id = ?2",
            [(number, tenant.client_id) for number in range(CLIENTS_PER_POOL_MAX - 1)],
        )
    database.close()
    own_house.start()
    assert refused(tenant.new_client) == (
        "LimitExceededException: A user pool can have at most 1000 app clients."
    )
    assert refused(tenant.cognito.create_user_pool, PoolName="more") == (
        "LimitExceededException: There can be at most 1000 user pools."
    )
    tenant.cognito.delete_user_pool_client(UserPoolId=tenant.pool_id, ClientId=tenant.client_id)
    tenant.new_client()
    tenant.cognito.delete_user_pool(UserPoolId=tenant.pool_id)
    Tenant(own_house)


def give_domain(house: House, pool_id: str, domain: str) -> None:
    """Put a domain into a pool's document as it lies in the database of a house that is stopped."""
    with sqlite3.connect(house.data / "cenote.db") as database:
        (text,) = database.execute("select document from pools where pool_id = ?", (pool_id,)).fetchone()
        document = json.dumps(json.loads(text) | {"Domain": domain}).encode()
        database.execute("update pools set document = ? where pool_id = ?", (document, pool_id))
    database.close()
