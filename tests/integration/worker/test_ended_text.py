"""An attempt that dies after its text has ended and before its result is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from engine_view import Runs, StartWorker
from tidewire import Context, Flow
from tidewire.model import ChatMessage, Finish, ReasoningDelta, TextDelta, Timing

_NO_WAIT = timedelta()


class CountingModel:
    """A language model that says the same each time and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def stream(
        self, messages: Sequence[ChatMessage], *, partial: str = ""
    ) -> AsyncIterator[TextDelta | ReasoningDelta | Finish]:
        self.asked += 1
        for word in ("All ", "is ", "said."):
            yield TextDelta(word)
        yield Finish("stop", None, Timing(None, timedelta()))


async def test_text_that_had_ended_is_taken_as_it_is_and_the_model_not_asked_again(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("ended")

    @flow.step(stream=True, backoff=_NO_WAIT)
    async def say(ctx: Context) -> str:
        answer = await ctx.model.stream_text([ChatMessage("user", "Go on.")])
        if ctx.attempt == 1:
            raise OSError("the line is dead")
        return answer.text

    model = CountingModel()
    await start_worker(flow, model=model)
    run_id = await runs.start("ended", {})

    assert (await runs.finished(run_id))["output"] == "All is said."
    assert await runs.text(run_id) == "All is said."
    assert model.asked == 1
    kinds = [chunk["type"] for chunk in await runs.log(run_id)]
    assert (kinds.count("text-start"), kinds.count("text-end")) == (1, 1)


async def test_what_is_written_after_ended_text_begins_a_part_of_its_own(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("more")

    @flow.step(stream=True, backoff=_NO_WAIT)
    async def say(ctx: Context) -> list[str]:
        async with ctx.stream.text() as part:
            before = part.part_id
            await part.write("one. " if ctx.attempt == 1 else "two.")
        if ctx.attempt == 1:
            raise OSError("the line is dead")
        return [part.text_so_far, before, part.part_id]

    await start_worker(flow)
    run_id = await runs.start("more", {})

    so_far, before, after = (await runs.finished(run_id))["output"]
    assert (so_far, before) == ("one. ", "say.0")
    assert after != before
    assert await runs.text(run_id) == "one. two."
