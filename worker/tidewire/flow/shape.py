"""The immutable shape of a flow: what is registered with the database and pinned by runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

Access = Literal["service", "authenticated"]
OnRetry = Literal["continue", "restart"]

_MILLISECOND = timedelta(milliseconds=1)
_MOST_ATTEMPTS = 1000


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a step is tried, and how long the database waits in between.

    Args:
      max_attempts: tries in all, 1 to 1000; 1 means that a failure is final.
      base: wait after the first failure. Each further failure doubles it.
      cap: upper bound of the wait; at least `base`.
    """

    max_attempts: int = 3
    base: timedelta = timedelta(seconds=1)
    cap: timedelta = timedelta(minutes=5)

    def __post_init__(self) -> None:
        attempts = self.max_attempts
        if isinstance(attempts, bool) or not isinstance(attempts, int):
            raise ValueError(f"max_attempts must be an integer, got {attempts!r}")
        if not 1 <= attempts <= _MOST_ATTEMPTS:
            raise ValueError(f"max_attempts must be 1 to {_MOST_ATTEMPTS}, got {attempts}")
        if not isinstance(self.base, timedelta) or self.base < timedelta():
            raise ValueError(f"backoff must be a timedelta of 0 or more, got {self.base!r}")
        if not isinstance(self.cap, timedelta) or self.cap < self.base:
            raise ValueError(f"backoff_cap must be a timedelta of at least backoff, got {self.cap}")


@dataclass(frozen=True, slots=True)
class StepShape:
    """One step as the database sees it. `deps` are the slugs of earlier steps."""

    slug: str
    deps: tuple[str, ...]
    queue: str
    priority: int
    retry: RetryPolicy
    timeout: timedelta
    stream: bool
    publish: bool
    on_retry: OnRetry

    def definition(self) -> dict[str, Any]:
        """Return the step's part of the definition document."""
        return {
            "slug": self.slug,
            "deps": list(self.deps),
            "queue": self.queue,
            "priority": self.priority,
            "max_attempts": self.retry.max_attempts,
            "timeout_ms": self.timeout // _MILLISECOND,
            "backoff_base_ms": self.retry.base // _MILLISECOND,
            "backoff_cap_ms": self.retry.cap // _MILLISECOND,
            "stream": self.stream,
            "publish": self.publish,
            "on_retry": self.on_retry,
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
            "timeout_ms": self.timeout // _MILLISECOND,
            "input_schema": None if schema is None else json.loads(schema),
            "steps": [step.definition() for step in self.steps],
        }


def timeout_problem(timeout: object) -> str | None:
    """Return why `timeout` cannot be used, or None when it can. No timeout may be missing."""
    if not isinstance(timeout, timedelta) or timeout < _MILLISECOND:
        return f"timeout must be a timedelta of at least 1 ms, got {timeout!r}"
    return None
