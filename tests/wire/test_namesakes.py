"""A name that is taken up again: nothing of its former bearer acts on, or passes to, the next one."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from cenote.app import load_operations
from tests.house import PASSWORD, Tenant, error_of
from tests.wire.craft import claims_of
from tests.wire.steps import (
    DONE,
    at_once,
    code_sent_to,
    confirm_by_mail,
    refresh,
    refused,
    sign_in,
    verified_user,
)

ANN, BEA = "ann@example.com", "bea@example.com"
NEW_PASSWORD = "Battery-staple2"
THREADS = 16
ROUNDS = 8

NOT_FOUND = "UserNotFoundException: User does not exist."
UNCONFIRMED = "UserNotConfirmedException: User is not confirmed."
SOMEBODY_ELSE = "NotAuthorizedException: Invalid access token."
INVALID = "NotAuthorizedException: Invalid Access Token"
DISABLED = "NotAuthorizedException: User is disabled."
DELETED = "NotAuthorizedException: The user has been deleted for the associated refresh token"
MISMATCH = "CodeMismatchException: Invalid verification code provided, please try again."
EXPIRED = "ExpiredCodeException: Invalid code provided, please request a code again."

# What each operation that takes a token needs beside it; the ones that are not served yet are passed over.
TOKEN_OPERATIONS: dict[str, dict[str, Any]] = {
    "ChangePassword": {"PreviousPassword": PASSWORD, "ProposedPassword": NEW_PASSWORD},
    "DeleteUser": {},
    "DeleteUserAttributes": {"UserAttributeNames": ["nickname"]},
    "GetUser": {},
    "GetUserAttributeVerificationCode": {"AttributeName": "email"},
    "GlobalSignOut": {},
    "UpdateUserAttributes": {"UserAttributes": [{"Name": "nickname", "Value": "Annie"}]},
    "VerifyUserAttribute": {"AttributeName": "email", "Code": "123456"},
}

Erase = Callable[[Tenant, str], object]


def by_themself(tenant: Tenant, token: str) -> object:
    return tenant.cognito.delete_user(AccessToken=token)


def by_an_administrator(tenant: Tenant, _token: str) -> object:
    return tenant.cognito.admin_delete_user(UserPoolId=tenant.pool_id, Username="ann")


@pytest.fixture(params=[by_themself, by_an_administrator])
def erase(request: pytest.FixtureRequest) -> Erase:
    """Each way to go."""
    way: Erase = request.param
    return way


def answers_to(tenant: Tenant, token: str) -> set[str]:
    """What every operation that takes a token says to this one."""
    calls = [
        (getattr(tenant.cognito, method), TOKEN_OPERATIONS[name])
        for method, name in tenant.cognito.meta.method_to_api_mapping.items()
        if name in TOKEN_OPERATIONS.keys() & load_operations().keys()
    ]
    return {refused(call, AccessToken=token, **others) for call, others in calls}


def sign_up_again(tenant: Tenant, **attributes: str) -> str:
    """The next Ann, unconfirmed, with another password: her `sub`."""
    pairs = [{"Name": name, "Value": value} for name, value in attributes.items()]
    made = tenant.cognito.sign_up(
        ClientId=tenant.client_id, Username="ann", Password=NEW_PASSWORD, UserAttributes=pairs
    )
    sub: str = made["UserSub"]
    return sub


def keep(results: list[Any], call: Callable[..., Any], *arguments: Any) -> None:
    """Make a call whose result is looked at after the race."""
    results.append(call(*arguments))


def ann_of(tenant: Tenant) -> dict[str, Any]:
    """Ann as an administrator sees her, her attributes as a mapping."""
    user = tenant.cognito.admin_get_user(UserPoolId=tenant.pool_id, Username="ann")
    attributes = {pair["Name"]: pair["Value"] for pair in user["UserAttributes"]}
    return {**user, "UserAttributes": attributes}


def confirm_on_an_administrator_s_word(tenant: Tenant) -> None:
    tenant.cognito.admin_confirm_sign_up(UserPoolId=tenant.pool_id, Username="ann")


def test_every_operation_that_takes_a_token_is_met_here(tenant: Tenant) -> None:
    model = tenant.cognito.meta.service_model
    takers = {
        name for name in load_operations() if "AccessToken" in model.operation_model(name).input_shape.members
    }
    assert takers <= TOKEN_OPERATIONS.keys()


# One credential after the other, replayed.


def test_an_old_access_token_acts_for_nobody_that_bears_its_name(tenant: Tenant, erase: Erase) -> None:
    first, second = tenant.user("ann"), tenant.sign_in("ann")
    old = [tokens["AccessToken"] for tokens in (first, second)]
    erase(tenant, old[0])
    assert [answers_to(tenant, token) for token in old] == [{NOT_FOUND}] * 2
    sub = sign_up_again(tenant)
    assert [answers_to(tenant, token) for token in old] == [{UNCONFIRMED}] * 2
    confirm_on_an_administrator_s_word(tenant)
    assert [answers_to(tenant, token) for token in old] == [{SOMEBODY_ELSE}] * 2
    new = sign_in(tenant, "ann", NEW_PASSWORD)["AuthenticationResult"]["AccessToken"]
    assert claims_of(new)["sub"] == sub != claims_of(old[0])["sub"]
    assert tenant.cognito.get_user(AccessToken=new)["Username"] == "ann"


def test_an_old_token_learns_nothing_of_its_namesake_s_state(tenant: Tenant, erase: Erase) -> None:
    old = tenant.user("ann")["AccessToken"]
    erase(tenant, old)
    sign_up_again(tenant)
    confirm_on_an_administrator_s_word(tenant)
    tenant.cognito.admin_disable_user(UserPoolId=tenant.pool_id, Username="ann")
    assert answers_to(tenant, old) == {SOMEBODY_ELSE}


@pytest.mark.parametrize("kind", ["IdToken", "RefreshToken"])
def test_an_old_token_of_another_kind_is_as_invalid_as_ever(tenant: Tenant, erase: Erase, kind: str) -> None:
    tokens = tenant.user("ann")
    erase(tenant, tokens["AccessToken"])
    assert answers_to(tenant, tokens[kind]) == {INVALID}
    sign_up_again(tenant)
    confirm_on_an_administrator_s_word(tenant)
    assert answers_to(tenant, tokens[kind]) == {INVALID}


def test_an_old_refresh_token_never_revives(tenant: Tenant, erase: Erase) -> None:
    tokens = tenant.user("ann")
    erase(tenant, tokens["AccessToken"])
    assert refused(refresh, tenant, tokens["RefreshToken"]) == DELETED
    sign_up_again(tenant)
    assert refused(refresh, tenant, tokens["RefreshToken"]) == DELETED
    confirm_on_an_administrator_s_word(tenant)
    assert refused(refresh, tenant, tokens["RefreshToken"]) == DELETED
    refreshed = refresh(tenant, sign_in(tenant, "ann", NEW_PASSWORD)["AuthenticationResult"]["RefreshToken"])
    assert (
        claims_of(refreshed["AuthenticationResult"]["AccessToken"])["sub"]
        == ann_of(tenant)["UserAttributes"]["sub"]
    )


def test_an_old_password_opens_nothing(tenant: Tenant, erase: Erase) -> None:
    erase(tenant, tenant.user("ann")["AccessToken"])
    assert refused(sign_in, tenant, "ann") == NOT_FOUND
    sign_up_again(tenant)
    confirm_on_an_administrator_s_word(tenant)
    assert refused(sign_in, tenant, "ann") == "NotAuthorizedException: Incorrect username or password."


@pytest.mark.parametrize("address, refusal", [({"email": BEA}, MISMATCH), ({}, EXPIRED)])
def test_an_old_confirmation_code_confirms_no_namesake(tenant: Tenant, address, refusal) -> None:
    tenant.sign_up("ann", confirmed=False, email=ANN)
    code = code_sent_to(tenant, ANN)
    by_an_administrator(tenant, "")
    request = {"ClientId": tenant.client_id, "Username": "ann", "ConfirmationCode": code}
    gone = "UserNotFoundException: Username/client id combination not found."
    assert refused(tenant.cognito.confirm_sign_up, **request) == gone
    sign_up_again(tenant, **address)
    assert refused(tenant.cognito.confirm_sign_up, **request) == refusal
    assert ann_of(tenant)["UserStatus"] == "UNCONFIRMED"


def test_an_old_code_is_no_good_even_when_the_same_address_is_given_again(tenant: Tenant) -> None:
    tenant.sign_up("ann", confirmed=False, email=ANN)
    code = code_sent_to(tenant, ANN)
    by_an_administrator(tenant, "")
    sign_up_again(tenant, email=ANN)
    request = {"ClientId": tenant.client_id, "Username": "ann", "ConfirmationCode": code}
    assert refused(tenant.cognito.confirm_sign_up, **request) == MISMATCH
    confirm_by_mail(tenant, "ann", ANN)
    assert ann_of(tenant)["UserStatus"] == "CONFIRMED"


def test_an_old_reset_code_is_good_for_nothing(tenant: Tenant) -> None:
    verified_user(tenant, "ann", ANN)
    tenant.cognito.admin_reset_user_password(UserPoolId=tenant.pool_id, Username="ann")
    code = code_sent_to(tenant, ANN)
    by_an_administrator(tenant, "")
    sign_up_again(tenant, email=BEA)
    request = {"ClientId": tenant.client_id, "Username": "ann", "ConfirmationCode": code}
    assert refused(tenant.cognito.confirm_sign_up, **request) == MISMATCH
    reset = {**request, "Password": PASSWORD}
    assert tenant.house.call("ConfirmForgotPassword", reset)[0] == 400
    confirm_on_an_administrator_s_word(tenant)
    assert refused(sign_in, tenant, "ann") == "NotAuthorizedException: Incorrect username or password."


# What the next one begins with.


def test_nothing_is_inherited(tenant: Tenant, erase: Erase) -> None:
    token = verified_user(tenant, "ann", ANN)["AccessToken"]
    old = ann_of(tenant)
    erase(tenant, token)
    tenant.house.advance(2)
    sub = sign_up_again(tenant, email=BEA, name="Ann the Second")
    new = ann_of(tenant)
    assert new["UserAttributes"] == {
        "sub": sub,
        "email": BEA,
        "email_verified": "false",
        "name": "Ann the Second",
    }
    assert sub != old["UserAttributes"]["sub"]
    assert (new["UserStatus"], new["Enabled"]) == ("UNCONFIRMED", True)
    assert new["UserCreateDate"] > old["UserLastModifiedDate"]


@pytest.mark.parametrize("change", ["admin_disable_user", "admin_reset_user_password"])
def test_an_erased_user_s_state_does_not_befall_the_next_one(tenant: Tenant, change: str) -> None:
    verified_user(tenant, "ann", ANN)
    getattr(tenant.cognito, change)(UserPoolId=tenant.pool_id, Username="ann")
    by_an_administrator(tenant, "")
    sign_up_again(tenant)
    confirm_on_an_administrator_s_word(tenant)
    assert sign_in(tenant, "ann", NEW_PASSWORD)["AuthenticationResult"]["AccessToken"]


def test_what_an_erased_user_was_sent_is_gone_with_them(tenant: Tenant, erase: Erase) -> None:
    address = f"{tenant.client_id}@example.com"
    token = verified_user(tenant, "ann", address)["AccessToken"]
    assert tenant.house.inbox(to=address)
    erase(tenant, token)
    assert tenant.house.inbox(to=address, wait=0) == []


def test_an_alias_is_free_with_its_bearer_s_end(tenants, erase: Erase) -> None:
    tenant = tenants(pool={"AliasAttributes": ["email"]})
    erase(tenant, verified_user(tenant, "ann", ANN)["AccessToken"])
    assert refused(sign_in, tenant, ANN) == NOT_FOUND
    verified_user(tenant, "bea", ANN)
    assert claims_of(tenant.sign_in(ANN)["AccessToken"])["username"] == "bea"


def test_an_address_that_is_the_name_is_free_with_its_bearer_s_end(tenants) -> None:
    tenant = tenants(pool={"UsernameAttributes": ["email"]})
    old = tenant.user(ANN)
    assert claims_of(old["AccessToken"])["username"] == claims_of(old["AccessToken"])["sub"]
    tenant.cognito.delete_user(AccessToken=old["AccessToken"])
    new = tenant.user(ANN)
    assert answers_to(tenant, old["AccessToken"]) == {NOT_FOUND}
    assert refused(refresh, tenant, old["RefreshToken"]) == DELETED
    assert (
        tenant.cognito.get_user(AccessToken=new["AccessToken"])["Username"]
        != claims_of(old["AccessToken"])["sub"]
    )


def test_a_former_client_s_token_is_no_better_after_a_restart(own_house) -> None:
    tenant = Tenant(own_house.start())
    old = tenant.user("ann")
    tenant.cognito.delete_user(AccessToken=old["AccessToken"])
    tenant.user("ann")
    own_house.stop()
    own_house.start()
    assert answers_to(tenant, old["AccessToken"]) == {SOMEBODY_ELSE}
    assert refused(refresh, tenant, old["RefreshToken"]) == DELETED


# Races: real threads, at one moment.


@pytest.mark.parametrize("turn", range(ROUNDS // 2))
def test_of_many_callers_with_one_token_one_succeeds(tenant: Tenant, turn: int) -> None:
    token = tenant.user("ann")["AccessToken"]
    outcomes = at_once(*[partial(by_themself, tenant, token)] * THREADS)
    assert sorted(outcomes) == [NOT_FOUND] * (THREADS - 1) + [DONE]


def test_of_many_callers_with_tokens_of_their_own_one_succeeds(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    tokens = [tenant.sign_in("ann")["AccessToken"] for _ in range(THREADS)]
    outcomes = at_once(*[partial(by_themself, tenant, token) for token in tokens])
    assert sorted(outcomes) == [NOT_FOUND] * (THREADS - 1) + [DONE]


def test_many_users_go_at_one_moment_and_each_is_gone(tenant: Tenant) -> None:
    tokens = [tenant.user(f"ann{number}")["AccessToken"] for number in range(THREADS)]
    assert at_once(*[partial(by_themself, tenant, token) for token in tokens]) == [DONE] * THREADS
    assert {answer for token in tokens for answer in answers_to(tenant, token)} == {NOT_FOUND}


def test_the_user_and_an_administrator_erase_one_user_once(tenant: Tenant) -> None:
    for _ in range(ROUNDS):
        token = tenant.user("ann")["AccessToken"]
        ways = [partial(by_themself, tenant, token), partial(by_an_administrator, tenant, "")]
        assert sorted(at_once(*ways * 4)) == [NOT_FOUND] * 7 + [DONE]


def test_a_name_goes_and_comes_at_one_moment_and_nobody_is_harmed(tenant: Tenant) -> None:
    """Whoever signs up finds the name taken, or has it as a stranger whom the old token does not touch."""
    for _ in range(ROUNDS):
        token = tenant.user("ann")["AccessToken"]
        made: list[str] = []
        outcomes = at_once(
            *[partial(by_themself, tenant, token)] * 4,
            *[partial(keep, made, sign_up_again, tenant)] * 4,
        )
        assert outcomes[:4].count(DONE) == 1
        assert set(outcomes[:4]) <= {DONE, NOT_FOUND, UNCONFIRMED}
        assert set(outcomes[4:]) <= {DONE, "UsernameExistsException: User already exists"}
        assert len(made) <= 1
        if made:
            assert ann_of(tenant)["UserAttributes"]["sub"] == made[0] != claims_of(token)["sub"]
            by_an_administrator(tenant, "")
        assert error_of(by_an_administrator, tenant=tenant, _token="")[0] == "UserNotFoundException"


def test_a_user_who_goes_while_they_are_shut_out_is_gone_or_shut_out(tenant: Tenant) -> None:
    ann = {"UserPoolId": tenant.pool_id, "Username": "ann"}
    for _ in range(ROUNDS):
        token = tenant.user("ann")["AccessToken"]
        went, shut_out = at_once(
            partial(by_themself, tenant, token), partial(tenant.cognito.admin_disable_user, **ann)
        )
        assert (went, shut_out) in {(DONE, DONE), (DONE, NOT_FOUND), (DISABLED, DONE)}
        if went == DONE:
            assert refused(tenant.cognito.admin_get_user, **ann) == NOT_FOUND
        else:
            assert ann_of(tenant)["Enabled"] is False
            by_an_administrator(tenant, "")


def test_a_namesake_who_is_confirmed_just_then_is_not_the_old_token_s(tenant: Tenant) -> None:
    for _ in range(ROUNDS):
        token = tenant.user("ann")["AccessToken"]
        by_themself(tenant, token)
        sub = sign_up_again(tenant)
        outcomes = at_once(
            partial(confirm_on_an_administrator_s_word, tenant),
            *[partial(by_themself, tenant, token)] * 7,
        )
        assert outcomes[0] == DONE
        assert set(outcomes[1:]) <= {UNCONFIRMED, SOMEBODY_ELSE}
        now = ann_of(tenant)
        assert (now["UserStatus"], now["UserAttributes"]["sub"]) == ("CONFIRMED", sub)
        by_an_administrator(tenant, "")


def test_a_sign_in_that_races_the_end_gives_no_token_that_outlives_it(tenant: Tenant) -> None:
    for _ in range(ROUNDS):
        token = tenant.user("ann")["AccessToken"]
        given: list[dict[str, Any]] = []
        outcomes = at_once(
            *[partial(keep, given, tenant.sign_in, "ann")] * 4,
            partial(by_themself, tenant, token),
        )
        assert outcomes[4] == DONE
        assert set(outcomes[:4]) <= {DONE, NOT_FOUND}
        assert {answer for tokens in given for answer in answers_to(tenant, tokens["AccessToken"])} <= {
            NOT_FOUND
        }
        assert {refused(refresh, tenant, tokens["RefreshToken"]) for tokens in given} <= {DELETED}


def test_a_sign_in_that_races_a_shutting_out_gives_no_token_that_outlives_it(tenant: Tenant) -> None:
    ann = {"UserPoolId": tenant.pool_id, "Username": "ann"}
    tenant.sign_up("ann")
    for _ in range(ROUNDS):
        given: list[dict[str, Any]] = []
        outcomes = at_once(
            *[partial(keep, given, tenant.sign_in, "ann")] * 7,
            partial(tenant.cognito.admin_disable_user, **ann),
        )
        assert outcomes[7] == DONE
        assert set(outcomes[:7]) <= {DONE, DISABLED}
        assert {answer for one in given for answer in answers_to(tenant, one["AccessToken"])} <= {DISABLED}
        tenant.cognito.admin_enable_user(**ann)
        revoked = "NotAuthorizedException: Access Token has been revoked"
        assert {answer for one in given for answer in answers_to(tenant, one["AccessToken"])} <= {revoked}


def test_one_name_that_many_want_is_given_once(tenant: Tenant) -> None:
    outcomes = at_once(*[partial(sign_up_again, tenant)] * THREADS)
    taken = "UsernameExistsException: User already exists"
    assert sorted(outcomes) == [taken] * (THREADS - 1) + [DONE]
