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


class Logger:
    """
    A logger with structlog's processors and without its context, which nobody binds here.

    What that would cost is a twentieth of a GetUser, of which each leaves a line.
    """

    __slots__ = ("_logger",)

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def info(self, event: str, **values: object) -> None:
        """Tell what is as it should be."""
        self._tell("info", event, values)

    def warning(self, event: str, **values: object) -> None:
        """Tell what an operator may have to look at."""
        self._tell("warning", event, values)

    def error(self, event: str, **values: object) -> None:
        """Tell what an operator has to look at."""
        self._tell("error", event, values)

    def _tell(self, level: str, event: str, values: dict[str, object]) -> None:
        told: Any = values
        told["event"] = event
        try:
            for process in _processors:
                told = process(self._logger, level, told)
        except structlog.DropEvent:
            return
        getattr(self._logger, level)(told)


def logger(name: str) -> Logger:
    """The logger of a part of the house."""
    return Logger(logging.getLogger(name))


def write_through(*processors: Processor) -> list[Processor]:
    """
    Let every line, of loggers that exist already too, pass these, of which the last one writes it.

    Returns the ones that were there, so that they can be put back.
    """
    former = list(_processors)
    _processors[:] = processors
    return former
