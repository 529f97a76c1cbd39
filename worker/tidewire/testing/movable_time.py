"""Moves the time of a test's database."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from tidewire.settings import Settings
from tidewire.store import Database, is_transient
from tidewire.testing.errors import NotReached
from tidewire.testing.patience import wait_until


class MovableTime:
    """The clocks of one database, see `movable_time.sql`. Nobody else moves them."""

    def __init__(self, database: Database, settings: Settings, *, worker_id: UUID) -> None:
        self._database, self._lease, self._worker_id = database, settings.lease, worker_id
        self._moved = timedelta()

    async def move(self, by: timedelta, *, limit: timedelta) -> None:
        """Move the clocks, and do what has become due.

        Raises:
          ValueError: time would not go forward.
          NotReached: a transaction that has read the clock stayed open. Nothing has moved.
        """
        if by <= timedelta():
            raise ValueError(f"time must be moved by more than nothing, got {by}")
        self._moved += by
        target = self._moved

        async def moved() -> bool:
            return await self._move_to(target)

        async def failure() -> NotReached:
            self._moved -= by
            return NotReached(
                "time was not moved: a transaction that has read the clock is still open"
            )

        await wait_until(moved, limit=limit, failure=failure)

    async def _move_to(self, target: timedelta) -> bool:
        """Return whether nobody was in the way."""
        try:
            await self._database.fetch(
                "select tidewire_testing.move_time($1, $2, $3)",
                target // timedelta(microseconds=1),
                self._worker_id,
                self._lease,
            )
        except Exception as error:
            if not is_transient(error):
                raise
            return False
        return True
