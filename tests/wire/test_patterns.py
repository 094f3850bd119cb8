"""Java's patterns: they mean here what they mean there, and no input makes one of them slow."""

import time

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from cenote.wire.model import Model
from cenote.wire.patterns import LINEAR, PATTERN_SECONDS_MAX, _translated, matcher

PATTERNS = sorted({shape.pattern for shape in Model.load()._shapes.values() if shape.pattern})

HOSTILE_STARTS = ["", "arn:a:a:a:1:", "arn:aws:secretsmanager:", "https://", "{##", "a@"]
HOSTILE_UNITS = [
    *"a-_@:[{#é1 \u2028💥",
    "a@",
    "a.",
    "a-",
    "a\u2028 ",
    "{####}",
    "{##",
    "##}",
    "{##a##}",
    "arn:a:",
]
HOSTILE_ENDS = ["", "\x00", "\n", " ", ".", "{####}"]
HOSTILE_CHARACTERS = 30_000


def is_matched(pattern, value):
    return bool(matcher(pattern)(value))


@pytest.mark.parametrize(
    "pattern, value, matches",
    [
        (r"[\w+]+", "aZ_9+", True),
        (r"[\w+]+", "é", False),
        (r"[\w+]+", "٣", False),
        (r"[\d\w\-]+", "٣", False),
        (r"[\S]+", "\u00a0", True),
        (r"[\S]+", "a b", False),
        (r"[\S]+", "\x1f", True),
        (r"[\w\s+=,.@-]+", "a\u00a0b", False),
        (r"^https://[^\s]+$", "https://a\u00a0", True),
        (r"^https://[^\s]+$", "https://a\tb", False),
        (r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", "Zoë٣€", True),
        (r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", "a b", False),
        (r".*\{####\}.*", "a\u2028{####}", False),
        (r"(?s).*", "a\n\u2028b", True),
        (r"^[0-9a-fA-F]+$", "ab\n", False),
        (r"[A-Za-z0-9-_=.]+", "", False),
        (r"^[\S]+.*[\S]+$", "correct horse", True),
        (r"^[\S]+.*[\S]+$", " padded", False),
        (r"^[\S]+.*[\S]+$", "padded ", False),
        (r"^[\S]+.*[\S]+$", "x", False),
    ],
)
def test_a_pattern_means_what_java_means_by_it(pattern, value, matches):
    assert is_matched(pattern, value) is matches


@pytest.mark.parametrize("pattern", sorted(LINEAR))
@given(
    value=st.text("a@{#} \n\x00\u2028", max_size=14)
    | st.text(max_size=6).map(lambda text: f"a{{##{text}##}}@a")
)
def test_a_pattern_made_linear_matches_what_it_matched_before(pattern, value):
    assert is_matched(pattern, value) is bool(regex.fullmatch(_translated(pattern), value))


@pytest.mark.parametrize("pattern", sorted(LINEAR))
def test_a_pattern_made_linear_is_still_in_use(pattern):
    assert pattern in PATTERNS


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_input_makes_a_pattern_slow(pattern):
    slowest = max(
        seconds(pattern, start + unit * (HOSTILE_CHARACTERS // len(unit)) + end)
        for start in HOSTILE_STARTS
        for unit in HOSTILE_UNITS
        for end in HOSTILE_ENDS
    )
    assert slowest < PATTERN_SECONDS_MAX / 5


def seconds(pattern, value):
    started = time.process_time()
    is_matched(pattern, value)
    return time.process_time() - started


def test_a_pattern_that_backtracks_is_stopped_and_matches_nothing():
    started = time.process_time()
    assert not is_matched("(a|aa)+(b|bb)", "a" * 5000)
    assert time.process_time() - started < PATTERN_SECONDS_MAX * 3
