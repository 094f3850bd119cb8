"""
The pytest plugin: a server inside the test process, a client of it, its messages and its clock.

pytest loads this module in every run where Cenote is installed, so it imports nothing of the house before a
fixture is asked for.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cenote.embedded.clock import MovableClock
    from cenote.embedded.inbox import Inbox
    from cenote.embedded.server import Server


@pytest.fixture(scope="session")
def cenote_settings() -> dict[str, Any]:
    """The arguments of `cenote.start()`, none; define a fixture of this name to give some."""
    return {}


@pytest.fixture(scope="session")
def cenote_server(cenote_settings: dict[str, Any]) -> "Iterator[Server]":
    """A Cenote in this process for the whole session, on a temporary folder; pytest-xdist: one a worker."""
    import cenote

    with cenote.start(**cenote_settings) as server:
        yield server


@pytest.fixture(scope="session")
def cognito_idp(cenote_server: "Server") -> Any:
    """A boto3 client of `cenote_server`; it may do everything, and threads may share it."""
    return cenote_server.client("cognito-idp")


@pytest.fixture
def cenote_inbox(cenote_server: "Server") -> "Inbox":
    """The messages sent since this test began: `messages(to)`, `code_for(to)`, `wait(to, seconds=5)`."""
    return cenote_server.inbox.since_now()


@pytest.fixture
def cenote_clock(cenote_server: "Server") -> "MovableClock":
    """The clock of `cenote_server`: `now()`, `advance(seconds)`. No test's end sets it back."""
    return cenote_server.clock
