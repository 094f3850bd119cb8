"""Figures for Prometheus: calls by operation and outcome, their time, and what is owed to the keys folder."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that is read when somebody asks."""

    name: str
    sentence: str
    read: Callable[[], int]


class Metrics:
    """The figures of one process.  A label is an operation or an exception's name, never a person's."""

    def __init__(self, figures: Iterable[Figure]) -> None:
        self._registry = CollectorRegistry()
        self._calls = Counter(
            "cenote_calls", "Calls answered", ("operation", "outcome"), registry=self._registry
        )
        self._seconds = Histogram(
            "cenote_call_seconds",
            "Time of a call",
            ("operation",),
            buckets=BUCKETS_S,
            registry=self._registry,
        )
        # Each is found by its labels once: that costs more than to count.
        self._calls_of, self._seconds_of = cache(self._calls.labels), cache(self._seconds.labels)
        for figure in figures:
            Gauge(figure.name, figure.sentence, registry=self._registry).set_function(figure.read)

    def count(self, operation: str, outcome: str, spent_s: float) -> None:
        """Count one call."""
        self._calls_of(operation, outcome).inc()
        self._seconds_of(operation).observe(spent_s)

    def text(self) -> bytes:
        """The figures in Prometheus' text format."""
        return generate_latest(self._registry)
