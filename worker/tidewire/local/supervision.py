"""Starts programs again when they end on their own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NoReturn

from tidewire.errors import StackError
from tidewire.local.stack import PARTS, PartName, Stack

_FIRST_PAUSE = timedelta(milliseconds=500)
_LONGEST_PAUSE = timedelta(seconds=30)
_STEADY = timedelta(seconds=60)


async def keep_running(
    name: str,
    *,
    start: Callable[[], Awaitable[None]],
    wait: Callable[[], Awaitable[int]],
    report: Callable[[str], None],
) -> NoReturn:
    """Whenever a running program ends, start it again, after a pause that doubles each time.

    A program that ran for a minute, or that ended as it should, begins with the shortest pause.
    """
    pause = _FIRST_PAUSE
    while True:
        began = time.monotonic()
        code = await wait()
        if code == 0 or time.monotonic() - began > _STEADY.total_seconds():
            pause = _FIRST_PAUSE
        if code != 0:
            report(f"{name} ended with code {code}, starts again in {pause.total_seconds():g} s")
        pause = await _start_again(start, pause, report)


async def keep_parts_running(stack: Stack, report: Callable[[str], None]) -> None:
    """Do that for every part of a stack, until cancelled."""
    async with asyncio.TaskGroup() as watching:
        for part in PARTS:
            watching.create_task(_keep_part_running(stack, part, report))


async def _keep_part_running(
    stack: Stack, part: PartName, report: Callable[[str], None]
) -> NoReturn:
    async def start() -> None:
        await stack.start(part)

    async def wait() -> int:
        return await stack.wait(part)

    await keep_running(part, start=start, wait=wait, report=report)


async def _start_again(
    start: Callable[[], Awaitable[None]], pause: timedelta, report: Callable[[str], None]
) -> timedelta:
    """Try until it starts; return the pause to take next time."""
    while True:
        await asyncio.sleep(pause.total_seconds())
        pause = min(pause * 2, _LONGEST_PAUSE)
        try:
            await start()
        except StackError as error:
            report(str(error))
        else:
            return pause
