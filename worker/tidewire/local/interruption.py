"""Runs a coroutine until it ends or the user wants it to."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_until_interrupted(work: Coroutine[object, object, None]) -> None:
    """Run `work`; Ctrl-C, SIGTERM and a closed terminal cancel it and wait for its cleanup."""
    asyncio.run(_cancel_on_signals(work))


async def _cancel_on_signals(work: Coroutine[object, object, None]) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    for number in _STOPPING:
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return
    finally:
        for number in _STOPPING:
            loop.remove_signal_handler(number)
