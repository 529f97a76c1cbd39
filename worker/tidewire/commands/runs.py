"""`tidewire runs move` and `tidewire runs stranded`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tidewire.errors import TidewireError
from tidewire.settings import Settings
from tidewire.store import Database, MovedRun, OperatorStore, StrandedRun, is_transient

Found = TypeVar("Found")

_CURRENT: Final = "current"
_VERSION_SHOWN: Final = 12
_WIDEST: Final = 200
_COLOURS: Final = {"moved": "green", "busy": "yellow", "refused": "red"}

_console = Console(highlight=False)
_errors = Console(highlight=False, stderr=True)
runs = typer.Typer(
    name="runs", help="Look after runs that their workers left behind.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@runs.command()
def move(
    flow: Annotated[str, typer.Argument(help="The flow's slug.")],
    to_version: Annotated[
        str, typer.Option(help="Version to move to, its first 8 characters or more, or `current`.")
    ],
    from_version: Annotated[
        str | None,
        typer.Option(help="Version to move from; by default all that no live worker serves."),
    ] = None,
    limit: Annotated[int, typer.Option(help="How many runs to move at most.")] = 500,
    as_json: AsJson = False,
) -> None:
    """Move active runs of a flow to another of its versions.

    Exit codes: 0 every run that was looked at has moved, 1 some are busy or refused, or it failed.
    """
    target = None if to_version == _CURRENT else to_version
    moved = _ask(
        lambda store: store.move_runs(
            flow, to_version=target, from_version=from_version, limit=limit
        )
    )
    if as_json:
        _print_json(moved)
    else:
        _show_moved(flow, moved)
    if any(run.answer != "moved" for run in moved):
        raise typer.Exit(1)


@runs.command()
def stranded(as_json: AsJson = False) -> None:
    """List active runs whose version of their flow no live worker serves."""
    found = _ask(lambda store: store.stranded_runs())
    if as_json:
        _print_json(found)
    else:
        _show_stranded(found)


def _ask(question: Callable[[OperatorStore], Awaitable[Found]]) -> Found:
    """Put a question to the database of DATABASE_URL; end the program when it cannot answer."""

    async def ask() -> Found:
        async with Database(Settings.load(), connections=1) as database:
            return await question(OperatorStore(database))

    try:
        return asyncio.run(ask())
    except TidewireError as error:
        reason = str(error)
    except Exception as error:
        if not is_transient(error):
            raise
        reason = f"database not reached: {error or type(error).__name__}"
    _errors.print(f"[red]tidewire runs:[/] {escape(reason)}", soft_wrap=True)
    raise typer.Exit(1)


def _print_json(rows: Sequence[MovedRun] | Sequence[StrandedRun]) -> None:
    typer.echo(json.dumps([asdict(row) for row in rows], default=str))


def _show_moved(flow: str, moved: Sequence[MovedRun]) -> None:
    left = [run for run in moved if run.answer != "moved"]
    if left:
        table = Table("run", "answer", "reason", box=None)
        for run in left:
            colour = _COLOURS.get(run.answer, "default")
            table.add_row(str(run.run_id), f"[{colour}]{run.answer}[/]", escape(run.reason or ""))
        _print_table(table)
    counts = (f"{sum(run.answer == answer for run in moved)} {answer}" for answer in _COLOURS)
    _console.print(f"{escape(flow)}: {', '.join(counts)}")


def _show_stranded(found: Sequence[StrandedRun]) -> None:
    if not found:
        _console.print("no run is stranded")
        return
    table = Table("run", "flow", "version", "label", "started", "deadline", box=None)
    for run in found:
        table.add_row(
            str(run.run_id),
            run.flow_slug,
            run.flow_version[:_VERSION_SHOWN],
            escape(run.label),
            f"{run.created_at:%Y-%m-%d %H:%M}",
            f"{run.deadline_at:%Y-%m-%d %H:%M}",
        )
    _print_table(table)


def _print_table(table: Table) -> None:
    """Print whole ids, also where the output is no terminal and rich would take 80 columns."""
    table.columns[0].no_wrap = True
    out = _console if _console.is_terminal else Console(highlight=False, width=_WIDEST)
    out.print(table)
