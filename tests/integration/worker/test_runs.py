"""What becomes of a run: its output, its log, its failures."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from engine_view import Runs, StartWorker
from tidewire import Context, Flow, PermanentStepError, RetryableStepError


class Order(BaseModel):
    """The input of a run."""

    items: int


def _progress(step: str, status: str, attempt: int = 1, **more: Any) -> dict[str, Any]:
    data = {"step": step, "status": status, "attempt": attempt, **more}
    return {"type": "data-progress", "id": step, "data": data}


async def test_three_steps_complete_with_an_exact_log(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("report", input=Order)

    @flow.step()
    async def count(input: Order) -> int:
        return input.items

    @flow.step(stream=True)
    async def write(ctx: Context, count: int) -> str:
        async with ctx.stream.text() as part:
            for word in ("there ", "are ", str(count)):
                await part.write(word)
        return "written"

    @flow.step(publish=True)
    def check(count: int, write: str) -> dict[str, Any]:
        return {"count": count, "write": write}

    await start_worker(flow, linger_ms=5000)
    run_id = await runs.start("report", {"items": 0})
    run = await runs.finished(run_id)

    output = {"count": 0, "write": "written"}
    assert (run["status"], run["output"]) == ("completed", output)
    assert await runs.log(run_id) == [
        {
            "type": "start",
            "messageId": run["message_id"],
            "messageMetadata": {"runId": run_id, "flow": "report"},
        },
        _progress("count", "started"),
        _progress("count", "completed"),
        _progress("write", "started"),
        {"type": "text-start", "id": "write.0"},
        {"type": "text-delta", "id": "write.0", "delta": "there are 0"},
        {"type": "text-end", "id": "write.0"},
        _progress("write", "completed"),
        _progress("check", "started"),
        _progress("check", "completed"),
        {"type": "data-check", "id": "check", "data": output},
        {"type": "finish", "finishReason": "stop"},
    ]


async def test_falsy_outputs_reach_the_next_step_unchanged(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("falsy")

    @flow.step()
    async def zero() -> int:
        return 0

    @flow.step()
    async def empty() -> str:
        return ""

    @flow.step()
    async def nothing() -> None:
        return None

    @flow.step()
    async def collect(zero: int, empty: str, nothing: None) -> list[Any]:
        return [zero, empty, nothing, False, []]

    await start_worker(flow)
    run = await runs.finished(await runs.start("falsy", {}))
    assert run["output"] == [0, "", None, False, []]


async def test_failing_step_is_tried_again_after_a_backoff(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("flaky")

    @flow.step(max_attempts=3, backoff=timedelta(milliseconds=200))
    async def call(ctx: Context) -> int:
        if ctx.attempt < 3:
            raise RetryableStepError("the service was busy")
        return ctx.attempt

    await start_worker(flow)
    run_id = await runs.start("flaky", {})
    run = await runs.finished(run_id)

    assert (run["status"], run["output"]) == ("completed", 3)
    said = [chunk["data"] for chunk in await runs.log(run_id) if "data" in chunk]
    assert [(entry["status"], entry["attempt"]) for entry in said] == [
        ("started", 1),
        ("retrying", 1),
        ("started", 2),
        ("retrying", 2),
        ("started", 3),
        ("completed", 3),
    ]
    assert said[1]["message"] == "the service was busy"


async def test_permanent_failure_ends_the_run_at_once(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("refused")

    @flow.step(max_attempts=5)
    async def call() -> None:
        raise PermanentStepError("the order is closed")

    await start_worker(flow)
    run_id = await runs.start("refused", {})
    run = await runs.finished(run_id)

    assert (run["status"], run["error"]) == ("failed", "the order is closed")
    assert (await runs.step(run_id, "call"))["attempt"] == 1
    assert (await runs.log(run_id))[-1] == {"type": "error", "errorText": "the order is closed"}


async def test_unexpected_error_is_kept_for_operators_and_hidden_from_the_owner(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("secretive")

    @flow.step(max_attempts=1)
    async def call() -> None:
        raise KeyError("password hunter2")

    await start_worker(flow)
    run_id = await runs.start("secretive", {})
    run = await runs.finished(run_id)

    assert run["error"] == "step call failed"
    assert "hunter2" not in str(await runs.log(run_id))
    assert "KeyError: 'password hunter2'" in (await runs.step(run_id, "call"))["error"]


async def test_wrong_input_fails_the_run_with_a_readable_error_and_no_retry_loop(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("strict", input=Order)

    @flow.step(max_attempts=5)
    async def count(input: Order) -> int:
        return input.items

    await start_worker(flow)
    run_id = await runs.start("strict", {"items": "many"})
    run = await runs.finished(run_id)

    assert run["status"] == "failed"
    assert "items" in run["error"]
    assert "many" not in run["error"]
    assert (await runs.step(run_id, "count"))["attempt"] == 1


async def test_oversized_output_fails_for_good_and_names_size_and_limit(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("huge")

    @flow.step(max_attempts=5)
    async def make() -> str:
        return "x" * 1_100_000

    await start_worker(flow)
    run_id = await runs.start("huge", {})
    run = await runs.finished(run_id)

    assert run["error"] == "output of step make must be at most 1048576 bytes, got 1100002"
    assert (await runs.step(run_id, "make"))["attempt"] == 1


async def test_parallel_steps_of_one_run_write_one_dense_log(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("parallel")
    words = [f"word{number} " for number in range(40)]

    async def stream(ctx: Context) -> None:
        async with ctx.stream.text() as part:
            for word in words:
                await part.write(word)
                await asyncio.sleep(0)
        await ctx.progress("done", {"words": len(words)})

    for slug in ("left", "middle", "right"):
        flow.step(slug, stream=True)(stream)

    await start_worker(flow, linger_ms=0)
    run_id = await runs.start("parallel", {})
    assert (await runs.finished(run_id))["status"] == "completed"

    chunks = await runs.log(run_id)
    for slug in ("left", "middle", "right"):
        deltas = [c["delta"] for c in chunks if c.get("id") == f"{slug}.0" and "delta" in c]
        assert "".join(deltas) == "".join(words)
    assert [chunk["type"] for chunk in chunks].count("finish") == 1
