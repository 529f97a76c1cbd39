"""A map over a long list."""

from __future__ import annotations

import time
from typing import Final

from bench import flows
from bench.ground import Ground
from bench.measurement import Measurement, Metric, Values, at_least, at_most, each_round
from bench.runs import output_of, warm_up
from bench.sizes import Sizes
from bench.worker_process import WorkerProcess
from tidewire.store import RunStore


async def measure_map(ground: Ground, sizes: Sizes) -> Values:
    """Start one run over the whole list while the worker is idle."""
    async with ground.database() as own, WorkerProcess(ground, own), own.pool(1) as pool:
        await warm_up(pool, "three_steps", sizes.warm_up_runs)
        called_at = time.monotonic()
        run = await RunStore(pool).start("wide_map", list(range(sizes.map_items)))
        began: list[float] = await output_of(pool, run["run_id"])
        seconds: float = await pool.fetch_value(
            "select extract(epoch from r.finished_at - min(s.started_at))::float8"
            " from public.flow_runs r join public.flow_steps s using (run_id)"
            " where r.run_id = $1 and s.item_index >= 0 group by r.run_id",
            run["run_id"],
        )
    return {"map_start": min(began) - called_at, "map_items": len(began) / seconds}


def _missing() -> str | None:
    return "Flow has no map yet" if flows.wide_map is None else None


MAP: Final = Measurement(
    "map",
    (
        Metric("map_start", "map of 10,000: call of start to first item", "s", at_most(0.2)),
        Metric("map_items", "map of 10,000: first claim to end", "/s", at_least(8000), "commits_8"),
    ),
    each_round(measure_map),
    _missing,
)
