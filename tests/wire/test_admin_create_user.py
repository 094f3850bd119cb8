"""Users whom an administrator makes: their password, their invitation, and what their name may be."""

import re
from functools import partial
from typing import Any

import pytest

from tests.house import PASSWORD, Tenant
from tests.wire.steps import (
    DONE,
    at_once,
    attributes_of,
    code_sent_to,
    pairs,
    refresh,
    refused,
    sign_in,
    status_of,
    verified_user,
)

ANN, BEA = "ann@example.com", "bea@example.com"
PHONE = "+12025550123"
DAY_S = 86_400
TAKEN = "UsernameExistsException: User account already exists"
NOBODY = "UserNotFoundException: User does not exist."
OWN_PASSWORD = "NEW_PASSWORD_REQUIRED"
WRONG = "NotAuthorizedException: Incorrect username or password."
OVER = "NotAuthorizedException: Temporary password has expired and must be reset by an administrator."


def create(tenant: Tenant, username: str = "ann", **request: Any) -> dict[str, Any]:
    """AdminCreateUser: the user that it answers."""
    made = tenant.cognito.admin_create_user(UserPoolId=tenant.pool_id, Username=username, **request)
    user: dict[str, Any] = made["User"]
    return user


def set_password(tenant: Tenant, password: str, **request: Any) -> None:
    tenant.cognito.admin_set_user_password(
        UserPoolId=tenant.pool_id, Username="ann", Password=password, **request
    )


def asked_for(tenant: Tenant, password: str) -> str | None:
    """The challenge that a sign-in with this password leads to."""
    name: str | None = sign_in(tenant, "ann", password).get("ChallengeName")
    return name


def messages(tenant: Tenant) -> list[dict[str, Any]]:
    """What was sent to users of this pool, newest first."""
    return [one for one in tenant.house.inbox(wait=0) if one["pool_id"] == tenant.pool_id]


# The user that is made.


def test_a_user_is_made_who_has_to_set_a_password_of_their_own(tenant: Tenant) -> None:
    user = create(tenant, UserAttributes=pairs(email=ANN, name="Ann"))
    sub = user["Attributes"][0]["Value"]
    assert user.pop("UserCreateDate") == user.pop("UserLastModifiedDate")
    assert user == {
        "Username": "ann",
        "Attributes": [{"Name": "sub", "Value": sub}, *pairs(email=ANN, name="Ann")],
        "Enabled": True,
        "UserStatus": "FORCE_CHANGE_PASSWORD",
    }
    assert attributes_of(tenant) == {"sub": sub, "email": ANN, "name": "Ann"}


def test_an_administrator_may_say_that_an_address_is_proven(tenant: Tenant) -> None:
    create(tenant, UserAttributes=pairs(email=ANN, email_verified="True"))
    assert attributes_of(tenant)["email_verified"] == "true"
    refusal = refused(create, tenant, "bea", UserAttributes=pairs(email_verified="true"))
    assert refusal.startswith("InvalidParameterException: ")
    assert create(tenant, "bea", UserAttributes=pairs(email_verified="false"))["Username"] == "bea"


def test_required_attributes_may_be_missing_and_others_must_keep_the_schema(tenants) -> None:
    tenant = tenants(pool={"Schema": [{"Name": "family_name", "Required": True, "Mutable": True}]})
    create(tenant)
    prefix = "InvalidParameterException: "
    assert refused(create, tenant, "bea", UserAttributes=pairs(**{"custom:x": "1", "custom:y": "2"})) == (
        f"{prefix}Attributes did not conform to the schema:"
        " custom:x: Attribute does not exist in the schema.\n"
        "custom:y: Attribute does not exist in the schema.\n"
    )
    assert refused(create, tenant, "bea", UserAttributes=pairs(email="nowhere")) == (
        f"{prefix}Invalid email address format."
    )
    assert refused(create, tenant, "bea", UserAttributes=pairs(sub="x")) == (
        f"{prefix}Cannot modify the non-mutable attribute sub"
    )


def test_an_immutable_attribute_is_set_once(tenants) -> None:
    schema = [{"Name": "tenant", "AttributeDataType": "String", "Mutable": False}]
    tenant = tenants(pool={"Schema": schema})
    create(tenant, UserAttributes=pairs(**{"custom:tenant": "red"}))
    assert attributes_of(tenant)["custom:tenant"] == "red"


# Names.


def test_a_name_is_taken_however_its_bearer_came(tenant: Tenant) -> None:
    create(tenant)
    tenant.sign_up("bea")
    assert refused(create, tenant) == TAKEN
    assert refused(create, tenant, "bea") == TAKEN
    assert refused(tenant.sign_up, "ann") == "UsernameExistsException: User already exists"


def test_of_many_who_make_one_user_at_once_one_does(tenant: Tenant) -> None:
    outcomes = at_once(*[partial(create, tenant, MessageAction="SUPPRESS")] * 12)
    assert sorted(outcomes) == [TAKEN] * 11 + [DONE]


def test_an_address_stands_in_the_place_of_the_name(tenants) -> None:
    tenant = tenants(pool={"UsernameAttributes": ["email"]})
    user = create(tenant, ANN)
    sub = user["Attributes"][0]["Value"]
    assert user["Username"] == sub
    assert attributes_of(tenant, ANN) == attributes_of(tenant, sub) == {"sub": sub, "email": ANN}
    assert refused(create, tenant, ANN) == (
        "UsernameExistsException: An account with the given email already exists."
    )
    assert refused(create, tenant, "ann") == "InvalidParameterException: Username should be an email."
    assert code_sent_to(tenant, ANN)


def test_either_address_is_a_name_where_both_may_be(tenants) -> None:
    tenant = tenants(pool={"UsernameAttributes": ["email", "phone_number"]})
    create(tenant, ANN, UserAttributes=pairs(phone_number=PHONE))
    assert attributes_of(tenant, PHONE)["email"] == ANN
    assert refused(create, tenant, BEA, UserAttributes=pairs(phone_number=PHONE)) == (
        "UsernameExistsException: An account with the given phone_number already exists."
    )
    assert refused(attributes_of, tenant, BEA) == NOBODY


def test_an_alias_has_one_owner_and_moves_when_it_is_taken_by_force(tenants) -> None:
    tenant = tenants(pool={"AliasAttributes": ["email"]})
    proven = pairs(email=ANN, email_verified="true")
    create(tenant, "ann", UserAttributes=proven)
    create(tenant, "unproven", UserAttributes=pairs(email=ANN), ForceAliasCreation=True)
    assert attributes_of(tenant, ANN)["email_verified"] == "true"
    for force in ({}, {"ForceAliasCreation": False}):
        assert refused(create, tenant, "bea", UserAttributes=proven, **force) == (
            "AliasExistsException: An account with the given email already exists."
        )
    bea = create(tenant, "bea", UserAttributes=proven, ForceAliasCreation=True)
    assert attributes_of(tenant, ANN)["sub"] == bea["Attributes"][0]["Value"]
    assert attributes_of(tenant, "ann")["email_verified"] == "false"


def test_a_case_insensitive_pool_keeps_the_name_folded(tenants) -> None:
    tenant = tenants(pool={"UsernameConfiguration": {"CaseSensitive": False}})
    assert create(tenant, "Ann")["Username"] == "ann"
    assert refused(create, tenant, "ANN") == TAKEN


# Passwords.


def test_a_generated_password_keeps_the_policy(tenants) -> None:
    tenant = tenants(pool={"Policies": {"PasswordPolicy": {"MinimumLength": 20}}})
    create(tenant, UserAttributes=pairs(email=ANN))
    password = code_sent_to(tenant, ANN)
    assert len(password) == 20
    set_password(tenant, password)


@pytest.mark.parametrize(
    "password, reason",
    [
        ("Sh0rt!x", "Password not long enough"),
        ("lower-case1", "Password must have uppercase characters"),
        ("UPPER-CASE1", "Password must have lowercase characters"),
        ("No-Numbers", "Password must have numeric characters"),
        ("NoSymbols1", "Password must have symbol characters"),
    ],
)
def test_a_temporary_password_keeps_the_policy_too(tenant: Tenant, password: str, reason: str) -> None:
    assert refused(create, tenant, TemporaryPassword=password) == (
        f"InvalidPasswordException: Password did not conform with password policy: {reason}"
    )
    create(tenant)
    assert refused(set_password, tenant, password) == (
        f"InvalidPasswordException: Password does not conform to policy: {reason}"
    )


def test_who_signs_in_with_a_temporary_password_is_asked_for_their_own(tenant: Tenant) -> None:
    create(tenant, TemporaryPassword=PASSWORD)
    assert asked_for(tenant, PASSWORD) == OWN_PASSWORD
    assert refused(sign_in, tenant, "ann", "Wrong-horse1") == WRONG
    set_password(tenant, PASSWORD, Permanent=True)
    assert status_of(tenant) == "CONFIRMED"
    assert tenant.sign_in("ann")


def test_a_temporary_password_ends_with_the_pool_s_days(tenants) -> None:
    tenant = tenants(pool={"Policies": {"PasswordPolicy": {"TemporaryPasswordValidityDays": 2}}})
    create(tenant, TemporaryPassword=PASSWORD)
    tenant.house.advance(DAY_S)
    assert asked_for(tenant, PASSWORD) == OWN_PASSWORD
    tenant.house.advance(DAY_S)
    assert refused(sign_in, tenant, "ann") == OVER
    create(tenant, TemporaryPassword=PASSWORD, MessageAction="RESEND")
    assert asked_for(tenant, PASSWORD) == OWN_PASSWORD
    tenant.house.advance(2 * DAY_S)
    set_password(tenant, PASSWORD, Permanent=False)
    assert asked_for(tenant, PASSWORD) == OWN_PASSWORD


def test_setting_a_password_ends_no_session_and_verifies_nothing(tenant: Tenant) -> None:
    tokens = tenant.user("ann", email=ANN)
    set_password(tenant, "Battery-staple2")
    assert status_of(tenant) == "FORCE_CHANGE_PASSWORD"
    assert attributes_of(tenant)["email_verified"] == "false"
    assert tenant.cognito.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    assert refresh(tenant, tokens["RefreshToken"])["AuthenticationResult"]
    assert refused(sign_in, tenant, "ann", PASSWORD) == WRONG


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_permanent_password_confirms(tenant: Tenant, confirmed: bool) -> None:
    tenant.sign_up("ann", confirmed=confirmed)
    set_password(tenant, "Battery-staple2", Permanent=True)
    assert status_of(tenant) == "CONFIRMED"
    assert sign_in(tenant, "ann", "Battery-staple2")["AuthenticationResult"]


def test_a_former_password_does_not_come_back_by_an_administrator_either(tenants) -> None:
    tenant = tenants(pool={"Policies": {"PasswordPolicy": {"PasswordHistorySize": 2}}})
    tenant.sign_up("ann")
    set_password(tenant, "Battery-staple2", Permanent=True)
    for password in (PASSWORD, "Battery-staple2"):
        refusal = refused(set_password, tenant, password, Permanent=True)
        assert refusal.startswith("PasswordHistoryPolicyViolationException")
    set_password(tenant, "Battery-staple3", Permanent=True)
    set_password(tenant, PASSWORD, Permanent=True)


def test_a_password_is_set_for_somebody(tenant: Tenant) -> None:
    assert refused(set_password, tenant, PASSWORD) == NOBODY


def test_where_one_signs_in_without_a_password_a_user_may_have_none(tenants) -> None:
    policies = {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}}
    tenant = tenants(pool={"Policies": policies})
    assert refused(create, tenant).startswith("InvalidParameterException: ")
    user = create(tenant, UserAttributes=pairs(email=ANN))
    assert user["UserStatus"] == "CONFIRMED"
    assert refused(sign_in, tenant, "ann", PASSWORD) == WRONG
    assert messages(tenant) == []
    assert create(tenant, "bea", TemporaryPassword=PASSWORD)["UserStatus"] == "FORCE_CHANGE_PASSWORD"


# Invitations.


def test_an_invitation_says_name_and_password_in_the_default_words(tenant: Tenant) -> None:
    create(tenant, UserAttributes=pairs(email=ANN))
    (message,) = messages(tenant)
    assert (message["to"], message["medium"]) == (ANN, "EMAIL")
    assert message["subject"] == "Your temporary password"
    assert re.fullmatch(r"Your username is ann and temporary password is \S{8}\. ", message["body"]), message[
        "body"
    ]
    assert message["body"].endswith(f"{message['code']}. ")
    assert asked_for(tenant, message["code"]) == OWN_PASSWORD


def test_an_invitation_is_said_in_the_pool_s_words(tenants) -> None:
    template = {
        "EmailSubject": "Come in, {username}",
        "EmailMessage": "<b>{username}</b>: {####}",
        "SMSMessage": "{username} {####}",
    }
    tenant = tenants(pool={"AdminCreateUserConfig": {"InviteMessageTemplate": template}})
    address = pairs(email=ANN, phone_number=PHONE)
    create(tenant, "{####}", UserAttributes=address, DesiredDeliveryMediums=["EMAIL", "SMS"])
    by_medium = {message["medium"]: message for message in messages(tenant)}
    password = by_medium["SMS"]["code"]
    assert by_medium["SMS"]["body"] == f"{{####}} {password}"
    assert by_medium["SMS"]["to"] == PHONE
    assert by_medium["EMAIL"]["subject"] == "Come in, {####}"
    assert by_medium["EMAIL"]["body"] == f"<b>{{####}}</b>: {password}"


@pytest.mark.parametrize(
    "given, asked, media",
    [
        ({"email": ANN, "phone_number": PHONE}, None, ["SMS"]),
        ({"email": ANN}, None, ["EMAIL"]),
        ({}, None, []),
        ({"email": ANN, "phone_number": PHONE}, ["EMAIL"], ["EMAIL"]),
    ],
)
def test_an_invitation_goes_by_sms_or_where_it_is_sent(tenant: Tenant, given, asked, media) -> None:
    request = {} if asked is None else {"DesiredDeliveryMediums": asked}
    create(tenant, UserAttributes=pairs(**given), **request)
    assert [message["medium"] for message in messages(tenant)] == media


def test_a_medium_without_an_address_is_refused_and_nobody_is_made(tenant: Tenant) -> None:
    for medium in ("EMAIL", "SMS"):
        refusal = refused(create, tenant, DesiredDeliveryMediums=[medium])
        assert refusal.startswith("InvalidParameterException: ")
    assert refused(status_of, tenant) == NOBODY
    create(tenant, DesiredDeliveryMediums=["EMAIL"], MessageAction="SUPPRESS")


def test_nobody_is_told_of_a_user_who_is_made_in_silence(tenant: Tenant) -> None:
    create(tenant, UserAttributes=pairs(email=ANN), MessageAction="SUPPRESS")
    assert messages(tenant) == []


def test_a_template_without_a_place_for_the_password_is_not_sent(tenants) -> None:
    template = {"EmailMessage": "Come in, {username}"}
    tenant = tenants(pool={"AdminCreateUserConfig": {"InviteMessageTemplate": template}})
    create(tenant, UserAttributes=pairs(email=ANN))
    assert messages(tenant) == []


# Invited again.


def test_a_second_invitation_makes_the_first_password_worthless(tenant: Tenant) -> None:
    first = create(tenant, TemporaryPassword=PASSWORD, UserAttributes=pairs(email=ANN))
    tenant.house.advance(5)
    again = create(tenant, MessageAction="RESEND")
    assert again["Attributes"] == first["Attributes"]
    assert again["UserCreateDate"] == first["UserCreateDate"]
    assert (again["UserLastModifiedDate"] - first["UserLastModifiedDate"]).total_seconds() >= 5
    assert refused(sign_in, tenant, "ann", PASSWORD) == WRONG
    assert asked_for(tenant, code_sent_to(tenant, ANN)) == OWN_PASSWORD
    assert len(messages(tenant)) == 2


def test_only_who_was_invited_and_has_not_come_is_invited_again(tenant: Tenant) -> None:
    assert refused(create, tenant, MessageAction="RESEND") == NOBODY
    tenant.sign_up("ann")
    assert refused(create, tenant, MessageAction="RESEND") == (
        "UnsupportedUserStateException: Resend not possible. ann status is not FORCE_CHANGE_PASSWORD"
    )


# Signed out, and gone.


def test_an_administrator_ends_every_session(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    answer = tenant.cognito.admin_user_global_sign_out(UserPoolId=tenant.pool_id, Username="ann")
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-length"] == "2"
    assert refused(tenant.cognito.get_user, AccessToken=tokens["AccessToken"]) == (
        "NotAuthorizedException: Access Token has been revoked"
    )
    assert refused(refresh, tenant, tokens["RefreshToken"]) == (
        "NotAuthorizedException: Refresh Token has been revoked"
    )
    assert tenant.sign_in("ann")
    assert (
        refused(tenant.cognito.admin_user_global_sign_out, UserPoolId=tenant.pool_id, Username="bea")
        == NOBODY
    )


def test_with_an_invited_user_their_invitation_goes(tenant: Tenant) -> None:
    create(tenant, UserAttributes=pairs(email=ANN))
    assert len(messages(tenant)) == 1
    tenant.cognito.admin_delete_user(UserPoolId=tenant.pool_id, Username="ann")
    assert messages(tenant) == []
    assert create(tenant)["Attributes"][1:] == []


def test_beside_an_erasure_an_invitation_leaves_nothing(tenant: Tenant) -> None:
    erase = partial(tenant.cognito.admin_delete_user, UserPoolId=tenant.pool_id, Username="ann")
    for _round in range(6):
        create(tenant, UserAttributes=pairs(email=ANN), MessageAction="SUPPRESS")
        outcomes = at_once(partial(create, tenant, MessageAction="RESEND"), erase)
        assert outcomes[1] == DONE
        assert outcomes[0] in (DONE, NOBODY)
        assert messages(tenant) == []
        assert refused(status_of, tenant) == NOBODY


def test_a_verified_user_s_alias_is_not_a_name_for_another(tenants) -> None:
    tenant = tenants(pool={"AliasAttributes": ["email"]})
    verified_user(tenant, "ann", ANN)
    refusal = refused(create, tenant, "bea", UserAttributes=pairs(email=ANN, email_verified="true"))
    assert refusal.startswith("AliasExistsException: ")
