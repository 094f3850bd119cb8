"""
App clients: the document of a client, what it allows, and how it proves that it holds its secret.

Owns the defaults of every member, the readers by which operations ask a client what it allows, the look of
ids and secrets, and SECRET_HASH.  Leaves out the rules that refuse a configuration (`client_rules.py`,
`lifetimes.py`, `tiers.py`), the secret itself, which is never in the document, and the dates.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cenote.domain import client_rules, lifetimes, tiers
from cenote.domain.client_rules import NEVER_WRITABLE, SYSTEM_SCOPES, Proposal
from cenote.domain.documents import Document, without_nulls
from cenote.domain.schema import Attribute
from cenote.domain.times import wire_time
from cenote.errors import InvalidParameterException, NotAuthorizedException

CLIENT_ID_ENTROPY_BYTES = 16
CLIENT_ID_LENGTH = 26
CLIENT_SECRET_ENTROPY_BYTES = 32
CLIENT_SECRET_LENGTH_MIN = 51
AUTH_SESSION_VALIDITY_MINUTES = 3
SECOND_MS = 1_000
MINUTE_MS = 60_000

_PROPAGATION: Final = "EnablePropagateAdditionalUserContextData"
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuv"
# Shown as they were sent, and absent when they were not.
_SHOWN_WHEN_SET: Final = (
    "AccessTokenValidity",
    "IdTokenValidity",
    "DefaultRedirectURI",
    "AnalyticsConfiguration",
    "PreventUserExistenceErrors",
)
# Sets: repetitions are dropped, and an empty one is as good as none.
_SETS_SHOWN_WHEN_SET: Final = (
    "ReadAttributes",
    "WriteAttributes",
    "ExplicitAuthFlows",
    "SupportedIdentityProviders",
    "CallbackURLs",
    "LogoutURLs",
    "AllowedOAuthFlows",
    "AllowedOAuthScopes",
)
_DEFAULT_FLOWS: Final = frozenset({"REFRESH_TOKEN_AUTH", "USER_SRP_AUTH", "CUSTOM_AUTH"})
# Two flows have two names each; the later one is the name that a client's setting carries.
_FLOW_SYNONYMS: Final = {
    "ADMIN_NO_SRP_AUTH": "ADMIN_USER_PASSWORD_AUTH",
    "REFRESH_TOKEN": "REFRESH_TOKEN_AUTH",
}


def new_document(
    request: Mapping[str, Any],
    *,
    client_id: str,
    pool_schema: Mapping[str, Attribute],
    pool_tier: str = "ESSENTIALS",
) -> Document:
    """
    The UserPoolClientType document of the client that a request asks for, or the request's refusal.

    Neither the secret nor a date is in it (`described` adds them).  Whether the providers it names and the
    scopes of resource servers (`custom_scopes`) exist is for the caller to find out.
    """
    given = without_nulls(request)
    document = {
        "UserPoolId": given["UserPoolId"],
        "ClientName": given["ClientName"],
        "ClientId": client_id,
        **_configuration(given),
    }
    client_rules.check(Proposal(document, _has_secret(given), pool_schema))
    tiers.check_client_tier(document, pool_tier)
    return document


def updated(
    document: Document,
    request: Mapping[str, Any],
    *,
    has_secret: bool,
    pool_schema: Mapping[str, Attribute],
    pool_tier: str,
) -> Document:
    """
    The client as an UpdateUserPoolClient request leaves it, or the request's refusal.

    All that the request leaves out is set back to its default, but for the name.
    """
    given = without_nulls(request)
    changed = {
        "UserPoolId": document["UserPoolId"],
        "ClientName": given.get("ClientName", document["ClientName"]),
        "ClientId": document["ClientId"],
        **_configuration(given),
    }
    client_rules.check(Proposal(changed, has_secret, pool_schema, doing="updating"))
    tiers.check_client_tier(changed, pool_tier)
    return changed


def described(document: Document, *, created_ms: int, modified_ms: int, secret: str | None) -> Document:
    """The answer that creates or describes a client; a public one shows no ClientSecret."""
    dates = {"CreationDate": wire_time(created_ms), "LastModifiedDate": wire_time(modified_ms)}
    return document | dates | ({} if secret is None else {"ClientSecret": secret})


def summary(document: Document) -> Document:
    """The item of this client in ListUserPoolClients."""
    return {member: document[member] for member in ("ClientId", "ClientName", "UserPoolId")}


def access_token_lifetime_s(document: Document) -> int:
    """The life of an access token, from its issue."""
    return lifetimes.ACCESS.seconds(document)


def id_token_lifetime_s(document: Document) -> int:
    """The life of an ID token, from its issue."""
    return lifetimes.ID.seconds(document)


def refresh_token_lifetime_s(document: Document) -> int:
    """The life of a refresh token, from the sign-in: refreshing does not extend it."""
    return lifetimes.REFRESH.seconds(document)


def auth_session_validity_ms(document: Document) -> int:
    """The time a user has to answer each challenge."""
    return int(document["AuthSessionValidity"]) * MINUTE_MS


def is_flow_allowed(document: Document, flow: str) -> bool:
    """Whether the client allows a flow, named as AuthFlow names it or as ExplicitAuthFlows does."""
    name = flow.removeprefix("ALLOW_")
    return _FLOW_SYNONYMS.get(name, name) in _allowed_flows(document.get("ExplicitAuthFlows", ()))


def hides_user_existence(document: Document) -> bool:
    """Whether an unknown user must look like one with a wrong password; by default (LEGACY) it need not."""
    return document.get("PreventUserExistenceErrors") == "ENABLED"


def revokes_tokens(document: Document) -> bool:
    """Whether tokens carry an origin by which they can be revoked."""
    return bool(document["EnableTokenRevocation"])


def rotates_refresh_tokens(document: Document) -> bool:
    """Whether each refresh token is good for one renewal, which gives the next one."""
    rotation: Mapping[str, object] = document.get("RefreshTokenRotation", {})
    return rotation.get("Feature") == "ENABLED"


def retry_grace_ms(document: Document) -> int:
    """How long the token that a rotation retires may be presented again; 0 is not at all."""
    rotation: Mapping[str, int] = document.get("RefreshTokenRotation", {})
    return int(rotation.get("RetryGracePeriodSeconds", 0)) * SECOND_MS


def shows_origin(document: Document) -> bool:
    """Whether ID tokens name the session that they come from."""
    return revokes_tokens(document) or rotates_refresh_tokens(document)


def shows_origin_of_access(document: Document, generation: int) -> bool:
    """
    Whether access tokens do: with revocation off, only those of a refresh token that was rotated (captured).
    """
    return revokes_tokens(document) or (rotates_refresh_tokens(document) and generation > 0)


def readable_attributes(document: Document, schema: Mapping[str, Attribute]) -> frozenset[str]:
    """What the client may read: its list, or everything, custom attributes included."""
    return frozenset(document.get("ReadAttributes", schema))


def writable_attributes(document: Document, schema: Mapping[str, Attribute]) -> frozenset[str]:
    """
    What the client may write: its list, or all that is anybody's to write, custom ones included (captured).

    An immutable attribute is among them: it can be written once, at sign-up.
    """
    everything = (name for name, attribute in schema.items() if not attribute.developer_only)
    return frozenset(document.get("WriteAttributes", everything)) - NEVER_WRITABLE


def custom_scopes(document: Document) -> tuple[str, ...]:
    """The scopes that only a resource server of the pool can have made valid."""
    return tuple(scope for scope in document.get("AllowedOAuthScopes", ()) if scope not in SYSTEM_SCOPES)


def new_client_id(entropy: bytes) -> str:
    """
    A client id of these sixteen random bytes: a number in radix 32, always 26 digits long.

    The service drops leading zeros, so that one in eight of its ids is shorter; here a bit is given away
    instead.
    """
    return _radix_32(int.from_bytes(entropy) | 1 << 5 * (CLIENT_ID_LENGTH - 1))


def new_client_secret(entropy: bytes) -> str:
    """A client secret of these 32 random bytes: a number in radix 32 of 51 or 52 digits, as the service's."""
    return _radix_32(int.from_bytes(entropy) | 1 << 5 * (CLIENT_SECRET_LENGTH_MIN - 1))


def secret_hash(secret: str, username: str, client_id: str) -> str:
    """The SECRET_HASH with which a client proves that it holds its secret, for one user name."""
    digest = hmac.digest(secret.encode(), (username + client_id).encode(), hashlib.sha256)
    return base64.b64encode(digest).decode()


def check_secret_hash(client_id: str, secrets: Sequence[str], username: str, given: str | None) -> None:
    """
    Refuse a call whose SECRET_HASH is missing, made with no secret of the client's, or sent for a client that
    has none.

    The comparison takes the same time wherever the two differ, and whichever secret it was.
    """
    if not secrets and given is None:
        return
    if given is None:
        raise NotAuthorizedException(
            f"Client {client_id} is configured with secret but SECRET_HASH was not received"
        )
    matches = [_are_equal(given, secret_hash(secret, username, client_id)) for secret in secrets]
    if not any(matches):
        raise NotAuthorizedException(f"Unable to verify secret hash for client {client_id}")


def check_secret(client_id: str, secrets: Sequence[str], given: str | None) -> None:
    """
    Refuse a call of a confidential client that does not bring one of its secrets as it is; a public client
    may bring anything.
    """
    if secrets and given is None:
        raise NotAuthorizedException(
            f"Client {client_id} is configured for secret but secret was not received"
        )
    if not holds_secret(secrets, given):
        raise NotAuthorizedException(f"Unable to verify secret hash for client {client_id}")


def holds_secret(secrets: Sequence[str], given: str | None) -> bool:
    """Whether this is one of the client's secrets, or it has none; all are compared, in constant time."""
    matches = [given is not None and _are_equal(given, secret) for secret in secrets]
    return any(matches) or not secrets


def _are_equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _configuration(given: Document) -> Document:
    """The members that UpdateUserPoolClient can set, every one that is left out at its default."""
    sets = {
        member: list(dict.fromkeys(given[member])) for member in _SETS_SHOWN_WHEN_SET if given.get(member)
    }
    document: Document = {
        "TokenValidityUnits": lifetimes.units(given.get("TokenValidityUnits", {})),
        "AllowedOAuthFlowsUserPoolClient": given.get("AllowedOAuthFlowsUserPoolClient", False),
        "EnableTokenRevocation": given.get("EnableTokenRevocation", True),
        _PROPAGATION: given.get(_PROPAGATION, False),
        "AuthSessionValidity": given.get("AuthSessionValidity", AUTH_SESSION_VALIDITY_MINUTES),
        **{member: given[member] for member in _SHOWN_WHEN_SET if member in given},
        **sets,
        **_rotation(given),
    }
    refresh = given.get("RefreshTokenValidity") or lifetimes.REFRESH.default_value(document)
    return document | {"RefreshTokenValidity": refresh}


def _rotation(given: Document) -> Document:
    rotation = given.get("RefreshTokenRotation")
    if rotation is None:
        return {}
    is_on = rotation["Feature"] == "ENABLED"
    # Turned off it shows no grace, whatever was sent (captured).
    grace_s = rotation.get("RetryGracePeriodSeconds", 0) if is_on else 0
    return {"RefreshTokenRotation": {"Feature": rotation["Feature"], "RetryGracePeriodSeconds": grace_s}}


def _has_secret(given: Document) -> bool:
    generates, brings = given.get("GenerateSecret", False), "ClientSecret" in given
    if generates and brings:  # the rule is the API reference's; the live service's sentence is unknown
        raise InvalidParameterException("GenerateSecret and ClientSecret cannot be specified together.")
    return generates or brings


def _allowed_flows(explicit: list[str]) -> frozenset[str]:
    if not explicit:
        return _DEFAULT_FLOWS
    if any(flow.startswith("ALLOW_") for flow in explicit):
        return frozenset(flow.removeprefix("ALLOW_") for flow in explicit)
    # Legacy names add to the default, but for the one that leaves custom authentication alone.
    added = frozenset(_FLOW_SYNONYMS.get(flow, flow) for flow in explicit)
    taken = {"USER_SRP_AUTH"} if "CUSTOM_AUTH_FLOW_ONLY" in explicit else set()
    return (_DEFAULT_FLOWS | added) - taken


def _radix_32(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
