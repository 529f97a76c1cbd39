"""How soon an idle worker begins, and goes on."""

from __future__ import annotations

import asyncio
import random
import time
from itertools import pairwise
from typing import Final

from bench.ground import Ground
from bench.measurement import Measurement, Metric, Values, at_most, each_round, percentile
from bench.runs import output_of, warm_up
from bench.sizes import Sizes
from bench.worker_process import WorkerProcess
from tidewire.store import RunStore

_FLOW: Final = "timed_steps"
# After this long without a step the worker has asked to be woken, and sleeps.
_QUIET: Final = (0.03, 0.06)


async def measure_latency(ground: Ground, sizes: Sizes) -> Values:
    """Start one run at a time, the worker being idle, and read when its handlers began."""
    starts: list[float] = []
    gaps: list[float] = []
    async with ground.database() as own, WorkerProcess(ground, own), own.pool(1) as pool:
        await warm_up(pool, _FLOW, sizes.warm_up_runs)
        runs = RunStore(pool)
        for _ in range(sizes.timed_runs):
            await asyncio.sleep(random.uniform(*_QUIET))
            called_at = time.monotonic()
            run = await runs.start(_FLOW, None)
            await asyncio.sleep(_QUIET[0])  # nobody asks while the steps are executed
            handlers: list[list[float]] = await output_of(pool, run["run_id"])
            starts.append((handlers[0][0] - called_at) * 1000)
            gaps += [(begins - ended) * 1000 for (_, ended), (begins, _) in pairwise(handlers)]
    return {
        "start_p50": percentile(starts, 50),
        "start_p95": percentile(starts, 95),
        "next_step_p50": percentile(gaps, 50),
    }


LATENCY: Final = Measurement(
    "latency",
    (
        Metric("start_p50", "call of start to handler, idle, p50", "ms", at_most(4), "round_trip"),
        Metric("start_p95", "call of start to handler, idle, p95", "ms", at_most(8), "round_trip"),
        Metric("next_step_p50", "step to next step, p50", "ms", at_most(2.5), "round_trip"),
    ),
    each_round(measure_latency),
)
