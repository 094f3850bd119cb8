"""Answers held against the model: every fault is found, and a right answer has none."""

import pytest

from cenote.wire.model import Model

MODEL = Model.load()
ANN = {"Username": "ann", "UserAttributes": [{"Name": "email", "Value": "ann@example.com"}]}
POOL_USER = {**ANN, "UserCreateDate": 1790257797.161, "UserLastModifiedDate": 1790257832.48, "Enabled": True}


def test_a_right_answer_has_no_fault():
    assert MODEL.check_answer("GetUser", ANN) == []
    assert MODEL.check_answer("AdminGetUser", POOL_USER) == []
    assert MODEL.check_answer("InitiateAuth", {"ChallengeParameters": {}}) == []
    assert MODEL.check_answer("GlobalSignOut", {}) == []


def test_an_operation_without_an_output_answers_nothing_at_all():
    assert MODEL.check_answer("DeleteUser", None) == []
    assert MODEL.check_answer("DeleteUser", {}) == [
        "the operation has no output shape, so its answer must be None"
    ]


def test_an_operation_with_an_output_answers_something():
    assert MODEL.check_answer("GlobalSignOut", None) == [
        "answer is null, and an absent member must be left out"
    ]


@pytest.mark.parametrize(
    "operation, answer, fault",
    [
        ("GetUser", {**ANN, "Sub": "x"}, "answer.Sub is unknown to the model"),
        ("GetUser", {"Username": "ann"}, "answer.UserAttributes is required and absent"),
        ("GetUser", {**ANN, "PreferredMfaSetting": None}, "answer.PreferredMfaSetting is null"),
        ("GetUser", {**ANN, "Username": 1}, "answer.Username has the wrong type: NUMBER_VALUE"),
        (
            "GetUser",
            {**ANN, "Username": "a b"},
            "answer.Username is 'a b': Member must satisfy regular expression",
        ),
        ("GetUser", {**ANN, "Username": "a" * 129}, "answer.Username is 'aaaaaaaaaaaa"),
        ("GetUser", {**ANN, "UserAttributes": {}}, "answer.UserAttributes is no list: {}"),
        ("GetUser", {**ANN, "UserAttributes": [{}]}, "answer.UserAttributes[0].Name is required and absent"),
        ("GetUser", {**ANN, "UserAttributes": [None]}, "answer.UserAttributes[0] is null"),
        ("GetUser", [], "answer is no structure: []"),
        (
            "AdminGetUser",
            {**POOL_USER, "UserStatus": "GONE"},
            "answer.UserStatus is 'GONE': Member must satisfy enum",
        ),
        ("AdminGetUser", {**POOL_USER, "UserCreateDate": "x"}, "answer.UserCreateDate has the wrong type"),
        (
            "AdminGetUser",
            {**POOL_USER, "UserCreateDate": 1.0005},
            "answer.UserCreateDate has more than 3 decimals",
        ),
        ("AdminGetUser", {**POOL_USER, "Enabled": 1}, "answer.Enabled has the wrong type: NUMBER_VALUE"),
        ("InitiateAuth", {"ChallengeParameters": []}, "answer.ChallengeParameters is no map: []"),
        ("InitiateAuth", {"ChallengeParameters": {"a": None}}, "answer.ChallengeParameters['a'] is null"),
        (
            "ListTagsForResource",
            {"Tags": {"": "x"}},
            "the key '' of answer.Tags is '': Member must have length",
        ),
    ],
)
def test_a_fault_is_found(operation, answer, fault):
    (found,) = MODEL.check_answer(operation, answer)
    assert found.startswith(fault)


def test_all_faults_are_found_at_once():
    assert len(MODEL.check_answer("GetUser", {"Username": "", "Sub": 1})) == 4


def test_a_domain_in_an_answer_may_have_dots():
    answer = {"DomainDescription": {"Domain": "auth.example.com"}}
    assert MODEL.check_answer("DescribeUserPoolDomain", answer) == []
