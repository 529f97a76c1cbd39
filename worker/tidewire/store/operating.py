"""What operators ask and do: stranded runs, and moves to another version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from tidewire.store.database import Database

# Each run of a move takes a few milliseconds, and a large move is one call.
_MOVE_LIMIT: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class MovedRun:
    """What a move answered about one run.

    Attributes:
      answer: moved, busy (a worker holds a step of it; try again) or refused.
      reason: why it was not moved; None when it was.
    """

    run_id: UUID
    answer: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class StrandedRun:
    """An active run whose version no live worker serves. It fails at its deadline."""

    run_id: UUID
    flow_slug: str
    flow_version: str
    label: str
    user_id: UUID | None
    created_at: datetime
    deadline_at: datetime


class OperatorStore:
    """Looks after runs that their workers left behind."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def move_runs(
        self,
        flow_slug: str,
        *,
        to_version: str | None = None,
        from_version: str | None = None,
        limit: int = 500,
    ) -> Sequence[MovedRun]:
        """Move up to `limit` active runs to another version of their flow, oldest first.

        Args:
          flow_slug: the flow.
          to_version: its first 8 characters are enough; None means the current one.
          from_version: likewise; None means all that no live worker serves.
          limit: how many to move at most. Busy and refused ones come on top of them.

        Raises:
          NotFound: no such flow, or no such version of it.
          InvalidArgument: the version is another flow's, or fits several.
        """
        rows = await self._database.fetch(
            "select * from tidewire.move_runs($1, $2, $3, $4)",
            flow_slug,
            to_version,
            from_version,
            limit,
            limit=_MOVE_LIMIT,
        )
        return [MovedRun(row["run_id"], row["answer"], row["reason"]) for row in rows]

    async def stranded_runs(self) -> Sequence[StrandedRun]:
        """Return the runs that nobody goes on with, those nearest to their deadline first."""
        rows = await self._database.fetch(
            "select * from tidewire.stranded_runs order by deadline_at, run_id"
        )
        return [StrandedRun(**row) for row in rows]
