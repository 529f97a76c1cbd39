"""`run_flow` says in one value what became of a run."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from tidewire import ChatMessage, ConfigurationError, Context, Flow, RetryableStepError
from tidewire.testing import NotReached, RunFailed, ScriptedModel, run_flow


class Order(BaseModel):
    """The input of a run."""

    items: int


async def test_result_holds_output_steps_and_log_of_a_completed_run() -> None:
    flow = Flow("report", input=Order)

    @flow.step()
    async def count(input: Order) -> int:
        return input.items

    @flow.step(publish=True)
    def double(count: int) -> int:
        return 2 * count

    result = await run_flow(flow, {"items": 3})

    assert (result.status, result.output, result.error) == ("completed", 6, None)
    steps = [(s.slug, s.status, s.attempt, s.output, s.error) for s in result.steps.values()]
    assert steps == [("count", "completed", 1, 3, None), ("double", "completed", 1, 6, None)]
    assert result.log[0]["messageMetadata"] == {"runId": str(result.run_id), "flow": "report"}
    assert {"type": "data-double", "id": "double", "data": 6} in result.log
    assert result.log[-1] == {"type": "finish", "finishReason": "stop"}
    assert result.check() is result


async def test_failed_run_is_a_result_with_a_safe_error_and_a_traceback() -> None:
    flow = Flow("secretive")

    @flow.step(max_attempts=1)
    async def call() -> None:
        raise KeyError("password hunter2")

    @flow.step()
    async def after(call: None) -> None:
        return None

    result = await run_flow(flow)

    assert (result.status, result.output, result.error) == ("failed", None, "step call failed")
    assert "KeyError: 'password hunter2'" in (result.steps["call"].error or "")
    assert result.steps["after"].attempt == 0
    assert "hunter2" not in str(result.log)
    with pytest.raises(RunFailed, match="is failed: step call failed\ncall: Traceback") as raised:
        result.check()
    assert "hunter2" in str(raised.value)


async def test_input_that_the_flow_refuses_is_a_readable_error() -> None:
    flow = Flow("strict", input=Order)

    @flow.step()
    async def count(input: Order) -> int:
        return input.items

    result = await run_flow(flow, {"items": "many"})
    assert result.status == "failed"
    assert "items" in (result.error or "")


def _asking() -> Flow:
    flow = Flow("tides")

    @flow.step(stream=True, backoff=timedelta())
    async def answer(ctx: Context, input: str) -> str:
        return (await ctx.model.stream_text([ChatMessage("user", input)])).text

    return flow


async def test_scripted_answer_is_streamed_as_the_text_of_the_log() -> None:
    model = ScriptedModel(["Twice ", "a ", "day."])
    result = await run_flow(_asking(), "When?", model=model)
    assert result.output == result.text == "Twice a day."
    assert model.asked == [[ChatMessage("user", "When?")]]


async def test_answer_that_broke_off_goes_on_with_the_next_scripted_one() -> None:
    model = ScriptedModel(["Twice ", RetryableStepError("cut off")], ["Twice a ", "day."])
    result = await run_flow(_asking(), "When?", model=model)
    assert result.output == result.text == "Twice a day."
    assert (model.partials, result.steps["answer"].attempt) == (["", "Twice "], 2)


async def test_text_is_without_what_a_restarted_step_took_back() -> None:
    flow = Flow("again")

    @flow.step(stream=True, on_retry="restart", backoff=timedelta())
    async def say(ctx: Context) -> None:
        async with ctx.stream.text() as part:
            await part.write(f"attempt {ctx.attempt}")
            if ctx.attempt == 1:
                raise OSError("the line is dead")

    assert (await run_flow(flow)).text == "attempt 2"


async def test_run_that_does_not_end_in_time_is_told_step_by_step() -> None:
    flow = Flow("slow")

    @flow.step()
    async def hang() -> None:
        await asyncio.Event().wait()

    @flow.step(max_attempts=2, backoff=timedelta(minutes=5))
    async def fail() -> None:
        raise OSError("no line")

    @flow.step()
    async def quick() -> None:
        return None

    @flow.step()
    async def last(hang: None, fail: None, quick: None) -> None:
        return None

    with pytest.raises(NotReached) as raised:
        await run_flow(flow, limit=timedelta(milliseconds=400))
    lines = str(raised.value).splitlines()
    assert lines[0].endswith("did not end within 0.4 s:")
    assert "of flow slow is running" in lines[1]
    assert lines[2] == "  hang: running, attempt 1 of 3"
    assert lines[3].startswith("  fail: scheduled, due in 0:")
    assert lines[3].endswith("after attempt 1 of 2; last error: OSError: no line")
    assert lines[4] == "  quick: completed, attempt 1 of 3"
    assert lines[5] == "  last: waiting for hang, fail"


async def test_environment_of_real_workers_is_not_for_tests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SUPABASE_URL", "https://production.example")
    monkeypatch.setenv("SUPABASE_SECRET_KEY", "sb_secret_production")
    monkeypatch.setenv("DATABASE_URL", "postgresql://production.example/postgres")
    monkeypatch.setenv("TIDEWIRE_LEASE_SECONDS", "1")
    flow = Flow("careless")

    @flow.step()
    async def call(ctx: Context) -> str:
        try:
            return str(ctx.supabase)
        except ConfigurationError as error:
            return str(error)

    result = await run_flow(flow)
    assert result.output == "SUPABASE_URL and SUPABASE_SECRET_KEY must be set"


async def test_settings_may_be_changed_for_one_test() -> None:
    flow = Flow("narrow")
    most = running = 0

    async def work() -> None:
        nonlocal most, running
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    for slug in ("one", "two", "three"):
        flow.step(slug)(work)

    settings: dict[str, Any] = {"slots": 1}
    assert (await run_flow(flow, settings=settings)).status == "completed"
    assert most == 1
    with pytest.raises(ConfigurationError, match="TIDEWIRE_SLOTS"):
        await run_flow(flow, settings={"slots": 0})
