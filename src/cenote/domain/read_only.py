"""
What a read-only pool still does: whatever does not change it, its users or its clients.

The service calls such a pool a secondary replica: "only end-user operations that do not create or change
attributes of a user are supported" (the model, of `UserPoolReplicaType`).  So reading goes on, signing in
too, and the end of a session is never refused to anybody.  An operation that is not named here changes
something.
"""

from cenote.domain.quotas import NEW_PASSWORD_REQUIRED

_READS = """
    AdminGetDevice AdminGetUser AdminGetUserAuthFactors AdminListDevices AdminListGroupsForUser
    AdminListUserAuthEvents AdminListUserSessions DescribeCIMDPolicy DescribeIdentityProvider
    DescribeManagedLoginBranding DescribeManagedLoginBrandingByClient DescribePointInTimeRecovery
    DescribeResourceServer DescribeRiskConfiguration DescribeTerms DescribeTermsByClient
    DescribeUserImportJob DescribeUserPool DescribeUserPoolClient DescribeUserPoolDomain GetCSVHeader
    GetDevice GetGroup GetIdentityProviderByIdentifier GetLogDeliveryConfiguration GetProvisionedLimit
    GetSigningCertificate GetUICustomization GetUser GetUserAuthFactors
    GetUserPoolClientSessionConfiguration GetUserPoolMfaConfig GetUserPoolSessionConfiguration
    ListCIMDPolicies ListClientMetadataURLs ListDevices ListGroups ListIdentityProviders
    ListPointInTimeRecoveries ListResourceServers ListTagsForResource ListTerms ListUserImportJobs
    ListUserPoolClientSecrets ListUserPoolClients ListUserPoolReplicas ListUserPools ListUserSessions
    ListUsers ListUsersInGroup ListWebAuthnCredentials
"""
_SIGN_INS = """
    AdminInitiateAuth AdminRespondToAuthChallenge GetClientToken GetDerivedToken GetTokensFromRefreshToken
    InitiateAuth RespondToAuthChallenge
"""
_ENDS_OF_SESSIONS = """
    AdminRevokeUserSession AdminUserGlobalSignOut GlobalSignOut RevokeToken RevokeUserSession
"""
STILL_ENABLED = frozenset(f"{_READS} {_SIGN_INS} {_ENDS_OF_SESSIONS}".split())
# Steps of a sign-in that change the user: a password of their own, a second factor.
_CHANGING_CHALLENGES = {NEW_PASSWORD_REQUIRED, "MFA_SETUP"}


def is_still_enabled(operation: str, challenge: str | None = None) -> bool:
    """Whether a read-only pool serves this call."""
    return operation in STILL_ENABLED and challenge not in _CHANGING_CHALLENGES
