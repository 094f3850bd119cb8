"""A signed-in user and their attributes as a client sees them: changed, deleted, and addresses proved."""

from typing import Any

import pytest

from tests.house import Tenant
from tests.wire.craft import claims_of
from tests.wire.steps import (
    DONE,
    at_once,
    attributes_of,
    code_sent_to,
    confirm_by_mail,
    pairs,
    refused,
    sign_up,
    verified_user,
)

ANN, BEA, NEW = "ann@example.com", "bea@example.com", "new@example.org"
NUMBER = "+15550001234"
DAY_S = 86_400
SMS = {"SmsConfiguration": {"SnsCallerArn": "arn:aws:iam::123456789012:role/sms", "ExternalId": "x"}}
SCHEMA = [
    {"Name": "family_name", "Required": True},
    {"Name": "tenant", "AttributeDataType": "String", "Mutable": False},
    {"Name": "level", "AttributeDataType": "Number", "NumberAttributeConstraints": {"MaxValue": "9"}},
]

INVALID = "InvalidParameterException: "
UNAUTHORIZED = "NotAuthorizedException: A client attempted to write unauthorized attribute"
MISMATCH = "CodeMismatchException: Invalid verification code provided, please try again."
EXPIRED = "ExpiredCodeException: Invalid code provided, please request a code again."
NOT_VERIFIABLE = f"{INVALID}Invalid attribute name. Only phone_number and email can be verified."
HELD = "AliasExistsException: An account with the given {} already exists."
NOBODY = "UserNotFoundException: User does not exist."


class Person:
    """A signed-in user, and what they do with their attributes."""

    def __init__(self, tenant: Tenant, username: str, token: str) -> None:
        self.tenant, self.username, self.token = tenant, username, token

    def update(self, **attributes: str) -> dict[str, Any]:
        return self.update_pairs(pairs(**attributes))

    def update_pairs(self, listed: list[dict[str, str]]) -> dict[str, Any]:
        answer = self.tenant.cognito.update_user_attributes(AccessToken=self.token, UserAttributes=listed)
        return {name: value for name, value in answer.items() if name != "ResponseMetadata"}

    def delete(self, *names: str) -> None:
        self.tenant.cognito.delete_user_attributes(AccessToken=self.token, UserAttributeNames=list(names))

    def ask(self, attribute: str = "email") -> dict[str, str]:
        answer = self.tenant.cognito.get_user_attribute_verification_code(
            AccessToken=self.token, AttributeName=attribute
        )
        details: dict[str, str] = answer["CodeDeliveryDetails"]
        return details

    def verify(self, code: str, attribute: str = "email") -> None:
        self.tenant.cognito.verify_user_attribute(AccessToken=self.token, AttributeName=attribute, Code=code)

    def verify_by_mail(self, address: str) -> None:
        self.verify(code_sent_to(self.tenant, address))

    @property
    def attributes(self) -> dict[str, str]:
        shown = attributes_of(self.tenant, self.username)
        return {name: value for name, value in shown.items() if name != "sub"}


def newcomer(tenant: Tenant, username: str = "ann", **attributes: str) -> Person:
    """Somebody who has proved no address."""
    return Person(tenant, username, tenant.user(username, **attributes)["AccessToken"])


def proved(tenant: Tenant, username: str, address: str) -> Person:
    """Somebody who has proved an e-mail address."""
    return Person(tenant, username, verified_user(tenant, username, address)["AccessToken"])


@pytest.fixture
def person(tenants) -> Person:
    """Somebody in a pool that verifies nothing by itself, with a schema of its own."""
    tenant = tenants(pool={"Schema": SCHEMA, "AutoVerifiedAttributes": []})
    return newcomer(tenant, family_name="Ng", **{"custom:tenant": "one"})


# Changing.


def test_attributes_are_set_changed_and_deleted_by_an_empty_value(person: Person) -> None:
    before = person.attributes
    assert person.update(name="Ann", nickname="A", **{"custom:level": "7"}) == {}
    assert person.attributes == before | {"name": "Ann", "nickname": "A", "custom:level": "7"}
    assert person.update(name="Anna", nickname="") == {}
    assert person.attributes == before | {"name": "Anna", "custom:level": "7"}


def test_of_a_repeated_name_the_last_value_counts_and_only_that_is_looked_at(person: Person) -> None:
    listed = [*pairs(birthdate="nonsense, and far too long"), *pairs(birthdate="1990-02-30")]
    assert person.update_pairs(listed) == {}
    assert person.attributes["birthdate"] == "1990-02-30"


@pytest.mark.parametrize(
    "attributes, refusal",
    [
        ({"email_verified": "true"}, "Cannot modify the non-mutable attribute email_verified"),
        ({"phone_number_verified": ""}, "Cannot modify the non-mutable attribute phone_number_verified"),
        ({"sub": "x"}, "Cannot modify the non-mutable attribute sub"),
        ({"custom:tenant": "two"}, "user.custom:tenant: Attribute cannot be updated.\n"),
        ({"custom:unknown": "x"}, "user.custom:unknown: Attribute does not exist in the schema.\n"),
        ({"birthdate": "1990-01-011"}, "user.birthdate: String must be no longer than 10 characters\n"),
        ({"custom:level": "10"}, "user.custom:level: Number must be no greater than 9\n"),
        ({"family_name": ""}, "user.family_name: Required attribute cannot be deleted."),
        ({"email": "nonsense"}, "Invalid email address format."),
        ({"phone_number": "555"}, "Invalid phone number format."),
    ],
)
def test_one_bad_attribute_and_nothing_is_written(person: Person, attributes, refusal: str) -> None:
    before = person.attributes
    assert refused(person.update, name="Ann", **attributes) == INVALID + refusal
    assert person.attributes == before


def test_several_bad_attributes_are_told_a_line_for_each(person: Person) -> None:
    assert refused(person.update, **{"custom:tenant": "two", "custom:unknown": "x"}) == (
        f"{INVALID}user.custom:tenant: Attribute cannot be updated.\n"
        "user.custom:unknown: Attribute does not exist in the schema.\n"
    )


def test_a_client_writes_what_it_may_write_by_its_present_settings(tenants) -> None:
    tenant = tenants(client={"WriteAttributes": ["name", "email"]})
    person = newcomer(tenant)
    assert refused(person.update, name="Ann", nickname="A") == UNAUTHORIZED
    assert refused(person.update, nickname="") == UNAUTHORIZED
    assert refused(person.delete, "nickname") == UNAUTHORIZED
    assert person.attributes == {}
    tenant.cognito.update_user_pool_client(
        UserPoolId=tenant.pool_id,
        ClientId=tenant.client_id,
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
        WriteAttributes=["nickname"],
    )
    person.update(nickname="A")
    assert refused(person.update, name="Ann") == UNAUTHORIZED
    assert person.attributes == {"nickname": "A"}


def test_the_next_id_token_says_what_was_changed(person: Person) -> None:
    person.update(name="Ann", email=ANN)
    claims = claims_of(person.tenant.sign_in("ann")["IdToken"])
    assert (claims["name"], claims["email"], claims["email_verified"]) == ("Ann", ANN, False)


def test_of_two_changes_at_one_moment_neither_is_lost(person: Person) -> None:
    assert at_once(lambda: person.update(name="Ann"), lambda: person.update(nickname="A")) == [DONE] * 2
    assert (person.attributes["name"], person.attributes["nickname"]) == ("Ann", "A")


def test_whoever_is_gone_changes_nothing(person: Person) -> None:
    person.tenant.cognito.delete_user(AccessToken=person.token)
    assert refused(person.update, name="Ann") == NOBODY
    assert refused(person.delete, "name") == NOBODY
    assert refused(person.ask) == NOBODY
    assert refused(person.verify, "123456") == NOBODY


# Deleting.


def test_an_attribute_is_deleted_and_one_that_is_not_there_may_be(person: Person) -> None:
    before = person.attributes
    person.update(name="Ann")
    person.delete("name", "nickname", "name")
    assert person.attributes == before


@pytest.mark.parametrize(
    "name, refusal",
    [
        (
            "family_name",
            "Invalid user attributes: name.familyName: The attribute name.familyName is required",
        ),
        (
            "custom:tenant",
            (
                "Invalid user attributes: Custom.User.tenant: This attribute does not satisfy the mutability"
                " validation defined in the schema."
            ),
        ),
        (
            "custom:unknown",
            "Invalid user attributes: Type for attribute {custom:unknown} could not be determined",
        ),
        ("email_verified", "Cannot modify the non-mutable attribute email_verified"),
        ("sub", "Cannot modify the non-mutable attribute sub"),
    ],
)
def test_what_may_not_be_deleted_is_named_and_nothing_is(person: Person, name: str, refusal: str) -> None:
    person.update(name="Ann")
    assert refused(person.delete, "name", name) == INVALID + refusal
    assert person.attributes["name"] == "Ann"


# Addresses.


def test_a_changed_address_is_proved_no_more_and_a_deleted_one_takes_its_flag_along(tenant: Tenant) -> None:
    person = proved(tenant, "ann", ANN)
    person.update(email=ANN)
    assert person.attributes == {"email": ANN, "email_verified": "true"}
    person.update(email=NEW)
    assert person.attributes == {"email": NEW, "email_verified": "false"}
    person.delete("email")
    assert person.attributes == {}
    person.update(email=NEW)
    assert person.update(email="") == {}
    assert person.attributes == {}


def test_a_pool_that_verifies_sends_a_code_at_once_and_says_where(tenant: Tenant) -> None:
    person = newcomer(tenant)
    assert person.update(email=NEW, name="Ann") == {
        "CodeDeliveryDetailsList": [
            {"AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": "n***@e***"}
        ]
    }
    assert person.attributes == {"name": "Ann", "email": NEW, "email_verified": "false"}
    person.verify_by_mail(NEW)
    assert person.attributes["email_verified"] == "true"


def test_a_code_is_asked_for_at_any_time_and_in_any_pool(person: Person) -> None:
    person.update(email=ANN, phone_number=NUMBER)
    assert person.ask() == {
        "AttributeName": "email",
        "DeliveryMedium": "EMAIL",
        "Destination": "a***@e***",
    }
    assert person.ask("phone_number") == {
        "AttributeName": "phone_number",
        "DeliveryMedium": "SMS",
        "Destination": "+*******1234",
    }
    person.verify(code_sent_to(person.tenant, NUMBER), "phone_number")
    person.verify_by_mail(ANN)
    shown = person.attributes
    assert (shown["email_verified"], shown["phone_number_verified"]) == ("true", "true")


def test_only_addresses_can_be_verified_and_only_one_that_is_there(person: Person) -> None:
    assert refused(person.ask, "name") == NOT_VERIFIABLE
    assert refused(person.verify, "123456", "name") == NOT_VERIFIABLE
    assert refused(person.ask) == f"{INVALID}User does not have a value for the attribute email."
    assert refused(person.verify, "123456") == EXPIRED


def test_a_code_verifies_once_its_own_attribute_and_for_a_day(person: Person) -> None:
    person.update(email=ANN, phone_number=NUMBER)
    person.ask()
    code = code_sent_to(person.tenant, ANN)
    assert refused(person.verify, code, "phone_number") == EXPIRED
    assert refused(person.verify, f"{(int(code) + 1) % 1_000_000:06}") == MISMATCH
    person.verify(code)
    assert refused(person.verify, code) == EXPIRED
    person.ask()
    person.tenant.house.advance(DAY_S + 1)
    person.token = person.tenant.sign_in("ann")["AccessToken"]
    assert refused(person.verify, code_sent_to(person.tenant, ANN)) == EXPIRED


def test_of_two_callers_with_one_code_one_verifies(person: Person) -> None:
    person.update(email=ANN)
    person.ask()
    code = code_sent_to(person.tenant, ANN)
    outcomes = at_once(*[lambda: person.verify(code)] * 2)
    assert sorted(outcomes) == sorted([DONE, EXPIRED])


def test_a_code_that_went_to_an_address_proves_no_other(person: Person) -> None:
    person.update(email=ANN)
    person.ask()
    code = code_sent_to(person.tenant, ANN)
    person.update(email=NEW)
    assert refused(person.verify, code) == EXPIRED
    assert person.attributes["email_verified"] == "false"


# Proved before it counts.


@pytest.fixture
def careful(tenants) -> Tenant:
    """A pool in which a new address waits for its proof, and a proved one is a name to sign in by."""
    made: Tenant = tenants(
        pool={
            "AliasAttributes": ["email"],
            "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
        }
    )
    return made


def test_until_it_is_proved_a_new_address_is_shown_to_nobody_and_the_old_one_stays(careful: Tenant) -> None:
    person = proved(careful, "ann", ANN)
    details = person.update(email=NEW, name="Ann")["CodeDeliveryDetailsList"]
    assert [one["Destination"] for one in details] == ["n***@e***"]
    assert person.attributes == {"email": ANN, "email_verified": "true", "name": "Ann"}
    assert careful.sign_in(ANN)
    assert refused(careful.sign_in, NEW) == NOBODY
    person.verify_by_mail(NEW)
    assert person.attributes == {"email": NEW, "email_verified": "true", "name": "Ann"}
    assert careful.sign_in(NEW)
    assert refused(careful.sign_in, ANN) == NOBODY


def test_a_new_code_goes_to_the_address_that_waits_and_the_last_that_waits_counts(careful: Tenant) -> None:
    person = proved(careful, "ann", ANN)
    person.update(email=NEW)
    first = code_sent_to(careful, NEW)
    person.update(email=BEA)
    if first != code_sent_to(careful, BEA):  # one in a million is the same
        assert refused(person.verify, first) == MISMATCH
    assert person.ask()["Destination"] == "b***@e***"
    person.verify_by_mail(BEA)
    assert person.attributes["email"] == BEA


def test_who_keeps_the_old_address_after_all_lets_the_new_one_go(careful: Tenant) -> None:
    person = proved(careful, "ann", ANN)
    person.update(email=NEW)
    code = code_sent_to(careful, NEW)
    assert person.update(email=ANN) == {}
    assert refused(person.verify, code) == EXPIRED
    assert person.attributes == {"email": ANN, "email_verified": "true"}


# Names to sign in by.


@pytest.fixture
def aliased(tenants) -> Tenant:
    """A pool where a verified address and a preferred name are names to sign in by."""
    made: Tenant = tenants(pool={"AliasAttributes": ["email", "preferred_username"]})
    return made


def test_an_alias_moves_with_the_address_once_that_is_proved(aliased: Tenant) -> None:
    person = proved(aliased, "ann", ANN)
    person.update(email=NEW)
    assert refused(aliased.sign_in, ANN) == NOBODY
    assert refused(aliased.sign_in, NEW) == NOBODY
    person.verify_by_mail(NEW)
    assert claims_of(aliased.sign_in(NEW)["AccessToken"])["username"] == "ann"
    proved(aliased, "bea", ANN)
    assert claims_of(aliased.sign_in(ANN)["AccessToken"])["username"] == "bea"


def test_an_alias_that_somebody_holds_is_not_taken_and_the_code_not_used_up(aliased: Tenant) -> None:
    person = proved(aliased, "ann", ANN)
    person.update(email=BEA)
    code = code_sent_to(aliased, BEA)
    proved(aliased, "bea", BEA)
    assert refused(person.verify, code) == "AliasExistsException: An account with the email already exists."
    assert person.attributes["email_verified"] == "false"
    aliased.cognito.admin_delete_user(UserPoolId=aliased.pool_id, Username="bea")
    person.verify(code)
    assert claims_of(aliased.sign_in(BEA)["AccessToken"])["username"] == "ann"


def test_an_address_that_is_somebody_s_alias_is_refused_before_any_code(aliased: Tenant) -> None:
    proved(aliased, "bea", BEA)
    person = proved(aliased, "ann", ANN)
    assert refused(person.update, email=BEA, name="Ann") == HELD.format("email")
    assert person.attributes == {"email": ANN, "email_verified": "true"}


def test_a_preferred_name_is_an_alias_at_once_and_free_when_it_is_given_up(aliased: Tenant) -> None:
    ann, bea = newcomer(aliased, "ann"), newcomer(aliased, "bea")
    ann.update(preferred_username="queen")
    assert claims_of(aliased.sign_in("queen")["AccessToken"])["username"] == "ann"
    assert refused(bea.update, preferred_username="queen") == HELD.format("preferred_username")
    assert refused(bea.update, preferred_username="ann") == HELD.format("preferred_username")
    ann.update(preferred_username="empress")
    bea.update(preferred_username="queen")
    assert claims_of(aliased.sign_in("queen")["AccessToken"])["username"] == "bea"
    bea.delete("preferred_username")
    ann.update(preferred_username="queen")
    assert claims_of(aliased.sign_in("queen")["AccessToken"])["username"] == "ann"


def test_a_preferred_name_must_not_look_like_an_address(aliased: Tenant) -> None:
    person = newcomer(aliased)
    assert refused(person.update, preferred_username=NEW).startswith(INVALID)


def test_of_many_who_want_one_preferred_name_one_gets_it(aliased: Tenant) -> None:
    people = [newcomer(aliased, f"user{number}") for number in range(4)]
    outcomes = at_once(*[lambda one=one: one.update(preferred_username="queen") for one in people])
    assert sorted(outcomes) == sorted([DONE, *[HELD.format("preferred_username")] * 3])


def test_whoever_is_erased_leaves_their_alias_free(aliased: Tenant) -> None:
    person = newcomer(aliased, "ann")
    person.update(preferred_username="queen")
    aliased.cognito.delete_user(AccessToken=person.token)
    newcomer(aliased, "bea").update(preferred_username="queen")


def test_an_address_in_the_place_of_the_name_moves_at_once_and_stays_unique(tenants) -> None:
    tenant = tenants(pool={"UsernameAttributes": ["email"]})
    sub = sign_up(tenant, ANN)["UserSub"]
    confirm_by_mail(tenant, ANN, ANN)
    sign_up(tenant, BEA)
    person = Person(tenant, sub, tenant.sign_in(ANN)["AccessToken"])
    assert refused(person.update, email=BEA) == HELD.format("email")
    person.update(email=NEW)
    assert claims_of(tenant.sign_in(NEW)["AccessToken"])["username"] == sub
    assert refused(tenant.sign_in, ANN) == NOBODY
    sign_up(tenant, ANN)


def test_phone_and_mail_are_both_verified_where_the_pool_verifies_both(tenants) -> None:
    tenant = tenants(pool={"AutoVerifiedAttributes": ["email", "phone_number"], **SMS})
    person = newcomer(tenant)
    details = person.update(email=NEW, phone_number=NUMBER)["CodeDeliveryDetailsList"]
    assert sorted(one["AttributeName"] for one in details) == ["email", "phone_number"]
    person.verify(code_sent_to(tenant, NUMBER), "phone_number")
    person.verify_by_mail(NEW)
