"""When a step's turn comes, and how long it lasts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Timing:
    """The line that a ready step stands in, and its time there.

    Args:
      queue: the line's name.
      priority: higher is claimed earlier.
      delay: wait between the step's being ready and its standing in line.
      timeout: how long one attempt may take.

    Raises:
      ValueError: an argument is out of range.
    """

    queue: str
    priority: int
    delay: timedelta
    timeout: timedelta

    def __post_init__(self) -> None:
        if not isinstance(self.queue, str) or not self.queue:
            raise ValueError(f"queue must be a name, got {self.queue!r}")
        if isinstance(self.priority, bool) or not isinstance(self.priority, int):
            raise ValueError(f"priority must be an integer, got {self.priority!r}")
        if not isinstance(self.delay, timedelta) or self.delay < timedelta():
            raise ValueError(f"delay must be a timedelta of 0 or more, got {self.delay!r}")
        problem = timeout_problem(self.timeout)
        if problem:
            raise ValueError(problem)


def timeout_problem(timeout: object) -> str | None:
    """Return why `timeout` cannot be used, or None when it can. No timeout may be missing."""
    if not isinstance(timeout, timedelta) or timeout < MILLISECOND:
        return f"timeout must be a timedelta of at least 1 ms, got {timeout!r}"
    return None
