"""What became of a run, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from tidewire.testing.errors import RunFailed


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step of a run, or one item of a map step.

    Attributes:
      attempt: how often it was tried; 0 before the first time.
      error: what operators see of its last failure, a traceback as a rule.
      items: of a map step, in the order of the list that it maps over.
    """

    slug: str
    status: str
    attempt: int
    output: Any
    error: str | None
    items: Sequence[StepResult] = ()


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run as it was when the test looked at it.

    Attributes:
      error: what the run's owner is told of its failure.
      steps: by slug, in the order of their definition.
      log: the chunks that readers of the run get.
    """

    run_id: UUID
    flow_slug: str
    status: str
    output: Any
    error: str | None
    steps: Mapping[str, StepResult]
    log: Sequence[Mapping[str, Any]]

    @property
    def text(self) -> str:
        """The streamed answer: every text part in the order of the log, without reset ones."""
        parts: dict[str, str] = {}
        for chunk in self.log:
            match chunk:
                case {"type": "text-delta", "id": part, "delta": delta}:
                    parts[part] = parts.get(part, "") + delta
                case {"type": "data-reset", "data": {"parts": reset}}:
                    for part in reset:
                        parts.pop(part, None)
        return "".join(parts.values())

    def check(self) -> Self:
        """Return the result of a completed run.

        Raises:
          RunFailed: the run was not completed. The message holds the errors of its steps.
        """
        if self.status == "completed":
            return self
        lines = [f"run {self.run_id} of flow {self.flow_slug} is {self.status}: {self.error}"]
        for step in self.steps.values():
            lines += [f"{one.slug}: {one.error}" for one in (step, *step.items) if one.error]
        raise RunFailed("\n".join(lines))
