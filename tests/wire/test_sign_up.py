"""Sign-up as a client sees it: SignUp, ConfirmSignUp and ResendConfirmationCode, with the codes by mail."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.house import PASSWORD, Tenant
from tests.wire.craft import claims_of
from tests.wire.steps import code_sent_to, confirm_by_mail, refused, secret_hash, sign_in, verified_user

ANN, BEA = "ann@example.com", "bea@example.com"
DAY_S = 86_400
GUESSES_MAX = 15
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SMS = {"SmsConfiguration": {"SnsCallerArn": "arn:aws:iam::123456789012:role/sms", "ExternalId": "x"}}

MISMATCH = "CodeMismatchException: Invalid verification code provided, please try again."
EXPIRED = "ExpiredCodeException: Invalid code provided, please request a code again."
LIMIT = "LimitExceededException: Attempt limit exceeded, please try after some time."
NOBODY = "UserNotFoundException: Username/client id combination not found."
TAKEN = "UsernameExistsException: User already exists"
CONFIRMED = "NotAuthorizedException: User cannot be confirmed. Current status is CONFIRMED"
NON_CONFORMING = "InvalidParameterException: Attributes did not conform to the schema: "


def pairs(**attributes: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


def sign_up(tenant: Tenant, username: str = "ann", **request: Any) -> dict[str, Any]:
    wanted = {"ClientId": tenant.client_id, "Username": username, "Password": PASSWORD}
    answer: dict[str, Any] = tenant.cognito.sign_up(**wanted | request)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def confirm(tenant: Tenant, code: str, username: str = "ann", **request: Any) -> None:
    wanted = {"ClientId": tenant.client_id, "Username": username, "ConfirmationCode": code}
    tenant.cognito.confirm_sign_up(**wanted | request)


def resend(tenant: Tenant, username: str = "ann", **request: Any) -> dict[str, Any]:
    wanted = {"ClientId": tenant.client_id, "Username": username}
    answer: dict[str, Any] = tenant.cognito.resend_confirmation_code(**wanted | request)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def status_of(tenant: Tenant, username: str = "ann") -> str:
    user = tenant.cognito.admin_get_user(UserPoolId=tenant.pool_id, Username=username)
    status: str = user["UserStatus"]
    return status


def attributes_of(tenant: Tenant, username: str = "ann") -> dict[str, str]:
    user = tenant.cognito.admin_get_user(UserPoolId=tenant.pool_id, Username=username)
    return {pair["Name"]: pair["Value"] for pair in user["UserAttributes"]}


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


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


def test_guessing_ends_and_only_a_new_code_begins_it_anew(tenant: Tenant) -> None:
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    code = code_sent_to(tenant, ANN)
    guesses = [refused(confirm, tenant, wrong(code)) for _ in range(GUESSES_MAX + 1)]
    assert guesses == [MISMATCH] * GUESSES_MAX + [LIMIT]
    assert refused(confirm, tenant, code) == LIMIT
    resend(tenant)
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
