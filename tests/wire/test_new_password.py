"""NEW_PASSWORD_REQUIRED, and the administrator's way to sign somebody in."""

import json
import threading
from typing import Any

import pytest

from tests.house import PASSWORD, House, Tenant, error_of
from tests.srp_client import sign_in_by_srp

FLOWS = [
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
]
OWN = "My-own-horse2"
INVALID = ("NotAuthorizedException", "Invalid session for the user.", 400)


@pytest.fixture
def made(house: House) -> Tenant:
    """A pool with a user whom an administrator made."""
    tenant = Tenant(house, client={"ExplicitAuthFlows": FLOWS})
    tenant.cognito.admin_create_user(
        UserPoolId=tenant.pool_id,
        Username="made",
        MessageAction="SUPPRESS",
        TemporaryPassword=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "made@example.com"}],
    )
    return tenant


def asked(tenant: Tenant) -> dict[str, Any]:
    answer: dict[str, Any] = tenant.cognito.admin_initiate_auth(
        UserPoolId=tenant.pool_id,
        ClientId=tenant.client_id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "made", "PASSWORD": PASSWORD},
    )
    return answer


def answered(tenant: Tenant, session: str, password: str = OWN, **more: str) -> dict[str, Any]:
    return {
        "ClientId": tenant.client_id,
        "ChallengeName": "NEW_PASSWORD_REQUIRED",
        "Session": session,
        "ChallengeResponses": {"USERNAME": "made", "NEW_PASSWORD": password} | more,
    }


def test_a_made_user_sets_their_own_password_and_is_signed_in(made: Tenant) -> None:
    question = asked(made)
    assert question["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    parameters = question["ChallengeParameters"]
    assert parameters["USER_ID_FOR_SRP"] == "made"
    assert json.loads(parameters["requiredAttributes"]) == []
    assert json.loads(parameters["userAttributes"]) == {"email": "made@example.com"}
    assert question["Session"].startswith("AYABe")
    result = made.cognito.respond_to_auth_challenge(**answered(made, question["Session"]))
    token = result["AuthenticationResult"]["AccessToken"]
    assert made.cognito.get_user(AccessToken=token)["Username"] == "made"
    shown = made.cognito.admin_get_user(UserPoolId=made.pool_id, Username="made")
    assert shown["UserStatus"] == "CONFIRMED"
    by_srp = sign_in_by_srp(made.cognito, made.client_id, made.pool_id, "made", OWN)
    made.cognito.delete_user(AccessToken=by_srp["AuthenticationResult"]["AccessToken"])


def test_what_the_public_form_began_the_administrators_may_finish(made: Tenant) -> None:
    question = sign_in_by_srp(made.cognito, made.client_id, made.pool_id, "made", PASSWORD)
    assert question["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    result = made.cognito.admin_respond_to_auth_challenge(
        UserPoolId=made.pool_id, **answered(made, question["Session"])
    )
    assert result["AuthenticationResult"]["IdToken"]


def test_a_password_against_the_policy_does_not_use_the_session_up(made: Tenant) -> None:
    session = asked(made)["Session"]
    refused = error_of(made.cognito.respond_to_auth_challenge, **answered(made, session, "short1"))
    assert refused[:2] == (
        "InvalidPasswordException",
        "Password does not conform to policy: Password not long enough",
    )
    assert made.cognito.respond_to_auth_challenge(**answered(made, session))["AuthenticationResult"]
    again = error_of(made.cognito.respond_to_auth_challenge, **answered(made, session, "An-other-horse3"))
    assert again[0] == "NotAuthorizedException"
    assert sign_in_by_srp(made.cognito, made.client_id, made.pool_id, "made", OWN)["AuthenticationResult"]


def test_of_two_answers_at_once_one_sets_the_password(made: Tenant) -> None:
    session = asked(made)["Session"]
    passwords = [f"Horse-number-{number}" for number in range(4)]
    into: list[str] = []

    def run(password: str) -> None:
        try:
            made.cognito.respond_to_auth_challenge(**answered(made, session, password))
        except made.cognito.exceptions.NotAuthorizedException:
            return
        into.append(password)

    threads = [threading.Thread(target=run, args=(password,)) for password in passwords]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(into) == 1
    assert sign_in_by_srp(made.cognito, made.client_id, made.pool_id, "made", into[0])["AuthenticationResult"]


def test_required_attributes_are_asked_for_and_set(house: House) -> None:
    schema = [{"Name": "given_name", "Required": True, "AttributeDataType": "String"}]
    tenant = Tenant(house, pool={"Schema": schema}, client={"ExplicitAuthFlows": FLOWS})
    tenant.cognito.admin_create_user(
        UserPoolId=tenant.pool_id,
        Username="made",
        MessageAction="SUPPRESS",
        TemporaryPassword=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "made@example.com"}],
    )
    question = asked(tenant)
    required = json.loads(question["ChallengeParameters"]["requiredAttributes"])
    assert required == ["userAttributes.given_name"]
    respond, session = tenant.cognito.respond_to_auth_challenge, question["Session"]
    missing = error_of(respond, **answered(tenant, session))
    assert missing == ("InvalidParameterException", "Invalid attributes given, given_name is missing", 400)
    taken = {"userAttributes.given_name": "Mary", "userAttributes.email": "other@example.com"}
    refused = error_of(respond, **answered(tenant, session, **taken))
    assert refused == ("NotAuthorizedException", "Cannot modify an already provided email", 400)
    result = respond(**answered(tenant, session, **{"userAttributes.given_name": "Mary"}))
    shown = tenant.cognito.get_user(AccessToken=result["AuthenticationResult"]["AccessToken"])
    assert {"Name": "given_name", "Value": "Mary"} in shown["UserAttributes"]


def test_a_session_that_is_missing_garbled_or_over_is_said_so(own_house: House) -> None:
    tenant = Tenant(own_house.start(), client={"ExplicitAuthFlows": FLOWS})
    tenant.cognito.admin_create_user(
        UserPoolId=tenant.pool_id, Username="made", MessageAction="SUPPRESS", TemporaryPassword=PASSWORD
    )
    respond, session = tenant.cognito.respond_to_auth_challenge, asked(tenant)["Session"]
    assert error_of(respond, **answered(tenant, "A" * 40)) == INVALID
    assert error_of(respond, **answered(tenant, session[:-8] + "AAAAAAAA")) == INVALID
    without = answered(tenant, session)
    del without["Session"]
    missing = ("InvalidParameterException", "Missing required parameter Session", 400)
    assert error_of(respond, **without) == missing
    own_house.advance(181)
    over = ("NotAuthorizedException", "Invalid session for the user, session is expired.", 400)
    assert error_of(respond, **answered(tenant, session)) == over


def test_an_erased_user_answers_no_question(made: Tenant) -> None:
    session = asked(made)["Session"]
    made.cognito.admin_delete_user(UserPoolId=made.pool_id, Username="made")
    refused = error_of(made.cognito.respond_to_auth_challenge, **answered(made, session))
    assert refused == ("UserNotFoundException", "User does not exist.", 400)


def test_the_administrators_flows_need_their_own_permission_and_the_clients_pool(made: Tenant) -> None:
    client_id = made.new_client()["ClientId"]
    request = {
        "UserPoolId": made.pool_id,
        "ClientId": client_id,
        "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": "made", "PASSWORD": PASSWORD},
    }
    closed = error_of(made.cognito.admin_initiate_auth, **request)
    assert closed == ("InvalidParameterException", "Auth flow not enabled for this client", 400)
    other = Tenant(made.house).client_id
    foreign = error_of(made.cognito.admin_initiate_auth, **request | {"ClientId": other})
    text = f"User pool client {other} does not exist in user pool {made.pool_id}."
    assert foreign == ("ResourceNotFoundException", text, 400)


def test_a_session_ends_with_the_temporary_password_that_it_was_got_with(made: Tenant) -> None:
    session = asked(made)["Session"]
    made.cognito.admin_set_user_password(UserPoolId=made.pool_id, Username="made", Password="An-other-temp1")
    assert error_of(made.cognito.respond_to_auth_challenge, **answered(made, session)) == INVALID


def test_an_invited_user_sets_nothing_that_their_client_may_not_write(house: House) -> None:
    schema = [{"Name": "role", "AttributeDataType": "String", "Mutable": True}]
    client = {"ExplicitAuthFlows": FLOWS, "WriteAttributes": ["email"]}
    tenant = Tenant(house, pool={"Schema": schema}, client=client)
    tenant.cognito.admin_create_user(
        UserPoolId=tenant.pool_id, Username="made", MessageAction="SUPPRESS", TemporaryPassword=PASSWORD
    )
    more = {"userAttributes.custom:role": "admin"}
    refused = error_of(
        tenant.cognito.respond_to_auth_challenge, **answered(tenant, asked(tenant)["Session"], **more)
    )
    text = "A client attempted to write unauthorized attribute"
    assert refused == ("NotAuthorizedException", text, 400)
