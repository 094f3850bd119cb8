"""Two secrets of a client at once, as boto3 sees them: one takes the other's place without an outage."""

import re
from typing import Any

import pytest

from tests.house import PASSWORD, Tenant
from tests.wire.steps import at_once, careless, refused, secret_hash

TOO_MANY = "LimitExceededException: Client secrets cannot exceed limit of 2 secrets."


@pytest.fixture
def confidential(tenants):
    """A pool whose client has one secret."""
    return tenants(client={"GenerateSecret": True})


def add(tenant: Tenant, **request: Any) -> dict[str, Any]:
    answer = tenant.cognito.add_user_pool_client_secret(
        UserPoolId=tenant.pool_id, ClientId=tenant.client_id, **request
    )
    told: dict[str, Any] = answer["ClientSecretDescriptor"]
    return told


def listed(tenant: Tenant) -> list[dict[str, Any]]:
    answer = tenant.cognito.list_user_pool_client_secrets(
        UserPoolId=tenant.pool_id, ClientId=tenant.client_id
    )
    assert set(answer) == {"ClientSecrets", "ResponseMetadata"}
    secrets: list[dict[str, Any]] = answer["ClientSecrets"]
    return secrets


def delete(tenant: Tenant, secret_id: str) -> dict[str, Any]:
    answer = tenant.cognito.delete_user_pool_client_secret(
        UserPoolId=tenant.pool_id, ClientId=tenant.client_id, ClientSecretId=secret_id
    )
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def shown_secret(tenant: Tenant) -> str | None:
    client = tenant.cognito.describe_user_pool_client(UserPoolId=tenant.pool_id, ClientId=tenant.client_id)
    secret: str | None = client["UserPoolClient"].get("ClientSecret")
    return secret


def hash_with(tenant: Tenant, secret: str, username: str = "ann") -> str:
    return secret_hash(tenant.client | {"ClientSecret": secret}, username)


def sign_in_with(tenant: Tenant, secret: str) -> dict[str, Any]:
    answer: dict[str, Any] = tenant.cognito.initiate_auth(
        ClientId=tenant.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ann", "PASSWORD": PASSWORD, "SECRET_HASH": hash_with(tenant, secret)},
    )
    return answer


def sign_up_with(tenant: Tenant, secret: str) -> None:
    tenant.cognito.sign_up(
        ClientId=tenant.client_id, Username="ann", Password=PASSWORD, SecretHash=hash_with(tenant, secret)
    )
    tenant.cognito.admin_confirm_sign_up(UserPoolId=tenant.pool_id, Username="ann")


def test_a_client_begins_with_one_secret_or_none(confidential, tenant):
    (secret,) = listed(confidential)
    assert set(secret) == {"ClientSecretId", "ClientSecretCreateDate"}
    assert re.fullmatch(rf"{confidential.client_id}--\d{{13}}", secret["ClientSecretId"])
    assert secret["ClientSecretCreateDate"] == confidential.client["CreationDate"]
    assert listed(tenant) == []


def test_a_second_secret_is_told_once(confidential):
    told = add(confidential)
    assert re.fullmatch("[0-9a-v]{51,52}", told["ClientSecretValue"])
    assert told["ClientSecretValue"] != confidential.client["ClientSecret"]
    first, second = listed(confidential)
    assert first["ClientSecretId"] != second["ClientSecretId"] == told["ClientSecretId"]
    assert second == {name: told[name] for name in ("ClientSecretId", "ClientSecretCreateDate")}


def test_a_secret_that_was_brought_along_is_not_told_back(confidential):
    own = "mine" * 8
    assert set(add(confidential, ClientSecret=own)) == {"ClientSecretId", "ClientSecretCreateDate"}
    sign_up_with(confidential, own)


def test_one_secret_takes_the_place_of_the_other_without_an_outage(confidential):
    former = confidential.client["ClientSecret"]
    sign_up_with(confidential, former)
    latter = add(confidential)["ClientSecretValue"]
    assert sign_in_with(confidential, former)
    assert sign_in_with(confidential, latter)
    assert shown_secret(confidential) == former
    assert delete(confidential, listed(confidential)[0]["ClientSecretId"]) == {}
    assert sign_in_with(confidential, latter)
    assert shown_secret(confidential) == latter
    assert refused(sign_in_with, confidential, former) == (
        f"NotAuthorizedException: Unable to verify secret hash for client {confidential.client_id}"
    )


def test_a_hash_with_neither_secret_is_refused(confidential):
    add(confidential)
    assert refused(sign_up_with, confidential, "another" * 5) == (
        f"NotAuthorizedException: Unable to verify secret hash for client {confidential.client_id}"
    )


def test_there_is_no_third_secret(confidential):
    add(confidential)
    assert refused(add, confidential) == TOO_MANY
    assert len(listed(confidential)) == 2


def test_of_many_who_add_one_succeeds(confidential):
    outcomes = at_once(*[lambda: add(confidential)] * 6)
    assert sorted(outcomes) == sorted([TOO_MANY] * 5 + ["done"])


def test_the_last_secret_is_not_deleted(confidential):
    (secret,) = listed(confidential)
    assert refused(delete, confidential, secret["ClientSecretId"]) == (
        "InvalidParameterException: The last client secret cannot be deleted."
    )
    add(confidential)
    first, second = [one["ClientSecretId"] for one in listed(confidential)]
    outcomes = at_once(lambda: delete(confidential, first), lambda: delete(confidential, second))
    assert sorted(outcomes) == [
        "InvalidParameterException: The last client secret cannot be deleted.",
        "done",
    ]


def test_a_secret_that_is_not_there_is_not_found(confidential):
    assert refused(delete, confidential, f"{confidential.client_id}--7") == (
        "ResourceNotFoundException: Client secret does not exist"
    )


def test_a_public_client_gains_no_secret(tenant):
    assert refused(add, tenant) == (
        f"InvalidParameterException: Client {tenant.client_id} does not have a client secret."
    )
    assert shown_secret(tenant) is None


def test_a_secret_has_24_letters_at_least(confidential):
    cognito, ids = careless(confidential.house), {"UserPoolId": confidential.pool_id}
    ids["ClientId"] = confidential.client_id
    text = refused(cognito.add_user_pool_client_secret, **ids, ClientSecret="short")
    assert text.startswith("InvalidParameterException: 1 validation error detected: Value at 'clientSecret'")
    assert "short" not in text


def test_secrets_outlive_a_restart_and_lie_sealed(own_house):
    tenant = Tenant(own_house.start(), client={"GenerateSecret": True})
    former, latter = tenant.client["ClientSecret"], add(tenant)["ClientSecretValue"]
    own_house.stop()
    files = [file.read_bytes() for file in own_house.root.rglob("*") if file.is_file()]
    assert not [secret for secret in (former, latter) for text in files if secret.encode() in text]
    own_house.start()
    sign_up_with(tenant, former)
    assert sign_in_with(tenant, latter)


@pytest.mark.parametrize("named", ["pool", "client"])
def test_who_is_not_there_is_told_by_their_id(tenant, tenants, named):
    other = tenants()
    ids = {"UserPoolId": tenant.pool_id, "ClientId": other.client_id}
    text = f"ResourceNotFoundException: User pool client {other.client_id} does not exist."
    if named == "pool":
        ids["UserPoolId"] = "us-east-1_nonexist1"
        text = "ResourceNotFoundException: User pool us-east-1_nonexist1 does not exist."
    assert refused(tenant.cognito.add_user_pool_client_secret, **ids) == text
    assert refused(tenant.cognito.list_user_pool_client_secrets, **ids) == text
    assert refused(tenant.cognito.delete_user_pool_client_secret, **ids, ClientSecretId="any") == text
