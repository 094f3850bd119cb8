"""What a client of a server in this process meets: the service itself, and no network."""

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore import UNSIGNED
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError
from joserfc import jwt
from joserfc.jwk import KeySet, KeySetSerialization

import cenote
from tests.embedded.steps import tenant_of
from tests.engines import at_once
from tests.house import PASSWORD, Tenant, check_answer, environment, error_of
from tests.signed import shown
from tests.srp_client import sign_in_by_srp
from tests.wire.craft import claims_of

EMAIL = "ann@example.com"
SRP = ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse whatever would open a connection, listen on a port or ask for a name."""

    def refuse(*asked: Any, **_more: Any) -> None:
        raise AssertionError(f"the network was wanted: {asked}")

    for name in ("connect", "connect_ex", "bind", "listen"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)


def test_a_whole_life_from_the_pool_to_the_deletion(server: cenote.Server):
    cognito = server.client("cognito-idp")
    assert isinstance(cognito, BaseClient)
    cognito.meta.events.register("before-parse.cognito-idp.*", check_answer)
    made = cognito.create_user_pool(PoolName="mine", AutoVerifiedAttributes=["email"])
    pool_id = made["UserPool"]["Id"]
    app = cognito.create_user_pool_client(UserPoolId=pool_id, ClientName="app", ExplicitAuthFlows=SRP)
    ann = {"ClientId": app["UserPoolClient"]["ClientId"], "Username": "ann"}
    pair = {"Name": "email", "Value": EMAIL}
    sub = cognito.sign_up(**ann, Password=PASSWORD, UserAttributes=[pair])["UserSub"]
    cognito.confirm_sign_up(**ann, ConfirmationCode=server.inbox.code_for(EMAIL))
    signed_in = sign_in_by_srp(cognito, ann["ClientId"], pool_id, "ann", PASSWORD)
    token = signed_in["AuthenticationResult"]["AccessToken"]
    assert {"Name": "sub", "Value": sub} in cognito.get_user(AccessToken=token)["UserAttributes"]
    assert [user["Username"] for user in cognito.list_users(UserPoolId=pool_id)["Users"]] == ["ann"]
    gone = cognito.delete_user(AccessToken=token)["ResponseMetadata"]
    assert (gone["HTTPStatusCode"], gone["HTTPHeaders"]["content-length"]) == (200, "0")
    with pytest.raises(cognito.exceptions.UserNotFoundException):
        cognito.delete_user(AccessToken=token)
    assert server.inbox.messages() == []


def test_the_documented_example_raises_the_documented_exception(server: cenote.Server):
    client = server.client("cognito-idp")
    with pytest.raises(client.exceptions.NotAuthorizedException) as refused:
        client.delete_user(AccessToken="string")
    assert refused.value.response["Error"] == {
        "Code": "NotAuthorizedException",
        "Message": "Invalid Access Token",
    }


def test_signatures_are_made_and_checked(server: cenote.Server):
    unsigned = server.client(config=Config(signature_version=UNSIGNED))
    stranger = server.client(aws_access_key_id="AKIA" + "A" * 16)
    wrong = server.client(aws_secret_access_key="wrong")
    elsewhere = server.client(region_name="eu-west-1")
    codes = [
        error_of(client.list_user_pools, MaxResults=1)[0] for client in (unsigned, stranger, wrong, elsewhere)
    ]
    assert codes == [
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "InvalidSignatureException",
    ]
    assert server.client().list_user_pools(MaxResults=1)["UserPools"] == []


def test_users_need_no_signature(server: cenote.Server, tenant: Tenant):
    token = tenant.user("ann")["AccessToken"]
    unsigned = server.client(config=Config(signature_version=UNSIGNED))
    assert unsigned.get_user(AccessToken=token)["Username"] == "ann"


def test_the_policy_of_a_key_made_beside_the_open_server_holds(tmp_path: Path):
    with cenote.start(tmp_path) as server:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "cenote",
                "keys",
                "create",
                "ci",
                "--read-only",
                "--data",
                tmp_path / "data",
            ],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(),
            check=True,
        )
        pair = shown(done, "ci")
        reader = server.client(aws_access_key_id=pair.key_id, aws_secret_access_key=pair.secret)
        assert reader.list_user_pools(MaxResults=1)["UserPools"] == []
        assert error_of(reader.create_user_pool, PoolName="x")[0] == "AccessDeniedException"


def test_nothing_of_ones_own_aws_configuration_reaches_a_client(tmp_path: Path, monkeypatch):
    broken = tmp_path / "config"
    broken.write_text("[default]\nregion = mars\nmax_attempts = none\n[profile")
    mine = {
        "AWS_PROFILE": "missing",
        "AWS_CONFIG_FILE": str(broken),
        "AWS_SHARED_CREDENTIALS_FILE": str(broken),
        "AWS_ACCESS_KEY_ID": "mine",
        "AWS_SECRET_ACCESS_KEY": "mine",
        "AWS_SESSION_TOKEN": "mine",
        "AWS_DEFAULT_REGION": "mars",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_RETRY_MODE": "nonsense",
        "AWS_MAX_ATTEMPTS": "nonsense",
        "AWS_DATA_PATH": str(tmp_path),
        "HTTP_PROXY": "http://127.0.0.1:9",
    }
    for name, value in mine.items():
        monkeypatch.setenv(name, value)
    with cenote.start(region="eu-west-3") as server:
        client = server.client("cognito-idp")
        assert client.meta.region_name == "eu-west-3"
        assert client.create_user_pool(PoolName="x")["UserPool"]["Id"].startswith("eu-west-3_")


def test_a_client_goes_where_boto3_is_asked_for_one(server: cenote.Server, monkeypatch):
    monkeypatch.setattr(boto3, "client", server.client)
    far = "https://cognito-idp.us-east-1.amazonaws.com"
    for client in (
        boto3.client("cognito-idp", endpoint_url=far),
        boto3.client("cognito-idp", "us-east-1", endpoint_url=None, aws_access_key_id=None),
    ):
        assert client.list_user_pools(MaxResults=1)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert client.meta.endpoint_url == "http://cenote.invalid"


def test_another_service_is_refused_in_a_sentence(server: cenote.Server):
    with pytest.raises(cenote.CenoteError, match="answers cognito-idp, and no other service such as s3"):
        server.client("s3")


def test_many_threads_share_a_server_and_its_clients(server: cenote.Server, tenant: Tenant):
    shared = tenant.cognito

    def live(number: int) -> str:
        cognito = shared if number % 2 else server.client()
        name = {"ClientId": tenant.client_id, "Username": f"user-{number}"}
        cognito.sign_up(**name, Password=PASSWORD)
        cognito.admin_confirm_sign_up(UserPoolId=tenant.pool_id, Username=name["Username"])
        token = tenant.sign_in(name["Username"])["AccessToken"]
        username: str = cognito.get_user(AccessToken=token)["Username"]
        return username

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(live, range(24))) == [f"user-{number}" for number in range(24)]


def test_of_many_threads_that_delete_one_user_one_does(tenant: Tenant):
    token = tenant.user("ann")["AccessToken"]

    def delete() -> int:
        status: int = tenant.cognito.delete_user(AccessToken=token)["ResponseMetadata"]["HTTPStatusCode"]
        return status

    met = at_once(*[delete] * 8)
    assert met.count(200) == 1
    refusals = [one.response["Error"]["Code"] for one in met if isinstance(one, ClientError)]
    assert refusals == ["UserNotFoundException"] * 7


def test_two_servers_in_one_process_share_nothing():
    with cenote.start() as ours, cenote.start() as theirs:
        tenant = tenant_of(ours)
        tenant.sign_up("ann", email=EMAIL)
        token = tenant.sign_in("ann")["AccessToken"]
        other = theirs.client()
        assert other.list_user_pools(MaxResults=10)["UserPools"] == []
        assert error_of(other.get_user, AccessToken=token)[:2] == (
            "NotAuthorizedException",
            "Invalid Access Token",
        )
        key_of_ours = {"aws_access_key_id": ours._key_id, "aws_secret_access_key": ours._secret}
        assert (
            error_of(theirs.client(**key_of_ours).list_user_pools, MaxResults=1)[0]
            == "UnrecognizedClientException"
        )
        theirs.clock.advance(86_400)
        assert theirs.inbox.messages() == []
        ours.close()
        assert other.create_user_pool(PoolName="x")["UserPool"]["Name"] == "x"


def test_tokens_name_the_issuer_that_an_application_of_aws_expects(server: cenote.Server, tenant: Tenant):
    token = tenant.user("ann")["IdToken"]
    keys = KeySet.import_key_set(cast("KeySetSerialization", server.jwks(tenant.pool_id)))
    claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
    assert claims["iss"] == f"https://cognito-idp.us-east-1.amazonaws.com/{tenant.pool_id}"
    with pytest.raises(LookupError):
        server.jwks("us-east-1_missing")


def test_another_issuer_is_a_setting():
    with cenote.start(issuer="cenote", public_url="https://id.example.com") as server:
        tenant = tenant_of(server)
        assert claims_of(tenant.user("ann")["IdToken"])["iss"] == f"https://id.example.com/{tenant.pool_id}"
