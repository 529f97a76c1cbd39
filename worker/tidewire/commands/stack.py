"""`tidewire stack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from tidewire.errors import TidewireError
from tidewire.settings import Settings

_console = Console(highlight=False)


def stack(
    api_port: Annotated[int | None, typer.Option(help="Port of the API; 54321 if free.")] = None,
    db_port: Annotated[int | None, typer.Option(help="Port of Postgres; 54322 if free.")] = None,
    postgres: Annotated[int, typer.Option(help="Major version of Postgres: 18 or 16.")] = 18,
    auto_grants: Annotated[
        bool, typer.Option(help="Grant new objects of public to the API roles, as projects of old.")
    ] = False,
    state: Annotated[
        Path | None, typer.Option(help="Folder of data, keys and logs; .tidewire by default.")
    ] = None,
) -> None:
    """Run the embedded Supabase until Ctrl-C."""
    # The embedded parts come with the extra "local"; other commands do without.
    from tidewire.local.foreground import run_stack
    from tidewire.local.interruption import run_until_interrupted
    from tidewire.local.stack import Stack

    try:
        chosen = Stack(
            state or Settings.load().state,
            api_port=api_port,
            db_port=db_port,
            postgres_version=postgres,
            auto_grants=auto_grants,
        )
        run_until_interrupted(run_stack(chosen, _console))
    except TidewireError as error:
        _console.print(f"[red]tidewire stack:[/] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(1) from None
