"""
InitiateAuth: the dispatcher.  It finds the client, asks whether the flow is open, and hands over to its file.

The order is that of `facts/user-api.md` 5.1: client, flow known, flow enabled, parameters, secret hash, user.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cenote.domain.clients import is_flow_allowed
from cenote.domain.registrations import Client, Pool
from cenote.errors import InvalidParameterException
from cenote.operations.registered import client_of
from cenote.operations.sign_in.password import user_password_auth
from cenote.operations.sign_in.refresh import refresh_token_auth, refuse_rotation
from cenote.registry import Answer, operation
from cenote.services import Services

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import InitiateAuthRequestTypeDef

NOT_SUPPORTED = "Initiate Auth method not supported."


@dataclass(frozen=True, slots=True)
class Flow:
    """How one flow is done, what it needs, under which name a client allows it, and what rules it out."""

    run: Callable[[Services, Pool, Client, Mapping[str, str]], Answer]
    needs: tuple[str, ...]
    allowed_as: str
    refuse: Callable[[Client], None] = lambda _client: None


_REFRESH = Flow(refresh_token_auth, ("REFRESH_TOKEN",), "REFRESH_TOKEN_AUTH", refuse_rotation)
FLOWS = {
    "USER_PASSWORD_AUTH": Flow(user_password_auth, ("USERNAME", "PASSWORD"), "USER_PASSWORD_AUTH"),
    "REFRESH_TOKEN_AUTH": _REFRESH,
    "REFRESH_TOKEN": _REFRESH,
}


@operation("InitiateAuth")
def initiate_auth(services: Services, request: "InitiateAuthRequestTypeDef") -> Answer:
    """Begin a sign-in by one of the flows that the client allows, or renew one."""
    pool, client = client_of(services, request["ClientId"])
    flow = FLOWS.get(request["AuthFlow"])
    if flow is None:
        raise InvalidParameterException(NOT_SUPPORTED)
    flow.refuse(client)
    if not is_flow_allowed(client.document, flow.allowed_as):
        raise InvalidParameterException(f"{flow.allowed_as} flow not enabled for this client")
    parameters = request.get("AuthParameters") or {}
    for name in flow.needs:
        if not parameters.get(name):
            raise InvalidParameterException(f"Missing required parameter {name}")
    return flow.run(services, pool, client, parameters)
