"""Starting many runs, and waiting for their end."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from tidewire.errors import TidewireError
from tidewire.store import Database, RunStore

_TICK: Final = 0.1
# Without a run that ends for this long, something is broken.
_PATIENCE: Final = 30.0
_RUNS_A_CALL: Final = 250


class MeasurementFailed(TidewireError):
    """What was to be measured did not happen."""


async def start_many(pool: Database, flow_slug: str, count: int) -> None:
    """Start runs, many in one transaction."""
    for done in range(0, count, _RUNS_A_CALL):
        await pool.fetch(
            "select tidewire.start_run_for(null, $1, 'null') from generate_series(1, $2)",
            flow_slug,
            min(_RUNS_A_CALL, count - done),
        )


async def warm_up(pool: Database, flow_slug: str, count: int) -> None:
    """Have some runs executed, so that connections are open and plans are made."""
    runs = RunStore(pool)
    for _ in range(count):
        await runs.start(flow_slug, None)
    await until_ended(pool)


async def until_ended(pool: Database) -> None:
    """Wait until no run is under way.

    Raises:
      MeasurementFailed: a run did not complete, or none ended for a long time.
    """
    before, changed_at = -1, time.monotonic()
    while remaining := await _under_way(pool):
        if remaining != before:
            before, changed_at = remaining, time.monotonic()
        if time.monotonic() - changed_at > _PATIENCE:
            raise MeasurementFailed(f"{remaining} runs remain and none ends")
        await asyncio.sleep(_TICK)
    failed = await pool.fetch(
        "select error, count(*) from public.flow_runs where status <> 'completed' group by error"
    )
    if failed:
        raise MeasurementFailed(f"{failed[0][1]} runs did not complete: {failed[0][0]}")


async def until_running(pool: Database, count: int) -> None:
    """Wait until so many steps are being worked on.

    Raises:
      MeasurementFailed: that took too long.
    """
    end = time.monotonic() + _PATIENCE
    while await pool.fetch_value(
        "select count(*) < $1 from public.flow_steps where status = 'running'", count
    ):
        if time.monotonic() > end:
            raise MeasurementFailed(f"{count} steps must run at once, got fewer")
        await asyncio.sleep(_TICK)


async def start_streams(
    pool: Database, flow_slug: str, count: int, run_input: dict[str, float]
) -> list[str]:
    """Start streaming runs one by one and wait until all of them run; return their ids."""
    runs = RunStore(pool)
    started = [await runs.start(flow_slug, run_input) for _ in range(count)]
    await until_running(pool, count)
    return [str(run["run_id"]) for run in started]


async def output_of(pool: Database, run_id: str) -> Any:
    """Wait until the run has completed and return its output."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        status, output = (
            await pool.fetch(
                "select status, output from public.flow_runs where run_id = $1", run_id
            )
        )[0]
        if status == "completed":
            return output
        if status in ("failed", "cancelled"):
            break
        await asyncio.sleep(_TICK / 10)
    raise MeasurementFailed(f"run {run_id} must complete, got {status}")


async def _under_way(pool: Database) -> int:
    return int(
        await pool.fetch_value(
            "select count(*) from public.flow_runs where status in ('queued', 'running')"
        )
    )
