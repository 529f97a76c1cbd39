"""Runs a stack in a terminal, and tells what happens to it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from rich.console import Console

from tidewire.local.node_runtime import packages_missing
from tidewire.local.stack import Stack
from tidewire.local.summary import show_facts, stack_facts
from tidewire.local.supervision import keep_parts_running


async def run_stack(stack: Stack, console: Console) -> None:
    """Keep the stack running until cancelled."""
    async with started(stack, console):
        show_facts(console, stack_facts(stack))
        console.print("Ctrl-C stops it; data and keys stay.", style="dim")
        await keep_parts_running(stack, lambda text: console.print(text, style="yellow"))


@asynccontextmanager
async def started(stack: Stack, console: Console) -> AsyncIterator[None]:
    """Start and stop the stack, showing both."""
    what = (
        "Installing npm packages (once) and starting"
        if packages_missing(stack.state)
        else "Starting"
    )
    with step(console, f"{what} Postgres, API and Realtime", done="stack"):
        await stack.__aenter__()
    try:
        yield
    finally:
        with console.status("Stopping"):
            await stack.__aexit__(None, None, None)
        console.print("stopped", style="dim")


@contextmanager
def step(console: Console, doing: str, *, done: str) -> Iterator[None]:
    """Show that something takes a while, then how long it took."""
    began = time.monotonic()
    with console.status(f"{doing} ..."):
        yield
    console.print(f"[green]✓[/] {done} [dim]{time.monotonic() - began:.1f} s[/]")
