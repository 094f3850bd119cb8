"""Times, as the wire prints them."""

from hypothesis import given
from hypothesis import strategies as st

from cenote.domain.times import wire_time


def test_a_time_has_as_many_decimals_as_it_needs():
    assert repr(wire_time(1_790_257_797_161)) == "1790257797.161"
    assert repr(wire_time(1_790_257_832_480)) == "1790257832.48"


def test_a_whole_second_is_an_integer():
    assert repr(wire_time(1_790_257_832_000)) == "1790257832"


@given(st.integers(0, 10**14))
def test_no_millisecond_is_lost(time_ms):
    assert round(wire_time(time_ms) * 1000) == time_ms
    assert len(repr(wire_time(time_ms)).partition(".")[2]) <= 3
