"""A pool that keeps users whom administrators delete for some days, beside a running server."""

import json

import pytest

from tests.commands import refused_beside, run_beside, said_beside
from tests.crash.scene import soon
from tests.everyday import of_which
from tests.house import House, Tenant, error_of
from tests.wire.steps import pairs

DAY_S = 86_400
GONE = ("UserNotFoundException", "User does not exist.", 400)
WHY = ("--reason", "deleted by mistake", "--by", "the desk")


def keep(tenant: Tenant, days: str) -> str:
    return said_beside(tenant.house, "pool", "recovery", "--pool", tenant.pool_id, "--days", days)


def delete(tenant: Tenant, username: str) -> None:
    tenant.cognito.admin_delete_user(UserPoolId=tenant.pool_id, Username=username)


def recover(tenant: Tenant, sub: str) -> str:
    return said_beside(tenant.house, "user", "recover", "--pool", tenant.pool_id, "--sub", sub, *WHY)


def recoverable(tenant: Tenant) -> list[str]:
    said = said_beside(tenant.house, "user", "recoverable", "--pool", tenant.pool_id)
    return [line.split()[0] for line in said.splitlines()[1:]]


def verdict(house: House, sub: str) -> str:
    word: str = json.loads(run_beside(house, "erasure", "verify", sub).stdout)["verdict"]
    return word


def listed(tenant: Tenant) -> list[str]:
    users = tenant.cognito.list_users(UserPoolId=tenant.pool_id)["Users"]
    return [user["Username"] for user in users]


@pytest.fixture
def keeping(tenant: Tenant) -> Tenant:
    """A pool that keeps them for a week."""
    said = keep(tenant, "7")
    assert said == f"{tenant.pool_id} keeps users whom administrators delete for 7 days.\n"
    return tenant


def test_who_was_deleted_is_gone_for_every_client_and_can_be_brought_back(keeping: Tenant) -> None:
    pool, cognito = {"UserPoolId": keeping.pool_id}, keeping.cognito
    sub = keeping.sign_up("ann", email="ann@example.com")
    cognito.create_group(**pool, GroupName="crew")
    cognito.admin_add_user_to_group(**pool, Username="ann", GroupName="crew")
    cognito.admin_update_user_attributes(
        **pool, Username="ann", UserAttributes=pairs(email="ann@example.com", email_verified="true")
    )
    tokens = keeping.sign_in("ann")
    before = cognito.admin_get_user(**pool, Username="ann")
    delete(keeping, "ann")
    assert error_of(cognito.admin_get_user, **pool, Username="ann") == GONE
    assert error_of(cognito.admin_delete_user, **pool, Username="ann") == GONE
    assert error_of(cognito.get_user, AccessToken=tokens["AccessToken"]) == GONE
    assert error_of(cognito.delete_user, AccessToken=tokens["AccessToken"]) == GONE
    refreshing = {"REFRESH_TOKEN": tokens["RefreshToken"]}
    flow = {"ClientId": keeping.client_id, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": refreshing}
    refused = error_of(cognito.initiate_auth, **flow)
    assert refused[:2] == (
        "NotAuthorizedException",
        "The user has been deleted for the associated refresh token",
    )
    assert error_of(keeping.sign_in, username="ann")[0] in {"UserNotFoundException", "NotAuthorizedException"}
    assert listed(keeping) == []
    for clause in ('email = "ann@example.com"', 'username ^= "an"', f'sub = "{sub}"'):
        assert cognito.list_users(**pool, Filter=clause)["Users"] == []
    assert cognito.list_users_in_group(**pool, GroupName="crew")["Users"] == []
    assert cognito.describe_user_pool(**pool)["UserPool"]["EstimatedNumberOfUsers"] == 0
    assert recoverable(keeping) == [sub]
    assert verdict(keeping.house, sub) == "living"  # as long as the key is kept nobody is erased
    assert recover(keeping, sub) == f"{sub} is back.\n"
    after = cognito.admin_get_user(**pool, Username="ann")
    assert {**before, "ResponseMetadata": None} == {**after, "ResponseMetadata": None}
    assert [user["Username"] for user in cognito.list_users_in_group(**pool, GroupName="crew")["Users"]] == [
        "ann"
    ]
    assert cognito.list_users(**pool, Filter='email = "ann@example.com"')["Users"]
    assert error_of(cognito.get_user, AccessToken=tokens["AccessToken"])[1] == "Access Token has been revoked"
    assert keeping.sign_in("ann")
    assert recoverable(keeping) == []
    (line,) = map(json.loads, said_beside(keeping.house, "user", "record", "--sub", sub).splitlines())
    assert (line["act"], line["reason"]) == ("recover", "deleted by mistake")


def test_after_the_days_they_are_erased_for_good(keeping: Tenant) -> None:
    sub, other = keeping.sign_up("ann"), keeping.sign_up("bob")
    delete(keeping, "ann")
    keeping.house.advance(6 * DAY_S)
    delete(keeping, "bob")
    assert sorted(recoverable(keeping)) == sorted([sub, other])
    keeping.house.advance(DAY_S + 60)
    soon(lambda: recoverable(keeping) == [other])
    soon(lambda: verdict(keeping.house, sub) == "erased")
    assert verdict(keeping.house, other) == "living"
    said = refused_beside(keeping.house, "user", "recover", "--pool", keeping.pool_id, "--sub", sub, *WHY)
    assert said.startswith(f"The pool {keeping.pool_id} has no user {sub} to bring back")
    recover(keeping, other)


def test_their_name_is_free_and_a_newcomer_who_took_it_inherits_nothing_and_keeps_it(keeping: Tenant) -> None:
    sub = keeping.sign_up("ann", email="ann@example.com")
    token = keeping.sign_in("ann")["AccessToken"]
    pool = {"UserPoolId": keeping.pool_id}
    keeping.cognito.create_group(**pool, GroupName="crew")
    keeping.cognito.admin_add_user_to_group(**pool, Username="ann", GroupName="crew")
    delete(keeping, "ann")
    newcomer = keeping.sign_up("ann", email="other@example.com")
    assert newcomer != sub
    assert keeping.cognito.admin_list_groups_for_user(**pool, Username="ann")["Groups"] == []
    refused = error_of(keeping.cognito.get_user, AccessToken=token)
    assert refused[:2] == ("NotAuthorizedException", "Invalid access token.")
    said = refused_beside(keeping.house, "user", "recover", "--pool", keeping.pool_id, "--sub", sub, *WHY)
    assert said.startswith(f"Somebody else bears a name of {sub} by now:")
    assert recoverable(keeping) == [sub]
    delete(keeping, "ann")
    recover(keeping, sub)
    assert recoverable(keeping) == [newcomer]
    assert sub in str(keeping.cognito.admin_get_user(**pool, Username="ann")["UserAttributes"])


def test_who_deletes_themself_is_never_kept_nor_whom_an_operator_erases(keeping: Tenant) -> None:
    ann, bob, cyd = (keeping.sign_up(name) for name in ("ann", "bob", "cyd"))
    keeping.cognito.delete_user(AccessToken=keeping.sign_in("ann")["AccessToken"])
    delete(keeping, "cyd")
    for sub in (bob, cyd):
        words = ("--pool", keeping.pool_id, "--sub", sub, *WHY, "--yes")
        assert run_beside(keeping.house, "erase", *words).returncode == 0
    assert recoverable(keeping) == []
    assert [verdict(keeping.house, sub) for sub in (bob, cyd)] == ["erased", "erased"]
    assert verdict(keeping.house, ann) in {"erased", "pending"}


@pytest.mark.thorough
def test_off_again_an_administrator_erases_at_once_and_whoever_is_kept_stays_kept(keeping: Tenant) -> None:
    ann, bob = keeping.sign_up("ann"), keeping.sign_up("bob")
    delete(keeping, "ann")
    assert keep(keeping, "off") == f"{keeping.pool_id} erases users whom administrators delete at once.\n"
    delete(keeping, "bob")
    assert recoverable(keeping) == [ann]
    assert verdict(keeping.house, bob) in {"erased", "pending"}
    recover(keeping, ann)


def test_without_it_nothing_is_kept(tenant: Tenant) -> None:
    sub = tenant.sign_up("ann")
    delete(tenant, "ann")
    assert recoverable(tenant) == []
    assert verdict(tenant.house, sub) in {"erased", "pending"}


@pytest.mark.thorough
def test_what_is_kept_is_exported_and_held_and_goes_with_the_pool(keeping: Tenant) -> None:
    sub = keeping.sign_up("ann", email="ann@example.com")
    delete(keeping, "ann")
    place = ("--pool", keeping.pool_id, "--sub", sub)
    shown = json.loads(said_beside(keeping.house, "user", "export", *place))
    assert shown["user"]["attributes"]["email"] == "ann@example.com"
    assert shown["deleted_and_recoverable_until"]
    said_beside(keeping.house, "user", "hold", *place, *WHY)
    refused = error_of(keeping.cognito.delete_user_pool, UserPoolId=keeping.pool_id)
    assert refused[0] == "OperationNotEnabledException"
    said_beside(keeping.house, "user", "release", *place, *WHY)
    keeping.cognito.delete_user_pool(UserPoolId=keeping.pool_id)
    said = refused_beside(keeping.house, "user", "recover", *place, *WHY)
    assert said.startswith(f"The pool {keeping.pool_id} has no user {sub} to bring back")
    assert refused_beside(keeping.house, "user", "export", *place) == f"There is no pool {keeping.pool_id}."


@pytest.mark.parametrize("days", of_which(["0", "366", "-1", "soon", "1.5"], ["366"]))
def test_days_are_a_number_or_off(tenant: Tenant, days: str) -> None:
    said = refused_beside(tenant.house, "pool", "recovery", "--pool", tenant.pool_id, f"--days={days}")
    assert said == "--days must be off, or a number of days from 1 to 365."
    nowhere = refused_beside(tenant.house, "pool", "recovery", "--pool", "us-east-1_no", "--days", "7")
    assert nowhere == "There is no pool us-east-1_no."
