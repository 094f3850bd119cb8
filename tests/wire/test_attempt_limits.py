"""How often one may try: limits by the hour, the lock after wrong passwords, and who hides behind both."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.house import PASSWORD, House, Tenant
from tests.wire.steps import (
    DONE,
    at_once,
    code_sent_to,
    confirm,
    pairs,
    refused,
    resend,
    sign_in,
    sign_up,
    verified_user,
)

ANN = "ann@example.com"
HOUR_S = 3_600
WRONG = "Wrong-horse1"
FREE_FAILURES = 5
LOCK_S = 64
QUIET_S = LOCK_S_MAX = 900

LIMIT = "LimitExceededException: Attempt limit exceeded, please try after some time."
INCORRECT = "NotAuthorizedException: Incorrect username or password."
LOCKED = "NotAuthorizedException: Password attempts exceeded"
MISMATCH = "CodeMismatchException: Invalid verification code provided, please try again."
EXPIRED = "ExpiredCodeException: Invalid code provided, please request a code again."
UNCONFIRMED = "UserNotConfirmedException: User is not confirmed."


def outcome(call: Callable[..., Any], *arguments: Any, **request: Any) -> str:
    """How a call ends, refused or not."""
    return at_once(lambda: call(*arguments, **request))[0]


def forgot(tenant: Tenant, username: str = "ann") -> None:
    tenant.cognito.forgot_password(ClientId=tenant.client_id, Username=username)


def recover(tenant: Tenant, code: str, username: str = "ann", password: str = PASSWORD) -> None:
    tenant.cognito.confirm_forgot_password(
        ClientId=tenant.client_id, Username=username, ConfirmationCode=code, Password=password
    )


def change(tenant: Tenant, token: str, previous: str = WRONG) -> None:
    tenant.cognito.change_password(AccessToken=token, PreviousPassword=previous, ProposedPassword=PASSWORD)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


# By the hour.


def test_a_confirmation_may_be_tried_fifteen_times_an_hour_whatever_is_sent_again(tenant: Tenant) -> None:
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    code = code_sent_to(tenant, ANN)
    assert [outcome(confirm, tenant, wrong(code)) for _ in range(8)] == [MISMATCH] * 8
    tenant.house.advance(1)
    resend(tenant)
    code = code_sent_to(tenant, ANN)
    assert [outcome(confirm, tenant, wrong(code)) for _ in range(8)] == [MISMATCH] * 7 + [LIMIT]
    assert refused(confirm, tenant, code) == LIMIT
    tenant.house.advance(HOUR_S)
    confirm(tenant, code)


def test_a_code_is_sent_again_five_times_an_hour(tenant: Tenant) -> None:
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    assert [outcome(resend, tenant) for _ in range(6)] == [DONE] * 5 + [LIMIT]
    tenant.house.advance(HOUR_S)
    assert outcome(resend, tenant) == DONE


def test_a_password_is_changed_or_guessed_that_way_five_times_an_hour(tenant: Tenant) -> None:
    token = tenant.user("ann")["AccessToken"]
    assert [outcome(change, tenant, token) for _ in range(6)] == [INCORRECT] * 5 + [LIMIT]
    assert refused(change, tenant, token, PASSWORD) == LIMIT
    assert tenant.sign_in("ann")
    tenant.house.advance(HOUR_S)
    change(tenant, tenant.sign_in("ann")["AccessToken"], PASSWORD)


def test_an_address_is_sent_five_codes_an_hour_and_fifteen_are_tried(tenant: Tenant) -> None:
    token = verified_user(tenant, "ann", ANN)["AccessToken"]
    about = {"AccessToken": token, "AttributeName": "email"}
    ask, verify = tenant.cognito.get_user_attribute_verification_code, tenant.cognito.verify_user_attribute
    assert [outcome(ask, **about) for _ in range(6)] == [DONE] * 5 + [LIMIT]
    code = wrong(code_sent_to(tenant, ANN))
    assert [outcome(verify, Code=code, **about) for _ in range(16)] == [MISMATCH] * 15 + [LIMIT]


def test_a_recovery_is_asked_for_and_tried_twenty_times_an_hour_in_all(tenant: Tenant) -> None:
    verified_user(tenant, "ann", ANN)
    assert [outcome(forgot, tenant) for _ in range(5)] == [DONE] * 5
    code = wrong(code_sent_to(tenant, ANN))
    assert [outcome(recover, tenant, code) for _ in range(15)] == [MISMATCH] * 15
    assert (outcome(forgot, tenant), outcome(recover, tenant, code)) == (LIMIT, LIMIT)
    assert tenant.sign_in("ann")


def test_a_limit_is_each_user_s_own_and_dies_with_them(tenant: Tenant) -> None:
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    sign_up(tenant, "bea", UserAttributes=pairs(email="bea@example.com"))
    assert [outcome(resend, tenant) for _ in range(6)][-1] == LIMIT
    assert outcome(resend, tenant, "bea") == DONE
    tenant.cognito.admin_delete_user(UserPoolId=tenant.pool_id, Username="ann")
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    assert outcome(resend, tenant) == DONE


def test_guesses_made_at_one_moment_are_all_counted(tenant: Tenant) -> None:
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    code = wrong(code_sent_to(tenant, ANN))
    outcomes = at_once(*[lambda: confirm(tenant, code)] * 20)
    assert (outcomes.count(MISMATCH), outcomes.count(LIMIT)) == (15, 5)


def test_a_count_outlives_the_server(own_house: House) -> None:
    own_house.start()
    tenant = Tenant(own_house)
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    code = wrong(code_sent_to(tenant, ANN))
    assert [outcome(confirm, tenant, code) for _ in range(15)] == [MISMATCH] * 15
    own_house.kill()
    own_house.start()
    assert refused(confirm, tenant, code) == LIMIT


@pytest.mark.parametrize(
    "call, limit, refusal",
    [
        (lambda tenant: confirm(tenant, "123456"), 15, EXPIRED),
        (resend, 5, DONE),
        (forgot, 20, DONE),
        (lambda tenant: recover(tenant, "123456"), 20, MISMATCH),
    ],
)
def test_to_a_client_that_hides_nobody_is_limited_as_somebody_would_be(tenants, call, limit, refusal) -> None:
    tenant = tenants(client={"PreventUserExistenceErrors": "ENABLED"})
    assert [outcome(call, tenant) for _ in range(limit + 1)] == [refusal] * limit + [LIMIT]


# Wrong passwords.  The server's clock runs on by itself, so no lock that is met here is a short one.


def fail(tenant: Tenant, times: int, username: str = "ann") -> list[str]:
    return [refused(sign_in, tenant, username, WRONG) for _ in range(times)]


def shut(tenant: Tenant, username: str = "ann") -> None:
    """Fail until the door stays shut for LOCK_S."""
    answers = fail(tenant, FREE_FAILURES, username)
    lock_s = 1
    while lock_s < LOCK_S:
        tenant.house.advance(lock_s)
        answers += fail(tenant, 1, username)
        lock_s *= 2
    assert set(answers) == {INCORRECT}


def test_a_door_that_is_shut_is_shut_for_the_right_password_too_and_opens_by_itself(tenant: Tenant) -> None:
    tenant.user("ann")
    shut(tenant)
    assert (refused(sign_in, tenant, "ann", WRONG), refused(sign_in, tenant, "ann")) == (LOCKED, LOCKED)
    tenant.house.advance(LOCK_S)
    assert tenant.sign_in("ann")


def test_each_failure_doubles_the_time_and_what_comes_meanwhile_does_not_count(tenant: Tenant) -> None:
    tenant.user("ann")
    shut(tenant)
    lock_s = LOCK_S
    while lock_s < LOCK_S_MAX:
        assert fail(tenant, 2) == [LOCKED] * 2
        tenant.house.advance(lock_s - LOCK_S / 2)
        assert fail(tenant, 1) == [LOCKED]
        tenant.house.advance(LOCK_S / 2)
        assert fail(tenant, 1) == [INCORRECT]
        lock_s *= 2
    tenant.house.advance(LOCK_S_MAX - LOCK_S)
    assert fail(tenant, 1) == [LOCKED]
    tenant.house.advance(LOCK_S)
    assert tenant.sign_in("ann")


def test_a_sign_in_forgives_what_was_before(tenant: Tenant) -> None:
    tenant.user("ann")
    shut(tenant)
    tenant.house.advance(LOCK_S)
    assert tenant.sign_in("ann")
    assert fail(tenant, FREE_FAILURES) == [INCORRECT] * FREE_FAILURES


def test_a_quiet_quarter_of_an_hour_forgives_too(tenant: Tenant) -> None:
    tenant.user("ann")
    shut(tenant)
    tenant.house.advance(QUIET_S)
    assert fail(tenant, FREE_FAILURES) == [INCORRECT] * FREE_FAILURES


def test_the_lock_is_each_user_s_own_and_for_passwords_alone(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    tenant.user("bea")
    shut(tenant)
    assert tenant.sign_in("bea")
    assert tenant.cognito.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])
    assert tenant.user("ann")


def test_an_unconfirmed_user_is_locked_out_of_learning_that_the_password_was_right(tenant: Tenant) -> None:
    tenant.sign_up("ann", confirmed=False)
    shut(tenant)
    assert refused(sign_in, tenant, "ann") == LOCKED
    tenant.house.advance(LOCK_S)
    assert refused(sign_in, tenant, "ann") == UNCONFIRMED


def test_of_many_guesses_at_one_moment_no_more_are_answered_than_one_by_one(tenant: Tenant) -> None:
    tenant.user("ann")
    shut(tenant)
    tenant.house.advance(LOCK_S)
    outcomes = at_once(*[lambda: sign_in(tenant, "ann", WRONG)] * 24)
    assert (outcomes.count(INCORRECT), outcomes.count(LOCKED)) == (1, 23)


def test_a_right_password_among_many_guesses_is_told_only_while_the_door_is_open(tenant: Tenant) -> None:
    tenant.user("ann")
    shut(tenant)
    tenant.house.advance(LOCK_S)
    guesses = [lambda: sign_in(tenant, "ann", WRONG)] * 23
    outcomes = at_once(*guesses, lambda: sign_in(tenant, "ann"))
    if outcomes[-1] == LOCKED:
        assert (outcomes.count(INCORRECT), outcomes.count(LOCKED)) == (1, 23)
    else:
        assert outcomes[-1] == DONE  # and the failures before it are forgiven, so that five more are free


def test_the_lock_outlives_the_server(own_house: House) -> None:
    own_house.start()
    tenant = Tenant(own_house)
    tenant.user("ann")
    shut(tenant)
    own_house.kill()
    own_house.start()
    assert refused(sign_in, tenant, "ann") == LOCKED


def test_to_a_client_that_hides_nobody_is_locked_out_as_somebody_would_be(tenants) -> None:
    tenant = tenants(client={"PreventUserExistenceErrors": "ENABLED"})
    tenant.user("ann")
    for name in ("ann", "nobody"):
        shut(tenant, name)
        assert fail(tenant, 2, name) == [LOCKED] * 2
        tenant.house.advance(LOCK_S)
        assert fail(tenant, 2, name) == [INCORRECT, LOCKED]


def test_to_a_client_that_hides_nobody_the_unknown_stay_unknown(tenant: Tenant) -> None:
    unknown = "UserNotFoundException: User does not exist."
    assert fail(tenant, FREE_FAILURES + 2, "nobody") == [unknown] * (FREE_FAILURES + 2)
