"""`tidewire` commands as processes of their own, to be interrupted and killed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

START_SECONDS = 60
END_SECONDS = 30


@asynccontextmanager
async def tidewire(
    *arguments: str, folder: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command; kill it at the end if it still runs."""
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tidewire.cli",
        *arguments,
        cwd=folder,
        env={**os.environ, "COLUMNS": "200", **(environment or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield program
    finally:
        if program.returncode is None:
            program.kill()
        await program.communicate()


async def published_facts(
    program: asyncio.subprocess.Process,
    state: Path,
    *,
    until: Callable[[dict[str, Any]], bool] = lambda facts: True,
) -> dict[str, Any]:
    """Wait until stack.json holds what `until` wants; return it."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            if program.returncode is not None:
                said, _ = await program.communicate()
                raise AssertionError(f"ended with {program.returncode}: {said.decode()}")
            facts = read_facts(state)
            if facts is not None and until(facts):
                return facts
            await asyncio.sleep(0.05)


def read_facts(state: Path) -> dict[str, Any] | None:
    try:
        facts: dict[str, Any] = json.loads((state / "stack.json").read_text())
    except FileNotFoundError:
        return None
    return facts


def family(pid: int) -> list[psutil.Process]:
    """Return a process's descendants: parts, their guards, the sessions of Postgres."""
    return psutil.Process(pid).children(recursive=True)


async def all_end(processes: list[psutil.Process]) -> bool:
    """Wait until all of them have ended. One that nobody has waited for counts as ended."""
    return await asyncio.to_thread(_all_end, processes)


def _all_end(processes: list[psutil.Process]) -> bool:
    deadline = time.monotonic() + END_SECONDS
    while any(_lives(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
