"""`tidewire runs move` and `tidewire runs stranded`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.markup import escape
from rich.table import Table

from tidewire.commands.asking import AsJson, ask, console, print_json, print_table
from tidewire.store import MovedRun, OperatorStore, StrandedRun

_CURRENT: Final = "current"
_VERSION_SHOWN: Final = 12
_COLOURS: Final = {"moved": "green", "busy": "yellow", "refused": "red"}

runs = typer.Typer(
    name="runs",
    help="Look after runs that failed, or that their workers left behind.",
    no_args_is_help=True,
)


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
    moved = ask(
        lambda database: OperatorStore(database).move_runs(
            flow, to_version=target, from_version=from_version, limit=limit
        )
    )
    if as_json:
        print_json([asdict(run) for run in moved])
    else:
        _show_moved(flow, moved)
    if any(run.answer != "moved" for run in moved):
        raise typer.Exit(1)


@runs.command()
def stranded(as_json: AsJson = False) -> None:
    """List active runs whose version of their flow no live worker serves."""
    found = ask(lambda database: OperatorStore(database).stranded_runs())
    if as_json:
        print_json([asdict(run) for run in found])
    else:
        _show_stranded(found)


def _show_moved(flow: str, moved: Sequence[MovedRun]) -> None:
    left = [run for run in moved if run.answer != "moved"]
    if left:
        table = Table("run", "answer", "reason", box=None)
        for run in left:
            colour = _COLOURS.get(run.answer, "default")
            table.add_row(str(run.run_id), f"[{colour}]{run.answer}[/]", escape(run.reason or ""))
        print_table(table)
    counts = (f"{sum(run.answer == answer for run in moved)} {answer}" for answer in _COLOURS)
    console.print(f"{escape(flow)}: {', '.join(counts)}")


def _show_stranded(found: Sequence[StrandedRun]) -> None:
    if not found:
        console.print("no run is stranded")
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
    print_table(table)
