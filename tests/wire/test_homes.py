"""Which pool a call is for: every operation that has one says so, and a forger proves nothing."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cenote.app import build, load_operations
from cenote.domain.quotas import Asker
from cenote.operations.sign_in.challenges import Challenge, pool_of_session, session_text
from cenote.services import Services, begin_call
from cenote.settings import Settings
from cenote.wire.homes import Homes
from tests.house import MODEL, PASSWORD

OF_NO_POOL = {
    *("CreateUserPool", "ListUserPools", "DescribeUserPoolDomain", "GetProvisionedLimit"),
    "UpdateProvisionedLimit",
}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The seams of a server of this process."""
    application = build(Settings(data=tmp_path_factory.mktemp("homes") / "data"))
    yield application.services
    application.close()


@pytest.fixture(scope="module")
def homes(services: Services) -> Homes:
    return Homes(services, pool_of_session)


@pytest.fixture(scope="module")
def members(services: Services) -> dict[str, Any]:
    """What requests name a pool by: its id, its ARN, a client of it, a user's token, a sign-in under way."""
    begin_call("test")
    serve = load_operations()
    pool: Any = serve["CreateUserPool"](services, {"PoolName": "p"})
    pool_id = pool["UserPool"]["Id"]
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    wanted = {"UserPoolId": pool_id, "ClientName": "app", "ExplicitAuthFlows": flows}
    client_id = serve["CreateUserPoolClient"](services, wanted)["UserPoolClient"]["ClientId"]
    ann = {"ClientId": client_id, "Username": "ann", "Password": PASSWORD}
    serve["SignUp"](services, ann)
    serve["AdminConfirmSignUp"](services, {"UserPoolId": pool_id, "Username": "ann"})
    parameters = {"USERNAME": "ann", "PASSWORD": PASSWORD}
    request = {"ClientId": client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}
    tokens = serve["InitiateAuth"](services, request)["AuthenticationResult"]
    asked = Challenge(
        name="MFA_SETUP",
        pool_id=pool_id,
        client_id=client_id,
        sub="s",
        username="ann",
        submitted="ann",
        asked_ms=0,
        session_id="s",
    )
    return {
        "UserPoolId": pool_id,
        "ResourceArn": services.locality.arn_of(pool_id),
        "ClientId": client_id,
        "AccessToken": tokens["AccessToken"],
        "IdToken": tokens["IdToken"],
        "Session": session_text(services, asked),
    }


def request_of(operation: str, members: dict[str, Any], *without: str) -> dict[str, Any]:
    named = MODEL._shapes[MODEL._operations[operation].input.shape].members
    return {name: value for name, value in members.items() if name in named and name not in without}


def forged(token: str) -> str:
    head, payload, _signature = token.split(".")
    return f"{head}.{payload}.{'A' * 342}"


def test_every_operation_names_its_pool_but_those_that_are_of_none(homes, members):
    homeless = {
        name
        for name, known in MODEL.operations.items()
        if not homes.pool_of(known, request_of(name, members))
    }
    assert homeless == OF_NO_POOL
    pools = {homes.pool_of(known, request_of(name, members)) for name, known in MODEL.operations.items()}
    assert pools - {None} == {members["UserPoolId"]}


def test_where_a_token_may_be_left_out_the_session_says_it(homes, members):
    for name in ("AssociateSoftwareToken", "VerifySoftwareToken"):
        request = request_of(name, members, "AccessToken")
        assert homes.pool_of(MODEL.operations[name], request) == members["UserPoolId"]
        assert homes.pool_of(MODEL.operations[name], {"Session": "not ours"}) is None
        assert homes.pool_of(MODEL.operations[name], {"Session": "AAAA" * 30}) is None
        assert homes.pool_of(MODEL.operations[name], {}) is None


@pytest.mark.parametrize(
    "request_", [None, [], "", 1, {"UserPoolId": 1}, {"AccessToken": []}, {"ClientId": {}}]
)
@pytest.mark.parametrize("name", ["DeleteUser", "SignUp", "ListUsers", "TagResource", "CreateUserPool"])
def test_what_is_no_request_yet_is_of_no_pool(homes, name, request_):
    assert homes.pool_of(MODEL.operations[name], request_) is None


def test_a_client_that_is_made_later_is_known_then(homes, services, members):
    unknown = {"ClientId": "0" * 26}
    assert homes.pool_of(MODEL.operations["SignUp"], unknown) is None
    made = load_operations()["CreateUserPoolClient"](
        services, {"UserPoolId": members["UserPoolId"], "ClientName": "late"}
    )
    late = {"ClientId": made["UserPoolClient"]["ClientId"]}
    assert homes.pool_of(MODEL.operations["SignUp"], late) == members["UserPoolId"]


def test_a_bearer_counts_for_their_pool_and_themself(homes, members):
    asker = homes.asker_of(MODEL.operations["DeleteUser"], {"AccessToken": members["AccessToken"]})
    assert (asker.operation, asker.pool_id) == ("DeleteUser", members["UserPoolId"])
    assert asker.user is not None
    assert asker == homes.asker_of(MODEL.operations["DeleteUser"], {"AccessToken": members["AccessToken"]})


def test_whoever_forges_a_token_counts_for_nobody(homes, members):
    for token in (forged(members["AccessToken"]), members["IdToken"], "a.b.c", "=", "x" * 200):
        request = {"AccessToken": token}
        assert homes.asker_of(MODEL.operations["DeleteUser"], request) == Asker(operation="DeleteUser")


def test_a_sign_in_counts_for_the_name_that_it_gives_however_it_is_written(homes, members):
    def asker(name: str) -> Asker:
        request = {"ClientId": members["ClientId"], "AuthParameters": {"USERNAME": name, "PASSWORD": "x"}}
        asked: Asker = homes.asker_of(MODEL.operations["InitiateAuth"], request)
        return asked

    assert asker("ann") == asker("ANN")
    assert asker("ann") != asker("bob")
    assert "ann" not in repr(asker("ann"))
    bearer = homes.asker_of(MODEL.operations["DeleteUser"], {"AccessToken": members["AccessToken"]})
    assert asker("ann").user != bearer.user


def test_a_challenge_says_what_it_is(homes, members):
    request = {
        "ClientId": members["ClientId"],
        "ChallengeName": "NEW_PASSWORD_REQUIRED",
        "ChallengeResponses": {"USERNAME": "ann"},
    }
    asker = homes.asker_of(MODEL.operations["RespondToAuthChallenge"], request)
    assert (asker.challenge, asker.pool_id) == ("NEW_PASSWORD_REQUIRED", members["UserPoolId"])


def test_a_token_that_is_over_counts_for_nobody(homes, services, members):
    later = replace(services, now_ms=lambda: services.now_ms() + 86_400_000)
    asker = Homes(later, pool_of_session).asker_of(
        MODEL.operations["DeleteUser"], {"AccessToken": members["AccessToken"]}
    )
    assert asker == Asker(operation="DeleteUser")
