"""
GetTokensFromRefreshToken: a session renewed, and the refresh token with it where the client rotates.

What a rotation leaves behind is in the session's row (`Session.accepts`), so that all nodes know it; reuse of
a retired token is refused and ends nothing.  Leaves out the refusals that every renewal shares
(`refresh.py`), and devices, which are not kept yet: a `DeviceKey` is passed over.
"""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from cenote.domain.clients import check_secret, retry_grace_ms, rotates_refresh_tokens
from cenote.domain.registrations import Session
from cenote.errors import NotAuthorizedException, RefreshTokenReuseException
from cenote.operations.registered import client_of, secrets_of
from cenote.operations.sign_in.refresh import Refusals, presented, standing
from cenote.operations.sign_in.refresh_tokens import RefreshClaims
from cenote.operations.sign_in.tokens import Bearer, refresh_token_of, tokens_of
from cenote.registry import Answer, operation
from cenote.services import Services
from cenote.store.transaction import Transaction

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import GetTokensFromRefreshTokenRequestTypeDef


@operation("GetTokensFromRefreshToken")
def get_tokens_from_refresh_token(
    services: Services, request: "GetTokensFromRefreshTokenRequestTypeDef"
) -> Answer:
    """
    Renew the tokens of a session; a client that rotates gives the next refresh token for the presented one.

    Signed first, retired then: whoever is turned away since too many wait for a signature keeps their token.
    """
    pool, client = client_of(services, request["ClientId"])
    check_secret(client.client_id, secrets_of(services, client), request.get("ClientSecret"))
    said = presented(services, pool, client, request["RefreshToken"])
    found = services.store.read(lambda tx: tx.callers.find_renewing(said.sub, said.session_id))
    user, session = standing(said, found, _refusals(), now_ms=services.now_ms())
    groups = services.store.read(lambda tx: tx.groups.list_of_user(user.sub))
    bearer = Bearer(pool, client, user, groups)
    if not rotates_refresh_tokens(client.document):
        return {"AuthenticationResult": tokens_of(services, bearer, session)}
    result = tokens_of(services, bearer, replace(session, generation=session.generation + 1))
    grace_ms, now_ms = retry_grace_ms(client.document), services.now_ms()
    rotated = services.store.write(partial(_rotated, said, grace_ms=grace_ms, now_ms=now_ms))
    result["RefreshToken"] = refresh_token_of(services, pool, rotated)
    return {"AuthenticationResult": result}


def _rotated(said: RefreshClaims, tx: Transaction, *, grace_ms: int, now_ms: int) -> Session:
    """The session with its next generation; who came too late is told what became of theirs meanwhile."""
    rotated = tx.sessions.rotate(said.sub, said.session_id, said.generation, now_ms=now_ms, grace_ms=grace_ms)
    if rotated is None:
        standing(said, tx.callers.find_renewing(said.sub, said.session_id), _refusals(), now_ms=now_ms)
        raise RefreshTokenReuseException
    return rotated


def _refusals() -> Refusals:
    """A session that has ended is refused without a word here (captured)."""
    return Refusals(revoked=NotAuthorizedException.wordless(), retired=RefreshTokenReuseException())
