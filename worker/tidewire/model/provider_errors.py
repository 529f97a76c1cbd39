"""Which failures of a model provider another attempt may mend.

The messages go to the run's owner. They are ours alone: a provider's text may quote a key, and
stays in the exception's cause for the operator.
"""

from __future__ import annotations

from typing import Final

from tidewire.errors import PermanentStepError, RetryableStepError, StepError

_RETRYABLE: Final = {
    408: "the language model took too long to answer",
    409: "the language model was busy with a conflicting request",
    425: "the language model was not ready",
    429: "the language model's rate limit is reached",
}
_PERMANENT: Final = {
    400: "the language model refused the request as malformed",
    401: "the language model refused the worker's key",
    403: "the language model does not allow this request",
    404: "the language model is not known to its provider",
    413: "the request is too large for the language model",
}


def step_error(status: int | None) -> StepError:
    """Return the error of a step whose provider answered HTTP `status`.

    Args:
      status: None when there was no answer, or the failure came in the middle of one.
    """
    if status is None:
        return RetryableStepError("the language model could not be reached or broke off")
    if status in _RETRYABLE:
        return RetryableStepError(f"{_RETRYABLE[status]} (HTTP {status})")
    if 400 <= status < 500:
        reason = _PERMANENT.get(status, "the language model refused the request")
        return PermanentStepError(f"{reason} (HTTP {status})")
    return RetryableStepError(f"the language model failed (HTTP {status})")
