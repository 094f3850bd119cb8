"""The figures of the lock after wrong passwords, to the millisecond."""

import pytest

from cenote.domain.lockout import Activity

NOW_MS = 1_800_000_000_000
SECOND_MS = 1_000
QUARTER_MS = 900 * SECOND_MS


def after(failures: int) -> Activity:
    """So many failures, the last of them now."""
    activity = Activity("ann")
    for _failure in range(failures):
        activity = activity.failed(now_ms=NOW_MS)
    return activity


@pytest.mark.parametrize(
    "failures, lock_ms",
    [
        (0, 0),
        (1, 0),
        (4, 0),
        (5, 1_000),
        (6, 2_000),
        (9, 16_000),
        (14, 512_000),
        (15, 900_000),
        (99, 900_000),
    ],
)
def test_the_fifth_failure_shuts_the_door_for_a_second_and_each_further_one_for_twice_as_long(
    failures, lock_ms
):
    activity = after(failures)
    assert activity.locked_until_ms == (NOW_MS + lock_ms if lock_ms else 0)
    assert activity.is_locked(NOW_MS) == (lock_ms > 0)
    assert activity.is_locked(NOW_MS + lock_ms - 1) == (lock_ms > 0)
    assert not activity.is_locked(NOW_MS + lock_ms)


def test_after_a_quiet_quarter_of_an_hour_a_failure_is_the_first_again():
    before = after(7)
    assert before.failed(now_ms=NOW_MS + QUARTER_MS - 1).failures == 8
    assert before.failed(now_ms=NOW_MS + QUARTER_MS).failures == 1
