"""What is recorded and shown when an attempt fails."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Final

from tidewire.errors import PayloadTooLarge, PermanentStepError, RetryableStepError

_MOST_ERROR_CHARACTERS: Final = 8192


class AttemptTimedOut(Exception):
    """The attempt took longer than its step allows."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt.

    Attributes:
      error: for operators; may quote anything.
      message: for the run's owner; never holds what the handler did not mean to show.
      retryable: whether another attempt may mend it.
    """

    error: str
    message: str
    retryable: bool


def failure_of(
    error: BaseException, step_slug: str, never_retry: tuple[type[BaseException], ...] = ()
) -> Failure:
    """Return how the failure of a handler is recorded.

    Step errors are shown as they are, because their authors wrote them for the owner. Of anything
    else the owner learns only that the step failed. `never_retry` is what no further attempt mends,
    as the step's author knows.
    """
    match error:
        case PermanentStepError() | PayloadTooLarge():
            message, retryable = str(error), False
        case RetryableStepError() | AttemptTimedOut():
            message, retryable = str(error), True
        case _:
            message, retryable = f"step {step_slug} failed", True
    if never_retry and isinstance(error, never_retry):
        retryable = False
    return Failure(_traceback(error), message or f"step {step_slug} failed", retryable)


def _traceback(error: BaseException) -> str:
    """Return the end of the traceback, where the cause is, cut to what is stored."""
    text = "".join(traceback.format_exception(error)).strip()
    return text[-_MOST_ERROR_CHARACTERS:]
