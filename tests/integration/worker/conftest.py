"""Fixtures: workers in the test's process, and a view of the runs in the test's database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from engine_view import Runs, StartWorker, settings_for
from stack import Database as OwnDatabase
from tidewire import Flow
from tidewire.engine.services import LanguageModel
from tidewire.engine.worker import Worker
from tidewire.store import Database


@pytest_asyncio.fixture(loop_scope="session")
async def runs(database: OwnDatabase) -> AsyncIterator[Runs]:
    """Starts runs and waits for what becomes of them."""
    async with Database(settings_for(database.dsn), connections=2) as pool:
        yield Runs(pool, database.dsn)


@pytest_asyncio.fixture(loop_scope="session")
async def start_worker(database: OwnDatabase) -> AsyncIterator[StartWorker]:
    """Starts workers, and stops those that the test leaves running."""
    workers: list[Worker] = []

    async def start(*flows: Flow, model: LanguageModel | None = None, **overrides: Any) -> Worker:
        worker = Worker(settings_for(database.dsn, **overrides), flows, model=model)
        await worker.start()
        workers.append(worker)
        return worker

    before = asyncio.all_tasks()
    yield start
    for worker in workers:
        await worker.stop()
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, f"tasks remain after the workers have stopped: {left}"
