"""
Every failure that a client may see, as a type named after its wire code.

The sixty failures of the service model are here and nowhere else; `tests/shape/test_errors.py` holds this
list against the installed model.  A failure's message is what the client reads, to the letter of the live
service; what only the operator should read rides in `detail` and goes to the log.
"""

from typing import Self


class CognitoError(Exception):
    """A failure with a wire name: the name of its class."""

    status = 400
    message: str | None = None
    message_key = "message"  # under which the body tells it

    def __init__(self, message: str | None = None, *, detail: str | None = None) -> None:
        super().__init__(message if message is not None else self.message)
        if message is not None:
            self.message = message
        self.detail = detail

    @classmethod
    def wordless(cls) -> Self:
        """The failure whose body has no message at all, as the live service answers here and there."""
        failure = cls()
        failure.message = None
        return failure


class AccessDeniedException(CognitoError):
    """A policy does not allow the call.  AWS's front end answers it, and spells its key with a capital."""

    message_key = "Message"


class AliasExistsException(CognitoError):
    message = "An account with the email already exists."


class CachedCIMDURLDoesNotExistException(CognitoError): ...


class CodeDeliveryFailureException(CognitoError): ...


class CodeMismatchException(CognitoError):
    message = "Invalid verification code provided, please try again."


class ConcurrentModificationException(CognitoError): ...


class DeviceKeyExistsException(CognitoError): ...


class DuplicateProviderException(CognitoError): ...


class EnableSoftwareTokenMFAException(CognitoError): ...


class ExpiredCodeException(CognitoError):
    message = "Invalid code provided, please request a code again."


class FeatureUnavailableInTierException(CognitoError): ...


class ForbiddenException(CognitoError):
    """
    A web ACL refused the call.  The reference says 400; clients in the wild meet 403 and we answer that.
    """

    status = 403
    message = "Request not allowed due to WAF block."


class GroupExistsException(CognitoError): ...


class InternalErrorException(CognitoError):
    status = 500
    message = "Something went wrong"


class InternalServerException(CognitoError):
    status = 500


class InvalidEmailRoleAccessPolicyException(CognitoError): ...


class InvalidLambdaResponseException(CognitoError): ...


class InvalidOAuthFlowException(CognitoError): ...


class InvalidParameterException(CognitoError): ...


class InvalidPasswordException(CognitoError): ...


class InvalidSmsRoleAccessPolicyException(CognitoError): ...


class InvalidSmsRoleTrustRelationshipException(CognitoError): ...


class InvalidUserPoolConfigurationException(CognitoError): ...


class LimitExceededException(CognitoError):
    message = "Attempt limit exceeded, please try after some time."


class MFAMethodNotFoundException(CognitoError): ...


class ManagedLoginBrandingExistsException(CognitoError): ...


class NotAuthorizedException(CognitoError):
    message = "Incorrect username or password."


class OperationNotEnabledException(CognitoError):
    message = (
        "This operation is not available in the current region or for the current user pool configuration."
    )


class PasswordHistoryPolicyViolationException(CognitoError):
    message = "Password has previously been used"


class PasswordResetRequiredException(CognitoError):
    message = "Password reset required for the user"


class PreconditionNotMetException(CognitoError): ...


class RefreshTokenReuseException(CognitoError):
    message = "Refresh token reuse detected"


class ResourceNotFoundException(CognitoError): ...


class ScopeDoesNotExistException(CognitoError): ...


class ServiceQuotaExceededException(CognitoError): ...


class SoftwareTokenMFANotFoundException(CognitoError): ...


class TermsExistsException(CognitoError): ...


class TierChangeNotAllowedException(CognitoError): ...


class TooManyFailedAttemptsException(CognitoError): ...


class TooManyRequestsException(CognitoError):
    message = "Too many requests"


class UnauthorizedException(CognitoError): ...


class UnexpectedLambdaException(CognitoError): ...


class UnsupportedIdentityProviderException(CognitoError): ...


class UnsupportedOperationException(CognitoError): ...


class UnsupportedTokenTypeException(CognitoError): ...


class UnsupportedUserStateException(CognitoError): ...


class UserImportInProgressException(CognitoError): ...


class UserLambdaValidationException(CognitoError): ...


class UserNotConfirmedException(CognitoError):
    message = "User is not confirmed."


class UserNotFoundException(CognitoError):
    message = "User does not exist."


class UserPoolAddOnNotEnabledException(CognitoError): ...


class UserPoolTaggingException(CognitoError): ...


class UsernameExistsException(CognitoError):
    message = "User already exists"


class WebAuthnChallengeNotFoundException(CognitoError): ...


class WebAuthnClientMismatchException(CognitoError): ...


class WebAuthnConfigurationMissingException(CognitoError): ...


class WebAuthnCredentialNotSupportedException(CognitoError): ...


class WebAuthnNotEnabledException(CognitoError): ...


class WebAuthnOriginNotAllowedException(CognitoError): ...


class WebAuthnRelyingPartyMismatchException(CognitoError): ...


class WireError(CognitoError):
    """A failure of the protocol itself, which AWS's front end answers and the model does not list."""


class SerializationException(WireError): ...


class UnknownOperationException(WireError): ...


class RequestEntityTooLargeException(WireError):
    status = 413


class MissingAuthenticationTokenException(WireError):
    message = "Missing Authentication Token"


class IncompleteSignatureException(WireError):
    """A signature that can't be read; the message lists what it lacks."""


class UnrecognizedClientException(WireError):
    message = "The security token included in the request is invalid."


class InvalidSignatureException(WireError):
    message = (
        "The request signature we calculated does not match the signature you provided. Check your AWS "
        "Secret Access Key and signing method. Consult the service documentation for details."
    )


class CenoteError(Exception):
    """Something that an operator must mend; the sentence says what.  It never reaches a client."""
