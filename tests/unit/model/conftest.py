"""Offline models as processes, and providers that answer what a test says."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager

import pytest

StartModel = Callable[..., str]


@contextmanager
def offline_model(*options: str) -> Iterator[str]:
    """Run the offline model on a free port; the value is its base URL."""
    command = [sys.executable, "-m", "tidewire.model.offline", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def fast_model() -> Iterator[str]:
    with offline_model("--rate", "0") as base_url:
        yield base_url


@pytest.fixture
def start_model() -> Iterator[StartModel]:
    with ExitStack() as running:
        yield lambda *options: running.enter_context(offline_model(*options))


class Provider:
    """A server that answers each request with the next of some raw HTTP responses."""

    def __init__(self, responses: Sequence[bytes]) -> None:
        self._responses = list(responses)
        self.requests = 0
        self.last_request = b""
        self.hung_up = asyncio.Event()
        self.base_url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.splitlines()
            if line.lower().startswith(b"content-length")
        )
        self.last_request = head + await reader.readexactly(length)
        response = self._responses[min(self.requests, len(self._responses) - 1)]
        self.requests += 1
        writer.write(response)
        await writer.drain()
        if response.endswith(b"..."):
            await reader.read()  # keeps the answer open until the client goes
            self.hung_up.set()
        writer.close()


@asynccontextmanager
async def provider(*responses: bytes) -> AsyncIterator[Provider]:
    served = Provider(responses)
    server = await asyncio.start_server(served.answer, "127.0.0.1", 0)
    served.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield served


@pytest.fixture
async def start_provider() -> AsyncIterator[Callable[..., object]]:
    async with AsyncExitStack() as running:

        async def start(*responses: bytes) -> Provider:
            return await running.enter_async_context(provider(*responses))

        yield start
