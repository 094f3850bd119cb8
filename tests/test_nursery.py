"""What forked servers and commands can't do, and that a test which wants it hears so."""

import os
from pathlib import Path

import pytest

from tests.nursery import QuickHouse, _status_told, run_command


def test_a_forked_server_is_given_no_variables(tmp_path: Path):
    house = QuickHouse(tmp_path)
    house.variables = {"CENOTE_THREADS": "1"}
    with pytest.raises(AssertionError, match="the nursery's own environment"):
        house.start()


def test_a_status_is_told_and_is_no_commands_own_where_nothing_was(tmp_path: Path):
    assert run_command("keys", "list", "--data", str(tmp_path / "nowhere")).returncode == 2
    ours, theirs = os.pipe()
    os.close(theirs)
    with os.fdopen(ours) as told:
        assert _status_told(told, 0) == -1
