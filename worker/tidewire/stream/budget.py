"""How many Realtime messages may be sent now."""

from __future__ import annotations

from typing import Final

# The server averages over a minute: with the rest of the share, a burst of this many seconds'
# worth stays below it.
_BURST_SECONDS: Final = 5.0
_SHARE: Final = 0.9
_MESSAGES_PER_BROADCAST: Final = 2


class Budget:
    """A bucket that fills at the project's rate, and is never overdrawn.

    Args:
      quota: messages a second, sent plus delivered; 0 for no limit.
    """

    def __init__(self, quota: float) -> None:
        self._rate = quota * _SHARE / _MESSAGES_PER_BROADCAST
        self._most = max(1.0, self._rate * _BURST_SECONDS)
        self._left = self._most
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Take one broadcast's worth if there is one."""
        if self._rate <= 0:
            return True
        if self._at is not None:
            self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def next_at(self, now: float) -> float:
        """Return when there will be one again."""
        return now + max(0.0, 1 - self._left) / self._rate if self._rate > 0 else now
