"""
What an app client's configuration may not be: one rule a function, each with the service's own failure.

Leaves out what needs more than the client and its pool's schema: identity providers, and scopes of resource
servers (`clients.custom_scopes` names those that must exist).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cenote.domain import lifetimes
from cenote.domain.documents import Document
from cenote.domain.schema import VERIFIED_FLAGS, Attribute
from cenote.errors import (
    CognitoError,
    InvalidOAuthFlowException,
    InvalidParameterException,
    ScopeDoesNotExistException,
)

SYSTEM_SCOPES: Final = ("phone", "email", "openid", "profile", "aws.cognito.signin.user.admin")
LEGACY_FLOWS: Final = ("ADMIN_NO_SRP_AUTH", "CUSTOM_AUTH_FLOW_ONLY", "USER_PASSWORD_AUTH")
# The service's own to write: no client can be given them.
NEVER_WRITABLE: Final = frozenset({"sub", "identities", *VERIFIED_FLAGS})

_REDIRECTING_FLOWS: Final = frozenset({"code", "implicit"})
_ABSOLUTE = re.compile(r"(https?://[^/?#].*|(?!https?:)[a-z][a-z0-9+.-]*:.*)", re.IGNORECASE)
# Clear text but to oneself, and schemes that run or show what they carry.
_UNSAFE_SCHEMES: Final = frozenset({"HTTP", "JAVASCRIPT", "VBSCRIPT", "DATA"})
_LOOPBACK = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?([/?#]|$)", re.IGNORECASE)
_ANALYTICS: Final = ({"ApplicationArn"}, {"ApplicationId", "RoleArn", "ExternalId"})


@dataclass(frozen=True, slots=True)
class Proposal:
    """A client as somebody wants it to be."""

    document: Document
    has_secret: bool
    pool_schema: Mapping[str, Attribute]
    doing: str = "creating"


def check(proposal: Proposal) -> None:
    """Refuse a client that breaks a rule, with the failure of the first one that it breaks."""
    for rule in _RULES:
        if failure := rule(proposal):
            raise failure


def _lifetimes_are_in_range(proposal: Proposal) -> CognitoError | None:
    text = lifetimes.refusal(proposal.document)
    return InvalidParameterException(text) if text else None


def _one_generation_of_flow_names(proposal: Proposal) -> CognitoError | None:
    flows = set(proposal.document.get("ExplicitAuthFlows", ()))
    if flows.isdisjoint(LEGACY_FLOWS) or flows <= set(LEGACY_FLOWS):
        return None
    return InvalidParameterException(
        "Auth flow name with prefix 'ALLOW' cannot be used with legacy auth flow names."
    )


def _rotation_replaces_the_refresh_flow(proposal: Proposal) -> CognitoError | None:
    rotates = proposal.document.get("RefreshTokenRotation", {}).get("Feature") == "ENABLED"
    if rotates and "ALLOW_REFRESH_TOKEN_AUTH" in proposal.document.get("ExplicitAuthFlows", ()):
        return InvalidParameterException(
            "ALLOW_REFRESH_TOKEN_AUTH is not a permitted ExplicitAuthFlow"
            " when refresh token rotation is enabled."
        )
    return None


def _reads_what_exists(proposal: Proposal) -> CognitoError | None:
    if set(proposal.document.get("ReadAttributes", ())) <= proposal.pool_schema.keys():
        return None
    return InvalidParameterException(f"Invalid read attributes specified while {proposal.doing} a client")


def _writes_what_is_writable(proposal: Proposal) -> CognitoError | None:
    written = set(proposal.document.get("WriteAttributes", ()))
    needed = {name for name, attribute in proposal.pool_schema.items() if attribute.required}
    offered = {name for name, attribute in proposal.pool_schema.items() if _may_be_listed(attribute)}
    if not written or needed - NEVER_WRITABLE <= written <= offered:
        return None
    return InvalidParameterException(f"Invalid write attributes specified while {proposal.doing} a client")


def _may_be_listed(attribute: Attribute) -> bool:
    """An immutable attribute can't be listed, unless it is required: then it must be."""
    is_offered = attribute.name not in NEVER_WRITABLE and not attribute.developer_only
    return is_offered and (attribute.mutable or attribute.required)


def _oauth_is_complete(proposal: Proposal) -> CognitoError | None:
    client = proposal.document
    is_complete = "AllowedOAuthFlows" in client and "AllowedOAuthScopes" in client
    if is_complete or not client["AllowedOAuthFlowsUserPoolClient"]:
        return None
    return InvalidParameterException(
        "AllowedOAuthFlows and AllowedOAuthScopes are required"
        " if user pool client is allowed to use OAuth flows."
    )


def _machines_are_alone(proposal: Proposal) -> CognitoError | None:
    flows = set(proposal.document.get("AllowedOAuthFlows", ()))
    if "client_credentials" not in flows:
        return None
    if flows & _REDIRECTING_FLOWS:
        return InvalidOAuthFlowException(
            "client_credentials flow can not be selected along with code flow or implicit flow."
        )
    if not proposal.has_secret:
        return InvalidOAuthFlowException(
            "client_credentials flow can not be selected if client does not have a client secret."
        )
    for scope in proposal.document.get("AllowedOAuthScopes", ()):
        if scope in SYSTEM_SCOPES:
            return InvalidOAuthFlowException(f"{scope} is not supported with client_credentials flow")
    return None


def _redirecting_flows_have_a_callback(proposal: Proposal) -> CognitoError | None:
    client = proposal.document
    redirects = not _REDIRECTING_FLOWS.isdisjoint(client.get("AllowedOAuthFlows", ()))
    if redirects and client["AllowedOAuthFlowsUserPoolClient"] and "CallbackURLs" not in client:
        return InvalidOAuthFlowException(
            "CallbackUrls can not be empty when code flow or implicit flow is selected"
        )
    return None


def _urls_are_safe(proposal: Proposal) -> CognitoError | None:
    client = proposal.document
    for url in (*client.get("CallbackURLs", ()), *client.get("LogoutURLs", ())):
        if text := _url_refusal(url):
            return InvalidParameterException(text)
    return None


def _url_refusal(url: str) -> str | None:
    scheme = url.partition(":")[0].upper()
    if scheme in _UNSAFE_SCHEMES and not _LOOPBACK.match(url):
        return f"{url} cannot use the {scheme} protocol."
    if "#" in url:
        return f"{url} cannot use fragment"
    if not _ABSOLUTE.fullmatch(url):
        # The rule is the API reference's; the live service's sentence is unknown.
        return f"{url} is not an absolute URI."
    return None


def _default_redirect_is_a_callback(proposal: Proposal) -> CognitoError | None:
    uri = proposal.document.get("DefaultRedirectURI")
    if uri is None or uri in proposal.document.get("CallbackURLs", ()):
        return None
    return InvalidParameterException(f"The default redirect URI {uri} is not in the callback URIs list.")


def _scopes_could_exist(proposal: Proposal) -> CognitoError | None:
    for scope in proposal.document.get("AllowedOAuthScopes", ()):
        # A custom scope is `resource server/scope`: without the slash no resource server can have it.
        if scope not in SYSTEM_SCOPES and "/" not in scope:
            return ScopeDoesNotExistException(f"Invalid scope requested: {scope}")
    return None


def _context_needs_a_secret(proposal: Proposal) -> CognitoError | None:
    if proposal.document["EnablePropagateAdditionalUserContextData"] and not proposal.has_secret:
        return InvalidParameterException(
            "Client Secret is required to set EnablePropagateAdditionalUserContextData as true"
        )
    return None


def _analytics_are_one_of_two_kinds(proposal: Proposal) -> CognitoError | None:
    named = proposal.document.get("AnalyticsConfiguration", {}).keys() - {"UserDataShared"}
    if not named or named in _ANALYTICS:
        return None
    return InvalidParameterException(
        "Invalid analytics configuration given, either <application arn>"
        " or <application id, role arn, external id> are valid"
    )


_RULES: Final[tuple[Callable[[Proposal], CognitoError | None], ...]] = (
    _lifetimes_are_in_range,
    _one_generation_of_flow_names,
    _rotation_replaces_the_refresh_flow,
    _reads_what_exists,
    _writes_what_is_writable,
    _oauth_is_complete,
    _machines_are_alone,
    _redirecting_flows_have_a_callback,
    _urls_are_safe,
    _default_redirect_is_a_callback,
    _scopes_could_exist,
    _context_needs_a_secret,
    _analytics_are_one_of_two_kinds,
)
