"""DeleteUser, as a client sees it: the zero bytes of a success, and every refusal to the letter."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.house import House, Tenant, error_of
from tests.wire.craft import claims_of, keys_of, signed
from tests.wire.steps import careless, refused, secret_hash, verified_user, with_header

ANN = "ann@example.com"
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260924/us-east-1/cognito-idp/aws4_request, "
    "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
    "Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024"
)
NOT_AUTHORIZED = "NotAuthorizedException"
NOT_ENABLED = (
    "This operation is not available in the current region or for the current user pool configuration."
)
GONE = ("UserNotFoundException", "User does not exist.", 400)
REVOKED = (NOT_AUTHORIZED, "Access Token has been revoked", 400)


class Production(House):
    """A house that serves without `--dev`."""

    def command(self, *flags: str) -> list[str]:
        return [word for word in super().command(*flags) if word != "--dev"]


@pytest.fixture
def production(own_house: House) -> Iterator[House]:
    """A house in production, on the folders of `own_house`; to be started once that one is stopped."""
    house = Production(own_house.root)
    yield house
    house.stop()


def deletion_refusal(tenant: Tenant, tokens: dict[str, Any]) -> tuple[str, str, int]:
    return error_of(tenant.cognito.delete_user, AccessToken=tokens["AccessToken"])


def is_alive(tenant: Tenant, username: str = "ann") -> bool:
    return bool(tenant.cognito.admin_get_user(UserPoolId=tenant.pool_id, Username=username)["Enabled"])


# What a success is.


def test_a_user_deletes_themself_and_a_second_call_finds_nobody(tenant: Tenant) -> None:
    tokens = tenant.user("ann", email="ann@example.com")
    answer = tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])
    assert set(answer) == {"ResponseMetadata"}
    again = error_of(tenant.cognito.delete_user, AccessToken=tokens["AccessToken"])
    assert again == ("UserNotFoundException", "User does not exist.", 400)


def test_the_answer_is_200_with_not_one_byte_and_says_so(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    status, headers, body = tenant.house.call("DeleteUser", {"AccessToken": tokens["AccessToken"]})
    assert (status, body, headers["content-length"]) == (200, b"", "0")
    assert "transfer-encoding" not in headers
    assert headers["content-type"] == "application/x-amz-json-1.1"
    assert headers["x-amzn-requestid"]
    assert "x-amzn-errortype" not in headers


def test_a_refusal_is_the_captured_67_bytes_and_its_headers_say_the_same(tenant: Tenant) -> None:
    token = {"AccessToken": tenant.user("ann")["AccessToken"]}
    tenant.house.call("DeleteUser", token)
    status, headers, body = tenant.house.call("DeleteUser", token)
    assert (status, headers["content-length"]) == (400, "67")
    assert body == b'{"__type":"UserNotFoundException","message":"User does not exist."}'
    assert headers["x-amzn-errortype"] == "UserNotFoundException:"
    assert headers["x-amzn-errormessage"] == "User does not exist."


def test_every_session_of_the_user_ends_and_the_pool_counts_one_less(tenant: Tenant) -> None:
    first, second = tenant.user("ann"), tenant.sign_in("ann")
    tenant.user("bob")
    tenant.cognito.delete_user(AccessToken=first["AccessToken"])
    assert deletion_refusal(tenant, second) == GONE
    pool = tenant.cognito.describe_user_pool(UserPoolId=tenant.pool_id)["UserPool"]
    assert pool["EstimatedNumberOfUsers"] == 1
    assert is_alive(tenant, "bob")


@pytest.mark.parametrize(
    "authorization", ["Bearer nonsense", "Basic YTpi", "AWS4-HMAC-SHA256 ", SIGNED, "%%%"]
)
def test_an_authorization_header_of_any_kind_is_ignored(tenant: Tenant, authorization: str) -> None:
    token = {"AccessToken": tenant.user("ann")["AccessToken"]}
    assert tenant.house.call("DeleteUser", token, Authorization=authorization)[0] == 200


def test_members_that_the_model_does_not_know_are_ignored(tenant: Tenant) -> None:
    tokens, bob = tenant.user("ann"), tenant.user("bob")
    request = {"AccessToken": tokens["AccessToken"], "Username": "bob", "UserPoolId": tenant.pool_id}
    assert tenant.house.call("DeleteUser", request)[0] == 200
    assert tenant.cognito.get_user(AccessToken=bob["AccessToken"])["Username"] == "bob"


def test_a_user_of_a_client_with_a_secret_needs_no_secret(tenant: Tenant) -> None:
    tenant.sign_up("ann")
    confidential = tenant.new_client(GenerateSecret=True)
    tokens = tenant.cognito.initiate_auth(
        ClientId=confidential["ClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={
            "USERNAME": "ann",
            "PASSWORD": "Correct-horse1",
            "SECRET_HASH": secret_hash(confidential, "ann"),
        },
    )["AuthenticationResult"]
    tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])
    assert deletion_refusal(tenant, tokens) == GONE


def test_deletion_protection_guards_the_pool_and_not_its_users(tenants) -> None:
    tenant = tenants(pool={"DeletionProtection": "ACTIVE"})
    tokens = tenant.user("ann")
    assert refused(tenant.cognito.delete_user_pool, UserPoolId=tenant.pool_id).startswith("InvalidParameter")
    tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])
    assert deletion_refusal(tenant, tokens) == GONE


def test_a_client_that_hides_who_exists_hides_nothing_from_a_token(tenants) -> None:
    tenant = tenants(client={"PreventUserExistenceErrors": "ENABLED"})
    tokens = tenant.user("ann")
    tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])
    assert deletion_refusal(tenant, tokens) == GONE


# InvalidParameterException.


@pytest.mark.parametrize(
    "token, constraint",
    [
        (None, "Member must not be null"),
        ("", "Member must satisfy regular expression pattern: [A-Za-z0-9-_=.]+"),
        ("not a token", "Member must satisfy regular expression pattern: [A-Za-z0-9-_=.]+"),
        ("tökên", "Member must satisfy regular expression pattern: [A-Za-z0-9-_=.]+"),
        ("a.b.c\n", "Member must satisfy regular expression pattern: [A-Za-z0-9-_=.]+"),
    ],
)
def test_a_token_that_is_none_breaks_the_model_and_is_not_shown(house: House, token, constraint) -> None:
    request = {} if token is None else {"AccessToken": token}
    text = f"1 validation error detected: Value at 'accessToken' failed to satisfy constraint: {constraint}"
    assert error_of(careless(house).delete_user, **request) == ("InvalidParameterException", text, 400)


@pytest.mark.parametrize(
    "token, message",
    [
        (1, "NUMBER_VALUE can not be converted to a String"),
        (True, "TRUE_VALUE can not be converted to a String"),
        (["a"], "Start of list found where not expected"),
        ({"a": "b"}, "Start of structure or map found where not expected."),
    ],
)
def test_a_token_of_another_json_type_cannot_be_read(house: House, token, message) -> None:
    status, headers, body = house.call("DeleteUser", {"AccessToken": token})
    assert (status, headers["x-amzn-errortype"]) == (400, "SerializationException:")
    assert body.decode() == f'{{"__type":"SerializationException","message":"{message}"}}'


# NotAuthorizedException.


@pytest.mark.parametrize("token", ["invalidtoken", "a.b.c", "..", "=", "eyJ.eyJ.eyJ"])
def test_what_is_no_token_of_ours_is_invalid(house: House, token) -> None:
    refusal = error_of(house.client().delete_user, AccessToken=token)
    assert refusal == (NOT_AUTHORIZED, "Invalid Access Token", 400)


@pytest.mark.parametrize("kind", ["IdToken", "RefreshToken"])
def test_another_kind_of_token_is_no_access_token(tenant: Tenant, kind: str) -> None:
    tokens = tenant.user("ann")
    refusal = error_of(tenant.cognito.delete_user, AccessToken=tokens[kind])
    assert refusal == (NOT_AUTHORIZED, "Invalid Access Token", 400)
    assert is_alive(tenant)


def test_a_token_changed_by_one_letter_has_no_signature(tenant: Tenant) -> None:
    head, payload, signature = tenant.user("ann")["AccessToken"].split(".")
    changed = ("A" if signature[9] != "A" else "B").join([signature[:9], signature[10:]])
    refusal = error_of(tenant.cognito.delete_user, AccessToken=f"{head}.{payload}.{changed}")
    assert refusal == (NOT_AUTHORIZED, "Could not verify signature for Access Token", 400)
    assert is_alive(tenant)


def test_a_pool_speaks_for_its_own_users_alone(tenant: Tenant, tenants) -> None:
    """Its keys, whoever holds them, sign nobody else's token: by neither pool's name."""
    other: Tenant = tenants()
    token, keys = tenant.user("ann")["AccessToken"], keys_of(tenant.house, other.pool_id)
    claims = claims_of(token)
    foreign = claims | {"iss": claims["iss"].replace(tenant.pool_id, other.pool_id)}
    under_its_own = error_of(tenant.cognito.delete_user, AccessToken=signed(keys.access, foreign))
    assert under_its_own == (
        "ResourceNotFoundException",
        f"User pool client {tenant.client_id} does not exist.",
        400,
    )
    by_the_others = error_of(tenant.cognito.delete_user, AccessToken=signed(keys.access, claims))
    assert by_the_others == (NOT_AUTHORIZED, "Invalid Access Token", 400)
    assert is_alive(tenant)


def test_a_token_ends_with_its_life(tenants) -> None:
    tenant = tenants(client={"AccessTokenValidity": 5, "TokenValidityUnits": {"AccessToken": "minutes"}})
    tokens = tenant.user("ann")
    tenant.house.advance(301)
    assert deletion_refusal(tenant, tokens) == (NOT_AUTHORIZED, "Access Token has expired", 400)
    assert is_alive(tenant)


@pytest.mark.parametrize("scope", ["openid profile", "", "aws.cognito.signin.user.admin2", None])
def test_a_token_without_the_scope_of_its_user_is_refused(tenant: Tenant, scope) -> None:
    claims = claims_of(tenant.user("ann")["AccessToken"])
    scopeless = {name: value for name, value in claims.items() if name != "scope"}
    token = signed(
        keys_of(tenant.house, tenant.pool_id).access, scopeless | ({} if scope is None else {"scope": scope})
    )
    refusal = error_of(tenant.cognito.delete_user, AccessToken=token)
    assert refusal == (NOT_AUTHORIZED, "Access Token does not have required scopes", 400)
    assert is_alive(tenant)


def test_one_scope_among_several_is_enough(tenant: Tenant) -> None:
    claims = claims_of(tenant.user("ann")["AccessToken"])
    claims["scope"] = "openid aws.cognito.signin.user.admin profile"
    token = signed(keys_of(tenant.house, tenant.pool_id).access, claims)
    tenant.cognito.delete_user(AccessToken=token)
    assert error_of(tenant.cognito.delete_user, AccessToken=token) == GONE


def test_a_global_sign_out_revokes_every_token_of_the_user(tenant: Tenant) -> None:
    first, second = tenant.user("ann"), tenant.sign_in("ann")
    tenant.cognito.global_sign_out(AccessToken=first["AccessToken"])
    assert [deletion_refusal(tenant, tokens) for tokens in (first, second)] == [REVOKED, REVOKED]
    assert is_alive(tenant)


def test_a_disabled_user_is_disabled_and_once_enabled_again_their_tokens_are_revoked(tenant: Tenant) -> None:
    tokens, ann = tenant.user("ann"), {"UserPoolId": tenant.pool_id, "Username": "ann"}
    tenant.cognito.admin_disable_user(**ann)
    assert deletion_refusal(tenant, tokens) == (NOT_AUTHORIZED, "User is disabled.", 400)
    tenant.cognito.admin_enable_user(**ann)
    assert deletion_refusal(tenant, tokens) == REVOKED
    tenant.cognito.delete_user(AccessToken=tenant.sign_in("ann")["AccessToken"])


def test_a_namesake_is_first_not_confirmed_and_then_somebody_else(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])
    tenant.sign_up("ann", confirmed=False)
    assert deletion_refusal(tenant, tokens) == ("UserNotConfirmedException", "User is not confirmed.", 400)
    tenant.cognito.admin_confirm_sign_up(UserPoolId=tenant.pool_id, Username="ann")
    assert deletion_refusal(tenant, tokens) == (NOT_AUTHORIZED, "Invalid access token.", 400)
    assert is_alive(tenant)


# ResourceNotFoundException, PasswordResetRequiredException.


def test_a_token_of_a_deleted_client_names_it(tenant: Tenant) -> None:
    tokens, gone = tenant.user("ann"), tenant.client_id
    tenant.cognito.delete_user_pool_client(UserPoolId=tenant.pool_id, ClientId=gone)
    assert deletion_refusal(tenant, tokens) == (
        "ResourceNotFoundException",
        f"User pool client {gone} does not exist.",
        400,
    )
    assert is_alive(tenant)


def test_a_token_of_a_deleted_pool_names_it_before_and_after_a_restart(own_house: House) -> None:
    tenant = Tenant(own_house.start())
    tokens = tenant.user("ann")
    tenant.cognito.delete_user_pool(UserPoolId=tenant.pool_id)
    gone = ("ResourceNotFoundException", f"User pool {tenant.pool_id} does not exist.", 400)
    assert deletion_refusal(tenant, tokens) == gone
    own_house.stop()
    own_house.start()
    assert deletion_refusal(tenant, tokens) == gone


def test_a_user_whose_password_was_reset_sets_a_new_one_first(tenant: Tenant) -> None:
    tokens = verified_user(tenant, "ann", ANN)
    tenant.cognito.admin_reset_user_password(UserPoolId=tenant.pool_id, Username="ann")
    assert deletion_refusal(tenant, tokens) == (
        "PasswordResetRequiredException",
        "Password reset required for the user",
        400,
    )
    assert is_alive(tenant)


# The order of the refusals.


def test_an_expired_token_is_expired_whatever_else_is_wrong_with_it(tenant: Tenant) -> None:
    claims = claims_of(tenant.user("ann")["AccessToken"])
    key = keys_of(tenant.house, tenant.pool_id).access
    expired = claims | {"exp": claims["iat"] - 1, "scope": "openid", "client_id": "0" * 26, "username": "bob"}
    scopeless = claims | {"scope": "openid", "client_id": "0" * 26, "username": "bob"}
    clientless = claims | {"client_id": "0" * 26, "username": "bob"}
    userless = claims | {"username": "bob"}
    texts = [
        error_of(tenant.cognito.delete_user, AccessToken=signed(key, one))[1]
        for one in (expired, scopeless, clientless, userless)
    ]
    assert texts == [
        "Access Token has expired",
        "Access Token does not have required scopes",
        f"User pool client {'0' * 26} does not exist.",
        "User does not exist.",
    ]


def test_a_revoked_token_is_revoked_before_any_password_is_reset(tenant: Tenant) -> None:
    tokens = verified_user(tenant, "ann", ANN)
    tenant.cognito.global_sign_out(AccessToken=tokens["AccessToken"])
    tenant.cognito.admin_reset_user_password(UserPoolId=tenant.pool_id, Username="ann")
    assert deletion_refusal(tenant, tokens) == REVOKED


# The four that only a fault shows.


@pytest.mark.parametrize(
    "fault, text, status",
    [
        ("TooManyRequestsException", "Too many requests", 400),
        ("ForbiddenException", "Request not allowed due to WAF block.", 403),
        (
            "OperationNotEnabledException",
            NOT_ENABLED,
            400,
        ),
        ("InternalErrorException", "Something went wrong", 500),
    ],
)
def test_a_fault_is_answered_by_name_and_nothing_is_done(tenant: Tenant, fault, text, status) -> None:
    tokens = tenant.user("ann")
    faulty = with_header(tenant.house.client(), "x-cenote-fault", fault)
    assert error_of(faulty.delete_user, AccessToken=tokens["AccessToken"]) == (fault, text, status)
    assert is_alive(tenant)


def test_outside_development_a_fault_is_no_fault(own_house: House, production: House) -> None:
    tenant = Tenant(own_house.start())
    tokens = tenant.user("ann")
    own_house.stop()
    production.start()
    faulty = with_header(production.client(), "x-cenote-fault", "InternalErrorException")
    assert faulty.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    faulty.delete_user(AccessToken=tokens["AccessToken"])
    assert error_of(faulty.delete_user, AccessToken=tokens["AccessToken"]) == GONE


def test_outside_development_nobody_s_credentials_are_good_and_no_door_is_open(
    own_house: House, production: House
) -> None:
    tenant = Tenant(own_house.start())
    own_house.stop()
    production.start()
    ann = {"UserPoolId": tenant.pool_id, "Username": "ann"}
    with pytest.raises(ClientError, match="The security token included in the request is invalid") as refusal:
        production.client().admin_delete_user(**ann)
    assert refusal.value.response["Error"]["Code"] == "UnrecognizedClientException"
    assert b"MissingAuthenticationTokenException" in production.call("AdminDeleteUser", ann)[2]
    doors = ("/_cenote/inbox", "/_cenote/clock", "/_cenote/fault")
    assert [production.http("POST", door, b"{}")[0] for door in doors] == [404, 404, 404]
    assert [production.http("GET", door)[0] for door in doors] == [404, 404, 404]


def test_the_documented_exceptions_are_the_ones_that_are_met_here(house: House) -> None:
    """A new exception in the model's list must find its test above."""
    text = Path(__file__).read_text(encoding="utf-8")
    operation = house.client().meta.service_model.operation_model("DeleteUser")
    assert [shape.name for shape in operation.error_shapes if f'"{shape.name}' not in text] == []
