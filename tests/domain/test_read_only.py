"""What a read-only pool serves, held against the model: every operation is on one side or the other."""

import re

from cenote.domain.read_only import STILL_ENABLED, is_still_enabled
from tests.house import MODEL

READS = re.compile(r"(Admin)?(Get|List|Describe)[A-Z]")
# Named like reading, and more than that.
SENDS_A_CODE = {"GetUserAttributeVerificationCode"}
MAKE_TOKENS = {
    *("AdminInitiateAuth", "AdminRespondToAuthChallenge", "GetClientToken", "GetDerivedToken"),
    *("GetTokensFromRefreshToken", "InitiateAuth", "RespondToAuthChallenge"),
}
END_SESSIONS = {
    *("AdminRevokeUserSession", "AdminUserGlobalSignOut", "GlobalSignOut", "RevokeToken"),
    "RevokeUserSession",
}


def test_reading_signing_in_and_signing_out_are_enabled_and_nothing_else_of_the_model():
    reads = {name for name in MODEL.operations if READS.match(name)} - SENDS_A_CODE
    assert reads | MAKE_TOKENS | END_SESSIONS == STILL_ENABLED


def test_what_is_refused_documents_the_refusal_but_for_some_newer_and_some_of_no_pool():
    refused = {name for name in MODEL.operations if not is_still_enabled(name)}
    silent = {name for name in refused if "OperationNotEnabledException" not in MODEL.operations[name].errors}
    assert silent == {
        *("AddUserPoolClientSecret", "CreateIdentityProvider", "CreateUserPool", "DeleteIdentityProvider"),
        *("DeleteUserPoolClientSecret", "SetLogDeliveryConfiguration", "UpdateIdentityProvider"),
        "UpdateProvisionedLimit",
    }


def test_the_steps_of_a_sign_in_that_change_the_user_are_not_enabled():
    for operation in ("RespondToAuthChallenge", "AdminRespondToAuthChallenge"):
        assert is_still_enabled(operation, "PASSWORD_VERIFIER")
        assert not is_still_enabled(operation, "NEW_PASSWORD_REQUIRED")
        assert not is_still_enabled(operation, "MFA_SETUP")
