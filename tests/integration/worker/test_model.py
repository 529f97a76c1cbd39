"""A model's answer goes into the log as it comes, and on from there in the next attempt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta

from engine_view import Runs, StartWorker
from tidewire import ChatMessage, Context, Flow, RetryableStepError
from tidewire.model import Finish, ModelEvent, ReasoningDelta, TextDelta, Timing, Usage

_ANSWER = ["The ", "tide ", "comes ", "in ", "twice ", "a day."]


class ScriptedModel:
    """A language model that says one answer, and may break off once."""

    def __init__(self, *, breaks_after: int | None = None, thinks: bool = False) -> None:
        self.partials: list[str] = []
        self.closed = asyncio.Event()
        self._breaks_after, self._thinks = breaks_after, thinks

    async def stream(
        self, messages: Sequence[ChatMessage], *, partial: str = ""
    ) -> AsyncGenerator[ModelEvent, None]:
        self.partials.append(partial)
        try:
            if self._thinks:
                yield ReasoningDelta("hm, ")
                yield ReasoningDelta("tides")
            said = len(partial.split())
            for place in range(said, len(_ANSWER)):
                if place == self._breaks_after:
                    self._breaks_after = None
                    raise RetryableStepError("the language model broke off")
                yield TextDelta(_ANSWER[place])
            timing = Timing(timedelta(milliseconds=3), timedelta(milliseconds=9))
            yield Finish("stop", Usage(5, 6, 11), timing)
        finally:
            self.closed.set()


def _flow() -> Flow:
    flow = Flow("tides")

    @flow.step(stream=True, backoff=timedelta())
    async def answer(ctx: Context) -> dict[str, str]:
        said = await ctx.model.stream_text([ChatMessage("user", "When?")])
        return {"text": said.text, "reason": said.finish_reason}

    return flow


async def test_answer_is_one_text_part_after_its_reasoning_with_usage_and_timing(
    start_worker: StartWorker, runs: Runs
) -> None:
    await start_worker(_flow(), model=ScriptedModel(thinks=True))
    run_id = await runs.start("tides")
    run = await runs.finished(run_id)
    assert run["output"] == {"text": "".join(_ANSWER), "reason": "stop"}
    chunks = [c for c in await runs.log(run_id) if not c["type"].startswith("data-")]
    order = list(dict.fromkeys((c["type"], c.get("id")) for c in chunks))
    assert order == [
        ("start", None),
        ("reasoning-start", "answer.1"),
        ("reasoning-delta", "answer.1"),
        ("reasoning-end", "answer.1"),
        ("text-start", "answer.0"),
        ("text-delta", "answer.0"),
        ("text-end", "answer.0"),
        ("message-metadata", None),
        ("finish", None),
    ]
    metadata = next(c["messageMetadata"] for c in chunks if c["type"] == "message-metadata")
    assert metadata == {
        "usage": {"inputTokens": 5, "outputTokens": 6, "totalTokens": 11},
        "timing": {"toFirstDeltaMs": 3, "totalMs": 9},
    }


async def test_answer_that_broke_off_goes_on_where_the_log_ends(
    start_worker: StartWorker, runs: Runs
) -> None:
    model = ScriptedModel(breaks_after=3)
    await start_worker(_flow(), model=model)
    run_id = await runs.start("tides")
    run = await runs.finished(run_id)
    assert run["output"]["text"] == await runs.text(run_id) == "".join(_ANSWER)
    assert model.partials == ["", "The tide comes "]
    kinds = [chunk["type"] for chunk in await runs.log(run_id)]
    assert (kinds.count("text-start"), kinds.count("text-end")) == (1, 1)


async def test_cancelled_attempt_closes_the_models_connection(
    start_worker: StartWorker, runs: Runs
) -> None:
    model = ScriptedModel()
    flow = Flow("tides")

    @flow.step(stream=True, max_attempts=1, timeout=timedelta(milliseconds=200))
    async def answer(ctx: Context) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.Event().wait())
            tasks.create_task(_ask_for_ever(ctx))

    await start_worker(flow, model=model)
    run = await runs.finished(await runs.start("tides"))
    assert run["status"] == "failed"
    assert model.closed.is_set()


async def _ask_for_ever(ctx: Context) -> None:
    while True:
        await ctx.model.stream_text([ChatMessage("user", "When?")])
        await asyncio.sleep(0)
