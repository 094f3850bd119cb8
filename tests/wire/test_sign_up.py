"""Sign-up as a client sees it: from SignUp to a confirmed user, and what SignUp refuses."""

import re

import pytest

from tests.house import Tenant
from tests.wire.craft import claims_of
from tests.wire.steps import (
    attributes_of,
    code_sent_to,
    confirm,
    pairs,
    refused,
    resend,
    secret_hash,
    sign_in,
    sign_up,
    status_of,
)

ANN = "ann@example.com"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SMS = {"SmsConfiguration": {"SnsCallerArn": "arn:aws:iam::123456789012:role/sms", "ExternalId": "x"}}

EXPIRED = "ExpiredCodeException: Invalid code provided, please request a code again."
NOBODY = "UserNotFoundException: Username/client id combination not found."
TAKEN = "UsernameExistsException: User already exists"
CONFIRMED = "NotAuthorizedException: User cannot be confirmed. Current status is CONFIRMED"
NON_CONFORMING = "InvalidParameterException: Attributes did not conform to the schema: "


# From the first call to a confirmed user.


def test_a_user_signs_up_and_confirms_with_the_code_that_was_mailed(tenant: Tenant) -> None:
    answer = sign_up(tenant, UserAttributes=pairs(email=ANN))
    sub = answer.pop("UserSub")
    assert UUID.fullmatch(sub)
    assert answer == {
        "UserConfirmed": False,
        "CodeDeliveryDetails": {
            "AttributeName": "email",
            "DeliveryMedium": "EMAIL",
            "Destination": "a***@e***",
        },
    }
    assert status_of(tenant) == "UNCONFIRMED"
    assert attributes_of(tenant) == {"sub": sub, "email": ANN, "email_verified": "false"}
    code = code_sent_to(tenant, ANN)
    assert re.fullmatch(r"[0-9]{6}", code)
    confirm(tenant, code)
    assert status_of(tenant) == "CONFIRMED"
    assert attributes_of(tenant) == {"sub": sub, "email": ANN, "email_verified": "true"}
    assert claims_of(tenant.sign_in("ann")["AccessToken"])["sub"] == sub


def test_the_message_says_what_the_pool_says(tenants) -> None:
    template = {
        "EmailSubject": "{username}, welcome",
        "EmailMessage": "Dear {username}: {####}",
        "DefaultEmailOption": "CONFIRM_WITH_CODE",
    }
    tenant = tenants(pool={"VerificationMessageTemplate": template})
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    code = code_sent_to(tenant, ANN)
    sent = [one for one in tenant.house.inbox(to=ANN) if one["pool_id"] == tenant.pool_id]
    assert [(one["medium"], one["subject"], one["body"]) for one in sent] == [
        ("EMAIL", "ann, welcome", f"Dear ann: {code}")
    ]


def test_where_nothing_is_verified_nothing_is_sent(tenants) -> None:
    tenant = tenants(pool={"AutoVerifiedAttributes": []})
    address = f"{tenant.client_id}@example.com"
    answer = sign_up(tenant, UserAttributes=pairs(email=address))
    assert set(answer) == {"UserConfirmed", "UserSub"}
    assert tenant.house.inbox(to=address, wait=0) == []
    assert attributes_of(tenant)["email_verified"] == "false"


def test_who_gives_no_address_gets_no_code(tenant: Tenant) -> None:
    assert set(sign_up(tenant)) == {"UserConfirmed", "UserSub"}
    assert refused(confirm, tenant, "123456") == EXPIRED
    assert status_of(tenant) == "UNCONFIRMED"


def test_of_two_addresses_the_phone_is_verified(tenants) -> None:
    tenant = tenants(pool={"AutoVerifiedAttributes": ["email", "phone_number"], **SMS})
    number = "+15550001234"
    answer = sign_up(tenant, UserAttributes=pairs(email=ANN, phone_number=number))
    assert answer["CodeDeliveryDetails"] == {
        "AttributeName": "phone_number",
        "DeliveryMedium": "SMS",
        "Destination": "+*******1234",
    }
    confirm(tenant, code_sent_to(tenant, number))
    verified = attributes_of(tenant)
    assert (verified["phone_number_verified"], verified["email_verified"]) == ("true", "false")


# What SignUp refuses.


def test_a_name_is_given_once(tenant: Tenant) -> None:
    sign_up(tenant)
    assert refused(sign_up, tenant) == TAKEN
    assert refused(sign_up, tenant, Password="Another-one3", UserAttributes=pairs(email=ANN)) == TAKEN
    assert "email" not in attributes_of(tenant)


def test_a_name_that_differs_in_case_is_another_name_by_default(tenant: Tenant) -> None:
    assert sign_up(tenant)["UserSub"] != sign_up(tenant, "Ann")["UserSub"]


def test_where_administrators_alone_make_users_nobody_signs_up(tenants) -> None:
    tenant = tenants(pool={"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}})
    assert refused(sign_up, tenant) == ("NotAuthorizedException: SignUp is not permitted for this user pool")


@pytest.mark.parametrize(
    "password, reason",
    [
        ("Aa1!aaa", "Password not long enough"),
        ("aaaaaaa", "Password not long enough"),
        ("", "Password not long enough"),
        ("correct-horse1", "Password must have uppercase characters"),
        ("CORRECT-HORSE1", "Password must have lowercase characters"),
        ("Correct-horses", "Password must have numeric characters"),
        ("CorrectHorse12", "Password must have symbol characters"),
    ],
)
def test_a_password_is_held_against_the_policy_one_reason_at_a_time(tenant: Tenant, password, reason) -> None:
    assert refused(sign_up, tenant, Password=password) == (
        f"InvalidPasswordException: Password did not conform with policy: {reason}"
    )
    assert refused(sign_in, tenant, "ann") == "UserNotFoundException: User does not exist."


def test_a_pool_may_ask_for_more_or_less(tenants) -> None:
    lenient = tenants(pool={"Policies": {"PasswordPolicy": {"MinimumLength": 6}}})
    sign_up(lenient, Password="aaaaaa")
    strict = tenants(pool={"Policies": {"PasswordPolicy": {"MinimumLength": 20}}})
    assert refused(sign_up, strict) == (
        "InvalidPasswordException: Password did not conform with policy: Password not long enough"
    )


def test_a_password_may_have_spaces_inside_and_letters_of_any_kind(tenant: Tenant) -> None:
    password = "Zoë's 1 pässwörd 漢字"
    sign_up(tenant, Password=password)
    tenant.cognito.admin_confirm_sign_up(UserPoolId=tenant.pool_id, Username="ann")
    assert sign_in(tenant, "ann", password)["AuthenticationResult"]
    assert refused(sign_in, tenant, "ann", password.upper()) == (
        "NotAuthorizedException: Incorrect username or password."
    )


@pytest.mark.parametrize(
    "attributes, refusal",
    [
        (pairs(email="nonsense"), "InvalidParameterException: Invalid email address format."),
        (pairs(phone_number="555"), "InvalidParameterException: Invalid phone number format."),
        (
            pairs(birthdate="1990-01-011"),
            f"{NON_CONFORMING}birthdate: String must be no longer than 10 characters\n",
        ),
        (
            pairs(email_verified="true"),
            "InvalidParameterException: Cannot modify the non-mutable attribute email_verified",
        ),
        (
            pairs(phone_number_verified="true"),
            "InvalidParameterException: Cannot modify the non-mutable attribute phone_number_verified",
        ),
        (pairs(sub="x"), "InvalidParameterException: Cannot modify the non-mutable attribute sub"),
    ],
)
def test_attributes_are_held_against_the_schema(tenant: Tenant, attributes, refusal) -> None:
    assert refused(sign_up, tenant, UserAttributes=attributes) == refusal
    assert refused(resend, tenant) == NOBODY


def test_a_required_attribute_that_is_missing_is_named_by_its_inner_name(tenants) -> None:
    tenant = tenants(pool={"Schema": [{"Name": "family_name", "Required": True}]})
    missing = f"{NON_CONFORMING}name.familyName: The attribute name.familyName is required"
    assert refused(sign_up, tenant) == missing
    assert refused(sign_up, tenant, UserAttributes=pairs(family_name="")) == missing
    assert sign_up(tenant, UserAttributes=pairs(family_name="Ng"))["UserSub"]


def test_a_client_writes_what_it_may_write(tenant: Tenant) -> None:
    narrow = tenant.new_client(WriteAttributes=["given_name"])["ClientId"]
    refusal = "NotAuthorizedException: A client attempted to write unauthorized attribute"
    assert refused(sign_up, tenant, ClientId=narrow, UserAttributes=pairs(family_name="Ng")) == refusal
    assert sign_up(tenant, ClientId=narrow, UserAttributes=pairs(given_name="Ann"))["UserSub"]


def test_of_a_repeated_attribute_the_last_counts_and_an_empty_one_not_at_all(tenant: Tenant) -> None:
    given = [*pairs(name="One"), *pairs(name="Two", nickname="")]
    sub = sign_up(tenant, UserAttributes=given)["UserSub"]
    assert attributes_of(tenant) == {"sub": sub, "name": "Two"}


# The client and its secret.


@pytest.mark.parametrize("call", [sign_up, resend, lambda tenant, **change: confirm(tenant, "1", **change)])
def test_a_client_that_is_not_there_is_named_first(tenant: Tenant, call) -> None:
    assert refused(call, tenant, ClientId="0" * 26) == (
        f"ResourceNotFoundException: User pool client {'0' * 26} does not exist."
    )


@pytest.mark.parametrize("call", [sign_up, resend, lambda tenant, **change: confirm(tenant, "1", **change)])
def test_a_client_with_a_secret_proves_it_before_anything_else(tenants, call) -> None:
    tenant = tenants(client={"GenerateSecret": True})
    unproved = f"NotAuthorizedException: Unable to verify secret hash for client {tenant.client_id}"
    assert refused(call, tenant) == (
        f"NotAuthorizedException: Client {tenant.client_id} is configured with secret"
        " but SECRET_HASH was not received"
    )
    for given in ("nonsense", secret_hash(tenant.client, "bea"), secret_hash(tenant.client, "ann").lower()):
        assert refused(call, tenant, SecretHash=given) == unproved


@pytest.mark.parametrize("call", [sign_up, resend, lambda tenant, **change: confirm(tenant, "1", **change)])
def test_a_client_without_a_secret_can_prove_none(tenant: Tenant, call) -> None:
    assert refused(call, tenant, SecretHash="nonsense") == (
        f"NotAuthorizedException: Unable to verify secret hash for client {tenant.client_id}"
    )


def test_with_its_secret_a_client_does_it_all(tenants) -> None:
    tenant = tenants(client={"GenerateSecret": True})
    proved = {"SecretHash": secret_hash(tenant.client, "ann")}
    sign_up(tenant, UserAttributes=pairs(email=ANN), **proved)
    resend(tenant, **proved)
    confirm(tenant, code_sent_to(tenant, ANN), **proved)
    parameters = {"SECRET_HASH": proved["SecretHash"]}
    assert sign_in(tenant, "ann", parameters=parameters)["AuthenticationResult"]
