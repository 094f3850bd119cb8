"""Which generations of its refresh tokens a session accepts, and when."""

import pytest

from cenote.domain.registrations import Session

NEVER_ROTATED = Session("sub", "id", "event", "client", 0, 1_000_000)
ROTATED = Session("sub", "id", "event", "client", 0, 1_000_000, generation=3, retired=1, retry_until_ms=500)


def test_a_session_that_never_rotated_accepts_its_first_token_alone():
    assert [NEVER_ROTATED.accepts(number, now_ms=0) for number in (-1, 0, 1)] == [False, True, False]


@pytest.mark.parametrize(
    "now_ms, accepted", [(0, {1, 3}), (499, {1, 3}), (500, {3}), (501, {3}), (10**15, {3})]
)
def test_a_rotated_one_accepts_the_present_token_and_until_its_deadline_the_retired_one(now_ms, accepted):
    assert {number for number in range(-1, 6) if ROTATED.accepts(number, now_ms=now_ms)} == accepted
