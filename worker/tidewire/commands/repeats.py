"""`tidewire runs retry` and `tidewire runs replay`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from tidewire.commands.asking import AsJson, ask, console, print_json, print_table
from tidewire.store import OperatorStore, RunStore


def retry(
    run: Annotated[UUID, typer.Argument(help="The run that has ended.")],
    from_step: Annotated[
        str | None,
        typer.Option(help="Redo this step and all that depends on it, also of a completed run."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Do an ended run again as a new one, which takes over what it had finished.

    Exit codes: 0 the new run was made, 1 it was refused, or it failed.
    """
    made = ask(lambda database: RunStore(database).retry(run, from_step=from_step))
    if as_json:
        print_json(made)
    else:
        console.print(f"run {run} is done again by run {made['run_id']}", soft_wrap=True)


def replay(
    flow: Annotated[str | None, typer.Option(help="Only runs of this flow.")] = None,
    step: Annotated[str | None, typer.Option(help="Only runs that failed in this step.")] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Only runs that failed since: 2026-01-31 or 2026-01-31T12:00, in UTC."),
    ] = None,
    limit: Annotated[int, typer.Option(help="How many runs to make at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Do failed runs again, longest failed first; none twice, however often it is called.

    Exit codes: 0 it went well, also when there was nothing to replay; 1 it failed.
    """
    failed_since = None if since is None else _time(since)
    replayed = ask(
        lambda database: OperatorStore(database).replay_dead_letters(
            flow_slug=flow, step_slug=step, since=failed_since, limit=limit
        )
    )
    if as_json:
        print_json([asdict(run) for run in replayed])
        return
    if replayed:
        table = Table("failed run", "done again by", box=None)
        for run in replayed:
            table.add_row(str(run.origin), str(run.run_id))
        print_table(table)
    console.print(f"{len(replayed)} replayed")


def _time(text: str) -> datetime:
    """Read a time; without a time zone it is UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"since must be a time such as 2026-01-31T12:00, got {text!r}"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
