"""
How the server speaks to its operator: one JSON line an event on stderr, and never a value of a person's.
"""

import sys
from datetime import UTC, datetime

import msgspec
import structlog
from structlog.typing import EventDict

from cenote.log import write_through

_encoder = msgspec.json.Encoder()


def configure_logging() -> None:
    """Write structured lines to stderr."""
    stderr = structlog.BytesLogger(sys.stderr.buffer)

    def write(_logger: object, level: str, event: EventDict) -> EventDict:
        event["level"] = level
        event["timestamp"] = datetime.now(tz=UTC).replace(tzinfo=None).isoformat() + "Z"
        stderr.msg(_encoder.encode(event))
        raise structlog.DropEvent

    write_through(write)
