"""Starting many runs, and waiting for their end."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from tidewire.errors import TidewireError
from tidewire.store import Database, RunStore

_TICK: Final = 0.1
_PATIENCE: Final = 60.0
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
    """Wait until all runs have completed.

    Raises:
      MeasurementFailed: a run failed, or that took too long.
    """
    if not await ended_within(pool, _PATIENCE):
        raise MeasurementFailed(f"runs remain after {_PATIENCE:g} s")


async def ended_within(pool: Database, seconds: float) -> bool:
    """Wait until all runs have completed, not longer than `seconds`; return whether they have.

    Raises:
      MeasurementFailed: a run failed.
    """
    end = time.monotonic() + seconds
    while under_way := await pool.fetch_value(
        "select count(*) from public.flow_runs where status in ('queued', 'running')"
    ):
        if time.monotonic() > end:
            break
        await asyncio.sleep(_TICK)
    failed = await pool.fetch_value("select min(error) from public.flow_runs where error <> ''")
    if failed:
        raise MeasurementFailed(f"a run failed: {failed}")
    return not under_way


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
