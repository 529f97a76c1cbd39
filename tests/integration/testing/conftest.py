"""The helper's tests use the session's own server; one file starts the embedded one by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from stack import StackUnderTest


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def test_server(stack: StackUnderTest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The server's URL, where `run_flow` and `FlowTester` find it. No task outlives a test."""
    monkeypatch.setenv("TIDEWIRE_TEST_DATABASE_URL", stack.db_url)
    before = asyncio.all_tasks()
    yield stack.db_url
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, f"tasks remain after the test: {left}"
