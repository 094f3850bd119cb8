"""Every operation counts to a category, in the order in which its allowances are asked."""

import pytest

from cenote.domain.quotas import CATEGORIES, Allowance, Asker, category_of, quota_table
from tests.house import MODEL

PUBLISHED = {
    "UserAuthentication": 120,
    "UserCreation": 50,
    "UserFederation": 25,
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
POOL, OTHER = "us-east-1_first", "us-east-1_second"


def asked(asker: Asker, **overrides: int) -> list[list[tuple[str, int]]]:
    return [[(one.name, one.per_second) for one in row] for row in quota_table(overrides).asked(asker)]


def test_every_operation_of_the_model_has_a_category_and_nothing_else_has():
    assert CATEGORIES.keys() == MODEL.operations.keys()


def test_the_numbers_are_the_published_ones():
    table = quota_table({})
    assert {name: table.per_pool[name] for name in PUBLISHED} == PUBLISHED
    assert table.per_account == {}


def test_every_category_has_operations_but_the_one_of_providers_endpoints():
    assert PUBLISHED.keys() - set(CATEGORIES.values()) == {"UserFederation"}
    assert set(CATEGORIES.values()) - PUBLISHED.keys() == {"ChallengeAnswers"}


@pytest.mark.parametrize(
    "operation, category",
    [
        ("DeleteUser", "UserUpdate"),
        ("AdminDeleteUser", "UserUpdate"),
        ("GlobalSignOut", "UserUpdate"),
        ("GetUser", "UserRead"),
        ("RevokeToken", "UserToken"),
        ("ChangePassword", "UserAccountRecovery"),
        ("ConfirmSignUp", "UserCreation"),
        ("ResendConfirmationCode", "UserResourceRead"),
        ("ForgetDevice", "UserResourceUpdate"),
        ("ListUsersInGroup", "UserList"),
        ("GetTokensFromRefreshToken", "UserAuthentication"),
        ("GetClientToken", "ClientAuthentication"),
    ],
)
def test_operations_stand_where_the_published_table_has_them(operation, category):
    assert category_of(operation) == category


def test_a_user_s_own_allowance_comes_before_the_pool_s_and_that_before_the_account_s():
    asker = Asker(operation="DeleteUser", pool_id=POOL, user="ann")
    assert asked(asker, **{"account:UserUpdate": 40}) == [
        [("ann/EachUserWrites", 10)],
        [(f"{POOL}/UserUpdate", 25)],
        [("account/UserUpdate", 40)],
    ]


def test_each_pool_has_its_own_and_calls_of_no_pool_have_one_together():
    first = asked(Asker(operation="DeleteUser", pool_id=POOL))
    assert first == [[(f"{POOL}/UserUpdate", 25)]]
    assert asked(Asker(operation="DeleteUser", pool_id=OTHER)) == [[(f"{OTHER}/UserUpdate", 25)]]
    assert asked(Asker(operation="CreateUserPool")) == [[("-/UserPoolUpdate", 15)]]


def test_some_operations_are_held_by_themselves_as_well():
    assert asked(Asker(operation="CreateGroup", pool_id=POOL)) == [
        [(f"{POOL}/CreateGroup", 5)],
        [(f"{POOL}/UserPoolResourceUpdate", 15)],
    ]


def test_answers_to_challenges_have_three_times_as_much_and_the_excess_counts_to_sign_ins():
    asker = Asker(operation="RespondToAuthChallenge", pool_id=POOL, challenge="PASSWORD_VERIFIER")
    assert asked(asker) == [[(f"{POOL}/ChallengeAnswers", 360), (f"{POOL}/UserAuthentication", 120)]]
    assert asked(asker, UserAuthentication=10)[0][0] == (f"{POOL}/ChallengeAnswers", 30)
    assert asked(asker, ChallengeAnswers=7)[0][0] == (f"{POOL}/ChallengeAnswers", 7)


def test_a_new_password_in_the_place_of_a_temporary_one_is_a_recovery():
    for operation in ("RespondToAuthChallenge", "AdminRespondToAuthChallenge"):
        asker = Asker(operation=operation, pool_id=POOL, challenge="NEW_PASSWORD_REQUIRED")
        assert asked(asker) == [[(f"{POOL}/UserAccountRecovery", 30)]]


def test_reading_and_writing_are_counted_apart_for_a_user():
    kinds = {
        operation: asked(Asker(operation=operation, pool_id=POOL, user="ann"))[0][0][0]
        for operation in ("GetUser", "GetDevice", "InitiateAuth", "UpdateUserAttributes", "ChangePassword")
    }
    assert kinds == {
        "GetUser": "ann/EachUserReads",
        "GetDevice": "ann/EachUserReads",
        "InitiateAuth": "ann/EachUserReads",
        "UpdateUserAttributes": "ann/EachUserWrites",
        "ChangePassword": "ann/EachUserWrites",
    }


def test_an_operator_sets_any_of_them_otherwise():
    table = quota_table({"UserUpdate": 100, "EachOperation": 50, "EachUserWrites": 0})
    (writes,), (own,) = table.asked(Asker(operation="DeleteUser", pool_id=POOL, user="ann"))
    assert (writes, own) == (Allowance("ann/EachUserWrites", 0), Allowance(f"{POOL}/UserUpdate", 100))


@pytest.mark.parametrize("name", ["DeleteUser", "userupdate", "account:", "account:EachUserWrites", "-"])
def test_what_is_no_quota_is_refused_by_its_name(name):
    with pytest.raises(ValueError, match=r"is no quota; the quotas are UserAuthentication, UserCreation"):
        quota_table({name: 1})
