"""
Steps that the tests of several operations share: a code that was sent, a secret proved, calls at one moment.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.house import PASSWORD, House, Tenant, error_of

DONE = "done"


def pairs(**attributes: str) -> list[dict[str, str]]:
    """Attributes as a request lists them."""
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


def sign_up(tenant: Tenant, username: str = "ann", **request: Any) -> dict[str, Any]:
    """SignUp with a word or two changed: its answer without the metadata."""
    wanted = {"ClientId": tenant.client_id, "Username": username, "Password": PASSWORD}
    answer: dict[str, Any] = tenant.cognito.sign_up(**wanted | request)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def confirm(tenant: Tenant, code: str, username: str = "ann", **request: Any) -> None:
    """ConfirmSignUp with a word or two changed."""
    wanted = {"ClientId": tenant.client_id, "Username": username, "ConfirmationCode": code}
    tenant.cognito.confirm_sign_up(**wanted | request)


def resend(tenant: Tenant, username: str = "ann", **request: Any) -> dict[str, Any]:
    """ResendConfirmationCode with a word or two changed: its answer without the metadata."""
    wanted = {"ClientId": tenant.client_id, "Username": username}
    answer: dict[str, Any] = tenant.cognito.resend_confirmation_code(**wanted | request)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def status_of(tenant: Tenant, username: str = "ann") -> str:
    """The UserStatus that an administrator sees."""
    user = tenant.cognito.admin_get_user(UserPoolId=tenant.pool_id, Username=username)
    status: str = user["UserStatus"]
    return status


def attributes_of(tenant: Tenant, username: str = "ann") -> dict[str, str]:
    """The attributes that an administrator sees."""
    user = tenant.cognito.admin_get_user(UserPoolId=tenant.pool_id, Username=username)
    return {pair["Name"]: pair["Value"] for pair in user["UserAttributes"]}


def code_sent_to(tenant: Tenant, address: str) -> str:
    """The newest code that a user of this pool was sent at this address."""
    sent = [message for message in tenant.house.inbox(to=address) if message["pool_id"] == tenant.pool_id]
    code: str = sent[0]["code"]
    return code


def confirm_by_mail(tenant: Tenant, username: str, address: str, **changes: Any) -> None:
    """Confirm a user who has signed up, with the code that was sent; the address is verified by it."""
    code = code_sent_to(tenant, address)
    tenant.cognito.confirm_sign_up(
        ClientId=tenant.client_id, Username=username, ConfirmationCode=code, **changes
    )


def verified_user(tenant: Tenant, username: str, address: str) -> dict[str, Any]:
    """A new, signed-in user whose e-mail address is verified: their AuthenticationResult."""
    tenant.sign_up(username, confirmed=False, email=address)
    confirm_by_mail(tenant, username, address)
    return tenant.sign_in(username)


def sign_in(tenant: Tenant, username: str, password: str = PASSWORD, **changes: Any) -> dict[str, Any]:
    """A password sign-in with a word or two changed: the whole answer."""
    parameters = {"USERNAME": username, "PASSWORD": password} | changes.pop("parameters", {})
    request = {"ClientId": tenant.client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}
    answer: dict[str, Any] = tenant.cognito.initiate_auth(**request | changes)
    return answer


def refresh(tenant: Tenant, token: str, client_id: str | None = None, **parameters: str) -> dict[str, Any]:
    """A sign-in renewed: the whole answer."""
    answer: dict[str, Any] = tenant.cognito.initiate_auth(
        ClientId=client_id or tenant.client_id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": token, **parameters},
    )
    return answer


def rotating(grace_s: int = 0, **changes: Any) -> dict[str, Any]:
    """The configuration of a client whose refresh tokens rotate."""
    rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": grace_s}
    return {
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
        "RefreshTokenRotation": rotation,
    } | changes


def renew(tenant: Tenant, token: str, client_id: str | None = None, **request: Any) -> dict[str, Any]:
    """The AuthenticationResult of GetTokensFromRefreshToken."""
    answer = tenant.cognito.get_tokens_from_refresh_token(
        ClientId=client_id or tenant.client_id, RefreshToken=token, **request
    )
    result: dict[str, Any] = answer["AuthenticationResult"]
    return result


def revoke(tenant: Tenant, token: str, client_id: str | None = None, **request: Any) -> None:
    """RevokeToken, which answers nothing."""
    answer = tenant.cognito.revoke_token(Token=token, ClientId=client_id or tenant.client_id, **request)
    assert set(answer) == {"ResponseMetadata"}


def secret_hash(client: dict[str, Any], username: str) -> str:
    """The SECRET_HASH of a client, by the developer guide's formula."""
    text = username + client["ClientId"]
    return base64.b64encode(
        hmac.digest(client["ClientSecret"].encode(), text.encode(), hashlib.sha256)
    ).decode()


def careless(house: House) -> BaseClient:
    """A boto3 client that sends what its own check of parameters would keep back."""
    return house.client(config=Config(parameter_validation=False, retries={"total_max_attempts": 1}))


def with_header(client: BaseClient, name: str, value: str) -> BaseClient:
    """The same client, sending one more header with every call."""

    def add(params: dict[str, Any], **_rest: Any) -> None:
        params["headers"][name] = value

    client.meta.events.register("before-call.cognito-idp.*", add)
    return client


def refused(call: Callable[..., Any], *arguments: Any, **request: Any) -> str:
    """How a call is refused, as `Exception: text`; with status 400, as all but a few are."""
    name, text, status = error_of(lambda: call(*arguments, **request))
    assert status == 400, (name, text, status)
    return f"{name}: {text}"


def at_once(*calls: Callable[[], Any]) -> Sequence[str]:
    """What came of calls made at the same moment, each in a thread: DONE, or `Exception: text`."""
    together = Barrier(len(calls))

    def make(call: Callable[[], Any]) -> str:
        together.wait()
        try:
            call()
        except ClientError as refusal:
            return f"{refusal.response['Error']['Code']}: {refusal.response['Error'].get('Message', '')}"
        return DONE

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(make, calls))
