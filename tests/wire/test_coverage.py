"""The page of operations: it is generated, complete, and refuses to claim what nobody can call."""

import pytest

from cenote.wire.coverage import operations_page
from cenote.wire.model import Model

OPERATIONS = Model.load().operations


def test_the_page_says_how_it_is_made():
    assert operations_page(OPERATIONS, set()).splitlines()[0] == (
        "<!-- Generated from the service model and the registry by `make docs`; do not edit. -->"
    )


def test_the_page_has_a_row_for_each_operation():
    rows = [
        line for line in operations_page(OPERATIONS, {"DeleteUser"}).splitlines() if line.startswith("| ")
    ]
    assert len(rows) == 2 + len(OPERATIONS)
    assert "| DeleteUser | no | yes |" in rows
    assert "| AdminDeleteUser | yes | no |" in rows


def test_the_page_counts_what_is_served():
    page = operations_page(OPERATIONS, {"DeleteUser", "GetUser"})
    assert f"2 of the model's {len(OPERATIONS)} operations are served." in page


def test_an_operation_that_the_model_does_not_know_cannot_be_served():
    with pytest.raises(ValueError, match="DeleteUzer"):
        operations_page(OPERATIONS, {"DeleteUzer"})
