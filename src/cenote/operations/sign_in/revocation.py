"""
RevokeToken: the end of one session, by any of its refresh tokens, whether still good, retired or over.

Who brings what was never a refresh token of this server, or one whose session has ended already, is told that
it is done: it is worth nothing.  Leaves out the end of all sessions (`profile.py`, `admin_users.py`).
"""

from typing import TYPE_CHECKING

import msgspec

from cenote.domain.clients import holds_secret, revokes_tokens
from cenote.domain.registrations import Client
from cenote.domain.tokens import parts_of
from cenote.errors import (
    UnauthorizedException,
    UnsupportedOperationException,
    UnsupportedTokenTypeException,
)
from cenote.operations.registered import secrets_of
from cenote.operations.sign_in.refresh_tokens import read_refresh_token
from cenote.registry import Answer, operation
from cenote.services import Services

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import RevokeTokenRequestTypeDef

NOT_THE_CLIENT = "Invalid client or secret"
# The live service's sentences for these two are unknown.
NOT_ENABLED = "This feature is not enabled for this client"
NOT_A_REFRESH_TOKEN = "Only refresh tokens can be revoked"


class _Kind(msgspec.Struct):
    """What an access or ID token calls itself."""

    token_use: str


_decoder = msgspec.json.Decoder(_Kind)


@operation("RevokeToken")
def revoke_token(services: Services, request: "RevokeTokenRequestTypeDef") -> Answer:
    """
    End the session of a refresh token: every generation of it, and every access token that came from it.

    Other sessions of the user go on.  A client ends its own sessions only.
    """
    client = _proven_client(services, request["ClientId"], request.get("ClientSecret"))
    if not revokes_tokens(client.document):
        raise UnsupportedOperationException(NOT_ENABLED)
    said = read_refresh_token(services, request["Token"])
    if said is None:
        _refuse_signed_token(request["Token"])
        return {}
    if said.client_id != client.client_id:
        raise UnauthorizedException(NOT_THE_CLIENT)
    services.store.write(lambda tx: tx.sessions.drop(said.sub, said.session_id))
    return {}


def _proven_client(services: Services, client_id: str, secret: str | None) -> Client:
    """The client, if it is there and brings its secret; the operation lists one refusal for both."""
    found = services.store.read(lambda tx: tx.clients.find(client_id))
    if found is None or not holds_secret(secrets_of(services, found[1]), secret):
        raise UnauthorizedException(NOT_THE_CLIENT)
    return found[1]


def _refuse_signed_token(token: str) -> None:
    """Refuse what says that it is an access or ID token: done would not be true, for such a one lives on."""
    parts = parts_of(token)
    if parts is None:
        return
    try:
        kind = _decoder.decode(parts.payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return
    if kind.token_use in ("access", "id"):
        raise UnsupportedTokenTypeException(NOT_A_REFRESH_TOKEN)
