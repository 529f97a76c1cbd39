"""What the owner is told of a failure, and what operators are."""

from __future__ import annotations

import pytest

from tidewire.engine.failure import AttemptTimedOut, failure_of
from tidewire.errors import PayloadTooLarge, PermanentStepError, RetryableStepError


@pytest.mark.parametrize(
    ("error", "message", "retryable"),
    [
        (PermanentStepError("closed"), "closed", False),
        (PayloadTooLarge("too big"), "too big", False),
        (RetryableStepError("busy"), "busy", True),
        (AttemptTimedOut("too slow"), "too slow", True),
        (KeyError("secret"), "step call failed", True),
        (PermanentStepError(""), "step call failed", False),
    ],
)
def test_only_messages_meant_for_the_owner_are_shown(
    error: Exception, message: str, retryable: bool
) -> None:
    failure = failure_of(error, "call")
    assert (failure.message, failure.retryable) == (message, retryable)


def test_operators_get_the_end_of_the_traceback_where_the_cause_is() -> None:
    failure = failure_of(ValueError("x" * 20_000 + " the cause"), "call")
    assert len(failure.error) == 8192
    assert failure.error.endswith("the cause")
