"""How often a step is tried, how long the database waits in between, and what comes after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, get_args

from tidewire.flow.choice import check_choice

OnRetry = Literal["continue", "restart"]
OnExhausted = Literal["fail", "skip", "skip_dependents"]

_MOST_ATTEMPTS: Final = 1000


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """What becomes of a failed attempt.

    Args:
      max_attempts: tries in all, 1 to 1000; 1 means that a failure is final.
      base: wait after the first failure. Each further failure doubles it.
      cap: upper bound of the wait; at least `base`.
      on_retry: whether a later attempt continues the streamed text or restarts it.
      on_exhausted: what a step out of attempts does to the run.

    Raises:
      ValueError: an argument is out of range.
    """

    max_attempts: int = 3
    base: timedelta = timedelta(seconds=1)
    cap: timedelta = timedelta(minutes=5)
    on_retry: OnRetry = "continue"
    on_exhausted: OnExhausted = "fail"

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
        check_choice("on_retry", self.on_retry, get_args(OnRetry))
        check_choice("on_exhausted", self.on_exhausted, get_args(OnExhausted))
