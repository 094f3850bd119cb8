"""
RespondToAuthChallenge and AdminRespondToAuthChallenge: the second dispatcher, one file a challenge.

Sessions are interchangeable between the two: what one began the other may finish.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cenote.domain.registrations import Client, Pool
from cenote.errors import InvalidParameterException, NotAuthorizedException
from cenote.operations.registered import client_of
from cenote.operations.sign_in.challenges import INVALID, opened_session
from cenote.operations.sign_in.first_factor import NEW_PASSWORD_REQUIRED
from cenote.operations.sign_in.initiate_auth import client_for_admin, require_parameters
from cenote.operations.sign_in.new_password import new_password
from cenote.operations.sign_in.srp import PASSWORD_VERIFIER, password_verifier
from cenote.registry import Answer, operation
from cenote.services import Services

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import (
        AdminRespondToAuthChallengeRequestTypeDef,
        RespondToAuthChallengeRequestTypeDef,
    )

_PROOF = ("USERNAME", "PASSWORD_CLAIM_SECRET_BLOCK", "PASSWORD_CLAIM_SIGNATURE", "TIMESTAMP")


@operation("RespondToAuthChallenge")
def respond_to_auth_challenge(services: Services, request: "RespondToAuthChallengeRequestTypeDef") -> Answer:
    """Go on with a sign-in whose question is answered."""
    pool, client = client_of(services, request["ClientId"])
    return _respond(services, pool, client, request)


@operation("AdminRespondToAuthChallenge")
def admin_respond_to_auth_challenge(
    services: Services, request: "AdminRespondToAuthChallengeRequestTypeDef"
) -> Answer:
    """Go on with a sign-in whose question is answered, on an administrator's word."""
    pool, client = client_for_admin(services, request["UserPoolId"], request["ClientId"])
    return _respond(services, pool, client, request)


def _respond(
    services: Services,
    pool: Pool,
    client: Client,
    request: "RespondToAuthChallengeRequestTypeDef | AdminRespondToAuthChallengeRequestTypeDef",
) -> Answer:
    answers: Mapping[str, str] = request.get("ChallengeResponses") or {}
    if request["ChallengeName"] == PASSWORD_VERIFIER:
        require_parameters(answers, _PROOF)
        return password_verifier(services, pool, client, answers)
    if request["ChallengeName"] != NEW_PASSWORD_REQUIRED:
        raise InvalidParameterException(f"The challenge {request['ChallengeName']} is not supported.")
    session = request.get("Session")
    if not session:
        raise InvalidParameterException("Missing required parameter Session")
    require_parameters(answers, ("USERNAME", "NEW_PASSWORD"))
    challenge = opened_session(services, pool, client, session)
    if challenge.name != NEW_PASSWORD_REQUIRED:
        raise NotAuthorizedException(INVALID)
    return new_password(services, pool, client, challenge, answers)
