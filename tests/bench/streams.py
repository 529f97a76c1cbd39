"""Many streams at once: how many chunks a second, and whether one held run delays the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from bench.ground import Ground
from bench.measurement import Measurement, Metric, Values, at_least, at_most, each_round, percentile
from bench.runs import MeasurementFailed, output_of, start_streams, warm_up
from bench.sizes import Sizes
from bench.worker_process import WorkerProcess
from tidewire.local.sql import connection
from tidewire.store import Database

_LONG: Final = 600.0
_SETTLING: Final = 0.3
_PAUSE: Final = 0.05
_HELD: Final = 0.2
_RELEASED: Final = 0.02
# Streams alternate between being watched with a run held, and without, so that both see the
# same disturbances by other programs.
_WINDOW: Final = 0.5


async def measure_chunks(ground: Ground, sizes: Sizes) -> Values:
    """Let streams append as fast as they are committed, and count by the heads of their logs."""
    async with (
        ground.database() as own,
        own.pool(1) as pool,
        # At the end the streams are cut off.
        WorkerProcess(ground, own, TIDEWIRE_SHUTDOWN_SECONDS="0"),
    ):
        await warm_up(pool, "three_steps", sizes.warm_up_runs)
        until = {"until": time.monotonic() + _LONG}
        run_ids = await start_streams(pool, "live_streams", sizes.live_streams, until)
        await asyncio.sleep(_SETTLING)
        began_at, before = await _committed(pool, run_ids)
        await asyncio.sleep(sizes.stream_seconds)
        ended_at, after = await _committed(pool, run_ids)
    return {"chunks": (after - before) / (ended_at - began_at).total_seconds()}


async def _committed(pool: Database, run_ids: Sequence[str]) -> tuple[datetime, int]:
    rows = await pool.fetch(
        "select clock_timestamp(), sum(next_index)::bigint from public.flow_runs"
        " where run_id = any ($1::uuid[])",
        run_ids,
    )
    return rows[0][0], rows[0][1]


async def measure_held_run(ground: Ground, sizes: Sizes) -> Values:
    """Hold one stream's run, again and again, and time the commits of all other streams."""
    windows = round(sizes.paced_seconds / _WINDOW)
    async with (
        ground.database() as own,
        own.pool(1) as pool,
        WorkerProcess(ground, own),
        connection(own.dsn) as other,
    ):
        await warm_up(pool, "three_steps", sizes.warm_up_runs)
        seconds = windows * (2 * _WINDOW + _HELD + _RELEASED) + 2
        run_input = {"until": time.monotonic() + seconds, "pause": _PAUSE}
        held, *others = await start_streams(pool, "paced_streams", sizes.paced_streams, run_input)
        await asyncio.sleep(_SETTLING)
        free_spans: list[tuple[float, float]] = []
        held_spans: list[tuple[float, float]] = []
        for _ in range(windows):
            began = time.monotonic()
            await asyncio.sleep(_WINDOW)
            free_spans.append((began, time.monotonic()))
            held_spans += await _hold_again_and_again(other, held)
        times = [pair for run_id in others for pair in await output_of(pool, run_id)]
        _check_was_held(await output_of(pool, held))
    free = _durations(times, free_spans)
    while_held = _durations(times, held_spans)
    return {
        "commit_free": percentile(free, 95),
        "commit_held": percentile(while_held, 95),
        "held_ratio": percentile(while_held, 95) / percentile(free, 95),
    }


async def _hold_again_and_again(
    other: asyncpg.Connection, run_id: str
) -> list[tuple[float, float]]:
    """Hold the run's row as a slow transaction does; return when it was held."""
    spans = []
    end = time.monotonic() + _WINDOW
    while time.monotonic() < end:
        async with other.transaction():
            await other.execute(
                "select from public.flow_runs where run_id = $1 for update", UUID(run_id)
            )
            began = time.monotonic()
            await asyncio.sleep(_HELD)
            spans.append((began, time.monotonic()))
        await asyncio.sleep(_RELEASED)
    return spans


def _check_was_held(times: Sequence[Sequence[float]]) -> None:
    """Raise MeasurementFailed unless the held run itself had to wait."""
    longest = max(committed - written for written, committed in times)
    if longest < _HELD / 2:
        raise MeasurementFailed(f"a held run must wait {_HELD} s, got {longest:.3f} s at most")


def _durations(
    times: Sequence[Sequence[float]], spans: Sequence[tuple[float, float]]
) -> list[float]:
    """Return how long the commits took that were begun within the spans, in ms."""
    return [
        (committed - written) * 1000
        for written, committed in times
        if any(began <= written < ended for began, ended in spans)
    ]


CHUNKS: Final = Measurement(
    "chunks",
    (
        Metric(
            "chunks",
            "chunks, 200 live streams, 5 an append",
            "/s",
            at_least(40_000),
            "commits_1",
        ),
    ),
    each_round(measure_chunks),
)
HELD_RUN: Final = Measurement(
    "held_run",
    (
        Metric("commit_free", "commit of 50 streams, p95", "ms", None, "round_trip"),
        Metric("commit_held", "commit of the others, one run held, p95", "ms", None, "round_trip"),
        # "Unchanged", with room for the noise of a p95.
        Metric("held_ratio", "one run held, against none", "times", at_most(1.25)),
    ),
    each_round(measure_held_run),
)
