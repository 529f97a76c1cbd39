"""`tidewire dev`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from tidewire.errors import TidewireError
from tidewire.settings import Settings

_console = Console(highlight=False)


def dev(
    postgres: Annotated[int, typer.Option(help="Major version of Postgres: 18 or 16.")] = 18,
    state: Annotated[
        Path | None, typer.Option(help="Folder of data, keys and logs; .tidewire by default.")
    ] = None,
) -> None:
    """Run Supabase, the migrations, the worker and the page until Ctrl-C."""
    # The embedded parts come with the extra "local"; other commands do without.
    from tidewire.local.dev import Development
    from tidewire.local.interruption import run_until_interrupted
    from tidewire.local.project import read_project
    from tidewire.local.stack import Stack

    try:
        settings = Settings.load()
        stack = Stack(state or settings.state, postgres_version=postgres)
        development = Development(read_project(Path.cwd()), settings, stack, _console)
        run_until_interrupted(development.run())
    except TidewireError as error:
        _console.print(f"[red]tidewire dev:[/] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(1) from None
