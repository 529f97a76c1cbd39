"""Questions to the database of DATABASE_URL, and how a command prints what it answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tidewire.errors import TidewireError
from tidewire.settings import Settings
from tidewire.store import Database, is_transient

Found = TypeVar("Found")

_WIDEST: Final = 200

console = Console(highlight=False)
_errors = Console(highlight=False, stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def ask(question: Callable[[Database], Awaitable[Found]]) -> Found:
    """Put a question to the database of DATABASE_URL; end the program when it cannot answer."""

    async def answer() -> Found:
        async with Database(Settings.load(), connections=1) as database:
            return await question(database)

    try:
        return asyncio.run(answer())
    except TidewireError as error:
        reason = str(error)
    except Exception as error:
        if not is_transient(error):
            raise
        reason = f"database not reached: {error or type(error).__name__}"
    _errors.print(f"[red]tidewire runs:[/] {escape(reason)}", soft_wrap=True)
    raise typer.Exit(1)


def print_json(found: Any) -> None:
    typer.echo(json.dumps(found, default=str))


def print_table(table: Table) -> None:
    """Print whole ids, also where the output is no terminal and rich would take 80 columns."""
    table.columns[0].no_wrap = True
    out = console if console.is_terminal else Console(highlight=False, width=_WIDEST)
    out.print(table)
