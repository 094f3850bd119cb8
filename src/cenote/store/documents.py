"""
Decoded documents of pools and clients, kept by (id, version).

A version is read in the call's own statement, so a cached document is never staler than the row it stands
for.  Leaves out users: nothing of theirs is ever kept.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

DOCUMENTS_MAX = 4_096


class DocumentCache:
    """The most recently used documents of one process."""

    def __init__(self, documents_max: int = DOCUMENTS_MAX) -> None:
        self._kept: OrderedDict[tuple[str, str, int], Any] = OrderedDict()
        self._documents_max = documents_max
        self._guard = threading.Lock()

    def get(self, kind: str, name: str, version: int, load: Callable[[], Any]) -> Any:
        """The document of this version, read by `load` when it is not kept."""
        key = (kind, name, version)
        with self._guard:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        document = load()
        if document is not None:
            with self._guard:
                self._kept[key] = document
                while len(self._kept) > self._documents_max:
                    self._kept.popitem(last=False)
        return document
