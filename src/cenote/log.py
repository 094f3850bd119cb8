"""
What the house tells its operator: through structlog, in a configuration of its own.

A program that holds a server in itself keeps its structlog and its stdout: lines go to the standard library's
`logging`, each under the name of its logger, until somebody says otherwise (`cli/logging.py` does).  Leaves
out what is told; it is never a value of a person's.
"""

import logging
from typing import Any

import structlog
from structlog.typing import EventDict, Processor


def _in_a_line(_logger: object, _method: str, event: EventDict) -> str:
    """The event as `logging` takes it: its name, then the others as `name=value`."""
    name = event.pop("event")
    return " ".join([str(name), *(f"{key}={value}" for key, value in event.items())])


_processors: list[Processor] = [_in_a_line]


def logger(name: str) -> Any:
    """The logger of a part of the house."""
    return structlog.wrap_logger(
        logging.getLogger(name),
        processors=_processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        context_class=dict,
        cache_logger_on_first_use=True,
    )


def write_through(*processors: Processor) -> list[Processor]:
    """
    Let every line, of loggers that exist already too, pass these, of which the last one writes it.

    Returns the ones that were there, so that they can be put back.
    """
    former = list(_processors)
    _processors[:] = processors
    return former
