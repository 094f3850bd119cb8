"""USER_SRP_AUTH: a password is proven and never sent."""

import base64
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.house import PASSWORD, House, Tenant, error_of
from tests.srp_client import SrpClient, sign_in_by_srp, timestamp

FLOWS = ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
WRONG = ("NotAuthorizedException", "Incorrect username or password.", 400)
USED = ("NotAuthorizedException", "Invalid session for the user, session can only be used once.", 400)


@pytest.fixture
def srp(house: House) -> Tenant:
    """A pool whose client signs in by SRP."""
    return Tenant(house, client={"ExplicitAuthFlows": FLOWS})


def asked(tenant: Tenant, client: SrpClient, username: str = "ann") -> dict[str, Any]:
    answer: dict[str, Any] = tenant.cognito.initiate_auth(
        ClientId=tenant.client_id,
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": username, "SRP_A": client.public},
    )
    return answer


def answer(tenant: Tenant, answers: dict[str, str]) -> Any:
    return tenant.cognito.respond_to_auth_challenge(
        ClientId=tenant.client_id, ChallengeName="PASSWORD_VERIFIER", ChallengeResponses=answers
    )


def refusal(tenant: Tenant, answers: dict[str, str]) -> tuple[str, str, int]:
    return error_of(
        tenant.cognito.respond_to_auth_challenge,
        ClientId=tenant.client_id,
        ChallengeName="PASSWORD_VERIFIER",
        ChallengeResponses=answers,
    )


def test_a_user_signs_in_by_srp_and_deletes_themself(srp: Tenant) -> None:
    srp.sign_up("ann", email="ann@example.com")
    result = sign_in_by_srp(srp.cognito, srp.client_id, srp.pool_id, "ann", PASSWORD)
    tokens = result["AuthenticationResult"]
    assert result["ChallengeParameters"] == {}
    assert srp.cognito.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    srp.cognito.delete_user(AccessToken=tokens["AccessToken"])
    gone = error_of(sign_in_by_srp, cognito=srp.cognito, **_who(srp))
    assert gone == ("UserNotFoundException", "User does not exist.", 400)


def _who(tenant: Tenant, password: str = PASSWORD) -> dict[str, str]:
    return {
        "client_id": tenant.client_id,
        "pool_id": tenant.pool_id,
        "username": "ann",
        "password": password,
    }


def test_the_question_has_the_members_that_clients_need_and_no_session(srp: Tenant) -> None:
    srp.sign_up("ann")
    first, second = (asked(srp, SrpClient(srp.pool_id, PASSWORD)) for _time in range(2))
    assert set(first) == {"ChallengeName", "ChallengeParameters", "ResponseMetadata"}
    parameters = first["ChallengeParameters"]
    assert set(parameters) == {"SALT", "SECRET_BLOCK", "SRP_B", "USERNAME", "USER_ID_FOR_SRP"}
    assert parameters["SALT"] == second["ChallengeParameters"]["SALT"]
    assert parameters["SRP_B"] != second["ChallengeParameters"]["SRP_B"]
    assert int(parameters["SRP_B"], 16) > 0
    assert parameters["SRP_B"] == parameters["SRP_B"].lower().lstrip("0")


def test_a_wrong_password_is_refused_and_counts_towards_the_lock(srp: Tenant) -> None:
    srp.sign_up("ann")
    for _time in range(5):
        assert error_of(sign_in_by_srp, cognito=srp.cognito, **_who(srp, "Wrong-horse1")) == WRONG
    locked = error_of(sign_in_by_srp, cognito=srp.cognito, **_who(srp))
    assert locked == ("NotAuthorizedException", "Password attempts exceeded", 400)


def test_an_answer_signs_in_once_even_after_a_global_sign_out(srp: Tenant) -> None:
    srp.sign_up("ann")
    client = SrpClient(srp.pool_id, PASSWORD)
    answers = client.answers(asked(srp, client)["ChallengeParameters"])
    tokens = answer(srp, answers)["AuthenticationResult"]
    assert refusal(srp, answers) == USED
    srp.cognito.global_sign_out(AccessToken=tokens["AccessToken"])
    assert refusal(srp, answers) == USED


def test_of_many_who_give_one_answer_at_once_one_signs_in(srp: Tenant) -> None:
    srp.sign_up("ann")
    client = SrpClient(srp.pool_id, PASSWORD)
    answers = client.answers(asked(srp, client)["ChallengeParameters"])
    ends: list[object] = []
    start = threading.Barrier(8)

    def run() -> None:
        start.wait(20)
        try:
            answer(srp, answers)
        except srp.cognito.exceptions.NotAuthorizedException as failure:
            ends.append(failure.response["Error"]["Message"])
        else:
            ends.append("in")

    threads = [threading.Thread(target=run) for _one in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, ends)) == [USED[1]] * 7 + ["in"]


@pytest.mark.parametrize("changed", ["PASSWORD_CLAIM_SECRET_BLOCK", "PASSWORD_CLAIM_SIGNATURE"])
def test_an_answer_with_a_changed_bit_is_refused(srp: Tenant, changed: str) -> None:
    srp.sign_up("ann")
    client = SrpClient(srp.pool_id, PASSWORD)
    answers = client.answers(asked(srp, client)["ChallengeParameters"])
    raw = bytearray(base64.b64decode(answers[changed]))
    raw[20] ^= 1
    assert refusal(srp, answers | {changed: base64.b64encode(bytes(raw)).decode()}) == WRONG
    assert refusal(srp, answers | {changed: "no base64 !"}) == WRONG


@pytest.mark.parametrize("public", ["0", f"{2**3072:x}"[:1] + "0" * 0])
def test_a_public_value_that_proves_nothing_gets_a_question_and_no_entry(srp: Tenant, public: str) -> None:
    srp.sign_up("ann")
    client = SrpClient(srp.pool_id, PASSWORD)
    client.public = public
    if public != "0":
        client.public = _prime_hex()
    parameters = asked(srp, client)["ChallengeParameters"]
    key_of_zero = {
        "USERNAME": "ann",
        "PASSWORD_CLAIM_SECRET_BLOCK": parameters["SECRET_BLOCK"],
        "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(bytes(32)).decode(),
        "TIMESTAMP": timestamp(),
    }
    assert refusal(srp, key_of_zero) == WRONG


def _prime_hex() -> str:
    from tests.srp_client import N

    return f"{N:x}"


@pytest.mark.parametrize("said", ["yesterday", "Thu Sep 24 13:50:15 UTC 1999"])
def test_a_time_that_is_not_now_is_refused(srp: Tenant, said: str) -> None:
    srp.sign_up("ann")
    client = SrpClient(srp.pool_id, PASSWORD)
    assert refusal(srp, client.answers(asked(srp, client)["ChallengeParameters"], said)) == WRONG


def test_a_question_is_over_after_the_clients_session_validity(own_house: House) -> None:
    tenant = Tenant(own_house.start(), client={"ExplicitAuthFlows": FLOWS})
    tenant.sign_up("ann")
    client = SrpClient(tenant.pool_id, PASSWORD)
    parameters = asked(tenant, client)["ChallengeParameters"]
    own_house.advance(181)
    later = timestamp(datetime.now(UTC) + timedelta(seconds=181))
    assert refusal(tenant, client.answers(parameters, later)) == WRONG


def test_another_client_cannot_finish_what_this_one_began(srp: Tenant) -> None:
    srp.sign_up("ann")
    client = SrpClient(srp.pool_id, PASSWORD)
    answers = client.answers(asked(srp, client)["ChallengeParameters"])
    other = srp.new_client(ExplicitAuthFlows=FLOWS)["ClientId"]
    refused = error_of(
        srp.cognito.respond_to_auth_challenge,
        ClientId=other,
        ChallengeName="PASSWORD_VERIFIER",
        ChallengeResponses=answers,
    )
    assert refused == WRONG
    assert answer(srp, answers)["AuthenticationResult"]["AccessToken"]


def test_a_client_that_hides_who_exists_asks_nobody_the_same_question(house: House) -> None:
    tenant = Tenant(house, client={"ExplicitAuthFlows": FLOWS, "PreventUserExistenceErrors": "ENABLED"})
    tenant.sign_up("ann")
    client = SrpClient(tenant.pool_id, PASSWORD)
    real = asked(tenant, client)["ChallengeParameters"]
    first, second = (asked(tenant, client, "nobody")["ChallengeParameters"] for _time in range(2))
    assert set(first) == set(real)
    assert (first["USERNAME"], first["USER_ID_FOR_SRP"]) == ("nobody", "nobody")
    assert first["SALT"] == second["SALT"]
    assert abs(len(first["SRP_B"]) - len(real["SRP_B"])) <= 4
    assert refusal(tenant, client.answers(first)) == WRONG


def test_a_secret_of_the_client_is_asked_for_in_both_legs(house: House) -> None:
    tenant = Tenant(house, client={"ExplicitAuthFlows": FLOWS, "GenerateSecret": True})
    refused = error_of(
        tenant.cognito.initiate_auth,
        ClientId=tenant.client_id,
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": "ann", "SRP_A": "ab"},
    )
    text = f"Client {tenant.client_id} is configured with secret but SECRET_HASH was not received"
    assert refused == ("NotAuthorizedException", text, 400)


@pytest.mark.parametrize("missing", ["USERNAME", "SRP_A"])
def test_a_missing_parameter_is_named(srp: Tenant, missing: str) -> None:
    parameters = {"USERNAME": "ann", "SRP_A": "ab"}
    del parameters[missing]
    refused = error_of(
        srp.cognito.initiate_auth,
        ClientId=srp.client_id,
        AuthFlow="USER_SRP_AUTH",
        AuthParameters=parameters,
    )
    assert refused == ("InvalidParameterException", f"Missing required parameter {missing}", 400)
