"""Errors raised by tidewire.

* TidewireError
  x LeaseLost              a newer attempt owns the step: stop, write nothing
  x RunCancelled           the owner cancelled the run, or it ended: stop, write nothing
  x StepError              a handler failed
    + RetryableStepError   queued again after backoff
    + PermanentStepError   never retried
  x FlowDefinitionError    a flow is wrong as written (TW009)
  x PayloadTooLarge        a value is over its size limit (TW006)
  x DatabaseRefused        the database refused a call; carries its TWnnn code
    + InvalidArgument      TW001
    + NotFound             TW003, also for what belongs to somebody else
    + Conflict             TW004, the same key or id with another input
    + ThreadBusy           TW005, the thread has an active run, or the run to repeat is one
    + NotSignedIn          TW007
    + LimitReached         TW008
    + UnknownWorker        TW010, register the worker first
  x ConfigurationError     settings are missing or contradict each other
  x StackError             the embedded Supabase could not start or stop
  x MigrationError         a migration could not be applied or copied
"""

from __future__ import annotations


class TidewireError(Exception):
    """Base of every error that tidewire raises on purpose."""


class LeaseLost(TidewireError):
    """A newer attempt owns the step, so the caller must stop and write nothing (TW002)."""


class RunCancelled(TidewireError):
    """The run was cancelled or has ended, so the caller must stop and write nothing."""


class StepError(TidewireError):
    """A handler failed. Its message is shown to the run's owner: keep secrets out of it."""


class RetryableStepError(StepError):
    """A handler failed in a way that another attempt may mend."""


class PermanentStepError(StepError):
    """A handler failed in a way that no further attempt can mend."""


class FlowDefinitionError(TidewireError):
    """A flow is wrong as written. The message names the flow and the step."""


class PayloadTooLarge(TidewireError):
    """A value is over its size limit. The message names the value, its size and the limit."""


class DatabaseRefused(TidewireError):
    """The database refused a call.

    Attributes:
      code: the TWnnn code of `PROTOCOL.md`.
    """

    code = "TW000"


class InvalidArgument(DatabaseRefused):
    """An argument has a wrong type or value."""

    code = "TW001"


class NotFound(DatabaseRefused):
    """Nothing of that name exists for this caller."""

    code = "TW003"


class Conflict(DatabaseRefused):
    """The same key or id was used before with another input."""

    code = "TW004"


class ThreadBusy(DatabaseRefused):
    """The thread already has an active run, or the run that is to be repeated has not ended."""

    code = "TW005"


class NotSignedIn(DatabaseRefused):
    """The call needs a signed-in user."""

    code = "TW007"


class LimitReached(DatabaseRefused):
    """A limit of the project or of the user is reached."""

    code = "TW008"


class UnknownWorker(DatabaseRefused):
    """The worker is not registered, or was removed after long silence."""

    code = "TW010"


class ConfigurationError(TidewireError):
    """Settings are missing or contradict each other. The message names the setting."""


class StackError(TidewireError):
    """The embedded Supabase could not start or stop. The message names the part."""


class MigrationError(TidewireError):
    """A migration cannot be applied or copied. The message names the file."""
