"""The list of operations that write: complete, and each request as the model wants it."""

import pytest

from cenote.app import load_operations
from tests.house import MODEL
from tests.writers import READERS, WRITERS, Aim

AIM = Aim("us-east-1_abcdefghi", "client", "ann", "mark")


def test_every_operation_is_known_to_read_or_to_write() -> None:
    assert not READERS & WRITERS.keys()
    assert READERS | WRITERS.keys() == load_operations().keys()


@pytest.mark.parametrize("operation", WRITERS)
def test_a_request_of_a_writing_operation_passes_the_model(operation: str) -> None:
    request = WRITERS[operation](AIM)
    assert MODEL.check_request(operation, dict(request)) == request
