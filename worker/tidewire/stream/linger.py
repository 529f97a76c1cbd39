"""How long written chunks wait for company before they are committed."""

from __future__ import annotations

from typing import Final

# Leave some of the quota to lifecycle entries, retries and the first deltas that do not linger.
_QUOTA_SHARE: Final = 0.8
# One message sent and one delivered: who watches cannot be counted, one viewer is the usual case.
_MESSAGES_PER_BROADCAST: Final = 2
_WIDEST: Final = 30.0


class Linger:
    """The window between two appends of one stream, in seconds.

    Args:
      base: the window when the quota is no concern.
      quota: Realtime messages a second, sent plus delivered; 0 for no limit.
    """

    def __init__(self, base: float, *, quota: float) -> None:
        self._base = base
        self._budget = quota * _QUOTA_SHARE / _MESSAGES_PER_BROADCAST

    def window(self, streams: int) -> float:
        """Return the window that keeps `streams` live streams together within the quota."""
        if self._budget <= 0:
            return self._base
        return min(_WIDEST, max(self._base, streams / self._budget))


def slack(window: float) -> float:
    """Return how much before its time a chunk may go, to share a commit with others."""
    return min(window / 4, 0.01)
