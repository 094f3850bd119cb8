"""Invitations: passwords that are generated, their days, and the media."""

import random

import pytest

from cenote.domain.invitations import (
    DAY_MS,
    ENTROPY_BYTES,
    generated_password,
    invited_at,
    is_temporary_over,
)
from cenote.domain.passwords import PasswordPolicy, policy_refusal
from cenote.domain.users import Status, User
from cenote.errors import InvalidParameterException


def policy(length=8, *, days=7):
    return PasswordPolicy(length, True, True, True, True, 0, days)


@pytest.mark.parametrize("length", [6, 8, 9, 20, 99])
def test_a_generated_password_keeps_the_strictest_policy_and_is_as_short_as_may_be(length):
    chance = random.Random(length)
    for _try in range(50):
        password = generated_password(policy(length), chance.randbytes(ENTROPY_BYTES))
        assert policy_refusal(password, policy(length)) is None
        assert len(password) == max(8, length)
        assert not set(password) & set(" <>&\"'\\`")


def test_two_generated_passwords_are_not_alike():
    chance = random.Random(0)
    made = {generated_password(policy(), chance.randbytes(ENTROPY_BYTES)) for _try in range(200)}
    assert len(made) == 200
    # Every kind of sign may stand at every place.
    for place in range(8):
        signs = {password[place] for password in made}
        assert any(sign.isupper() for sign in signs)
        assert any(sign.isdecimal() for sign in signs)


def test_a_generated_password_needs_no_chance_to_keep_the_policy():
    for entropy in (bytes(ENTROPY_BYTES), b"\xff" * ENTROPY_BYTES):
        assert policy_refusal(generated_password(policy(99), entropy), policy(99)) is None


def user(since_ms):
    return User(
        sub="4f0c5e9a-0000-4000-8000-000000000000",
        pool_id="us-east-1_abcdefghi",
        username="ann",
        status=Status.FORCE_CHANGE_PASSWORD,
        attributes={},
        password=None,
        temporary_since_ms=since_ms,
        created_ms=0,
        modified_ms=0,
    )


def test_a_temporary_password_is_good_for_the_pool_s_days():
    assert not is_temporary_over(user(1000), policy(days=2), now_ms=1000 + 2 * DAY_MS - 1)
    assert is_temporary_over(user(1000), policy(days=2), now_ms=1000 + 2 * DAY_MS)
    assert not is_temporary_over(user(None), policy(), now_ms=10**15)


PHONE, MAIL = {"phone_number": "+1"}, {"email": "a@b.c"}


@pytest.mark.parametrize(
    "asked, attributes, goes_to",
    [
        ([], PHONE | MAIL, ("phone_number",)),
        ([], MAIL, ("email",)),
        ([], {}, ()),
        (["EMAIL"], PHONE | MAIL, ("email",)),
        (["EMAIL", "SMS", "EMAIL"], PHONE | MAIL, ("email", "phone_number")),
    ],
)
def test_an_invitation_goes_where_it_is_sent_or_by_sms_or_by_mail(asked, attributes, goes_to):
    assert invited_at(asked, attributes) == goes_to


@pytest.mark.parametrize("asked, attributes", [(["EMAIL"], PHONE), (["SMS"], MAIL), (["SMS", "EMAIL"], {})])
def test_a_medium_that_is_named_needs_its_address(asked, attributes):
    with pytest.raises(InvalidParameterException):
        invited_at(asked, attributes)
