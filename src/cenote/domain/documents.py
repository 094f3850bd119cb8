"""
Documents: values in the API's own shape, as a request brings them and the store keeps them.

Owns the one reading rule that all of them share.  Leaves out what their members mean (`pools.py`,
`clients.py`).
"""

from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]


def without_nulls(members: Mapping[str, Any]) -> Document:
    """A deep copy in which a null member is absent, as the service reads it; the copy shares nothing."""
    return {name: _copied(value) for name, value in members.items() if value is not None}


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_nulls(value)
    if isinstance(value, list | tuple):
        return [_copied(item) for item in value]
    return value
