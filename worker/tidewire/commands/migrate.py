"""`tidewire migrate` and `tidewire init`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from tidewire.errors import TidewireError
from tidewire.install.apply import apply_migrations
from tidewire.install.migration_files import MigrationFile, packaged_folder, read_migrations
from tidewire.install.project import copy_migrations
from tidewire.settings import Settings

_console = Console(highlight=False)


def migrate() -> None:
    """Bring the database of DATABASE_URL up to this version of tidewire."""
    try:
        files = read_migrations(packaged_folder())
        applied = asyncio.run(apply_migrations(Settings.load().dsn, files, on_applied=_tell))
    except TidewireError as error:
        _console.print(f"[red]tidewire migrate:[/] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(1) from None
    _console.print(f"{len(applied)} applied, {len(files) - len(applied)} were there already")


def init(
    project: Annotated[
        Path, typer.Argument(help="The project's folder, the one that holds supabase/.")
    ] = Path(),
) -> None:
    """Copy the migrations into a project's supabase/migrations; after an upgrade, the new ones."""
    try:
        copied = copy_migrations(read_migrations(packaged_folder()), project)
    except TidewireError as error:
        _console.print(f"[red]tidewire init:[/] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(1) from None
    for path in copied:
        _console.print(f"[green]added[/] {path}", soft_wrap=True)
    if not copied:
        _console.print("nothing to add: every migration is there already")


def _tell(file: MigrationFile) -> None:
    _console.print(f"[green]applied[/] {file.name}")
