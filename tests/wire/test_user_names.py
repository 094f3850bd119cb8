"""User names: an address in their place, an address beside them, and names without case."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.house import PASSWORD, Tenant, error_of
from tests.wire.craft import claims_of
from tests.wire.steps import (
    attributes_of,
    code_sent_to,
    confirm,
    confirm_by_mail,
    pairs,
    refused,
    resend,
    secret_hash,
    sign_in,
    sign_up,
    status_of,
    verified_user,
)

ANN = "ann@example.com"
SMS = {"SmsConfiguration": {"SnsCallerArn": "arn:aws:iam::123456789012:role/sms", "ExternalId": "x"}}

TAKEN = "UsernameExistsException: User already exists"


# An address in the place of the name.


@pytest.mark.parametrize(
    "attributes, expected",
    [
        (["email"], "Username should be an email."),
        (["phone_number"], "Username should be a phone number."),
        (["email", "phone_number"], "Username should be either an email or a phone number."),
    ],
)
def test_where_an_address_is_the_name_no_other_name_will_do(tenants, attributes, expected) -> None:
    tenant = tenants(pool={"UsernameAttributes": attributes, "AutoVerifiedAttributes": []})
    assert refused(sign_up, tenant) == f"InvalidParameterException: {expected}"


def test_an_address_that_is_the_name_fills_its_attribute_and_the_name_is_the_sub(tenants) -> None:
    tenant = tenants(pool={"UsernameAttributes": ["email"]})
    answer = sign_up(tenant, ANN)
    assert answer["CodeDeliveryDetails"]["Destination"] == "a***@e***"
    confirm_by_mail(tenant, ANN, ANN)
    sub = answer["UserSub"]
    for name in (ANN, sub):
        user = tenant.cognito.admin_get_user(UserPoolId=tenant.pool_id, Username=name)
        assert user["Username"] == sub
        assert claims_of(tenant.sign_in(name)["AccessToken"])["sub"] == sub
    assert attributes_of(tenant, ANN) == {"sub": sub, "email": ANN, "email_verified": "true"}


def test_an_address_that_is_the_name_is_given_once_even_unverified(tenants) -> None:
    tenant = tenants(pool={"UsernameAttributes": ["email"]})
    sign_up(tenant, ANN)
    assert refused(sign_up, tenant, ANN) == TAKEN


def test_a_phone_number_may_be_the_name(tenants) -> None:
    number = "+15550001234"
    tenant = tenants(
        pool={
            "UsernameAttributes": ["email", "phone_number"],
            "AutoVerifiedAttributes": ["email", "phone_number"],
            **SMS,
        }
    )
    assert sign_up(tenant, number)["CodeDeliveryDetails"]["DeliveryMedium"] == "SMS"
    confirm_by_mail(tenant, number, number)
    assert attributes_of(tenant, number)["phone_number_verified"] == "true"
    assert sign_up(tenant, ANN)["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"


# An address beside the name.


@pytest.fixture
def aliased(tenants) -> Tenant:
    """A pool where a verified e-mail address is a name to sign in by."""
    made: Tenant = tenants(pool={"AliasAttributes": ["email"]})
    return made


def test_a_name_must_not_look_like_an_alias(aliased: Tenant, tenants) -> None:
    assert refused(sign_up, aliased, ANN) == (
        "InvalidParameterException: Username cannot be of email format,"
        " since user pool is configured for email alias."
    )
    by_phone = tenants(pool={"AliasAttributes": ["phone_number"], "AutoVerifiedAttributes": []})
    assert refused(sign_up, by_phone, "+15550001234") == (
        "InvalidParameterException: Username cannot be of phone number format,"
        " since user pool is configured for phone number alias."
    )
    assert sign_up(by_phone, ANN)["UserSub"]


def test_an_address_is_an_alias_once_it_is_verified(aliased: Tenant) -> None:
    sign_up(aliased, UserAttributes=pairs(email=ANN))
    assert refused(sign_in, aliased, ANN) == "UserNotFoundException: User does not exist."
    confirm_by_mail(aliased, "ann", ANN)
    for name in ("ann", ANN):
        assert claims_of(aliased.sign_in(name)["AccessToken"])["username"] == "ann"


def test_an_administrator_s_word_makes_no_alias(aliased: Tenant) -> None:
    aliased.sign_up("ann", email=ANN)
    assert refused(sign_in, aliased, ANN) == "UserNotFoundException: User does not exist."


def test_an_alias_has_one_holder_and_moves_only_by_force(aliased: Tenant) -> None:
    verified_user(aliased, "ann", ANN)
    sign_up(aliased, "bea", UserAttributes=pairs(email=ANN))
    code = code_sent_to(aliased, ANN)
    held = "AliasExistsException: An account with the email already exists."
    assert refused(confirm, aliased, code, "bea") == held
    assert refused(confirm, aliased, code, "bea", ForceAliasCreation=False) == held
    assert status_of(aliased, "bea") == "UNCONFIRMED"
    assert claims_of(aliased.sign_in(ANN)["AccessToken"])["username"] == "ann"
    confirm(aliased, code, "bea", ForceAliasCreation=True)
    assert claims_of(aliased.sign_in(ANN)["AccessToken"])["username"] == "bea"
    assert attributes_of(aliased, "ann")["email_verified"] == "false"
    assert attributes_of(aliased, "bea")["email_verified"] == "true"
    assert claims_of(aliased.sign_in("ann")["AccessToken"])["username"] == "ann"


def test_the_loser_of_an_alias_keeps_their_sessions_and_takes_nothing_along(aliased: Tenant) -> None:
    tokens = verified_user(aliased, "ann", ANN)
    sign_up(aliased, "bea", UserAttributes=pairs(email=ANN))
    confirm(aliased, code_sent_to(aliased, ANN), "bea", ForceAliasCreation=True)
    assert aliased.cognito.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    aliased.cognito.delete_user(AccessToken=tokens["AccessToken"])
    assert claims_of(aliased.sign_in(ANN)["AccessToken"])["username"] == "bea"


# Names without case.


@pytest.fixture
def folding(tenants) -> Callable[..., Tenant]:
    """Makes pools in which case does not matter."""

    def make(**pool: Any) -> Tenant:
        made: Tenant = tenants(pool={"UsernameConfiguration": {"CaseSensitive": False}, **pool})
        return made

    return make


def test_where_case_does_not_matter_a_name_is_one_name_in_any_case(folding) -> None:
    tenant = folding()
    sign_up(tenant, "Ann", UserAttributes=pairs(email=ANN))
    assert refused(sign_up, tenant, "aNN") == TAKEN
    confirm(tenant, code_sent_to(tenant, ANN), "ANN")
    assert claims_of(tenant.sign_in("ann")["AccessToken"])["username"] == "ann"
    assert claims_of(tenant.sign_in("ANN")["AccessToken"])["username"] == "ann"


def test_where_case_does_not_matter_an_alias_is_one_alias_in_any_case(folding) -> None:
    tenant = folding(AliasAttributes=["email"])
    verified_user(tenant, "ann", "Ann@Example.com")
    assert claims_of(tenant.sign_in("ann@example.COM")["AccessToken"])["username"] == "ann"
    sign_up(tenant, "bea", UserAttributes=pairs(email="ANN@example.com"))
    code = code_sent_to(tenant, "ANN@example.com")
    assert refused(confirm, tenant, code, "bea").startswith("AliasExistsException")


def test_where_case_does_not_matter_an_address_is_one_name_in_any_case(folding) -> None:
    tenant = folding(UsernameAttributes=["email"])
    sign_up(tenant, "Ann@Example.com")
    assert refused(sign_up, tenant, ANN) == TAKEN
    assert attributes_of(tenant, ANN)["email"] == "Ann@Example.com"


def test_where_case_does_not_matter_a_secret_is_proved_for_the_name_as_it_was_sent(folding) -> None:
    tenant = folding()
    client = tenant.new_client(GenerateSecret=True)
    proved = {"ClientId": client["ClientId"], "SecretHash": secret_hash(client, "ANN")}
    assert sign_up(tenant, "ANN", **proved)["UserSub"]
    assert refused(resend, tenant, "ann", **proved).startswith("NotAuthorizedException: Unable to verify")


def test_a_preferred_name_does_not_shadow_another_users_address(tenants):
    tenant = tenants(pool={"AliasAttributes": ["email", "preferred_username"]})
    refused = error_of(
        tenant.cognito.sign_up,
        ClientId=tenant.client_id,
        Username="mallory",
        Password=PASSWORD,
        UserAttributes=[{"Name": "preferred_username", "Value": "boss@example.com"}],
    )
    text = "Username cannot be of email format, since user pool is configured for email alias."
    assert refused == ("InvalidParameterException", text, 400)
