"""The flows that a worker serves, by the versions the database gave them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tidewire.errors import ConfigurationError
from tidewire.flow import Flow, Step


@dataclass(frozen=True, slots=True)
class ServedStep:
    """A step and what the executor needs to know of it at every attempt.

    Attributes:
      restarts: a later attempt begins the stream anew.
      impersonal: its output is shared by all users, so that it may not know whom it is for.
    """

    step: Step
    is_async: bool
    restarts: bool
    impersonal: bool


class Catalog:
    """Finds the step of a version. Filled at registration, never changed afterwards.

    Raises:
      ConfigurationError: two flows have one slug.
    """

    def __init__(self, flows: Iterable[Flow]) -> None:
        self.flows: dict[str, Flow] = {}
        for flow in flows:
            if self.flows.setdefault(flow.slug, flow) is not flow:
                raise ConfigurationError(f"flow {flow.slug} must be defined once, got two")
        self._steps: dict[tuple[str, str], ServedStep] = {}
        self.versions: list[str] = []

    @property
    def queues(self) -> list[str]:
        """The queues that the flows' steps stand in."""
        steps = [step for flow in self.flows.values() for step in flow.steps.values()]
        return sorted({step.shape.queue for step in steps})

    def register(self, version: str, steps: Mapping[str, Step]) -> None:
        """Say which version of a flow these steps are."""
        if version not in self.versions:
            self.versions.append(version)
        for slug, step in steps.items():
            cache = step.shape.cache
            self._steps[version, slug] = ServedStep(
                step,
                step.is_async,
                restarts=step.shape.on_retry == "restart",
                impersonal=cache is not None and cache.scope == "shared",
            )

    def find(self, version: str, slug: str) -> ServedStep:
        """Return a step. Claims are for registered versions alone, so it is there."""
        return self._steps[version, slug]
