"""Flows that a worker process of a test serves."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tidewire import Context, Flow

counting = Flow("counting")

WORDS = [f"{number} " for number in range(1, 21)]


@counting.step(stream=True, max_attempts=3, timeout=timedelta(seconds=60))
async def count(ctx: Context, input: dict[str, int]) -> str:
    """Stream numbers; the first attempt stops in the middle and waits for its worker's death."""
    async with ctx.stream.text() as part:
        done = len(part.text_so_far.split())
        for number in range(done, len(WORDS)):
            if ctx.attempt == 1 and number == input["stop_at"]:
                await asyncio.Event().wait()
            await part.write(WORDS[number])
    return part.text_so_far
