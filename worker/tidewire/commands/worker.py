"""`tidewire worker`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from tidewire.errors import TidewireError
from tidewire.settings import Settings

_FAILED: Final = 1


def worker(
    flows: Annotated[
        list[str], typer.Option(help="A module with flows, or module:name for one of them.")
    ],
) -> None:
    """Execute the steps of flows until SIGINT or SIGTERM; a second signal does not wait.

    Exit codes: 0 stopped as asked, 1 failed, 75 wants to be started again.
    """
    # Here, because importing the engine and the model takes a second, and --help should not.
    from tidewire.commands.flow_modules import load_flows
    from tidewire.commands.worker_process import run_worker
    from tidewire.telemetry import configure_logging

    try:
        settings = Settings.load()
        configure_logging(settings)
        sys.path.insert(0, str(Path.cwd()))
        code = run_worker(settings, load_flows(flows))
    except TidewireError as error:
        typer.echo(f"tidewire worker: {error}", err=True)
        raise typer.Exit(_FAILED) from None
    raise typer.Exit(code)
