"""
InitiateAuth: the dispatcher.  It finds the client, asks whether the flow is open, and hands over to its file.

The order is that of `facts/user-api.md` 5.1: client, flow known, flow enabled, parameters, secret hash, user.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cenote.domain.clients import is_flow_allowed
from cenote.domain.registrations import Client, Pool
from cenote.errors import InvalidParameterException, ResourceNotFoundException
from cenote.operations.registered import client_of, pool_of
from cenote.operations.sign_in.password import user_password_auth
from cenote.operations.sign_in.refresh import refresh_token_auth, refuse_rotation
from cenote.operations.sign_in.srp import user_srp_auth
from cenote.registry import Answer, operation
from cenote.services import Services

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import (
        AdminInitiateAuthRequestTypeDef,
        InitiateAuthRequestTypeDef,
    )

NOT_SUPPORTED = "Initiate Auth method not supported."


@dataclass(frozen=True, slots=True)
class Flow:
    """How one flow is done, what it needs, under which name a client allows it, and what rules it out."""

    run: Callable[[Services, Pool, Client, Mapping[str, str]], Answer]
    needs: tuple[str, ...]
    allowed_as: str
    refuse: Callable[[Client], None] = lambda _client: None


_REFRESH = Flow(refresh_token_auth, ("REFRESH_TOKEN",), "REFRESH_TOKEN_AUTH", refuse_rotation)
_SRP = Flow(user_srp_auth, ("USERNAME", "SRP_A"), "USER_SRP_AUTH")
_ADMIN_PASSWORD = Flow(user_password_auth, ("USERNAME", "PASSWORD"), "ADMIN_USER_PASSWORD_AUTH")
FLOWS = {
    "USER_SRP_AUTH": _SRP,
    "USER_PASSWORD_AUTH": Flow(user_password_auth, ("USERNAME", "PASSWORD"), "USER_PASSWORD_AUTH"),
    "REFRESH_TOKEN_AUTH": _REFRESH,
    "REFRESH_TOKEN": _REFRESH,
}
ADMIN_FLOWS = {
    "USER_SRP_AUTH": _SRP,
    "ADMIN_USER_PASSWORD_AUTH": _ADMIN_PASSWORD,
    "ADMIN_NO_SRP_AUTH": _ADMIN_PASSWORD,
    "REFRESH_TOKEN_AUTH": _REFRESH,
    "REFRESH_TOKEN": _REFRESH,
}


@operation("InitiateAuth")
def initiate_auth(services: Services, request: "InitiateAuthRequestTypeDef") -> Answer:
    """Begin a sign-in by one of the flows that the client allows, or renew one."""
    pool, client = client_of(services, request["ClientId"])
    flow = _open_flow(FLOWS, client, request["AuthFlow"], "{flow} flow not enabled for this client")
    parameters = request.get("AuthParameters") or {}
    require_parameters(parameters, flow.needs)
    return flow.run(services, pool, client, parameters)


@operation("AdminInitiateAuth")
def admin_initiate_auth(services: Services, request: "AdminInitiateAuthRequestTypeDef") -> Answer:
    """Begin a sign-in, or renew one, on an administrator's word."""
    pool, client = client_for_admin(services, request["UserPoolId"], request["ClientId"])
    flow = _open_flow(ADMIN_FLOWS, client, request["AuthFlow"], "Auth flow not enabled for this client")
    parameters = request.get("AuthParameters") or {}
    require_parameters(parameters, flow.needs)
    return flow.run(services, pool, client, parameters)


def client_for_admin(services: Services, pool_id: str, client_id: str) -> tuple[Pool, Client]:
    """The client of this id in the pool that an administrator names."""
    pool, found = pool_of(services, pool_id), services.store.read(lambda tx: tx.clients.find(client_id))
    if found is None or found[1].pool_id != pool_id:
        raise ResourceNotFoundException(
            f"User pool client {client_id} does not exist in user pool {pool_id}."
        )
    return pool, found[1]


def require_parameters(given: Mapping[str, str], needed: Iterable[str]) -> None:
    """Refuse a call that lacks a parameter; the first is named."""
    for name in needed:
        if not given.get(name):
            raise InvalidParameterException(f"Missing required parameter {name}")


def _open_flow(flows: Mapping[str, Flow], client: Client, name: str, closed: str) -> Flow:
    """The flow of this name, if there is one here and the client allows it."""
    flow = flows.get(name)
    if flow is None:
        raise InvalidParameterException(NOT_SUPPORTED)
    flow.refuse(client)
    if not is_flow_allowed(client.document, flow.allowed_as):
        raise InvalidParameterException(closed.format(flow=flow.allowed_as))
    return flow
