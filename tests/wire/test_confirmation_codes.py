"""Confirmation codes: how long and how often one may be tried, how another is sent, and to whom."""

import re
from functools import partial

from tests.house import Tenant
from tests.wire.steps import (
    DONE,
    at_once,
    code_sent_to,
    confirm,
    pairs,
    refused,
    resend,
    sign_up,
    verified_user,
)

ANN, BEA = "ann@example.com", "bea@example.com"
DAY_S, HOUR_S = 86_400, 3_600
GUESSES_MAX = 15
THREADS = 16
SMS = {"SmsConfiguration": {"SnsCallerArn": "arn:aws:iam::123456789012:role/sms", "ExternalId": "x"}}

MISMATCH = "CodeMismatchException: Invalid verification code provided, please try again."
EXPIRED = "ExpiredCodeException: Invalid code provided, please request a code again."
LIMIT = "LimitExceededException: Attempt limit exceeded, please try after some time."
NOBODY = "UserNotFoundException: Username/client id combination not found."
TAKEN = "UsernameExistsException: User already exists"
CONFIRMED = "NotAuthorizedException: User cannot be confirmed. Current status is CONFIRMED"


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


# Codes.


def test_a_wrong_code_is_wrong_and_the_right_one_is_right_afterwards(tenant: Tenant) -> None:
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    code = code_sent_to(tenant, ANN)
    for given in (wrong(code), "0", "nonsense", code + "0", code[:-1]):
        assert refused(confirm, tenant, given) == MISMATCH
    confirm(tenant, code)


def test_a_used_code_finds_a_confirmed_user(tenant: Tenant) -> None:
    verified_user(tenant, "ann", ANN)
    assert refused(confirm, tenant, code_sent_to(tenant, ANN)) == CONFIRMED
    assert refused(confirm, tenant, "000000") == CONFIRMED


def test_a_code_lives_for_a_day(tenant: Tenant) -> None:
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    sign_up(tenant, "bea", UserAttributes=pairs(email=BEA))
    code, hers = code_sent_to(tenant, ANN), code_sent_to(tenant, BEA)
    tenant.house.advance(DAY_S - 60)
    confirm(tenant, code)
    tenant.house.advance(120)
    assert refused(confirm, tenant, hers, "bea") == EXPIRED
    assert refused(confirm, tenant, wrong(hers), "bea") == EXPIRED


def test_guessing_ends_for_the_hour_and_no_new_code_begins_it_anew(tenant: Tenant) -> None:
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    code = code_sent_to(tenant, ANN)
    guesses = [refused(confirm, tenant, wrong(code)) for _ in range(GUESSES_MAX + 1)]
    assert guesses == [MISMATCH] * GUESSES_MAX + [LIMIT]
    assert refused(confirm, tenant, code) == LIMIT
    resend(tenant)
    assert refused(confirm, tenant, code_sent_to(tenant, ANN)) == LIMIT
    tenant.house.advance(HOUR_S)
    confirm(tenant, code_sent_to(tenant, ANN))


def test_a_new_code_replaces_the_old_one(tenant: Tenant) -> None:
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    old = code_sent_to(tenant, ANN)
    tenant.house.advance(1)
    delivery = {"AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": "a***@e***"}
    assert resend(tenant) == {"CodeDeliveryDetails": delivery}
    new = code_sent_to(tenant, ANN)
    if new != old:  # one in a million is the same
        assert refused(confirm, tenant, old) == MISMATCH
    confirm(tenant, new)


def test_a_code_is_the_user_s_and_not_the_client_s(tenant: Tenant) -> None:
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    confirm(tenant, code_sent_to(tenant, ANN), ClientId=tenant.new_client()["ClientId"])


def test_a_code_confirms_nobody_else(tenant: Tenant) -> None:
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    sign_up(tenant, "bea", UserAttributes=pairs(email=BEA))
    if (code := code_sent_to(tenant, ANN)) != code_sent_to(tenant, BEA):
        assert refused(confirm, tenant, code, "bea") == MISMATCH


def test_one_code_that_many_bring_confirms_once(tenant: Tenant) -> None:
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    code = code_sent_to(tenant, ANN)
    outcomes = at_once(*[partial(confirm, tenant, code)] * THREADS)
    assert sorted(outcomes) == [CONFIRMED] * (THREADS - 1) + [DONE]


# ResendConfirmationCode.


def test_a_confirmed_user_needs_no_code(tenant: Tenant) -> None:
    verified_user(tenant, "ann", ANN)
    assert refused(resend, tenant) == "InvalidParameterException: User is already confirmed."


def test_a_code_is_not_sent_again_where_nothing_is_verified_or_nowhere_to_go(tenants) -> None:
    off = "NotAuthorizedException: Cannot resend codes. Auto verification not turned on."
    unverified = tenants(pool={"AutoVerifiedAttributes": []})
    sign_up(unverified, UserAttributes=pairs(email=ANN))
    assert refused(resend, unverified) == off
    addressless = tenants()
    sign_up(addressless)
    assert refused(resend, addressless) == off


# Who is hidden (the table of 6.6).


def test_an_unknown_user_is_unknown_to_a_client_that_hides_nobody(tenant: Tenant) -> None:
    assert refused(confirm, tenant, "123456") == NOBODY
    assert refused(resend, tenant) == NOBODY


def test_an_unknown_user_looks_like_somebody_to_a_client_that_hides(tenants) -> None:
    tenant = tenants(client={"PreventUserExistenceErrors": "ENABLED"})
    assert refused(confirm, tenant, "123456") == EXPIRED
    first, second = resend(tenant), resend(tenant)
    assert first == second
    assert re.fullmatch(r"[a-z]\*\*\*@[a-z]\*\*\*", first["CodeDeliveryDetails"].pop("Destination"))
    assert first == {"CodeDeliveryDetails": {"AttributeName": "email", "DeliveryMedium": "EMAIL"}}
    by_address = resend(tenant, "zoe@quux.org")["CodeDeliveryDetails"]["Destination"]
    assert by_address == "z***@q***"


def test_a_disabled_user_is_hidden_too_and_sent_nothing(tenants) -> None:
    tenant = tenants(client={"PreventUserExistenceErrors": "ENABLED"})
    unknown = resend(tenant)
    address = f"{tenant.client_id}@example.com"
    sign_up(tenant, UserAttributes=pairs(email=address))
    tenant.cognito.admin_disable_user(UserPoolId=tenant.pool_id, Username="ann")
    assert resend(tenant) == unknown
    assert len(tenant.house.inbox(to=address)) == 1


def test_where_the_phone_is_verified_nobody_is_reached_by_phone(tenants) -> None:
    tenant = tenants(
        pool={"AutoVerifiedAttributes": ["phone_number"], **SMS},
        client={"PreventUserExistenceErrors": "ENABLED"},
    )
    delivery = resend(tenant)["CodeDeliveryDetails"]
    assert (delivery["AttributeName"], delivery["DeliveryMedium"]) == ("phone_number", "SMS")
    assert re.fullmatch(r"\+\*{7}[0-9]{4}", delivery["Destination"])


def test_a_taken_name_is_taken_even_for_a_client_that_hides(tenants) -> None:
    tenant = tenants(client={"PreventUserExistenceErrors": "ENABLED"})
    sign_up(tenant)
    assert refused(sign_up, tenant) == TAKEN
