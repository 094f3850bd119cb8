"""The table from wire name to operation: a new operation is one decorated function and nothing else."""

from collections.abc import Callable
from typing import Any, TypeVar

from cenote.services import Services

Answer = dict[str, Any] | None
Operation = Callable[[Services, Any], Answer]
F = TypeVar("F", bound=Operation)

OPERATIONS: dict[str, Operation] = {}


def operation(name: str) -> Callable[[F], F]:
    """Serve the operation of this wire name with the decorated function."""

    def register(function: F) -> F:
        if name in OPERATIONS:
            raise ValueError(f"{name} is served twice")
        OPERATIONS[name] = function
        return function

    return register
