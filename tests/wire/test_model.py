"""The service model's door: what it refuses, and in which words."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from cenote.errors import InvalidParameterException, SerializationException
from cenote.wire import grammar
from cenote.wire.model import Model
from cenote.wire.overrides import OVERRIDES

MODEL = Model.load()
SHAPES = MODEL._shapes
POOL = {"UserPoolId": "us-east-1_SbeSpjvX7"}
CLIENT = {**POOL, "ClientName": "web"}
USERNAME_PATTERN = r"Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+"
BROKEN = "failed to satisfy constraint: "


def message(operation, request, model=MODEL):
    with pytest.raises(InvalidParameterException) as refusal:
        model.check_request(operation, request)
    return refusal.value.message


def accepts(operation, request):
    MODEL.check_request(operation, request)
    return True


def misread(operation, request):
    with pytest.raises(SerializationException) as refusal:
        MODEL.check_request(operation, request)
    return refusal.value.message


def test_all_153_operations_are_there_and_34_need_no_signature():
    assert len(MODEL.operations) >= 153
    assert sum(not operation.signed for operation in MODEL.operations.values()) >= 34


def test_an_operation_tells_its_name_signature_answer_and_errors():
    delete_user = MODEL.operations["DeleteUser"]
    assert (delete_user.name, delete_user.signed, delete_user.answers) == ("DeleteUser", False, False)
    assert len(delete_user.errors) == 10
    assert "OperationNotEnabledException" in delete_user.errors
    assert MODEL.operations["AdminDeleteUser"].signed
    assert MODEL.operations["GetUser"].answers


def test_the_operations_cannot_be_changed():
    with pytest.raises(TypeError):
        MODEL.operations["X"] = MODEL.operations["GetUser"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        MODEL.operations["GetUser"].signed = True  # type: ignore[misc]


def test_loading_is_quick():
    def seconds():
        started = time.process_time()
        Model.load()
        return time.process_time() - started

    assert min(seconds() for _ in range(3)) < 0.04


def test_loading_leaves_botocores_code_alone():
    loaded = "import sys; from cenote.wire.model import Model; Model.load()\n"
    asked = loaded + "print([name for name in sys.modules if name.startswith('botocore.')])"
    answer = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, env={"PYTHONPATH": "src"}
    )
    assert answer.stdout.strip() == "[]"


# What the live service says, to the letter.


def test_an_absent_token_is_named_and_not_shown():
    assert message("DeleteUser", {}) == (
        "1 validation error detected: Value at 'accessToken' failed to satisfy constraint: "
        "Member must not be null"
    )


def test_an_empty_token_breaks_the_pattern_and_no_length():
    assert message("DeleteUser", {"AccessToken": ""}) == (
        "1 validation error detected: Value at 'accessToken' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [A-Za-z0-9-_=.]+"
    )


def test_an_absent_member_that_is_no_secret_is_null():
    assert message("DescribeUserPool", {}) == (
        "1 validation error detected: Value null at 'userPoolId' failed to satisfy constraint: "
        "Member must not be null"
    )


def test_every_broken_constraint_is_told():
    found = message("SignUp", {"ClientId": "x", "Username": "a b", "Password": "short"})
    assert found == (
        f"2 validation errors detected: Value at 'username' {BROKEN}{USERNAME_PATTERN}; "
        f"Value at 'password' {BROKEN}Member must have length greater than or equal to 6"
    )


def test_a_member_of_a_list_is_found_by_its_place_counted_from_one():
    request = {"PoolName": "x", "Schema": [{"Name": "phone_number_verified"}]}
    assert message("CreateUserPool", request) == (
        "1 validation error detected: Value 'phone_number_verified' at 'schema.1.member.name' failed to "
        "satisfy constraint: Member must have length less than or equal to 20"
    )


def test_one_member_may_break_two_constraints():
    found = message("UpdateUserAttributes", {"AccessToken": "a", "UserAttributes": [{"Name": ""}]})
    name = f"Value '' at 'userAttributes.1.member.name' {BROKEN}"
    pattern = r"[\p{L}\p{M}\p{S}\p{N}\p{P}\t\n\r ]+"
    assert found == (
        f"2 validation errors detected: {name}Member must have length greater than or equal to 1; "
        f"{name}Member must satisfy regular expression pattern: {pattern}"
    )


def test_a_list_of_words_is_shown_whole_with_all_that_is_demanded_of_a_word():
    assert message("CreateUserPoolClient", {**CLIENT, "AllowedOAuthFlows": ["code", "token"]}) == (
        "1 validation error detected: Value '[code, token]' at 'allowedOAuthFlows' failed to satisfy "
        "constraint: Member must satisfy constraint: [Member must satisfy enum value set: "
        "[implicit, client_credentials, code]]"
    )
    assert message("CreateUserPoolClient", {**CLIENT, "CallbackURLs": [""]}) == (
        "1 validation error detected: Value '[]' at 'callbackURLs' failed to satisfy constraint: "
        "Member must satisfy constraint: [Member must have length less than or equal to 1024, "
        f"Member must have length greater than or equal to 1, {USERNAME_PATTERN}]"
    )


def test_a_null_in_a_list_is_refused():
    assert message("CreateManagedLoginBranding", {**POOL, "ClientId": "x", "Assets": [None]}) == (
        "1 validation error detected: Value '[null]' at 'assets' failed to satisfy constraint: "
        "Member must satisfy constraint: [Member must not be null]"
    )


def test_keys_and_values_of_a_map_are_told_apart():
    request = {"PoolName": "x", "UserPoolTags": {"": "y" * 257}}
    tags = f"Value '{{={'y' * 257}}}' at 'userPoolTags' {BROKEN}"
    length = "Member must have length"
    assert message("CreateUserPool", request) == (
        "2 validation errors detected: "
        f"{tags}Map keys must satisfy constraint: [{length} less than or equal to 128, "
        f"{length} greater than or equal to 1]; "
        f"{tags}Map value must satisfy constraint: [{length} less than or equal to 256, "
        f"{length} greater than or equal to 0]"
    )


def test_a_number_out_of_range_has_a_value_and_no_length():
    assert message("ListUsers", {**POOL, "Limit": 61}) == (
        "1 validation error detected: Value '61' at 'limit' failed to satisfy constraint: "
        "Member must have value less than or equal to 60"
    )


def test_the_length_of_a_list_is_held():
    found = message("CreateUserPoolClient", {**CLIENT, "CallbackURLs": ["https://a"] * 101})
    assert found.endswith(
        "at 'callbackURLs' failed to satisfy constraint: Member must have length less than or equal to 100"
    )


def test_a_blob_is_counted_in_bytes_and_never_shown():
    assert accepts("SetUICustomization", {**POOL, "ImageFile": "AAAA" * 43690})
    assert message("SetUICustomization", {**POOL, "ImageFile": "AAAA" * 43691}) == (
        "1 validation error detected: Value at 'imageFile' failed to satisfy constraint: "
        "Member must have length less than or equal to 131072"
    )


def test_a_document_may_be_any_json():
    request = {**POOL, "ClientId": "x", "Settings": {"a": [None, {"b": 1.5}]}}
    assert accepts("CreateManagedLoginBranding", request)


def test_lengths_are_counted_in_code_points():
    assert accepts("AdminGetUser", {**POOL, "Username": "💥" * 128})
    assert "less than or equal to 128" in message("AdminGetUser", {**POOL, "Username": "💥" * 129})


# The deviations of the live service.


def test_a_password_may_have_a_space_inside_and_none_around():
    request = {"ClientId": "x", "Username": "ann"}
    assert accepts("SignUp", {**request, "Password": "correct horse"})
    assert message("SignUp", {**request, "Password": " padded "}).endswith(r"pattern: ^[\S]+.*[\S]+$")


@pytest.mark.parametrize(
    "operation, request_",
    [
        ("SignUp", {"ClientId": "x", "Username": "ann", "Password": "12345"}),
        ("ChangePassword", {"AccessToken": "a", "ProposedPassword": "12345"}),
        ("AdminSetUserPassword", {**POOL, "Username": "ann", "Password": "12345"}),
        (
            "ConfirmForgotPassword",
            {"ClientId": "x", "Username": "ann", "ConfirmationCode": "1", "Password": "12345"},
        ),
    ],
)
def test_a_password_has_six_characters(operation, request_):
    assert message(operation, request_).endswith("Member must have length greater than or equal to 6")


def test_an_empty_password_is_legal():
    assert accepts("SignUp", {"ClientId": "x", "Username": "ann", "Password": ""})


def test_a_domain_may_be_a_host_and_the_text_quotes_the_models_pattern():
    assert accepts("CreateUserPoolDomain", {**POOL, "Domain": "auth.example.com"})
    assert message("CreateUserPoolDomain", {**POOL, "Domain": "a..b"}).endswith(
        r"pattern: ^[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?$"
    )


@pytest.mark.parametrize("name", OVERRIDES)
def test_a_deviation_names_a_shape_of_the_model_and_gives_its_fact(name):
    assert name in SHAPES
    assert OVERRIDES[name].fact.strip()


# What is no JSON of the right type.


@pytest.mark.parametrize(
    "operation, request_, text",
    [
        ("DeleteUser", {"AccessToken": 1}, "NUMBER_VALUE can not be converted to a String"),
        ("DeleteUser", {"AccessToken": 1.5}, "NUMBER_VALUE can not be converted to a String"),
        ("DeleteUser", {"AccessToken": True}, "TRUE_VALUE can not be converted to a String"),
        ("DeleteUser", {"AccessToken": False}, "FALSE_VALUE can not be converted to a String"),
        ("DeleteUser", {"AccessToken": {}}, "Start of structure or map found where not expected."),
        ("DeleteUser", {"AccessToken": []}, "Start of list found where not expected"),
        ("ListUsers", {"Limit": "1"}, "STRING_VALUE can not be converted to an Integer"),
        ("ListUsers", {"Limit": True}, "TRUE_VALUE can not be converted to an Integer"),
        ("ListUsers", {"Limit": 1.0}, "NUMBER_VALUE can not be converted to an Integer"),
        ("ListUsers", {"Limit": 2**31}, "NUMBER_VALUE can not be converted to an Integer"),
        ("ListUsers", {"Limit": -(2**31) - 1}, "NUMBER_VALUE can not be converted to an Integer"),
        ("ListUsers", {"Limit": 10**5000}, "NUMBER_VALUE can not be converted to an Integer"),
        ("AdminSetUserPassword", {"Permanent": "yes"}, "STRING_VALUE can not be converted to a Boolean"),
        ("AdminSetUserPassword", {"Permanent": 1}, "NUMBER_VALUE can not be converted to a Boolean"),
        ("SignUp", {"UserAttributes": "x"}, "Expected list or null"),
        ("SignUp", {"UserAttributes": {}}, "Start of structure or map found where not expected."),
        ("SignUp", {"UserAttributes": [1]}, "Unexpected value type in payload"),
        ("SignUp", {"UserAttributes": [[]]}, "Start of list found where not expected"),
        ("SignUp", {"ClientMetadata": 1}, "Expected map or null"),
        ("SignUp", {"ClientMetadata": {"a": 1}}, "NUMBER_VALUE can not be converted to a String"),
        ("SignUp", {"UserContextData": "x"}, "Unexpected value type in payload"),
        ("SetUICustomization", {"ImageFile": "A"}, "STRING_VALUE can not be converted to a Blob"),
        ("SetUICustomization", {"ImageFile": 1}, "NUMBER_VALUE can not be converted to a Blob"),
        (
            "InitiatePointInTimeRecovery",
            {"RestoreTimestamp": "2026-01-01"},
            "STRING_VALUE can not be converted to milliseconds since epoch",
        ),
        (
            "InitiatePointInTimeRecovery",
            {"RestoreTimestamp": 10**400},
            "NUMBER_VALUE can not be converted to milliseconds since epoch",
        ),
    ],
)
def test_a_wrong_json_type_is_told_before_any_constraint(operation, request_, text):
    assert misread(operation, request_) == text


@pytest.mark.parametrize("body", [None, "x", 1, 1.5, True])
def test_a_body_that_is_a_scalar_is_refused_without_a_word(body):
    assert misread("DeleteUser", body) is None


def test_a_body_that_is_a_list_is_named():
    assert misread("DeleteUser", []) == "Start of list found where not expected"


def test_a_null_member_counts_as_absent():
    assert accepts("SetUserMFAPreference", {"AccessToken": "a", "SMSMfaSettings": None})
    assert message("DeleteUser", {"AccessToken": None}) == message("DeleteUser", {})


def test_an_unknown_member_is_ignored_whatever_it_is():
    assert accepts("DeleteUser", {"AccessToken": "a", "Nonsense": [{}, None, 10**400]})


# Limits.


def test_a_value_is_echoed_up_to_a_limit():
    found = message("DescribeUserPool", {"UserPoolId": "~" * 1_000_000})
    assert found.count("~") == grammar.ECHOED_VALUE_CHARACTERS_MAX
    assert "pattern" not in found


def test_a_list_or_map_is_echoed_up_to_a_limit():
    many = message("CreateUserPoolClient", {**CLIENT, "CallbackURLs": [""] * 100_000})
    assert len(many) < 2.5 * grammar.ECHOED_VALUE_CHARACTERS_MAX
    wide = message("CreateUserPool", {"PoolName": "x", "UserPoolTags": {"": "~" * 1_000_000}})
    assert wide.count("~") <= 2 * grammar.ECHOED_VALUE_CHARACTERS_MAX


def test_faults_are_reported_up_to_a_limit():
    attributes = [{"Name": ""}] * 100_000
    found = message("SignUp", {"ClientId": "x", "Username": "ann", "UserAttributes": attributes})
    assert found.startswith(f"{grammar.FAULTS_REPORTED_MAX} validation errors detected: ")
    assert found.count("; ") == grammar.FAULTS_REPORTED_MAX - 1


def test_a_map_key_in_a_path_is_cut():
    request = {**POOL, "AcrConfiguration": {"~" * 1_000_000: {}}}
    assert message("UpdateUserPool", request).count("~") < 4 * grammar.ECHOED_VALUE_CHARACTERS_MAX


def test_a_nest_of_any_depth_is_no_danger():
    nest: list[object] = []
    for _ in range(100_000):
        nest = [nest]
    assert misread("DeleteUser", {"AccessToken": nest}) == "Start of list found where not expected"
    assert misread("SignUp", {"UserAttributes": nest}) == "Start of list found where not expected"
    assert accepts("DeleteUser", {"AccessToken": "a", "Nonsense": nest})


def test_many_threads_may_ask_a_fresh_model_at_once():
    model, threads = Model.load(), 8
    together = Barrier(threads)

    def ask(_):
        together.wait()
        return [
            message(name, {}, model) for name in ("DeleteUser", "SignUp", "AdminGetUser", "CreateUserPool")
        ]

    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(ask, range(threads)))
    assert answers == [answers[0]] * threads
