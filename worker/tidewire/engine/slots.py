"""How many steps a worker may hold, and how many it does."""

from __future__ import annotations


class Slots:
    """Counts running handlers and steps that calls in flight may bring."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.running = 0
        self._reserved = 0

    @property
    def free(self) -> int:
        """How many more steps may be asked for."""
        return max(0, self.size - self.running - self._reserved)

    def reserve(self, limit: int) -> int:
        """Set free slots aside, at most `limit`, and return how many."""
        taken = min(self.free, limit)
        self._reserved += taken
        return taken

    def settle(self, reserved: int) -> None:
        """The call that `reserved` were set aside for has been answered."""
        self._reserved -= reserved

    def enter(self) -> None:
        """A handler begins."""
        self.running += 1

    def leave(self) -> None:
        """A handler has ended."""
        self.running -= 1
