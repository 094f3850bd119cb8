"""How one secret of a client takes the place of another."""

from dataclasses import replace

import pytest

from cenote.domain.client_secrets import descriptor, secret_id_of, with_secret, without_secret
from cenote.domain.registrations import Client, ClientSecret
from cenote.errors import InvalidParameterException, LimitExceededException, ResourceNotFoundException

PUBLIC = Client(
    client_id="7cauc5deq23ueku0n4tmqlgidr",
    pool_id="us-east-1_SbeSpjvX7",
    document={},
    created_ms=1000,
    modified_ms=1000,
)


def confidential(*secrets):
    return replace(PUBLIC, secrets=secrets)


FIRST = ClientSecret(1000, b"first")
ONE = confidential(FIRST)


def test_a_second_secret_comes_last_and_the_first_stays():
    two = with_secret(ONE, b"second", now_ms=2500)
    assert two.secrets == (FIRST, ClientSecret(2500, b"second"))


@pytest.mark.parametrize("now_ms", [1000, 10])
def test_two_secrets_never_have_one_id(now_ms):
    two = with_secret(ONE, b"second", now_ms=now_ms)
    assert [secret_id_of(two, secret) for secret in two.secrets] == [
        f"{PUBLIC.client_id}--1000",
        f"{PUBLIC.client_id}--1001",
    ]


def test_there_is_no_third_secret():
    with pytest.raises(LimitExceededException) as refused:
        with_secret(with_secret(ONE, b"second", now_ms=2000), b"third", now_ms=3000)
    assert refused.value.message == "Client secrets cannot exceed limit of 2 secrets."


def test_a_public_client_stays_public():
    with pytest.raises(InvalidParameterException) as refused:
        with_secret(PUBLIC, b"first", now_ms=2000)
    assert refused.value.message == f"Client {PUBLIC.client_id} does not have a client secret."


@pytest.mark.parametrize("gone,left", [(0, b"second"), (1, b"first")])
def test_either_secret_may_go(gone, left):
    two = with_secret(ONE, b"second", now_ms=2000)
    one = without_secret(two, secret_id_of(two, two.secrets[gone]))
    assert [secret.sealed for secret in one.secrets] == [left]


def test_the_last_secret_stays():
    with pytest.raises(InvalidParameterException) as refused:
        without_secret(ONE, secret_id_of(ONE, FIRST))
    assert refused.value.message == "The last client secret cannot be deleted."


@pytest.mark.parametrize("client", [ONE, PUBLIC])
def test_a_secret_that_is_not_there_is_not_found(client):
    with pytest.raises(ResourceNotFoundException) as refused:
        without_secret(client, f"{PUBLIC.client_id}--7")
    assert refused.value.message == "Client secret does not exist"


def test_a_secret_is_told_once():
    assert descriptor(ONE, FIRST) == {
        "ClientSecretId": f"{PUBLIC.client_id}--1000",
        "ClientSecretCreateDate": 1,
    }
    assert descriptor(ONE, FIRST, "value")["ClientSecretValue"] == "value"


def test_no_secret_is_told_by_the_way():
    assert "first" not in repr(ONE)
