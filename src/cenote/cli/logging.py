"""
How the server speaks to its operator: one JSON line an event on stderr, and never a value of a person's.
"""

import sys

import msgspec
import structlog

_encoder = msgspec.json.Encoder()


def configure_logging() -> None:
    """Write structured lines to stderr."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.EventRenamer("event"),
            _render,
        ],
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )


def _render(_logger: object, _method: str, event: structlog.typing.EventDict) -> bytes:
    return _encoder.encode(event)
