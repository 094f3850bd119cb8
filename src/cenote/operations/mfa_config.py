"""The factors of a pool: SetUserPoolMfaConfig and GetUserPoolMfaConfig."""

from typing import TYPE_CHECKING

from cenote.domain import mfa, pools
from cenote.operations.changing import change_pool
from cenote.operations.registered import pool_of
from cenote.registry import Answer, operation
from cenote.services import Services

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import (
        GetUserPoolMfaConfigRequestTypeDef,
        SetUserPoolMfaConfigRequestTypeDef,
    )


@operation("SetUserPoolMfaConfig")
def set_user_pool_mfa_config(services: Services, request: "SetUserPoolMfaConfigRequestTypeDef") -> Answer:
    """Replace what a pool asks of its users beside the first factor, and say what it is now."""
    now_ms, region = services.now_ms(), services.locality.region
    pool = change_pool(
        services,
        request["UserPoolId"],
        lambda pool: pool.changed(pools.with_mfa(pool.document, request, region=region), modified_ms=now_ms),
    )
    return mfa.shown(pool.document)


@operation("GetUserPoolMfaConfig")
def get_user_pool_mfa_config(services: Services, request: "GetUserPoolMfaConfigRequestTypeDef") -> Answer:
    """Show what a pool asks of its users beside the first factor."""
    return mfa.shown(pool_of(services, request["UserPoolId"]).document)
