"""The flows that the worker of the benchmark serves."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any, cast

from tidewire import Context, Flow
from tidewire.engine.context import StepContext

# Times are monotonic, which all processes of a machine share.
three_steps = Flow("three_steps")


@three_steps.step()
async def first() -> int:
    return 1


@three_steps.step()
async def second(first: int) -> int:
    return first + 1


@three_steps.step()
async def third(second: int) -> int:
    return second + 1


timed_steps = Flow("timed_steps")


@timed_steps.step()
async def one() -> list[list[float]]:
    """Return when this handler began and ended."""
    return [_began_and_ended()]


@timed_steps.step()
async def two(one: list[list[float]]) -> list[list[float]]:
    return [*one, _began_and_ended()]


@timed_steps.step()
async def three(two: list[list[float]]) -> list[list[float]]:
    return [*two, _began_and_ended()]


def _began_and_ended() -> list[float]:
    now = time.monotonic()
    return [now, time.monotonic()]


def _mapped() -> Flow | None:
    """Return a flow of one map step, None when flows have no maps yet."""
    flow = Flow("wide_map")
    add_map: Any = getattr(flow, "map", None)
    if add_map is None:
        return None

    async def stamp(item: int) -> float:
        return time.monotonic()

    add_map(over="input")(stamp)
    return flow


wide_map = _mapped()

live_streams = Flow("live_streams")


@live_streams.step(stream=True)
async def talk(ctx: Context, input: dict[str, float]) -> None:
    """Append five chunks, wait until they are committed, and so on until the given time."""
    async with ctx.stream.text() as text, ctx.stream.reasoning() as thought:
        while time.monotonic() < input["until"]:
            # Of two parts in turn, because adjacent deltas of one part would become one chunk.
            for part in (text, thought, text, thought, text):
                await part.write("token ")
            await _committed(ctx)


paced_streams = Flow("paced_streams")


@paced_streams.step(stream=True)
async def tell(ctx: Context, input: dict[str, float]) -> list[list[float]]:
    """Append a chunk every so often; return when each was written and when it was committed."""
    times: list[list[float]] = []
    async with ctx.stream.text() as text:
        while (began := time.monotonic()) < input["until"]:
            await text.write("token ")
            await _committed(ctx)
            times.append([began, time.monotonic()])
            await asyncio.sleep(input["pause"] * random.uniform(0.5, 1.5))
    return times


async def _committed(ctx: Context) -> None:
    """Wait until everything that was written is committed. Handlers have no need of it."""
    await cast(StepContext, ctx)._pending.flush()
