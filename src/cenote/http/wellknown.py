"""
A pool's public documents: its JWK set and its OpenID configuration (RFC 7517, OpenID Connect Discovery 1.0).

Both are read by anybody and name nobody.
"""

import re

import falcon
import msgspec
from falcon import Request, Response

from cenote.domain.registrations import Pool
from cenote.services import Services

CACHE_CONTROL = "public, max-age=86400"
_POOL_ID = re.compile(r"[A-Za-z0-9_-]{1,55}")  # the model's, of UserPoolIdType
_encoder = msgspec.json.Encoder(order="sorted")


class JwksResource:
    """The keys that check a pool's tokens."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, _request: Request, response: Response, pool_id: str) -> None:
        """Both keys of the pool; which comes first carries no meaning."""
        pool = _pool(self._services, response, pool_id)
        if pool is not None:
            opened = self._services.pool_secrets.of(pool)
            keys = [key.verification_key().as_jwk() for key in (opened.access, opened.id)]
            _put(response, {"keys": keys})


class OpenIdConfigurationResource:
    """Where a pool's endpoints are; the ones on a pool's domain come with domains."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, _request: Request, response: Response, pool_id: str) -> None:
        """The discovery document of a pool without a domain."""
        if _pool(self._services, response, pool_id) is None:
            return
        issuer = self._services.locality.issuer_of(pool_id)
        here = f"{self._services.locality.public_url}/{pool_id}"
        _put(
            response,
            {
                "id_token_signing_alg_values_supported": ["RS256"],
                "issuer": issuer,
                "jwks_uri": f"{here}/.well-known/jwks.json",
                "response_types_supported": ["code", "token"],
                "scopes_supported": ["openid", "email", "phone", "profile"],
                "subject_types_supported": ["public"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            },
        )


def _pool(services: Services, response: Response, pool_id: str) -> Pool | None:
    pool = None
    if _POOL_ID.fullmatch(pool_id):  # anything may stand in a path, and not every engine is asked about it
        pool = services.store.read(lambda tx: tx.pools.find(pool_id))
    if pool is None:
        response.status = falcon.HTTP_404
        _put(response, {"message": f"User pool {pool_id[:55]} does not exist."}, cache="no-store")
    return pool


def _put(response: Response, document: object, *, cache: str = CACHE_CONTROL) -> None:
    response.data = _encoder.encode(document)
    response.content_type = "application/json"
    response.set_header("Cache-Control", cache)
    response.set_header("Access-Control-Allow-Origin", "*")
