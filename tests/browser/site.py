"""The whole product on loopback: stack, knowledge base, models, page, and workers to kill."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from stack import StackUnderTest
from tidewire.local.ports import HOST, free_port
from tidewire.local.process import Process, Program
from tidewire.local.worker_ready import wait_until_registered

ROOT = Path(__file__).parents[2]
_READY_LIMIT = 30.0


class Site:
    """Where the page is, and the processes behind it."""

    def __init__(
        self, stack: StackUnderTest, page_url: str, model_urls: Mapping[str, str], logs: Path
    ):
        self.stack = stack
        self.page_url = page_url
        self._model_urls = model_urls
        self._logs = logs
        self._started = 0

    @asynccontextmanager
    async def worker(self, *, model: str = "plain", linger_ms: int = 50) -> AsyncIterator[Process]:
        """Run a worker until the block ends. `model` is "plain" or "repeating"."""
        self._started += 1
        process = Process(
            Program(
                f"worker {self._started}",
                [sys.executable, "-m", "tidewire.cli", "worker", "--flows", "flows.research_chat"],
                self._logs / f"worker-{self._started}.log",
                {
                    "PYTHONPATH": str(ROOT / "worker"),
                    "SUPABASE_URL": self.stack.api_url,
                    "SUPABASE_PUBLISHABLE_KEY": self.stack.publishable_key,
                    "SUPABASE_SECRET_KEY": self.stack.secret_key,
                    "DATABASE_URL": self.stack.db_url,
                    "OPENAI_BASE_URL": self._model_urls[model],
                    "OPENAI_API_KEY": "offline",
                    "OPENAI_MODEL": "offline",
                    "TIDEWIRE_LINGER_MS": str(linger_ms),
                    "TIDEWIRE_REALTIME_QUOTA": "0",
                },
            )
        )
        await process.start()
        try:
            await wait_until_registered(process, self.stack.db_url)
            yield process
        finally:
            await process.stop()


@asynccontextmanager
async def running_site(stack: StackUnderTest, folder: Path) -> AsyncIterator[Site]:
    """Seed the knowledge base and serve the model, in two tempers, and the page."""
    await _seed(stack)
    async with AsyncExitStack() as parts:
        models = {}
        for name, options in (("plain", []), ("repeating", ["--repeat-last-sentence"])):
            port = free_port()
            argv = [sys.executable, "-m", "tidewire.model.offline", "--host", HOST]
            argv += ["--port", str(port), *options]
            await parts.enter_async_context(_served(f"model-{name}", argv, {}, port, folder))
            models[name] = f"http://{HOST}:{port}/v1"
        port = free_port()
        argv = [sys.executable, "-m", "tidewire.local.page", "--port", str(port)]
        argv += ["--folder", str(ROOT / "transport_spec" / "demo" / "dist")]
        config = {
            "url": stack.api_url,
            "publishableKey": stack.publishable_key,
            "modelLabel": "offline model",
        }
        environment = {"TIDEWIRE_PAGE_CONFIG": json.dumps(config)}
        await parts.enter_async_context(_served("page", argv, environment, port, folder))
        yield Site(stack, f"http://{HOST}:{port}/", models, folder)


def kill(process: Process) -> None:
    """End a process as a crash does: no handler runs."""
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)


@asynccontextmanager
async def _served(
    name: str, argv: list[str], environment: dict[str, str], port: int, logs: Path
) -> AsyncIterator[Process]:
    process = Process(Program(name, argv, logs / f"{name}.log", environment))
    await process.start()
    try:
        await _ready(process, f"http://{HOST}:{port}/health")
        yield process
    finally:
        await process.stop()


async def _ready(process: Process, url: str) -> None:
    async with asyncio.timeout(_READY_LIMIT), httpx.AsyncClient(trust_env=False) as http:
        while True:
            assert process.running, process.log_tail()
            try:
                if (await http.get(url)).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def _seed(stack: StackUnderTest) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": stack.db_url,
        "PYTHONPATH": str(ROOT / "worker"),
    }
    seeding = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "flows.knowledge", env=environment
    )
    assert await seeding.wait() == 0
