"""
What every client must meet, in order: the text is the service's, whichever library hands it on.

`LIFE` is walked by each client that signs in, `KEEPING` by each that signs its calls, `VERIFYING` by AWS's
verifier.
"""

DONE = "done"
_WRONG = "NotAuthorizedException: Incorrect username or password."
_GONE = "UserNotFoundException: User does not exist."
_SESSION_OF_NOBODY = "NotAuthorizedException: The user has been deleted for the associated refresh token"
_SOMEBODY_ELSE = "NotAuthorizedException: Invalid access token."
_WEAK = (
    "InvalidPasswordException: Password does not conform to policy: Password must have uppercase characters"
)

_STAY = {
    "signs up": DONE,
    "may not sign in before confirming": "UserNotConfirmedException: User is not confirmed.",
    "may not confirm with a wrong code": (
        "CodeMismatchException: Invalid verification code provided, please try again."
    ),
    "confirms with the code from the mail": DONE,
    "may not sign in by SRP with a wrong password": _WRONG,
    "signs in by SRP": DONE,
    "reads their attributes": DONE,
    "changes an attribute": DONE,
    "refreshes their tokens": DONE,
    "changes their password": DONE,
    "signs out everywhere": DONE,
    "signed out: the access token is refused": "NotAuthorizedException: Access Token has been revoked",
    "signed out: the refresh token is refused": "NotAuthorizedException: Refresh Token has been revoked",
    "may not sign in by SRP with the old password": _WRONG,
    "signs in with a password": DONE,
}
_GO = {
    "deletes themself": DONE,
    "gone: the access token is refused": _GONE,
    "gone: the refresh token is refused": _SESSION_OF_NOBODY,
    "gone: SRP sign-in is refused": _GONE,
    "gone: password sign-in is refused": _GONE,
    "gone: deleting again is refused": _GONE,
    "a namesake signs up": DONE,
    "namesake: the old access token is refused": _SOMEBODY_ELSE,
    "namesake: the old refresh token is refused": _SESSION_OF_NOBODY,
    "namesake: the old password is refused": _WRONG,
    "namesake: the old token may not delete": _SOMEBODY_ELSE,
    "namesake: signs in by SRP": DONE,
}
_BE_INVITED = {
    "invited: the password must be replaced": "NEW_PASSWORD_REQUIRED",
    "invited: a weak password is refused": _WEAK,
    "invited: replaces it and is signed in": DONE,
}
LIFE = _STAY | _GO | _BE_INVITED
WITH_A_SECRET = {
    "secret: signs in by SRP": DONE,
    "secret: refreshes": DONE,
    "secret: a wrong one is refused": (
        "NotAuthorizedException: Unable to verify secret hash for client CLIENT"
    ),
}

# Where a library has words of its own for what the service said.
OWN_WORDS = {
    "aws-amplify": {
        "may not sign in before confirming": "CONFIRM_SIGN_UP",
        # GetTokensFromRefreshToken, by which it refreshes, refuses an ended session without a word.
        "signed out: the refresh token is refused": "NotAuthorizedException: Unknown error",
        "invited: the password must be replaced": "CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED",
    },
    "pycognito": {
        "invited: the password must be replaced": (
            "ForceChangePasswordException: Change password before authenticating"
        ),
    },
}

KEEPING = {
    "makes a pool": DONE,
    "makes a client": DONE,
    "finds the pool in the list": DONE,
    "tags it by its ARN": DONE,
    "makes a user": DONE,
    "finds them by a name in other letters": DONE,
    "signs them in": "NEW_PASSWORD_REQUIRED",
    "sets their password in the challenge": DONE,
    "is refused with a wrong secret": (
        "InvalidSignatureException: The request signature we calculated does not match the signature you "
        "provided. Check your AWS Secret Access Key and signing method. Consult the service documentation "
        "for details."
    ),
    "is refused with a key that nobody made": (
        "UnrecognizedClientException: The security token included in the request is invalid."
    ),
    "is refused without a key": "MissingAuthenticationTokenException: Missing Authentication Token",
    "deletes the user": DONE,
    "gone: the user is refused": _GONE,
    "deletes the pool": DONE,
    "gone: the pool is refused": "ResourceNotFoundException: User pool POOL does not exist.",
}

_VERIFYING = {
    "takes an ID token": DONE,
    "takes an access token": DONE,
    "asks for the keys where AWS has them": DONE,
    "refuses changed claims": "JwtInvalidSignatureError",
    "refuses a token of the past": "JwtExpiredError",
}
VERIFYING = {
    "cenote": _VERIFYING
    | {
        "refuses another pool's token": "KidNotFoundInJwksError",
        "refuses another audience": "JwtInvalidAudienceError",
    },
    "aws": _VERIFYING
    | {
        "refuses another pool's token": "ParameterValidationError",
        "refuses an access token as an ID token": "CognitoJwtInvalidTokenUseError",
        "refuses an ID token as an access token": "CognitoJwtInvalidTokenUseError",
        "refuses another client's token": "CognitoJwtInvalidClientIdError",
        "takes a member of the group": DONE,
        "refuses who is no member": "CognitoJwtInvalidGroupError",
    },
}
