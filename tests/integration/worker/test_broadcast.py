"""Whoever watches a run sees its entries as they are committed, over the real Realtime server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from realtime import RealtimeSubscribeStates
from realtime.types import BroadcastPayload, RealtimeChannelOptions

from accounts import Account, SignUp
from engine_view import Runs, settings_for
from stack import StackUnderTest
from tidewire import Context, Flow
from tidewire.engine.worker import Worker
from tidewire.store import Database

_LIMIT = 20.0

# The realtime client reads a deprecated attribute of a lost connection's error.
pytestmark = pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning")


class Watcher:
    """Collects the live messages of one run."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._changed = asyncio.Event()

    def take(self, message: BroadcastPayload) -> None:
        self.messages.append(dict(message["payload"]))
        self._changed.set()

    @property
    def chunks(self) -> list[dict[str, Any]]:
        return [chunk for message in self.messages for chunk in message.get("chunks", [])]

    async def until_end(self) -> None:
        """Wait for the terminal entry."""
        async with asyncio.timeout(_LIMIT):
            while not any(chunk["type"] in ("finish", "error", "abort") for chunk in self.chunks):
                await self._changed.wait()
                self._changed.clear()

    async def until_type(self, chunk_type: str, count: int) -> None:
        """Wait for so many chunks of a type."""
        async with asyncio.timeout(_LIMIT):
            while [chunk["type"] for chunk in self.chunks].count(chunk_type) < count:
                await self._changed.wait()
                self._changed.clear()


def _settle(
    joined: asyncio.Future[RealtimeSubscribeStates],
) -> Callable[[RealtimeSubscribeStates, Exception | None], None]:
    def settle(state: RealtimeSubscribeStates, _error: Exception | None) -> None:
        if not joined.done():
            joined.set_result(state)

    return settle


@asynccontextmanager
async def _watching(account: Account, run_id: str) -> AsyncIterator[Watcher]:
    watcher = Watcher()
    await account.client.realtime.set_auth(account.access_token)
    joined: asyncio.Future[RealtimeSubscribeStates] = asyncio.get_running_loop().create_future()
    options: RealtimeChannelOptions = {
        "config": {"broadcast": None, "presence": None, "private": True}
    }
    channel = account.client.channel(f"tidewire:run:{run_id}", options)
    channel.on_broadcast("chunks", watcher.take)
    await channel.subscribe(_settle(joined))
    assert await asyncio.wait_for(joined, _LIMIT) == RealtimeSubscribeStates.SUBSCRIBED
    yield watcher
    await account.client.remove_channel(channel)


@asynccontextmanager
async def _serving(stack: StackUnderTest, *flows: Flow, **more: Any) -> AsyncIterator[Runs]:
    settings = settings_for(
        stack.db_url,
        broadcast=True,
        supabase_url=stack.api_url,
        supabase_secret_key=stack.secret_key,
        **more,
    )
    async with Worker(settings, flows), Database(settings, connections=2) as pool:
        yield Runs(pool, stack.db_url)


async def _start(account: Account, flow: Flow, run_input: Any) -> str:
    answer = await account.client.rpc(
        "start_run", {"flow_slug": flow.slug, "input": run_input}
    ).execute()
    assert isinstance(answer.data, dict)
    return str(answer.data["run_id"])


def _flow() -> Flow:
    return Flow(f"live_{uuid4().hex[:8]}", access="authenticated")


async def test_watcher_sees_every_entry_in_order_once_it_has_joined(
    stack: StackUnderTest, sign_up: SignUp
) -> None:
    account, flow, watched = await sign_up(), _flow(), asyncio.Event()

    @flow.step(stream=True)
    async def stream(ctx: Context) -> int:
        await watched.wait()
        async with ctx.stream.text() as part:
            for number in range(30):
                await part.write(f"{number} ")
                await asyncio.sleep(0.01)
        return 30

    @flow.step()
    async def after(stream: int) -> int:
        return stream + 1

    async with _serving(stack, flow, linger_ms=20, realtime_quota=0) as runs:
        run_id = await _start(account, flow, {})
        async with _watching(account, run_id) as watcher:
            watched.set()
            await watcher.until_end()
            log = await runs.log(run_id)
            live = watcher.messages
            position = live[0]["first_index"]
            for message in live:
                assert message["run_id"] == run_id
                assert message["first_index"] == position
                position += len(message["chunks"])
            assert watcher.chunks == log[live[0]["first_index"] :]
            assert position == len(log)


async def test_over_the_size_limit_a_message_only_says_where_to_read(
    stack: StackUnderTest, sign_up: SignUp
) -> None:
    account, flow, watched = await sign_up(), _flow(), asyncio.Event()

    @flow.step(stream=True)
    async def stream(ctx: Context) -> None:
        await watched.wait()
        await ctx.stream.data("large", "x" * 210_000)

    async with _serving(stack, flow) as runs:
        run_id = await _start(account, flow, {})
        async with _watching(account, run_id) as watcher:
            watched.set()
            await watcher.until_end()
            log = await runs.log(run_id)
            large = next(m for m in watcher.messages if "chunks" not in m)
            assert log[large["first_index"]]["type"] == "data-large"
            assert large["next_index"] > large["first_index"]


async def test_realtime_outage_fails_no_step_and_broadcasts_return_after_it(
    stack: StackUnderTest, sign_up: SignUp
) -> None:
    assert stack.embedded is not None
    account, flow, outage_over = await sign_up(), _flow(), asyncio.Event()

    @flow.step(stream=True)
    async def stream(ctx: Context) -> str:
        async with ctx.stream.text() as part:
            await part.write("before ")
            await outage_over.wait()
            await part.write("after")
        return "told"

    async with _serving(stack, flow) as runs:
        run_id = await _start(account, flow, {})
        await runs.until_text(run_id, "before ")
        await stack.embedded.restart("realtime")
        watching_account = await sign_up()
        outage_over.set()
        run = await runs.finished(run_id)
        assert (run["status"], await runs.text(run_id)) == ("completed", "before after")

        outage_over.clear()
        second = await _start(watching_account, flow, {})
        async with _watching(watching_account, second) as watcher:
            await runs.until_text(second, "before ")
            outage_over.set()
            await watcher.until_end()


async def test_cancelled_run_is_shown_as_aborted(stack: StackUnderTest, sign_up: SignUp) -> None:
    account, flow, watched = await sign_up(), _flow(), asyncio.Event()

    @flow.step(stream=True)
    async def stream(ctx: Context) -> None:
        await watched.wait()
        async with ctx.stream.text() as part:
            await part.write("so far")
            await asyncio.Event().wait()

    async with _serving(stack, flow, lease_seconds=1, heartbeat_seconds=0.3) as runs:
        run_id = await _start(account, flow, {})
        async with _watching(account, run_id) as watcher:
            watched.set()
            await watcher.until_type("text-delta", 1)
            await account.client.rpc("cancel_run", {"run_id": run_id}).execute()
            await watcher.until_end()
            assert watcher.chunks[-1]["type"] == "abort"
            assert (await runs.run(run_id))["status"] == "cancelled"
