"""Workers of tests, and what tests see of runs: their rows, steps and logs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tidewire import Settings
from tidewire.engine.worker import Worker
from tidewire.store import Database, RunStore

Value = TypeVar("Value")
StartWorker = Callable[..., Awaitable[Worker]]


def settings_for(dsn: str, **overrides: Any) -> Settings:
    """Settings for a worker of a test: quick, and without broadcasts."""
    quick = {"poll_seconds": 0.5, "maintenance_seconds": 0.3, "broadcast": False, "slots": 20}
    return Settings.load(**{"database_url": dsn, **quick, **overrides})


_TICK = 0.005
_LIMIT = 60.0


class Runs:
    """Starts runs as the service, reads them with all rights, and waits for their states."""

    def __init__(self, database: Database, dsn: str) -> None:
        self.dsn, self.database = dsn, database
        self.store = RunStore(database)

    async def start(self, flow_slug: str, run_input: Any = None, **more: Any) -> str:
        """Start a run and return its id."""
        return str((await self.store.start(flow_slug, run_input, **more))["run_id"])

    async def run(self, run_id: str) -> dict[str, Any]:
        return (await self.rows("select * from public.flow_runs where run_id = $1", run_id))[0]

    async def step(self, run_id: str, step_slug: str) -> dict[str, Any]:
        found = await self.rows(
            "select * from public.flow_steps where run_id = $1 and step_slug = $2",
            run_id,
            step_slug,
        )
        return found[0]

    async def log(self, run_id: str) -> list[dict[str, Any]]:
        """Return the log's chunks in order; their indexes must be dense."""
        found = await self.rows(
            "select chunk_index, chunk_data from public.streaming_chunks"
            " where run_id = $1 order by chunk_index",
            run_id,
        )
        assert [row["chunk_index"] for row in found] == list(range(len(found)))
        return [row["chunk_data"] for row in found]

    async def text(self, run_id: str) -> str:
        """Return the text that readers of the log see."""
        chunks = await self.log(run_id)
        return "".join(chunk["delta"] for chunk in chunks if chunk["type"] == "text-delta")

    async def finished(self, run_id: str) -> dict[str, Any]:
        """Wait until the run has ended and return it."""

        async def ended() -> dict[str, Any] | None:
            run = await self.run(run_id)
            return None if run["status"] in ("queued", "running") else run

        return await self.until(ended)

    async def until(self, look: Callable[[], Awaitable[Value | None]]) -> Value:
        """Look until there is something to see."""
        async with asyncio.timeout(_LIMIT):
            while not (seen := await look()):  # noqa: ASYNC110  another process may write it
                await asyncio.sleep(_TICK)
        return seen

    async def until_step(self, run_id: str, step_slug: str, status: str) -> dict[str, Any]:
        """Wait until the step has the status and return it."""

        async def reached() -> dict[str, Any] | None:
            step = await self.step(run_id, step_slug)
            return step if step["status"] == status else None

        return await self.until(reached)

    async def until_text(self, run_id: str, text: str) -> None:
        """Wait until the log's text begins with `text`."""

        async def shown() -> bool:
            return (await self.text(run_id)).startswith(text)

        await self.until(shown)

    async def rows(self, statement: str, *arguments: object) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.database.fetch(statement, *arguments)]
