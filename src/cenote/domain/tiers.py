"""
Feature plans: which settings of a pool and of a client need more than the pool's tier gives.

Owns the names by which a refusal calls the features.  Leaves out the default tier (`pools.py`) and the
features that are not settings of a pool or a client, such as managed login and log streaming.
"""

from collections.abc import Callable, Iterable
from typing import Final

from cenote.domain import mfa
from cenote.domain.documents import Document
from cenote.errors import FeatureUnavailableInTierException

_ASCENDING: Final = ("LITE", "ESSENTIALS", "PLUS")
ACTIVE_SECURITY_MODES: Final = ("AUDIT", "ENFORCED")

# A feature's name where the document uses it, else None.
_Feature = Callable[[Document], str | None]


def check_pool_tier(document: Document) -> None:
    """Refuse a pool that uses features outside the plan its own UserPoolTier names."""
    _check(document, document["UserPoolTier"], _POOL_FEATURES)


def check_client_tier(document: Document, pool_tier: str) -> None:
    """Refuse a client that uses features outside the plan of its pool."""
    _check(document, pool_tier, _CLIENT_FEATURES)


def is_lowered(former: Document, document: Document) -> bool:
    """Whether a pool's plan gives less than it did, so that its clients may use too much."""
    return _ASCENDING.index(document["UserPoolTier"]) < _ASCENDING.index(former["UserPoolTier"])


def _check(document: Document, tier: str, features: Iterable[tuple[str, _Feature]]) -> None:
    rank = _ASCENDING.index(tier)
    missing = [
        name
        for needed, feature in features
        if _ASCENDING.index(needed) > rank and (name := feature(document))
    ]
    if missing:
        raise FeatureUnavailableInTierException(
            f"The following features need to be disabled for the {tier} pricing tier configured: "
            + ", ".join(missing)
        )


def _threat_protection(pool: Document) -> str | None:
    mode = pool.get("UserPoolAddOns", {}).get("AdvancedSecurityMode")
    return "Threat Protection" if mode in ACTIVE_SECURITY_MODES else None


def _passwordless_sign_in(pool: Document) -> str | None:
    factors = pool["Policies"]["SignInPolicy"]["AllowedFirstAuthFactors"]
    return "Passwordless Sign-In" if set(factors) - {"PASSWORD"} else None


def _token_customization(pool: Document) -> str | None:
    version = pool["LambdaConfig"].get("PreTokenGenerationConfig", {}).get("LambdaVersion", "V1_0")
    return None if version == "V1_0" else f"Token Customization with Pre-Token Generation Lambda {version}"


# The live service's names for the features below are unknown, but for the rotation of refresh tokens.


def _password_history(pool: Document) -> str | None:
    return "Password History" if pool["Policies"]["PasswordPolicy"].get("PasswordHistorySize") else None


def _dynamic_client_registration(pool: Document) -> str | None:
    status = pool.get("DcrConfiguration", {}).get("EnableStatus")
    return "Dynamic Client Registration" if status == "Enabled" else None


def _acr_level_names(pool: Document) -> str | None:
    return "Custom ACR Level Names" if "AcrConfiguration" in pool else None


def _email_mfa(pool: Document) -> str | None:
    return "Email MFA" if mfa.EMAIL in pool else None


def _passkeys_as_mfa(pool: Document) -> str | None:
    kind = pool.get(mfa.WEB_AUTHN, {}).get("FactorConfiguration")
    return "Passkey MFA" if kind == mfa.MULTI_FACTOR else None


def _choice_based_sign_in(client: Document) -> str | None:
    return "Choice-Based Sign-In" if "ALLOW_USER_AUTH" in client.get("ExplicitAuthFlows", ()) else None


def _refresh_token_rotation(client: Document) -> str | None:
    feature = client.get("RefreshTokenRotation", {}).get("Feature")
    return "Refresh Token Rotation" if feature == "ENABLED" else None


_POOL_FEATURES: Final[tuple[tuple[str, _Feature], ...]] = (
    ("PLUS", _threat_protection),
    ("ESSENTIALS", _passwordless_sign_in),
    ("ESSENTIALS", _token_customization),
    ("ESSENTIALS", _password_history),
    ("ESSENTIALS", _dynamic_client_registration),
    ("ESSENTIALS", _acr_level_names),
    ("ESSENTIALS", _email_mfa),
    ("ESSENTIALS", _passkeys_as_mfa),
)
_CLIENT_FEATURES: Final[tuple[tuple[str, _Feature], ...]] = (
    ("ESSENTIALS", _choice_based_sign_in),
    ("ESSENTIALS", _refresh_token_rotation),
)
