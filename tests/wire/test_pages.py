"""Lists of pools and clients, page by page; and tokens that are good for one listing of one server."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.house import House, Tenant, error_of

Make = Callable[..., Tenant]

BAD_TOKEN = ("InvalidParameterException", "Invalid pagination token.", 400)


def pages(listing: Callable[..., Any], member: str, **asked: Any) -> Iterator[list[dict[str, Any]]]:
    """Every page of a listing."""
    answer = listing(**asked)
    yield answer[member]
    while "NextToken" in answer:
        answer = listing(**asked, NextToken=answer["NextToken"])
        yield answer[member]


def test_an_item_of_the_list_of_pools_tells_little(house: House, tenant: Tenant):
    every = pages(house.client().list_user_pools, "UserPools", MaxResults=60)
    (item,) = [pool for page in every for pool in page if pool["Id"] == tenant.pool_id]
    described = tenant.cognito.describe_user_pool(UserPoolId=tenant.pool_id)["UserPool"]
    members = ("Id", "Name", "LambdaConfig", "LastModifiedDate", "CreationDate")
    assert item == {member: described[member] for member in members}


def test_an_item_of_the_list_of_clients_tells_three_things(tenant: Tenant):
    tenant.new_client(ClientName="second", GenerateSecret=True)
    listed = tenant.cognito.list_user_pool_clients(UserPoolId=tenant.pool_id)
    assert "NextToken" not in listed
    assert {client["ClientName"] for client in listed["UserPoolClients"]} == {"app", "second"}
    for client in listed["UserPoolClients"]:
        assert set(client) == {"ClientId", "ClientName", "UserPoolId"}
        assert client["UserPoolId"] == tenant.pool_id


def test_the_pages_of_pools_hold_every_pool_once_whatever_is_made_meanwhile(house: House, tenants: Make):
    before = {tenants().pool_id for _pool in range(3)}
    cognito, seen = house.client(), []
    for page in pages(cognito.list_user_pools, "UserPools", MaxResults=2):
        assert 1 <= len(page) <= 2
        seen += [pool["Id"] for pool in page]
        if len(seen) < 10:
            cognito.create_user_pool(PoolName="between")
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


def test_the_pages_of_clients_hold_every_client_once_and_the_last_has_no_token(tenant: Tenant):
    made = {tenant.client_id} | {tenant.new_client()["ClientId"] for _client in range(5)}
    asked = {"UserPoolId": tenant.pool_id, "MaxResults": 3}
    found = list(pages(tenant.cognito.list_user_pool_clients, "UserPoolClients", **asked))
    assert [len(page) for page in found] == [3, 3]
    assert {client["ClientId"] for page in found for client in page} == made


def test_a_page_after_an_entry_that_is_gone_begins_behind_it(tenant: Tenant):
    for _client in range(3):
        tenant.new_client()
    asked = {"UserPoolId": tenant.pool_id, "MaxResults": 2}
    first = tenant.cognito.list_user_pool_clients(**asked)
    for client in first["UserPoolClients"]:
        tenant.cognito.delete_user_pool_client(UserPoolId=tenant.pool_id, ClientId=client["ClientId"])
    second = tenant.cognito.list_user_pool_clients(**asked, NextToken=first["NextToken"])
    assert len(second["UserPoolClients"]) == 2
    gone = {client["ClientId"] for client in first["UserPoolClients"]}
    assert not gone & {client["ClientId"] for client in second["UserPoolClients"]}


def test_a_page_token_tells_nothing_and_is_another_each_time(tenant: Tenant):
    tenant.new_client()
    asked = {"UserPoolId": tenant.pool_id, "MaxResults": 1}
    first, again = (tenant.cognito.list_user_pool_clients(**asked) for _time in range(2))
    assert first["NextToken"] != again["NextToken"]
    last = first["UserPoolClients"][0]["ClientId"].encode()
    for content in (first["NextToken"].encode(), base64.b64decode(first["NextToken"])):
        assert last not in content
        assert tenant.pool_id.encode() not in content


def test_a_page_token_that_was_touched_is_refused(tenant: Tenant):
    tenant.new_client()
    asked = {"UserPoolId": tenant.pool_id, "MaxResults": 1}
    listing = tenant.cognito.list_user_pool_clients
    token = listing(**asked)["NextToken"]
    for place in range(0, len(token), 5):
        other = "A" if token[place] != "A" else "B"
        touched = token[:place] + other + token[place + 1 :]
        assert error_of(listing, **asked, NextToken=touched) == BAD_TOKEN, place
    for odd in (token[:-4], token + "AAAA", token[4:], "x", "!", "====", "é", token.swapcase(), "A" * 2_000):
        assert error_of(listing, **asked, NextToken=odd) == BAD_TOKEN, odd


def test_a_page_token_is_good_for_its_own_listing_only(house: House, tenants: Make, own_house: House):
    one, other = tenants(), tenants()
    for tenant in (one, other):
        tenant.new_client()
    asked = {"UserPoolId": one.pool_id, "MaxResults": 1}
    of_clients = one.cognito.list_user_pool_clients(**asked)["NextToken"]
    of_pools = one.cognito.list_user_pools(MaxResults=1)["NextToken"]
    elsewhere = {"UserPoolId": other.pool_id, "MaxResults": 1}
    assert error_of(one.cognito.list_user_pool_clients, **elsewhere, NextToken=of_clients) == BAD_TOKEN
    assert error_of(one.cognito.list_user_pool_clients, **asked, NextToken=of_pools) == BAD_TOKEN
    assert error_of(one.cognito.list_user_pools, MaxResults=1, NextToken=of_clients) == BAD_TOKEN
    foreign = own_house.start().client()
    assert error_of(foreign.list_user_pools, MaxResults=1, NextToken=of_pools) == BAD_TOKEN


@pytest.mark.parametrize(
    "results, bound", [(0, "greater than or equal to 1"), (61, "less than or equal to 60")]
)
def test_a_page_has_one_to_sixty_entries(house: House, tenant: Tenant, results: int, bound: str):
    for operation in ("ListUserPools", "ListUserPoolClients"):
        asked = {"UserPoolId": tenant.pool_id, "MaxResults": results}
        status, _headers, body = house.call(operation, asked, Authorization="any")
        assert status == 400
        assert json.loads(body)["message"] == (
            f"1 validation error detected: Value '{results}' at 'maxResults' failed to satisfy constraint: "
            f"Member must have value {bound}"
        )
