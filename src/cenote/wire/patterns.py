r"""
The model's Java patterns as matchers that take linear time.

Owns the differences between Java's `String.matches` and Python, and the guard against patterns that
backtrack.  Leaves out when a pattern is asked at all (`constraints.py`: not for values far too long).

In Java `\w`, `\d`, `\s` and `\S` are ASCII, `\p{..}` is Unicode, and `.` stops at five line ends, not only at
one.  A pattern that is one character class cannot backtrack, and without `\p` the standard library runs it
six times faster than `regex` (1.3 us for an access token).  Every other pattern goes to `regex`, whose
timeout holds if a later model brings a bad one.
"""

import re
from collections.abc import Callable
from functools import cache

import regex

Matcher = Callable[[str], object]

PATTERN_SECONDS_MAX = 0.5
"""Process time, not wall time.  The patterns of today's model need 0.15 s at most for a megabyte."""

_TEXT = r"[\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*"
_ADDRESS = r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+"

LINEAR = {
    # Quadratic as written: after each "{####}" the last star runs to the end again.  Here the alphabet is
    # checked first, once; then only the marker has to be found.
    _TEXT + r"\{####\}" + _TEXT: rf"(?s)(?={_TEXT}+\Z).*\{{####\}}.*",
    # The same, where the alphabet is one line.
    r".*\{####\}.*": r"(?=.*+\Z).*\{####\}.*",
    # The first "{##" leaves most room for "##}": no other needs a try.
    _TEXT + r"\{##" + _TEXT + r"##\}" + _TEXT: rf"(?s)(?={_TEXT}+\Z)(?>.*?\{{##).*##\}}.*",
    # The "@" is in both classes, and the shape has no maximum length.
    _ADDRESS + "@" + _ADDRESS: rf"(?s)(?={_ADDRESS}+\Z).+@.+",
    # Cubic as written, and asked of every password: two or more visible characters, or a line between two.
    r"^[\S]+.*[\S]+$": r"\S++(?:(?<=\S\S)\Z|(?=\s).*+(?:(?<=\S)\Z|\S++\Z))",
}
"""Patterns that take more than linear time, and a linear equivalent of each; tests hold the pairs equal."""

_TOKENS = re.compile(r"\\p\{\w+\}|\\.|.", re.DOTALL)
_ONE_CLASS = re.compile(r"\^?\[(?:\\.|[^\]\\])+\][+*]?\$?")
_CLASSES = {
    r"\w": r"A-Za-z0-9_",
    r"\d": r"0-9",
    r"\s": r" \t\n\x0b\f\r",
    r"\S": r"\x00-\x08\x0e-\x1f!-\U0010ffff",
}
_NO_LINE_END = r"[^\n\r\u0085\u2028\u2029]"


@cache
def matcher(pattern: str) -> Matcher:
    """A function that is true of the strings which Java's `String.matches` accepts whole."""
    translated = _translated(LINEAR.get(pattern, pattern))
    if _ONE_CLASS.fullmatch(translated):
        return _compiled_class(translated)
    guarded = regex.compile(translated)

    def matches(value: str) -> bool:
        try:
            return guarded.fullmatch(value, timeout=PATTERN_SECONDS_MAX) is not None
        except TimeoutError:
            return False

    return matches


def _compiled_class(translated: str) -> Matcher:
    return regex.compile(translated).fullmatch if r"\p" in translated else re.compile(translated).fullmatch


def _translated(pattern: str) -> str:
    dot = "." if pattern.startswith("(?s)") else _NO_LINE_END
    pieces: list[str] = []
    in_class = False
    for token in _TOKENS.findall(pattern):
        if in_class:
            pieces.append(_CLASSES.get(token, token))
        elif token in _CLASSES:
            pieces.append(f"[{_CLASSES[token]}]")
        else:
            pieces.append(dot if token == "." else token)
        in_class = token == "[" or (in_class and token != "]")
    return "".join(pieces)
