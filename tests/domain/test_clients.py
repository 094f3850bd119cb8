"""App clients: what CreateUserPoolClient answers and refuses, what a client allows, and its secret."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cenote.domain import clients
from cenote.domain.schema import read_schema, schema_attributes
from cenote.errors import (
    CognitoError,
    FeatureUnavailableInTierException,
    InvalidOAuthFlowException,
    InvalidParameterException,
    NotAuthorizedException,
    ScopeDoesNotExistException,
)

POOL_ID = "us-east-1_SbeSpjvX7"
CLIENT_ID = "7cauc5deq23ueku0n4tmqlgidr"
SCHEMA = read_schema(
    schema_attributes(
        [
            {"Name": "family_name", "Required": True},
            {"Name": "team", "AttributeDataType": "String"},
            {"Name": "tenant", "AttributeDataType": "String", "Mutable": False},
            {"Name": "note", "AttributeDataType": "String", "DeveloperOnlyAttribute": True},
        ]
    )
)
CODE = {
    "AllowedOAuthFlowsUserPoolClient": True,
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthScopes": ["openid"],
    "CallbackURLs": ["https://app.example.com/cb"],
}
MACHINE = {
    "AllowedOAuthFlowsUserPoolClient": True,
    "AllowedOAuthFlows": ["client_credentials"],
    "AllowedOAuthScopes": ["api/read"],
    "GenerateSecret": True,
}


def new(schema=SCHEMA, tier="ESSENTIALS", **request):
    asked = {"UserPoolId": POOL_ID, "ClientName": "app", **request}
    return clients.new_document(asked, client_id=CLIENT_ID, pool_schema=schema, pool_tier=tier)


def refusal_of(kind=InvalidParameterException, **request):
    with pytest.raises(CognitoError) as refused:
        new(**request)
    assert type(refused.value) is kind
    return refused.value.message


def test_a_client_of_which_only_the_name_is_given_is_as_the_service_makes_it():
    created_ms = 1_790_257_792_556
    assert clients.described(new(), created_ms=created_ms, modified_ms=created_ms, secret=None) == {
        "AllowedOAuthFlowsUserPoolClient": False,
        "AuthSessionValidity": 3,
        "ClientId": CLIENT_ID,
        "ClientName": "app",
        "CreationDate": 1790257792.556,
        "EnablePropagateAdditionalUserContextData": False,
        "EnableTokenRevocation": True,
        "LastModifiedDate": 1790257792.556,
        "RefreshTokenValidity": 30,
        "TokenValidityUnits": {},
        "UserPoolId": POOL_ID,
    }


def test_a_confidential_client_shows_its_secret_and_keeps_it_out_of_its_document():
    document = new(GenerateSecret=True, ClientSecret=None)
    assert document == new()
    assert (
        clients.described(document, created_ms=0, modified_ms=0, secret="s3cret")["ClientSecret"] == "s3cret"
    )
    assert "ClientSecret" not in new(ClientSecret="a" * 24)


def test_a_list_shows_ids_and_names():
    assert clients.summary(new()) == {"ClientId": CLIENT_ID, "ClientName": "app", "UserPoolId": POOL_ID}


def test_null_members_count_as_absent_and_empty_sets_too():
    nulls = dict.fromkeys(
        ["ReadAttributes", "ExplicitAuthFlows", "TokenValidityUnits", "RefreshTokenRotation"]
    )
    assert new(**nulls) == new()
    assert new(WriteAttributes=[], CallbackURLs=[], ExplicitAuthFlows=[], AllowedOAuthScopes=[]) == new()


def test_what_was_sent_is_shown_and_sets_show_each_thing_once():
    sent = {
        "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"],
        "PreventUserExistenceErrors": "ENABLED",
        "ReadAttributes": ["email", "custom:team"],
        "SupportedIdentityProviders": ["COGNITO"],
        "LogoutURLs": ["https://app.example.com/out"],
        "DefaultRedirectURI": "https://app.example.com/cb",
        "AccessTokenValidity": 3,
        "EnableTokenRevocation": False,
        **CODE,
    }
    document = new(**sent)
    assert {member: document[member] for member in sent} == sent
    assert new(ReadAttributes=["email", "email"])["ReadAttributes"] == ["email"]


def test_one_unit_brings_the_other_two_with_it():
    assert new(TokenValidityUnits={"IdToken": "minutes"}, IdTokenValidity=5)["TokenValidityUnits"] == {
        "AccessToken": "hours",
        "IdToken": "minutes",
        "RefreshToken": "days",
    }


@pytest.mark.parametrize(
    "units,value", [({}, 30), ({"RefreshToken": "hours"}, 720), ({"RefreshToken": "minutes"}, 43_200)]
)
def test_no_life_of_a_refresh_token_is_thirty_days(units, value):
    for nothing in ({}, {"RefreshTokenValidity": 0}):
        document = new(TokenValidityUnits=units, **nothing)
        assert document["RefreshTokenValidity"] == value
        assert clients.refresh_token_lifetime_s(document) == 30 * 86_400


def test_tokens_live_as_long_as_their_units_say():
    document = new(
        AccessTokenValidity=10,
        IdTokenValidity=1,
        RefreshTokenValidity=90,
        TokenValidityUnits={"AccessToken": "minutes", "IdToken": "hours", "RefreshToken": "minutes"},
    )
    assert clients.access_token_lifetime_s(document) == 600
    assert clients.id_token_lifetime_s(document) == 3600
    assert clients.refresh_token_lifetime_s(document) == 5400
    assert clients.refresh_token_lifetime_s(new(RefreshTokenValidity=1)) == 86_400


def test_tokens_live_an_hour_by_default():
    assert clients.access_token_lifetime_s(new()) == clients.id_token_lifetime_s(new()) == 3600
    minutes = new(TokenValidityUnits={"AccessToken": "minutes"})
    assert clients.access_token_lifetime_s(minutes) == 3600


@pytest.mark.parametrize(
    "request_of_it",
    [
        {"AccessTokenValidity": 25},
        {"IdTokenValidity": 25},
        {"AccessTokenValidity": 4, "TokenValidityUnits": {"AccessToken": "minutes"}},
        {"IdTokenValidity": 299, "TokenValidityUnits": {"IdToken": "seconds"}},
        {"RefreshTokenValidity": 30, "TokenValidityUnits": {"RefreshToken": "minutes"}},
        {"RefreshTokenValidity": 3651},
    ],
)
def test_a_life_has_its_range(request_of_it):
    assert refusal_of(**request_of_it) == "Invalid range for token validity."


def test_a_life_may_reach_both_ends_of_its_range():
    seconds = {"AccessToken": "seconds", "IdToken": "seconds"}
    assert new(AccessTokenValidity=300, IdTokenValidity=86_400, TokenValidityUnits=seconds)
    assert new(RefreshTokenValidity=3650)
    assert new(RefreshTokenValidity=60, TokenValidityUnits={"RefreshToken": "minutes"})


def test_no_token_outlives_the_refresh_token():
    units = {"RefreshToken": "hours"}
    assert refusal_of(AccessTokenValidity=12, RefreshTokenValidity=2, TokenValidityUnits=units) == (
        "Access and Id Token expiration times must be less than or equal to refresh token expiration times."
    )


def test_a_user_has_three_minutes_for_a_challenge_unless_told_otherwise():
    assert clients.auth_session_validity_ms(new()) == 180_000
    assert clients.auth_session_validity_ms(new(AuthSessionValidity=15)) == 900_000


EVERY_FLOW = {
    "USER_SRP_AUTH",
    "REFRESH_TOKEN_AUTH",
    "REFRESH_TOKEN",
    "CUSTOM_AUTH",
    "ADMIN_NO_SRP_AUTH",
    "USER_PASSWORD_AUTH",
    "ADMIN_USER_PASSWORD_AUTH",
    "USER_AUTH",
}
BY_DEFAULT = {"USER_SRP_AUTH", "REFRESH_TOKEN_AUTH", "REFRESH_TOKEN", "CUSTOM_AUTH"}


@pytest.mark.parametrize(
    "explicit,allowed",
    [
        ([], BY_DEFAULT),
        (["ALLOW_USER_PASSWORD_AUTH"], {"USER_PASSWORD_AUTH"}),
        (["ALLOW_ADMIN_USER_PASSWORD_AUTH"], {"ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"}),
        (["ALLOW_REFRESH_TOKEN_AUTH"], {"REFRESH_TOKEN", "REFRESH_TOKEN_AUTH"}),
        (["ALLOW_USER_SRP_AUTH", "ALLOW_USER_AUTH"], {"USER_SRP_AUTH", "USER_AUTH"}),
        (["USER_PASSWORD_AUTH"], BY_DEFAULT | {"USER_PASSWORD_AUTH"}),
        (["ADMIN_NO_SRP_AUTH"], BY_DEFAULT | {"ADMIN_NO_SRP_AUTH", "ADMIN_USER_PASSWORD_AUTH"}),
        (["CUSTOM_AUTH_FLOW_ONLY"], BY_DEFAULT - {"USER_SRP_AUTH"}),
    ],
)
def test_a_client_allows_these_flows(explicit, allowed):
    document = new(ExplicitAuthFlows=explicit)
    assert {flow for flow in EVERY_FLOW if clients.is_flow_allowed(document, flow)} == allowed
    assert clients.is_flow_allowed(document, "ALLOW_USER_AUTH") == ("USER_AUTH" in allowed)


def test_flow_names_are_of_one_generation():
    assert refusal_of(ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "USER_PASSWORD_AUTH"]) == (
        "Auth flow name with prefix 'ALLOW' cannot be used with legacy auth flow names."
    )


def test_rotation_takes_the_place_of_the_refresh_flow():
    rotation = {"Feature": "ENABLED"}
    assert refusal_of(RefreshTokenRotation=rotation, ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"]) == (
        "ALLOW_REFRESH_TOKEN_AUTH is not a permitted ExplicitAuthFlow when refresh token rotation is enabled."
    )
    assert new(RefreshTokenRotation=rotation)["RefreshTokenRotation"] == {
        "Feature": "ENABLED",
        "RetryGracePeriodSeconds": 0,
    }


def test_rotation_turned_off_shows_no_grace():
    shown = new(RefreshTokenRotation={"Feature": "DISABLED", "RetryGracePeriodSeconds": 4})
    assert shown["RefreshTokenRotation"] == {"Feature": "DISABLED", "RetryGracePeriodSeconds": 0}


@pytest.mark.parametrize(
    "feature,request_of_it",
    [
        ("Refresh Token Rotation", {"RefreshTokenRotation": {"Feature": "ENABLED"}}),
        ("Choice-Based Sign-In", {"ExplicitAuthFlows": ["ALLOW_USER_AUTH"]}),
    ],
)
def test_a_client_of_a_lite_pool_lacks_what_the_essentials_add(feature, request_of_it):
    assert new(**request_of_it)
    assert refusal_of(FeatureUnavailableInTierException, tier="LITE", **request_of_it) == (
        f"The following features need to be disabled for the LITE pricing tier configured: {feature}"
    )


def test_a_client_reads_what_the_pool_has():
    assert refusal_of(ReadAttributes=["custom:nobody"]) == (
        "Invalid read attributes specified while creating a client"
    )


@pytest.mark.parametrize(
    "written",
    [
        ["given_name"],  # family_name is required, and missing
        ["family_name", "custom:nobody"],
        ["family_name", "custom:tenant"],  # immutable
        ["family_name", "dev:custom:note"],
        ["family_name", "sub"],
        ["family_name", "email_verified"],
        ["family_name", "phone_number_verified"],
        ["family_name", "identities"],
    ],
)
def test_a_client_writes_what_is_anybodys_to_write_and_all_that_is_required(written):
    assert refusal_of(WriteAttributes=written) == "Invalid write attributes specified while creating a client"


def test_a_required_attribute_may_be_listed_though_it_never_changes():
    schema = read_schema(schema_attributes([{"Name": "email", "Required": True, "Mutable": False}]))
    assert new(schema, WriteAttributes=["email", "name"])


def test_by_default_a_client_reads_everything_and_writes_what_is_anybodys_to_write():
    document = new()
    assert clients.readable_attributes(document, SCHEMA) == SCHEMA.keys()
    assert SCHEMA.keys() - clients.writable_attributes(document, SCHEMA) == {
        "sub",
        "email_verified",
        "phone_number_verified",
        "dev:custom:note",
    }


def test_a_list_of_attributes_is_all_there_is():
    document = new(ReadAttributes=["email"], WriteAttributes=["family_name", "custom:team"])
    assert clients.readable_attributes(document, SCHEMA) == {"email"}
    assert clients.writable_attributes(document, SCHEMA) == {"family_name", "custom:team"}


def test_existence_is_hidden_when_asked_for():
    assert not clients.hides_user_existence(new())
    assert not clients.hides_user_existence(new(PreventUserExistenceErrors="LEGACY"))
    assert clients.hides_user_existence(new(PreventUserExistenceErrors="ENABLED"))


def test_tokens_are_revoked_unless_told_otherwise():
    assert clients.revokes_tokens(new())
    assert not clients.revokes_tokens(new(EnableTokenRevocation=False))


@pytest.mark.parametrize("missing", ["AllowedOAuthFlows", "AllowedOAuthScopes"])
def test_oauth_needs_flows_and_scopes(missing):
    request = {member: value for member, value in CODE.items() if member != missing}
    assert refusal_of(**request) == (
        "AllowedOAuthFlows and AllowedOAuthScopes are required"
        " if user pool client is allowed to use OAuth flows."
    )


def test_oauth_members_may_wait_until_oauth_is_allowed():
    assert new(AllowedOAuthFlows=["code"], AllowedOAuthScopes=["openid"])


def test_code_and_implicit_need_a_callback():
    for flow in ("code", "implicit"):
        request = CODE | {"AllowedOAuthFlows": [flow], "CallbackURLs": []}
        assert refusal_of(InvalidOAuthFlowException, **request) == (
            "CallbackUrls can not be empty when code flow or implicit flow is selected"
        )


def changed(document, *, has_secret=False, tier="ESSENTIALS", **request):
    asked = {"UserPoolId": POOL_ID, "ClientId": CLIENT_ID, **request}
    return clients.updated(document, asked, has_secret=has_secret, pool_schema=SCHEMA, pool_tier=tier)


def test_an_update_sets_all_back_that_it_does_not_name_but_the_name():
    document = new(ClientName="app", AccessTokenValidity=3, PreventUserExistenceErrors="ENABLED", **CODE)
    assert changed(document) == new(ClientName="app")
    assert changed(document, ClientName="other", AccessTokenValidity=2) == new(
        ClientName="other", AccessTokenValidity=2
    )


def test_a_client_sent_back_as_it_was_shown_stays_as_it_was():
    document = new(AccessTokenValidity=3, ReadAttributes=["email"], **CODE)
    shown = clients.described(document, created_ms=0, modified_ms=0, secret="s" * 24)
    ours = {"CreationDate", "LastModifiedDate", "ClientSecret"}
    assert changed(document, **{name: shown[name] for name in shown.keys() - ours}) == document


@pytest.mark.parametrize("kind,name", [("Read", "none"), ("Write", "email_verified")])
def test_an_update_is_refused_in_its_own_words(kind, name):
    with pytest.raises(InvalidParameterException) as refused:
        changed(new(), **{f"{kind}Attributes": [name]})
    assert refused.value.message == (f"Invalid {kind.lower()} attributes specified while updating a client")


def test_an_update_gives_a_public_client_nothing_that_needs_a_secret():
    machine = {name: value for name, value in MACHINE.items() if name != "GenerateSecret"}
    with pytest.raises(InvalidOAuthFlowException):
        changed(new(), **machine)
    assert changed(new(), has_secret=True, **machine)["AllowedOAuthFlows"] == ["client_credentials"]


def test_an_update_keeps_to_the_plan_of_the_pool():
    with pytest.raises(FeatureUnavailableInTierException):
        changed(new(), tier="LITE", ExplicitAuthFlows=["ALLOW_USER_AUTH"])


def test_machines_share_a_client_with_nobody():
    request = CODE | {"AllowedOAuthFlows": ["code", "client_credentials"], "GenerateSecret": True}
    assert refusal_of(InvalidOAuthFlowException, **request) == (
        "client_credentials flow can not be selected along with code flow or implicit flow."
    )


def test_machines_have_a_secret():
    assert new(**MACHINE)
    assert new(**MACHINE | {"GenerateSecret": False, "ClientSecret": "a" * 24})
    assert refusal_of(InvalidOAuthFlowException, **MACHINE | {"GenerateSecret": False}) == (
        "client_credentials flow can not be selected if client does not have a client secret."
    )


def test_machines_have_no_user_to_ask_about():
    request = MACHINE | {"AllowedOAuthScopes": ["api/read", "openid"]}
    assert refusal_of(InvalidOAuthFlowException, **request) == (
        "openid is not supported with client_credentials flow"
    )


def test_a_secret_is_made_or_brought_not_both():
    assert refusal_of(GenerateSecret=True, ClientSecret="a" * 24)


def test_a_scope_is_the_services_or_a_resource_servers():
    document = new(**CODE | {"AllowedOAuthScopes": ["openid", "https://api.example.com/read", "api/write"]})
    assert clients.custom_scopes(document) == ("https://api.example.com/read", "api/write")
    assert clients.custom_scopes(new()) == ()
    assert refusal_of(ScopeDoesNotExistException, **CODE | {"AllowedOAuthScopes": ["opened"]}) == (
        "Invalid scope requested: opened"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.com/cb?x=1",
        "http://localhost",
        "http://localhost:3000/cb",
        "http://127.0.0.1:8080",
        "http://[::1]/cb",
        "myapp://signin",
        "com.example.app:/cb",
    ],
)
def test_these_are_urls_to_return_to(url):
    assert new(**CODE | {"CallbackURLs": [url]})
    assert new(LogoutURLs=[url])


@pytest.mark.parametrize(
    "url,text",
    [
        ("http://example.com/cb", "http://example.com/cb cannot use the HTTP protocol."),
        ("HTTP://example.com", "HTTP://example.com cannot use the HTTP protocol."),
        ("http://localhost.example.com", "http://localhost.example.com cannot use the HTTP protocol."),
        ("http://localhost:80@example.com", "http://localhost:80@example.com cannot use the HTTP protocol."),
        ("http://localhost@example.com", "http://localhost@example.com cannot use the HTTP protocol."),
        ("javascript:alert(1)", "javascript:alert(1) cannot use the JAVASCRIPT protocol."),
        ("https://example.com/cb#frag", "https://example.com/cb#frag cannot use fragment"),
        ("/cb", "/cb is not an absolute URI."),
        ("example.com", "example.com is not an absolute URI."),
        ("https:///cb", "https:///cb is not an absolute URI."),
    ],
)
def test_these_are_not(url, text):
    assert refusal_of(**CODE | {"CallbackURLs": [url]}) == text
    assert refusal_of(LogoutURLs=[url]) == text


def test_the_default_way_back_is_one_of_the_ways_back():
    assert refusal_of(**CODE, DefaultRedirectURI="https://other.example.com/cb") == (
        "The default redirect URI https://other.example.com/cb is not in the callback URIs list."
    )


def test_a_clients_word_about_its_users_needs_a_secret():
    assert refusal_of(EnablePropagateAdditionalUserContextData=True) == (
        "Client Secret is required to set EnablePropagateAdditionalUserContextData as true"
    )
    assert new(EnablePropagateAdditionalUserContextData=True, GenerateSecret=True)


def test_analytics_name_an_application_in_one_of_two_ways():
    arn = "arn:aws:mobiletargeting:us-east-1:000000000000:apps/a"
    assert new(AnalyticsConfiguration={"ApplicationArn": arn, "UserDataShared": True})
    assert new(AnalyticsConfiguration={"ApplicationId": "a", "RoleArn": arn, "ExternalId": "e"})
    for wrong in ({"ApplicationId": "a"}, {"ApplicationArn": arn, "ExternalId": "e"}):
        assert refusal_of(AnalyticsConfiguration=wrong) == (
            "Invalid analytics configuration given, either <application arn>"
            " or <application id, role arn, external id> are valid"
        )


@given(st.binary(min_size=16, max_size=16))
def test_an_id_has_26_digits_from_0_to_v(entropy):
    assert re.fullmatch("[1-7][0-9a-v]{25}", clients.new_client_id(entropy))


def test_ids_differ_where_their_bytes_do():
    ids = {clients.new_client_id(byte.to_bytes(16)) for byte in range(1000)}
    assert len(ids) == 1000


@given(st.binary(min_size=32, max_size=32))
def test_a_secret_has_51_or_52_digits_from_0_to_v(entropy):
    assert re.fullmatch("[1-9a-v][0-9a-v]{50,51}", clients.new_client_secret(entropy))


def test_a_secret_spells_its_bytes():
    entropy = bytes(range(255, 223, -1))
    assert int(clients.new_client_secret(entropy), 32).to_bytes(32) == entropy


def test_a_secret_hash_is_what_the_guide_says():
    # printf annclient | openssl dgst -sha256 -hmac secret -binary | openssl base64
    assert clients.secret_hash("secret", "ann", "client") == "1KBhTmaloN8gn8mYFOpcHRnT/Jn7qaddEv2E6vNUy30="


def refusal_of_hash(secrets, sent):
    with pytest.raises(NotAuthorizedException) as refused:
        clients.check_secret_hash(CLIENT_ID, secrets, "ann", sent)
    return refused.value.message


def test_the_right_hash_passes_and_a_public_client_sends_none():
    clients.check_secret_hash(CLIENT_ID, ["secret"], "ann", clients.secret_hash("secret", "ann", CLIENT_ID))
    clients.check_secret_hash(CLIENT_ID, [], "ann", None)


@pytest.mark.parametrize("secret", ["former", "latter"])
def test_a_hash_may_be_made_with_either_of_two_secrets(secret):
    sent = clients.secret_hash(secret, "ann", CLIENT_ID)
    clients.check_secret_hash(CLIENT_ID, ["former", "latter"], "ann", sent)


def test_a_hash_that_is_missing_is_asked_for():
    assert refusal_of_hash(["secret"], None) == (
        f"Client {CLIENT_ID} is configured with secret but SECRET_HASH was not received"
    )


@pytest.mark.parametrize("sent", ["", "wrong", "ünïcode", clients.secret_hash("secret", "bob", CLIENT_ID)])
def test_a_wrong_hash_is_refused(sent):
    assert (
        refusal_of_hash(["secret", "other"], sent) == f"Unable to verify secret hash for client {CLIENT_ID}"
    )


def test_a_public_client_has_nothing_to_prove():
    assert refusal_of_hash([], "anything") == f"Unable to verify secret hash for client {CLIENT_ID}"
    assert refusal_of_hash([], "") == f"Unable to verify secret hash for client {CLIENT_ID}"


def test_rotation_is_on_when_it_is_enabled_with_the_grace_that_was_said():
    on = new(RefreshTokenRotation={"Feature": "ENABLED", "RetryGracePeriodSeconds": 10})
    off = new(RefreshTokenRotation={"Feature": "DISABLED", "RetryGracePeriodSeconds": 10})
    assert [clients.rotates_refresh_tokens(one) for one in (on, off, new())] == [True, False, False]
    assert [clients.retry_grace_ms(one) for one in (on, off, new())] == [10_000, 0, 0]


@pytest.mark.parametrize(
    "revokes, rotates, shown",
    [
        (True, False, (True, True, True)),
        (True, True, (True, True, True)),
        (False, True, (True, False, True)),
        (False, False, (False, False, False)),
    ],
)
def test_tokens_show_their_origin_where_they_can_be_revoked_or_renewed_by_another(revokes, rotates, shown):
    rotation = {"Feature": "ENABLED" if rotates else "DISABLED"}
    document = new(EnableTokenRevocation=revokes, RefreshTokenRotation=rotation)
    assert shown == (
        clients.shows_origin(document),
        clients.shows_origin_of_access(document, 0),
        clients.shows_origin_of_access(document, 1),
    )


@pytest.mark.parametrize("given", [None, "", "wrong", "secre", "secret ", "ünïcode"])
def test_a_client_holds_its_secrets_and_no_other(given):
    assert clients.holds_secret([], given)
    assert not clients.holds_secret(["secret", "other"], given)
    assert clients.holds_secret(["secret", "other"], "secret")
    assert clients.holds_secret(["secret", "other"], "other")


def test_a_raw_secret_is_asked_for_and_compared():
    clients.check_secret(CLIENT_ID, ["secret"], "secret")
    clients.check_secret(CLIENT_ID, [], None)
    clients.check_secret(CLIENT_ID, [], "anything")
    with pytest.raises(NotAuthorizedException, match="configured for secret but secret was not received"):
        clients.check_secret(CLIENT_ID, ["secret"], None)
    with pytest.raises(NotAuthorizedException, match=f"Unable to verify secret hash for client {CLIENT_ID}"):
        clients.check_secret(CLIENT_ID, ["secret"], "wrong")
