"""A rolling average of events, in buckets of five seconds over a minute."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_BUCKET_SECONDS = 5
_BUCKETS = 12


class RollingRate:
    """Counts events and tells whether their average is over a limit.

    Args:
      limit: events a second; 0 is no limit.
      clock: monotonic seconds.
    """

    def __init__(self, limit: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._buckets: deque[tuple[int, int]] = deque()
        self._total = 0

    def add(self, count: int = 1) -> None:
        if not self.limit:
            return
        slot = int(self._clock() // _BUCKET_SECONDS)
        self._forget(slot)
        if self._buckets and self._buckets[-1][0] == slot:
            count_before = self._buckets.pop()[1]
        else:
            count_before = 0
        self._buckets.append((slot, count_before + count))
        self._total += count

    @property
    def average(self) -> float:
        """Events a second over the last minute."""
        self._forget(int(self._clock() // _BUCKET_SECONDS))
        return self._total / (_BUCKETS * _BUCKET_SECONDS)

    @property
    def exceeded(self) -> bool:
        return bool(self.limit) and self.average > self.limit

    def _forget(self, slot: int) -> None:
        while self._buckets and self._buckets[0][0] <= slot - _BUCKETS:
            self._total -= self._buckets.popleft()[1]
