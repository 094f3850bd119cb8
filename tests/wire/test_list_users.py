"""ListUsers: whom a filter finds, page by page, and that nobody erased is among them."""

import base64
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cenote.app import build, load_operations
from cenote.domain.users import Status, User
from cenote.operations.newcomers import newcomer
from cenote.services import Services
from cenote.settings import Settings
from cenote.store.transaction import Transaction
from tests.house import House, Tenant
from tests.wire.steps import pairs, refused, verified_user

ANN, BEA, CID = "Ann@example.com", "bea@example.com", "cid@example.org"
INVALID_TOKEN = "InvalidParameterException: Invalid pagination token."
NO_SUCH_ATTRIBUTE = "InvalidParameterException: One or more requested attributes do not exist."
HOUR_S = 3_600


def listed(tenant: Tenant, text: str | None = None, **request: Any) -> dict[str, Any]:
    """ListUsers with this filter: the whole answer."""
    wanted = {} if text is None else {"Filter": text}
    answer: dict[str, Any] = tenant.cognito.list_users(UserPoolId=tenant.pool_id, **wanted | request)
    return answer


def names(tenant: Tenant, text: str | None = None, **request: Any) -> list[str]:
    return [user["Username"] for user in listed(tenant, text, **request)["Users"]]


def pages(tenant: Tenant, text: str | None = None, **request: Any) -> Iterator[list[str]]:
    """The user names of page after page."""
    more: dict[str, Any] = {}
    while True:
        answer = listed(tenant, text, **request, **more)
        yield [user["Username"] for user in answer["Users"]]
        if "PaginationToken" not in answer:
            return
        more = {"PaginationToken": answer["PaginationToken"]}


@pytest.fixture
def crowd(tenant: Tenant) -> Tenant:
    """Ann, bea and cid; cid is disabled, and bea not confirmed."""
    tenant.sign_up("Ann", email=ANN, name="Ann Lee", given_name="Ann", family_name='O"Reilly')
    tenant.sign_up("bea", confirmed=False, email=BEA, name="Bea Lee", preferred_username="queen")
    tenant.sign_up("cid", email=CID, phone_number="+12025550123")
    tenant.cognito.admin_disable_user(UserPoolId=tenant.pool_id, Username="cid")
    return tenant


def test_a_user_is_listed_with_sub_first_and_their_state(tenant: Tenant) -> None:
    sub = tenant.sign_up("ann", email=BEA)
    (user,) = listed(tenant)["Users"]
    assert user.pop("UserCreateDate") <= user.pop("UserLastModifiedDate")
    assert user == {
        "Username": "ann",
        "Attributes": pairs(sub=sub, email=BEA, email_verified="false"),
        "Enabled": True,
        "UserStatus": "CONFIRMED",
    }


@pytest.mark.parametrize(
    "text, found",
    [
        (None, ["Ann", "bea", "cid"]),
        ("", ["Ann", "bea", "cid"]),
        ('email = "ann@EXAMPLE.com"', ["Ann"]),
        ('"email" ^= "ann@example"', ["Ann"]),
        ('email^="b"', ["bea"]),
        ('email ^= ""', ["Ann", "bea", "cid"]),
        ('email = "bea@example"', []),
        ('username = "Ann"', ["Ann"]),
        ('username = "ann"', []),
        ('username ^= "A"', ["Ann"]),
        ('name ^= "bea l"', ["bea"]),
        ('given_name = "ann"', ["Ann"]),
        ('family_name = "o\\"reilly"', ["Ann"]),
        ('preferred_username ^= "que"', ["bea"]),
        ('phone_number = "+12025550123"', ["cid"]),
        ('phone_number ^= "+1202"', ["cid"]),
        ('cognito:user_status = "unconfirmed"', ["bea"]),
        ('cognito:user_status ^= "conf"', ["Ann", "cid"]),
        ('cognito:user_status = "ARCHIVED"', []),
        ('status = "Enabled"', ["Ann", "bea"]),
        ('status = "Disabled"', ["cid"]),
        ('status = "disabled"', []),
        ('sub = "x"', []),
    ],
)
def test_a_filter_finds_whom_it_says(crowd: Tenant, text: str | None, found: list[str]) -> None:
    assert sorted(names(crowd, text)) == found


def test_a_user_is_found_by_their_sub_and_by_how_it_begins(crowd: Tenant) -> None:
    sub = crowd.sign_up("dee")
    assert names(crowd, f'sub = "{sub}"') == ["dee"]
    assert names(crowd, f'sub = "{sub[:-1]}"') == []
    assert names(crowd, f'sub ^= "{sub[:8].upper()}"') == ["dee"]


@pytest.mark.parametrize("text", ["email", 'email = "a" and name = "b"', "email = 'a'", 'email = "a'])
def test_what_is_no_filter_is_refused(tenant: Tenant, text: str) -> None:
    assert refused(listed, tenant, text) == "InvalidParameterException: Error while parsing filter."


@pytest.mark.parametrize("attribute", ["custom:team", "email_verified", "nickname", "unknown"])
def test_what_cannot_be_searched_by_is_named(tenants, attribute: str) -> None:
    tenant = tenants(pool={"Schema": [{"Name": "team", "AttributeDataType": "String"}]})
    assert refused(listed, tenant, f'{attribute} = "a"') == (
        f"InvalidParameterException: Invalid search attribute: {attribute}"
    )


def test_a_filter_knows_its_own_pool_alone(crowd: Tenant, tenants) -> None:
    other = tenants()
    other.sign_up("ann", email=ANN)
    assert names(crowd, f'email = "{ANN}"') == ["Ann"]
    assert names(other, f'email = "{ANN}"') == ["ann"]
    assert refused(other.cognito.list_users, UserPoolId="us-east-1_nobodyxxx") == (
        "ResourceNotFoundException: User pool us-east-1_nobodyxxx does not exist."
    )


def test_what_is_found_comes_in_the_order_of_what_was_searched_for(tenant: Tenant) -> None:
    for name in ("dora", "Abel", "cid", "Bert"):
        tenant.sign_up(f"user-{name}", name=name)
    assert names(tenant, 'name ^= ""') == ["user-Abel", "user-Bert", "user-cid", "user-dora"]


# What is changed is found as it is now.


def test_a_user_is_found_by_what_they_are_called_now(crowd: Tenant) -> None:
    ann = {"UserPoolId": crowd.pool_id, "Username": "Ann"}
    crowd.cognito.admin_update_user_attributes(**ann, UserAttributes=pairs(email="new@example.com"))
    crowd.cognito.admin_delete_user_attributes(**ann, UserAttributeNames=["given_name"])
    assert names(crowd, f'email = "{ANN}"') == names(crowd, 'given_name = "Ann"') == []
    assert names(crowd, 'email ^= "new@exa"') == ["Ann"]
    assert names(crowd, 'name = "Ann Lee"') == ["Ann"]


def test_an_address_that_waits_for_its_proof_finds_nobody(tenants) -> None:
    settings = {"AttributesRequireVerificationBeforeUpdate": ["email"]}
    tenant = tenants(pool={"UserAttributeUpdateSettings": settings})
    tokens = verified_user(tenant, "ann", BEA)
    tenant.cognito.update_user_attributes(AccessToken=tokens["AccessToken"], UserAttributes=pairs(email=CID))
    assert (names(tenant, f'email = "{CID}"'), names(tenant, f'email = "{BEA}"')) == ([], ["ann"])
    code = tenant.house.inbox(to=CID)[0]["code"]
    tenant.cognito.verify_user_attribute(AccessToken=tokens["AccessToken"], AttributeName="email", Code=code)
    assert (names(tenant, f'email = "{CID}"'), names(tenant, f'email = "{BEA}"')) == (["ann"], [])


# Pages.


def test_pages_hold_everybody_once(tenant: Tenant) -> None:
    wanted = [f"user{number:02d}" for number in range(7)]
    for name in wanted:
        tenant.sign_up(name, name=name)
    for text in (None, 'name ^= "user"', 'username ^= "u"', 'cognito:user_status = "CONFIRMED"'):
        found = list(pages(tenant, text, Limit=3))
        assert all(len(page) <= 3 for page in found)
        assert sorted(name for page in found for name in page) == wanted
    assert len(listed(tenant, Limit=0)["Users"]) == 7
    assert "PaginationToken" not in listed(tenant, Limit=7)


def test_a_paginator_walks_through_them(tenant: Tenant) -> None:
    for number in range(5):
        tenant.sign_up(f"user{number}")
    walk = tenant.cognito.get_paginator("list_users").paginate(
        UserPoolId=tenant.pool_id, PaginationConfig={"PageSize": 2}
    )
    assert sorted(user["Username"] for page in walk for user in page["Users"]) == [
        f"user{number}" for number in range(5)
    ]


def test_a_page_token_is_good_for_its_pool_its_filter_its_attributes_and_an_hour(
    crowd: Tenant, tenants
) -> None:
    token = listed(crowd, 'email ^= ""', Limit=1)["PaginationToken"]
    other = tenants()
    assert refused(listed, crowd, 'name ^= ""', PaginationToken=token) == INVALID_TOKEN
    assert refused(listed, crowd, PaginationToken=token) == INVALID_TOKEN
    assert (
        refused(listed, crowd, 'email ^= ""', PaginationToken=token, AttributesToGet=["email"])
        == INVALID_TOKEN
    )
    assert refused(listed, other, 'email ^= ""', PaginationToken=token) == INVALID_TOKEN
    for nonsense in ("x", token[:-4], token[::-1]):
        assert refused(listed, crowd, 'email ^= ""', PaginationToken=nonsense) == INVALID_TOKEN
    crowd.house.advance(HOUR_S - 60)
    assert len(listed(crowd, 'email ^= ""', PaginationToken=token)["Users"]) == 2
    crowd.house.advance(120)
    assert refused(listed, crowd, 'email ^= ""', PaginationToken=token) == INVALID_TOKEN


def test_a_page_token_says_nothing_in_clear(crowd: Tenant) -> None:
    sub = listed(crowd, 'email ^= "a"')["Users"][0]["Attributes"][0]["Value"]
    token = listed(crowd, 'email ^= ""', Limit=1)["PaginationToken"]
    assert sub not in token
    assert sub.encode() not in base64.b64decode(token)


# Attributes.


def test_only_the_attributes_that_are_asked_for_are_shown(crowd: Tenant) -> None:
    (user,) = listed(crowd, 'username = "Ann"', AttributesToGet=["email", "sub"])["Users"]
    assert [pair["Name"] for pair in user["Attributes"]] == ["sub", "email"]
    (user,) = listed(crowd, 'username = "Ann"', AttributesToGet=[])["Users"]
    assert len(user["Attributes"]) == 6


def test_what_one_of_them_lacks_is_refused_unless_it_can_be_searched_by(crowd: Tenant) -> None:
    shown = listed(crowd, AttributesToGet=["phone_number"])["Users"]
    assert sorted(len(user["Attributes"]) for user in shown) == [0, 0, 1]
    crowd.sign_up("dee", nickname="Dee")
    assert refused(listed, crowd, AttributesToGet=["nickname"]) == NO_SUCH_ATTRIBUTE
    (user,) = listed(crowd, 'username = "dee"', AttributesToGet=["nickname"])["Users"]
    assert user["Attributes"] == pairs(nickname="Dee")
    assert refused(listed, crowd, AttributesToGet=["custom:unknown"]) == NO_SUCH_ATTRIBUTE


# Erased.


@pytest.mark.parametrize(
    "text", [None, f'email = "{BEA}"', 'username ^= "bea"', 'status = "Enabled"', 'sub ^= ""']
)
def test_an_erased_user_is_in_no_list_and_a_namesake_is_somebody_else(tenant: Tenant, text) -> None:
    tokens = verified_user(tenant, "bea", BEA)
    sub = listed(tenant, text)["Users"][0]["Attributes"][0]["Value"]
    tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])
    assert names(tenant, text) == []
    tenant.sign_up("bea", email=BEA)
    (user,) = listed(tenant, text)["Users"]
    assert user["Attributes"][0]["Value"] != sub


def test_of_an_erased_user_no_mark_is_left_and_no_value_ever_lay_in_clear(own_house: House) -> None:
    own_house.start()
    tenant = Tenant(own_house)
    sub = tenant.sign_up("somebody", email="very.private@example.com", name="Very Private")
    with closing(sqlite3.connect(f"file:{own_house.data / 'cenote.db'}?mode=ro", uri=True)) as database:
        count = "select count(*) from search_marks where sub = ?"
        assert database.execute(count, (sub,)).fetchone() == (3,)
        tenant.cognito.admin_delete_user(UserPoolId=tenant.pool_id, Username="somebody")
        assert database.execute(count, (sub,)).fetchone() == (0,)
        assert database.execute("select count(*) from search_marks").fetchone() == (0,)
    for file in own_house.data.iterdir():
        content = file.read_bytes().lower()
        assert b"private" not in content
        assert b"somebody" not in content


# The cost.


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """A house without a door: its services alone."""
    app = build(Settings(data=tmp_path / "data", dev=True))
    yield app.services
    app.close()


def fill(services: Services, pool_id: str, first: int, last: int) -> None:
    """So many users, each with an address of their own; a third of them are not confirmed."""
    pool = services.store.read(lambda tx: tx.pools.find(pool_id))
    assert pool is not None

    def body(tx: Transaction) -> None:
        for number in range(first, last):
            user = User(
                sub=services.new_id(),
                pool_id=pool_id,
                username=f"user{number:05d}",
                status=Status.UNCONFIRMED if number % 3 == 0 else Status.CONFIRMED,
                enabled=number % 3 != 0,
                attributes={"email": f"somebody{number:05d}@example.com"},
                password=None,
                created_ms=1,
                modified_ms=1,
            )
            newcomer(services, pool, user).hold(tx)

    services.store.write(body)


def cost_of(services: Services, request: dict[str, Any]) -> tuple[list[str], int]:
    """The statements of a call, and the steps that SQLite's machine takes for them."""
    statements: list[str] = []
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    list_users = load_operations()["ListUsers"]
    list_users(services, request)
    with services.store._reader() as (connection, _transaction):  # type: ignore[attr-defined]
        pass  # the last one given back is the next one taken
    connection.set_trace_callback(statements.append)
    connection.set_progress_handler(step, 1)
    list_users(services, request)
    connection.set_progress_handler(None, 1)
    connection.set_trace_callback(None)
    return [statement.split(" where ")[0] for statement in statements], steps


def test_a_page_costs_the_same_among_3000_users_as_among_30(services: Services) -> None:
    made = load_operations()["CreateUserPool"](services, {"PoolName": "many"})
    pool_id = made["UserPool"]["Id"]
    filters = (
        "",
        'email = "somebody00001@example.com"',
        'email ^= "some"',
        'username ^= "us"',
        'status = "Disabled"',
        'cognito:user_status = "UNCONFIRMED"',
        'sub ^= ""',
    )
    asked = {text: {"UserPoolId": pool_id, "Filter": text, "Limit": 5} for text in filters}
    fill(services, pool_id, 0, 30)
    few = {text: cost_of(services, request) for text, request in asked.items()}
    fill(services, pool_id, 30, 300)
    more = {text: cost_of(services, request) for text, request in asked.items()}
    fill(services, pool_id, 300, 3_000)
    many = {text: cost_of(services, request) for text, request in asked.items()}
    for text in filters:
        assert few[text][0] == more[text][0] == many[text][0]
        # Among 30 users a clause has fewer to look at than it may.
        assert many[text][1] <= more[text][1] * 1.1, (text, more[text][1], many[text][1])
