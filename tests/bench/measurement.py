"""What a measurement is: its figures, the bars they are held against, and how it is made."""

from __future__ import annotations

import statistics
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from bench.ground import Ground
from bench.sizes import Sizes

# A plain figure of the same machine in the same minutes that another one is divided by.
Baseline = Literal["commits_1", "commits_8", "round_trip"]
Values = Mapping[str, float]
Round = Callable[[], Awaitable[Values]]


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure has to reach, by DESIGN.md, section 9."""

    value: float
    kind: Literal["at least", "at most"]

    def reached_by(self, value: float) -> bool:
        return value >= self.value if self.kind == "at least" else value <= self.value


def at_least(value: float) -> Bar:
    return Bar(value, "at least")


def at_most(value: float) -> Bar:
    return Bar(value, "at most")


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of a measurement.

    Attributes:
      unit: /s, ms, s, times, or empty for a plain number.
      against: the baseline that it is divided by; None where that says nothing.
    """

    key: str
    title: str
    unit: str
    bar: Bar | None = None
    against: Baseline | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """A subject that can be measured by itself, several rounds in a row.

    Attributes:
      open: prepares what all rounds share and yields the function that makes one.
      missing: why it cannot be made, None when it can.
    """

    name: str
    metrics: Sequence[Metric]
    open: Callable[[Ground, Sizes], AbstractAsyncContextManager[Round]]
    missing: Callable[[], str | None] = lambda: None


def each_round(
    measure: Callable[[Ground, Sizes], Awaitable[Values]],
) -> Callable[[Ground, Sizes], AbstractAsyncContextManager[Round]]:
    """Return how to open a measurement whose rounds share nothing."""

    @asynccontextmanager
    async def opened(ground: Ground, sizes: Sizes) -> AsyncIterator[Round]:
        yield lambda: measure(ground, sizes)

    return opened


@dataclass(slots=True)
class Figure:
    """A metric's value in each round, and its ratio to the baseline measured beside it."""

    metric: Metric
    values: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)

    def add(self, value: float, baseline: Values) -> None:
        self.values.append(value)
        if self.metric.against is not None:
            self.ratios.append(value / baseline[self.metric.against])

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def reached(self) -> bool | None:
        """Whether the median reaches the bar; None without a bar."""
        bar = self.metric.bar
        return None if bar is None else bar.reached_by(self.median)


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that `percent` of 100 are at most, interpolated between neighbours."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
