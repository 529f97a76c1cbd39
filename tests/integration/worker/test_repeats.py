"""What a worker does again when a run is retried or regenerated."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from engine_view import Runs, StartWorker
from tidewire import Context, Flow, PermanentStepError
from tidewire.errors import InvalidArgument, ThreadBusy


def _report(calls: Counter[str]) -> Flow:
    """Return a flow of which `check` fails the first time, and which counts its calls."""
    flow = Flow("report")

    @flow.step(publish=True)
    async def search(input: dict[str, Any]) -> list[str]:
        calls["search"] += 1
        return [f"about {input['q']}"]

    @flow.step(stream=True)
    async def write(ctx: Context, search: list[str], input: dict[str, Any]) -> str:
        calls["write"] += 1
        text = f"{search[0]}, asked for {input['q']}"
        async with ctx.stream.text() as part:
            await part.write(text)
        return text

    @flow.step()
    async def check(write: str) -> str:
        calls["check"] += 1
        if calls["check"] == 1:
            raise PermanentStepError("not yet")
        return write

    return flow


async def test_a_retried_run_works_only_on_what_had_not_finished(
    start_worker: StartWorker, runs: Runs
) -> None:
    calls: Counter[str] = Counter()
    await start_worker(_report(calls))
    origin = await runs.start("report", {"q": "tides"})
    assert (await runs.finished(origin))["status"] == "failed"

    retried = str((await runs.store.retry(UUID(origin)))["run_id"])
    run = await runs.finished(retried)

    assert (run["status"], run["output"]) == ("completed", "about tides, asked for tides")
    assert str(run["origin_run_id"]) == origin
    assert calls == {"search": 1, "write": 1, "check": 2}
    log = await runs.log(retried)
    assert [chunk["type"] for chunk in log] == [
        "start",
        "data-progress",
        "data-search",
        "text-start",
        "text-delta",
        "text-end",
        "data-progress",
        "data-progress",
        "data-progress",
        "finish",
    ]
    assert [log[place]["data"].get("reused") for place in (1, 6, 7)] == ["run", "run", None]
    with pytest.raises(InvalidArgument, match="no step left to redo"):
        await runs.store.retry(UUID(retried))


async def test_a_regenerated_run_streams_again_without_preparing_again(
    start_worker: StartWorker, runs: Runs
) -> None:
    calls: Counter[str] = Counter()
    worker = await start_worker(_report(calls))
    origin = await runs.start("report", {"q": "tides"})
    await runs.finished(origin)

    again = await runs.store.regenerate(
        UUID(origin), run_input={"q": "waves"}, idempotency_key="again"
    )
    repeated = await runs.store.regenerate(
        UUID(origin), run_input={"q": "waves"}, idempotency_key="again"
    )
    run = await runs.finished(again["run_id"])

    assert (again["created"], repeated["created"]) == (True, False)
    assert repeated["run_id"] == again["run_id"]
    assert run["output"] == "about tides, asked for waves"
    assert await runs.text(again["run_id"]) == "about tides, asked for waves"
    assert calls == {"search": 1, "write": 2, "check": 2}
    await worker.stop()
    waiting = await runs.start("report", {"q": "tides"})
    with pytest.raises(ThreadBusy, match="is still active"):
        await runs.store.regenerate(UUID(waiting))
