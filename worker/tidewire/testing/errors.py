"""Errors that only tests of flows see.

* TidewireError
  x NotReached   what the test waited for did not come
  x RunFailed    a run that the test wants completed has ended otherwise
"""

from __future__ import annotations

from tidewire.errors import TidewireError


class NotReached(TidewireError):
    """What the test waited for did not come. The message says what each step is doing."""


class RunFailed(TidewireError):
    """The run was not completed. The message holds what operators see of its failed steps."""
