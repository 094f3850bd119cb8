"""
Quotas on requests a second, as AWS publishes them: categories of operations, and what each allows.

Values and rules alone.  Leaves out the counting (`counting.py`) and whose call it is (`wire/admission.py`).
Sources: `facts/admin.md` 7.1 and `facts/user-api.md` 1.5.  What the published table does not list (passkeys,
client secrets, sessions, terms and all that is newer) stands with what it is most like.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

NEW_PASSWORD_REQUIRED = "NEW_PASSWORD_REQUIRED"
REQUESTS_PER_SECOND_MAX = 1_000_000
ACCOUNT_PREFIX = "account:"

# Of each pool; of calls that belong to no pool, of all of them together.
_PUBLISHED = {
    "UserAuthentication": 120,
    "UserCreation": 50,
    "UserFederation": 25,  # sign-ins that come from a provider: no operation of the API
    "UserAccountRecovery": 30,
    "UserRead": 120,
    "UserUpdate": 25,
    "UserToken": 120,
    "UserResourceRead": 50,
    "UserResourceUpdate": 25,
    "UserList": 30,
    "UserPoolRead": 15,
    "UserPoolUpdate": 15,
    "UserPoolResourceRead": 20,
    "UserPoolResourceUpdate": 15,
    "UserPoolClientRead": 15,
    "UserPoolClientUpdate": 15,
    "ClientAuthentication": 150,
    "LimitManagement": 1,
}
_CHALLENGES = "ChallengeAnswers"  # three times UserAuthentication, to which the excess counts
_CHALLENGES_PER_AUTHENTICATION = 3
_OPERATION = "EachOperation"  # of some categories: each operation by itself
_USER_READS, _USER_WRITES = "EachUserReads", "EachUserWrites"
_FURTHER = {_OPERATION: 5, _USER_READS: 10, _USER_WRITES: 10}

_MEMBERS = {
    "UserAuthentication": "InitiateAuth AdminInitiateAuth GetTokensFromRefreshToken GetDerivedToken",
    _CHALLENGES: "RespondToAuthChallenge AdminRespondToAuthChallenge",
    "UserCreation": "SignUp ConfirmSignUp AdminCreateUser AdminConfirmSignUp",
    "UserAccountRecovery": (
        "ChangePassword ConfirmForgotPassword ForgotPassword AdminResetUserPassword AdminSetUserPassword"
    ),
    "UserRead": "AdminGetUser AdminGetUserAuthFactors GetUser GetUserAuthFactors",
    "UserUpdate": (
        "AdminAddUserToGroup AdminRemoveUserFromGroup AdminDeleteUserAttributes AdminUpdateUserAttributes"
        " AdminDeleteUser AdminDisableUser AdminEnableUser AdminLinkProviderForUser"
        " AdminDisableProviderForUser VerifyUserAttribute DeleteUser DeleteUserAttributes"
        " UpdateUserAttributes AdminUserGlobalSignOut GlobalSignOut"
    ),
    "UserToken": "RevokeToken",
    "UserResourceRead": (
        "AdminGetDevice AdminListGroupsForUser AdminListDevices GetDevice ListDevices"
        " GetUserAttributeVerificationCode ResendConfirmationCode AdminListUserAuthEvents"
        " AdminListUserSessions ListUserSessions ListWebAuthnCredentials"
    ),
    "UserResourceUpdate": (
        "AdminForgetDevice AdminUpdateAuthEventFeedback AdminSetUserMFAPreference AdminDeleteSoftwareToken"
        " AdminSetUserSettings AdminUpdateDeviceStatus UpdateDeviceStatus UpdateAuthEventFeedback"
        " ConfirmDevice SetUserMFAPreference SetUserSettings VerifySoftwareToken AssociateSoftwareToken"
        " ForgetDevice AdminRevokeUserSession RevokeUserSession StartWebAuthnRegistration"
        " CompleteWebAuthnRegistration DeleteWebAuthnCredential"
    ),
    "UserList": "ListUsers ListUsersInGroup",
    "UserPoolRead": (
        "DescribeUserPool ListUserPools DescribePointInTimeRecovery ListPointInTimeRecoveries"
        " ListUserPoolReplicas"
    ),
    "UserPoolUpdate": (
        "CreateUserPool UpdateUserPool DeleteUserPool CreateUserPoolReplica UpdateUserPoolReplica"
        " DeleteUserPoolReplica InitiatePointInTimeRecovery StartPointInTimeRecovery"
        " CancelPointInTimeRecovery"
    ),
    "UserPoolResourceRead": (
        "DescribeIdentityProvider DescribeResourceServer DescribeUserImportJob DescribeUserPoolDomain"
        " GetCSVHeader GetGroup GetSigningCertificate GetIdentityProviderByIdentifier GetUserPoolMfaConfig"
        " ListGroups ListIdentityProviders ListResourceServers ListTagsForResource ListUserImportJobs"
        " DescribeRiskConfiguration GetUICustomization DescribeManagedLoginBranding"
        " DescribeManagedLoginBrandingByClient DescribeTerms DescribeTermsByClient ListTerms"
        " GetLogDeliveryConfiguration GetUserPoolSessionConfiguration DescribeCIMDPolicy ListCIMDPolicies"
        " ListClientMetadataURLs"
    ),
    "UserPoolResourceUpdate": (
        "AddCustomAttributes CreateGroup UpdateGroup DeleteGroup CreateIdentityProvider"
        " UpdateIdentityProvider DeleteIdentityProvider CreateResourceServer UpdateResourceServer"
        " DeleteResourceServer CreateUserPoolDomain UpdateUserPoolDomain DeleteUserPoolDomain"
        " CreateManagedLoginBranding UpdateManagedLoginBranding DeleteManagedLoginBranding"
        " CreateUserImportJob StartUserImportJob StopUserImportJob SetUserPoolMfaConfig"
        " SetRiskConfiguration SetUICustomization TagResource UntagResource CreateTerms UpdateTerms"
        " DeleteTerms SetLogDeliveryConfiguration SetUserPoolSessionConfiguration CreateCIMDPolicy"
        " UpdateCIMDPolicy DeleteCIMDPolicy UpdateClientMetadataURLState"
    ),
    "UserPoolClientRead": (
        "DescribeUserPoolClient ListUserPoolClients ListUserPoolClientSecrets"
        " GetUserPoolClientSessionConfiguration"
    ),
    "UserPoolClientUpdate": (
        "CreateUserPoolClient UpdateUserPoolClient DeleteUserPoolClient AddUserPoolClientSecret"
        " DeleteUserPoolClientSecret SetUserPoolClientSessionConfiguration"
    ),
    "ClientAuthentication": "GetClientToken",
    "LimitManagement": "GetProvisionedLimit UpdateProvisionedLimit",
}
CATEGORIES = {operation: name for name, members in _MEMBERS.items() for operation in members.split()}

_HELD_BY_OPERATION = {
    "UserPoolResourceRead",
    "UserPoolResourceUpdate",
    "UserPoolClientRead",
    "UserPoolClientUpdate",
}
_READS = {"UserRead", "UserResourceRead", "UserAuthentication", _CHALLENGES}


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many a second of what bears this name; what the log calls it names no user, not even by a digest."""

    name: str
    per_second: int
    told: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """For whom a call counts; `user` is a digest, for names lie nowhere in clear."""

    operation: str
    pool_id: str | None = None
    user: str | None = None
    challenge: str | None = None


@dataclass(frozen=True, slots=True)
class QuotaTable:
    """What each pool may do in a second, and, where somebody set that, all pools together."""

    per_pool: Mapping[str, int]
    per_account: Mapping[str, int]

    def asked(self, asker: Asker) -> Iterator[tuple[Allowance, ...]]:
        """
        The allowances that a call takes one from, in order; of several in a row, from the first that has one.

        A user's own come first, so that one who runs wild takes nothing from the others of the pool, and the
        pool's come before the account's.
        """
        category, pool = category_of(asker.operation, asker.challenge), asker.pool_id or "-"
        if asker.user is not None:
            kind = _USER_READS if category in _READS else _USER_WRITES
            yield (Allowance(f"{asker.user}/{kind}", self.per_pool[kind], f"{pool}/{kind}"),)
        if category in _HELD_BY_OPERATION and asker.pool_id is not None:
            yield (Allowance(f"{pool}/{asker.operation}", self.per_pool[_OPERATION]),)
        own = Allowance(f"{pool}/{category}", self.per_pool[category])
        if category == _CHALLENGES:
            category = "UserAuthentication"
            yield (own, Allowance(f"{pool}/{category}", self.per_pool[category]))
        else:
            yield (own,)
        if category in self.per_account:
            yield (Allowance(f"account/{category}", self.per_account[category]),)


def category_of(operation: str, challenge: str | None = None) -> str:
    """The category that a call counts to; a new password in the place of a temporary one is a recovery."""
    category = CATEGORIES[operation]
    if category == _CHALLENGES and challenge == NEW_PASSWORD_REQUIRED:
        return "UserAccountRecovery"
    return category


def quota_table(overrides: Mapping[str, int]) -> QuotaTable:
    """
    The published table with what an operator set otherwise; ValueError names what is no quota.

    `UserUpdate` is each pool's, `account:UserUpdate` that of all pools together, which is counted only where
    it is set: the published numbers are each pool's own, so that no pool can use up another's.
    """
    of_account = {
        name.removeprefix(ACCOUNT_PREFIX): rate
        for name, rate in overrides.items()
        if name.startswith(ACCOUNT_PREFIX)
    }
    of_pool = {name: rate for name, rate in overrides.items() if not name.startswith(ACCOUNT_PREFIX)}
    known = {**_PUBLISHED, **_FURTHER, _CHALLENGES: 0}
    unknown = sorted(of_pool.keys() - known) + sorted(of_account.keys() - _PUBLISHED)
    if unknown:
        raise ValueError(f"{unknown[0]} is no quota; the quotas are {', '.join(known)}")
    per_pool = {**_PUBLISHED, **_FURTHER, **of_pool}
    per_pool.setdefault(_CHALLENGES, _CHALLENGES_PER_AUTHENTICATION * per_pool["UserAuthentication"])
    return QuotaTable(per_pool, of_account)


def quotas_page() -> str:
    """The page `docs/quotas.md`."""
    table = quota_table({})
    rows = [
        f"| `{name}` | {rate} | {_MEANINGS.get(name) or ', '.join(sorted(_MEMBERS[name].split()))} |"
        for name, rate in table.per_pool.items()
    ]
    return "\n".join([_PAGE_HEAD, *rows, ""])


_MEANINGS = {
    "UserFederation": "sign-ins that come from a provider",
    _CHALLENGES: f"{', '.join(_MEMBERS[_CHALLENGES].split())}; the excess counts to `UserAuthentication`",
    _OPERATION: f"each operation of {', '.join(f'`{name}`' for name in sorted(_HELD_BY_OPERATION))}",
    _USER_READS: f"each user, in {', '.join(f'`{name}`' for name in sorted(_READS))}",
    _USER_WRITES: "each user, in the other categories",
}
_PAGE_HEAD = """\
# Quotas

<!-- Generated by `make docs` from src/cenote/domain/quotas.py. -->

What `--quotas aws` allows each pool in a second, and what counts to it. `--quota-overrides` changes any of
them by its name. [The guide](guides/quotas-and-rules.md) says how they are counted. What AWS's table does not
list stands with what it is most like.

| quota | a second | of |
| --- | --- | --- |"""
