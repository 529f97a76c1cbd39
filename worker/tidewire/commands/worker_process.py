"""The process of a worker: its event loop, its signals, its model."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from tidewire.engine.services import LanguageModel
from tidewire.engine.worker import Worker
from tidewire.flow import Flow
from tidewire.model.openai import ChatModel, ModelConfig
from tidewire.settings import Settings
from tidewire.store import is_transient

_log = logging.getLogger(__name__)

_OPENAI: Final = "https://api.openai.com/v1"
_DEFAULT_MODEL: Final = "gpt-4o-mini"
_FAILED: Final = 1
# sysexits' EX_TEMPFAIL: whoever supervises the worker should start it again.
_RESTART: Final = 75


def run_worker(settings: Settings, flows: Sequence[Flow]) -> int:
    """Work until a signal or a failure; return the process's exit code."""
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_work(settings, flows))
    except Exception as error:
        if not is_transient(error):
            raise
        _log.error("database not reached", extra={"fault": repr(error)})
        return _FAILED


async def _work(settings: Settings, flows: Sequence[Flow]) -> int:
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(_model(settings))
        worker = Worker(settings, flows, model=model)
        _stop_on_signals(worker)
        await worker.run()
        return _RESTART if worker.wants_restart else 0


def _stop_on_signals(worker: Worker) -> None:
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()

    def stop() -> None:
        if worker.stop_requested and main is not None:
            main.cancel()
        worker.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


@asynccontextmanager
async def _model(settings: Settings) -> AsyncIterator[LanguageModel | None]:
    """Yield the configured model; None when neither a key nor an address is set."""
    if settings.openai_api_key is None and settings.openai_base_url is None:
        _log.warning("OPENAI_API_KEY and OPENAI_BASE_URL are not set, ctx.model cannot be used")
        yield None
        return
    key = settings.openai_api_key
    config = ModelConfig(
        base_url=settings.openai_base_url or _OPENAI,
        api_key="" if key is None else key.get_secret_value(),
        model=settings.model or _DEFAULT_MODEL,
        supports_prefill=settings.model_prefill,
    )
    async with ChatModel(config) as model:
        yield model


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    """Return uvloop's event loop where it is installed: it halves the cost of small calls."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop
