"""The failures are those of the service model: each once, and none besides the protocol's own."""

import pytest

from cenote import errors
from cenote.wire.shapes import read_document

EXCEPTIONS = {name: shape for name, shape in read_document().shapes.items() if shape.exception}
CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.CognitoError) and value is not errors.CognitoError
}
OF_THE_WIRE = {name for name, value in CLASSES.items() if issubclass(value, errors.WireError)}


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_every_failure_of_the_model_is_a_type_of_its_name(name):
    assert CLASSES[name].__name__ == name


def test_there_is_no_failure_that_the_model_does_not_know():
    assert CLASSES.keys() - OF_THE_WIRE == EXCEPTIONS.keys()


def test_no_failure_of_the_model_is_taken_for_one_of_the_protocol():
    assert not OF_THE_WIRE & EXCEPTIONS.keys()


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_a_fault_of_the_service_is_a_500_and_nothing_else_is(name):
    assert (CLASSES[name].status >= 500) == EXCEPTIONS[name].fault
    assert CLASSES[name].status in ({500} if EXCEPTIONS[name].fault else {400, 403})


def test_every_error_that_an_operation_lists_is_a_type():
    listed = {error.shape for operation in read_document().operations.values() for error in operation.errors}
    assert listed <= CLASSES.keys()


def test_a_failure_speaks_its_own_text_or_the_one_given():
    assert errors.CodeMismatchException().message == "Invalid verification code provided, please try again."
    assert errors.CodeMismatchException("Other").message == "Other"
    assert errors.CodeMismatchException(detail="for the log").detail == "for the log"
