"""Which of many like cases the everyday suite takes; the others are thorough, and run beside it."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

import pytest

ONE_IN = 5


def of_which(cases: Iterable[Any], everyday: Container[Any]) -> list[Any]:
    """These cases in their order, those that are not among the everyday ones marked as thorough."""
    return [case if case in everyday else pytest.param(case, marks=pytest.mark.thorough) for case in cases]


def one_in_five(cases: Mapping[str, Any]) -> list[Any]:
    """These cases by their names, of which the first and each fifth after it are everyday."""
    return [
        pytest.param(case, id=name, marks=[] if number % ONE_IN == 0 else pytest.mark.thorough)
        for number, (name, case) in enumerate(cases.items())
    ]
