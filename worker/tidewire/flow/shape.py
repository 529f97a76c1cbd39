"""The immutable shape of a flow: what is registered with the database and pinned by runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from tidewire.flow.cache import Cache, check_cache
from tidewire.flow.condition import Condition
from tidewire.flow.retry import OnRetry, RetryPolicy
from tidewire.flow.timing import MILLISECOND, Timing

Access = Literal["service", "authenticated"]


@dataclass(frozen=True, slots=True)
class MapOver:
    """The list whose elements are a map's items.

    Args:
      source: "input", or the slug of the step whose output is the list.
      tolerance: share of the items that may fail, 0 to 1.

    Raises:
      ValueError: the source is no text, or the tolerance out of range.
    """

    source: str
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.source, str):
            raise ValueError(f"over must be input or the slug of a step, got {self.source!r}")
        share = self.tolerance
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ValueError(f"tolerance must be a number from 0 to 1, got {share!r}")


@dataclass(frozen=True, slots=True)
class Edges:
    """Where a step stands in the flow.

    Attributes:
      deps: slugs of the earlier steps it waits for, in the order of definition.
      takes: what its handler is given: "input" and slugs out of `deps`.
      over: makes it a map. Its source, when a step, is one of `deps`.
    """

    deps: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    over: MapOver | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is done with what a step makes.

    Args:
      stream: it writes parts of the answer into the run's log.
      publish: the run's owner may see its output.
      cache: later runs use its output again.

    Raises:
      ValueError: the cache is wrong, or the step streams as well.
    """

    stream: bool = False
    publish: bool = False
    cache: Cache | None = None

    def __post_init__(self) -> None:
        if self.cache is None:
            return
        check_cache(self.cache)
        if self.stream:
            raise ValueError(
                f"cache must be left out of a step with stream=True, got {self.cache}; "
                "the text that it streams is in one run's log alone"
            )


@dataclass(frozen=True, slots=True)
class StepShape:
    """One step as the database sees it."""

    slug: str
    edges: Edges
    condition: Condition
    timing: Timing
    retry: RetryPolicy
    outcome: Outcome

    @property
    def deps(self) -> tuple[str, ...]:
        """Slugs of the earlier steps that this one waits for."""
        return self.edges.deps

    @property
    def over(self) -> MapOver | None:
        """What a map maps; None for a step that is no map."""
        return self.edges.over

    @property
    def queue(self) -> str:
        """The line of ready steps that this one stands in."""
        return self.timing.queue

    @property
    def timeout(self) -> timedelta:
        """How long one attempt may take."""
        return self.timing.timeout

    @property
    def on_retry(self) -> OnRetry:
        """Whether a later attempt continues the streamed text or restarts it."""
        return self.retry.on_retry

    @property
    def cache(self) -> Cache | None:
        """How later runs use the output again; None when they do not."""
        return self.outcome.cache

    @property
    def may_be_skipped(self) -> bool:
        """Whether steps that depend on this one may be worked without its output."""
        conditional = self.condition.when is not None and self.condition.otherwise == "skip"
        return conditional or self.retry.on_exhausted == "skip"

    def definition(self) -> dict[str, Any]:
        """Return the step's part of the definition document."""
        over, cache = self.edges.over, self.outcome.cache
        return {
            "slug": self.slug,
            "deps": list(self.edges.deps),
            "takes": list(self.edges.takes),
            "over": None if over is None else over.source,
            "tolerance": 0.0 if over is None else float(over.tolerance),
            "when": self.condition.when,
            "otherwise": self.condition.otherwise,
            "queue": self.timing.queue,
            "priority": self.timing.priority,
            "delay_ms": self.timing.delay // MILLISECOND,
            "timeout_ms": self.timing.timeout // MILLISECOND,
            "max_attempts": self.retry.max_attempts,
            "backoff_base_ms": self.retry.base // MILLISECOND,
            "backoff_cap_ms": self.retry.cap // MILLISECOND,
            "on_retry": self.retry.on_retry,
            "on_exhausted": self.retry.on_exhausted,
            "stream": self.outcome.stream,
            "publish": self.outcome.publish,
            "cache": None if cache is None else cache.definition(),
        }


@dataclass(frozen=True, slots=True)
class FlowShape:
    """A flow as the database sees it.

    Attributes:
      input_schema_json: JSON schema of the run's input as text, so that the shape is immutable
        throughout; None when the flow takes any input.
      steps: in topological order, which is the order of definition.
    """

    slug: str
    label: str
    access: Access
    timeout: timedelta
    input_schema_json: str | None
    steps: tuple[StepShape, ...]

    def definition(self) -> dict[str, Any]:
        """Return the document for `register_flow`; equal for equal shapes, whenever it is made."""
        schema = self.input_schema_json
        return {
            "slug": self.slug,
            "label": self.label,
            "access": self.access,
            "timeout_ms": self.timeout // MILLISECOND,
            "input_schema": None if schema is None else json.loads(schema),
            "steps": [step.definition() for step in self.steps],
        }
