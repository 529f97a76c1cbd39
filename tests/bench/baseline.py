"""The plain figures of a machine, to which all others are ratios."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from bench.durability import flushes_so_far, refuse_unless_flushed
from bench.ground import Ground, OwnDatabase
from bench.measurement import Metric, Values, percentile
from bench.sizes import Sizes
from tidewire.local.sql import connection
from tidewire.store import Database

METRICS: Final = (
    Metric("commits_1", "one-row inserts, 1 connection", "/s"),
    Metric("commits_8", "one-row inserts, 8 connections", "/s"),
    Metric("round_trip", "SELECT 1, round trip, p50", "ms"),
)
_INSERT: Final = "insert into public.bench_rows (note) values ($1)"


async def measure_baseline(ground: Ground, sizes: Sizes) -> Values:
    """Measure commits and round trips on a table of our own, by the client of the worker.

    Raises:
      NotDurable: commits were not flushed to disk.
    """
    async with ground.database() as own:
        async with connection(own.dsn) as owner:
            await owner.execute(
                "create table public.bench_rows"
                " (id bigint generated always as identity primary key, note text not null)"
            )
        commits_1 = await _durable_commits(ground, own, sizes.baseline_seconds)
        async with own.pool(8) as pool:
            commits_8 = await _commits(pool, 8, sizes.baseline_seconds)
            trips = await _round_trips(pool, sizes.baseline_seconds / 2)
    return {
        "commits_1": commits_1 / sizes.baseline_seconds,
        "commits_8": commits_8 / sizes.baseline_seconds,
        "round_trip": percentile(trips, 50),
    }


async def _durable_commits(ground: Ground, own: OwnDatabase, seconds: float) -> int:
    """Return how many commits one connection made, each of them flushed."""
    async with connection(ground.postgres.dsn("supabase_admin")) as admin:
        before = await flushes_so_far(admin)
        async with own.pool(1) as pool:
            commits = await _commits(pool, 1, seconds)
        await ground.commits(own)  # whoever has left has reported
        flushes = await flushes_so_far(admin) - before
        await refuse_unless_flushed(admin, commits=commits, flushes=flushes)
    return commits


async def _commits(pool: Database, connections: int, seconds: float) -> int:
    async def insert_until(end: float) -> int:
        count = 0
        while time.monotonic() < end:
            await pool.fetch(_INSERT, "as plain as can be")
            count += 1
        return count

    for _ in range(connections):
        await pool.fetch(_INSERT, "warm")
    end = time.monotonic() + seconds
    return sum(await asyncio.gather(*[insert_until(end) for _ in range(connections)]))


async def _round_trips(pool: Database, seconds: float) -> list[float]:
    """Return the durations of plain questions, one at a time, in ms."""
    trips: list[float] = []
    end = time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        await pool.fetch_value("select 1")
        trips.append((time.monotonic() - began) * 1000)
    return trips
