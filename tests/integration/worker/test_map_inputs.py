"""What items of a long list are handed: their own element, never the list."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from engine_view import Runs, StartWorker
from tidewire import Flow


def long_map(over: str) -> Flow:
    flow = Flow("long", input=list[int])

    @flow.step()
    async def source(input: list[int]) -> list[int]:
        return input

    @flow.map(over=over)
    async def double(item: int) -> int:
        return 2 * item

    return flow


@pytest.mark.parametrize("over", ["input", "source"])
async def test_map_of_300_items_hands_no_item_the_whole_list(
    over: str, start_worker: StartWorker, runs: Runs
) -> None:
    worker = await start_worker(long_map(over))
    await worker.stop()  # it has registered the flow; the test claims by itself
    run_id = await runs.start("long", list(range(300)))
    (run,) = await runs.rows(
        "select flow_version from public.flow_runs where run_id = $1", UUID(run_id)
    )
    details: list[dict[str, Any]] = []

    async def claimed() -> list[dict[str, Any]] | None:
        rows = await runs.rows(
            "select answer, detail from tidewire.claim_steps("
            "$1, array['default'], array[$2::text], interval '15 s', 400)",
            worker.worker_id,
            run["flow_version"],
        )
        for detail in (row["detail"] for row in rows if row["answer"] == "claimed"):
            if detail["item_index"] >= 0:
                details.append(detail)
            else:
                done = {name: detail[name] for name in ("run_id", "step_slug", "lease_token")}
                await runs.rows(
                    "select * from tidewire.complete_steps($1, $2, interval '15 s', '{}', '{}', 0)",
                    worker.worker_id,
                    [done | {"output": list(range(300))}],
                )
        return details if len(details) == 300 else None

    async with asyncio.timeout(15):
        await runs.until(claimed)
    for detail in details:
        assert detail["item"] == detail["item_index"]
        assert not detail.get("run_input")
        assert not detail.get("inputs")
