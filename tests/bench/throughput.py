"""Runs of three trivial steps: how many a second, at how many commits and how much CPU time."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from bench.ground import Ground
from bench.measurement import Measurement, Metric, Values, at_least, at_most, each_round
from bench.runs import MeasurementFailed, ended_within, start_many, until_ended, warm_up
from bench.sizes import Sizes
from bench.worker_process import WorkerProcess
from tidewire.store import Database, RunStore

_FLOW: Final = "three_steps"
_STEPS: Final = 3
_CONNECTIONS: Final = 8


async def measure_queued(ground: Ground, sizes: Sizes) -> Values:
    """Let a worker loose on runs that were all queued before it did anything."""
    return await _drain(ground, sizes, warm_up_runs=0)


async def measure_burst(ground: Ground, sizes: Sizes) -> Values:
    """The same, but the worker's sessions made their plans while the tables were nearly empty."""
    values = await _drain(ground, sizes, warm_up_runs=sizes.warm_up_runs)
    return {"runs_burst": values["runs_queued"]}


async def _drain(ground: Ground, sizes: Sizes, *, warm_up_runs: int) -> Values:
    """Queue runs while the worker is paused, then measure until all have ended.

    After a while what it has done by then counts, three steps for a run.
    """
    async with (
        ground.database() as own,
        WorkerProcess(ground, own) as worker,
        own.pool(1) as pool,
    ):
        await warm_up(pool, _FLOW, warm_up_runs)
        mark = await pool.fetch_value("select clock_timestamp()")
        worker.pause()
        await start_many(pool, _FLOW, sizes.queued_runs)
        worker_cpu, database_cpu = worker.cpu_seconds(), ground.cpu_seconds()
        worker.resume()
        await ended_within(pool, sizes.draining_seconds)
        worker_cpu = worker.cpu_seconds() - worker_cpu
        database_cpu = ground.cpu_seconds() - database_cpu
        steps, seconds = (
            await pool.fetch(
                "select count(finished_at),"
                " extract(epoch from max(finished_at) - min(started_at))::float8"
                " from public.flow_steps where created_at > $1",
                mark,
            )
        )[0]
        entries = await pool.fetch_value(
            "select coalesce(avg(next_index), 0)::float8 from public.flow_runs"
            " where status = 'completed'"
        )
    if not seconds:
        raise MeasurementFailed(f"steps must end within {sizes.draining_seconds:g} s, got none")
    return {
        "runs_queued": steps / _STEPS / seconds,
        "log_entries": entries,
        "cpu_worker": worker_cpu * 1000 / steps,
        "cpu_database": database_cpu * 1000 / steps,
    }


async def measure_started(ground: Ground, sizes: Sizes) -> Values:
    """Start runs over several connections, each as soon as the one before is started."""
    async with ground.database() as own:
        commits = await ground.commits(own)
        async with WorkerProcess(ground, own), own.pool(_CONNECTIONS) as pool:
            await warm_up(pool, _FLOW, sizes.warm_up_runs)
            mark = await pool.fetch_value("select clock_timestamp()")
            await _start_for(pool, sizes.starting_seconds)
            started: int = await pool.fetch_value(
                "select count(*) from public.flow_runs where created_at > $1", mark
            )
            await until_ended(pool)
            found = await pool.fetch(
                "select count(*), extract(epoch from max(finished_at) - $1)::float8"
                " from public.flow_runs",
                mark,
            )
        commits = await ground.commits(own) - commits
    all_runs, seconds = found[0]
    return {
        "runs_started": started / seconds,
        "starts": started / sizes.starting_seconds,
        "commits_a_run": commits / all_runs,
    }


async def _start_for(pool: Database, seconds: float) -> None:
    runs = RunStore(pool)
    end = time.monotonic() + seconds

    async def start_one_by_one() -> None:
        while time.monotonic() < end:
            await runs.start(_FLOW, None)

    await asyncio.gather(*[start_one_by_one() for _ in range(_CONNECTIONS)])


QUEUED: Final = Measurement(
    "queued",
    (
        Metric("runs_queued", "3-step runs, queued beforehand", "/s", at_least(3000), "commits_8"),
        Metric("log_entries", "log entries a 3-step run", ""),
        Metric("cpu_worker", "worker CPU a step, queued beforehand", "ms", None, "round_trip"),
        Metric("cpu_database", "database CPU a step, queued beforehand", "ms", None, "round_trip"),
    ),
    each_round(measure_queued),
)
BURST: Final = Measurement(
    "burst",
    (
        Metric(
            "runs_burst",
            "3-step runs, queued, plans of empty tables",
            "/s",
            at_least(3000),
            "commits_8",
        ),
    ),
    each_round(measure_burst),
)
STARTED: Final = Measurement(
    "started",
    (
        Metric(
            "runs_started",
            "3-step runs, started over 8 connections",
            "/s",
            at_least(1500),
            "commits_8",
        ),
        Metric("starts", "starts meanwhile", "/s", None, "commits_8"),
        Metric("commits_a_run", "commits a 3-step run, start included", "", at_most(2)),
    ),
    each_round(measure_started),
)
