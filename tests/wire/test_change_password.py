"""ChangePassword as a client sees it: who knows the present password sets another."""

from typing import Any

import pytest

from tests.house import PASSWORD, Tenant
from tests.wire.steps import DONE, at_once, refresh, refused, sign_in, status_of

OTHER, THIRD = "Another-horse2", "A-third-horse3"
HOUR_S = 3_600
INCORRECT = "NotAuthorizedException: Incorrect username or password."
REUSED = "PasswordHistoryPolicyViolationException: Password has previously been used"


def change(tenant: Tenant, tokens: dict[str, Any], previous: str = PASSWORD, proposed: str = OTHER) -> None:
    tenant.cognito.change_password(
        AccessToken=tokens["AccessToken"], PreviousPassword=previous, ProposedPassword=proposed
    )


def test_a_user_changes_their_password_and_no_session_ends(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    change(tenant, tokens)
    assert refused(sign_in, tenant, "ann") == INCORRECT
    assert sign_in(tenant, "ann", OTHER)["AuthenticationResult"]
    assert tenant.cognito.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    assert refresh(tenant, tokens["RefreshToken"])["AuthenticationResult"]


def test_whoever_does_not_know_the_present_password_changes_nothing(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    assert refused(change, tenant, tokens, "Wrong-horse1") == INCORRECT
    unsaid = {"AccessToken": tokens["AccessToken"], "ProposedPassword": OTHER}
    assert refused(tenant.cognito.change_password, **unsaid) == INCORRECT
    assert tenant.sign_in("ann")


def test_the_present_password_is_asked_before_the_new_one_is_looked_at(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    assert refused(change, tenant, tokens, "Wrong-horse1", "tooshort") == INCORRECT
    assert refused(change, tenant, tokens, PASSWORD, "tooshort") == (
        "InvalidPasswordException: Password did not conform with policy:"
        " Password must have uppercase characters"
    )


def test_a_form_that_no_password_has_is_told_by_the_model(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    assert refused(change, tenant, tokens, PASSWORD, "short") == (
        "InvalidParameterException: 1 validation error detected: Value at 'proposedPassword' failed to"
        " satisfy constraint: Member must have length greater than or equal to 6"
    )


def test_of_two_who_change_it_at_the_same_moment_one_does(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    outcomes = at_once(
        lambda: change(tenant, tokens, proposed=OTHER), lambda: change(tenant, tokens, proposed=THIRD)
    )
    assert sorted(outcomes) == sorted([DONE, INCORRECT])
    assert sign_in(tenant, "ann", (OTHER, THIRD)[outcomes.index(DONE)])["AuthenticationResult"]


def test_whoever_is_gone_reset_or_disabled_changes_nothing(tenant: Tenant) -> None:
    gone, disabled = tenant.user("ann"), tenant.user("bea")
    tenant.cognito.delete_user(AccessToken=gone["AccessToken"])
    tenant.cognito.admin_disable_user(UserPoolId=tenant.pool_id, Username="bea")
    assert refused(change, tenant, gone) == "UserNotFoundException: User does not exist."
    assert refused(change, tenant, disabled) == "NotAuthorizedException: User is disabled."


def test_a_temporary_password_that_is_changed_is_temporary_no_more(tenant: Tenant) -> None:
    tokens = tenant.user("ann")
    tenant.cognito.admin_set_user_password(
        UserPoolId=tenant.pool_id, Username="ann", Password=OTHER, Permanent=False
    )
    assert status_of(tenant) == "FORCE_CHANGE_PASSWORD"
    change(tenant, tokens, OTHER, THIRD)
    assert status_of(tenant) == "CONFIRMED"
    assert sign_in(tenant, "ann", THIRD)["AuthenticationResult"]


# Passwords that were theirs before.


@pytest.mark.parametrize("size", [1, 2])
def test_as_many_passwords_as_the_pool_remembers_do_not_come_back(tenants, size: int) -> None:
    policy = {"PasswordPolicy": {"MinimumLength": 8, "PasswordHistorySize": size}}
    tenant = tenants(pool={"Policies": policy})
    tokens = tenant.user("ann")
    assert refused(change, tenant, tokens, PASSWORD, PASSWORD) == REUSED
    change(tenant, tokens, PASSWORD, OTHER)
    if size > 1:
        assert refused(change, tenant, tokens, OTHER, PASSWORD) == REUSED
        change(tenant, tokens, OTHER, THIRD)
        change(tenant, tokens, THIRD, PASSWORD)
    else:
        change(tenant, tokens, OTHER, PASSWORD)


def test_an_administrator_is_held_to_the_history_too(tenants) -> None:
    policy = {"PasswordPolicy": {"MinimumLength": 8, "PasswordHistorySize": 3}}
    tenant = tenants(pool={"Policies": policy})
    change(tenant, tenant.user("ann"))
    set_to = {"UserPoolId": tenant.pool_id, "Username": "ann", "Permanent": True}
    assert refused(tenant.cognito.admin_set_user_password, Password=PASSWORD, **set_to) == REUSED
    tenant.cognito.admin_set_user_password(Password=THIRD, **set_to)


def test_the_same_password_is_as_good_as_another_where_nothing_is_remembered(tenant: Tenant) -> None:
    change(tenant, tenant.user("ann"), PASSWORD, PASSWORD)
    assert tenant.sign_in("ann")
