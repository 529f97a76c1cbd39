"""The `tidewire` program: assembles the commands."""

from __future__ import annotations

import typer

from tidewire.commands.dev import dev
from tidewire.commands.migrate import init, migrate
from tidewire.commands.runs import runs
from tidewire.commands.stack import stack
from tidewire.commands.worker import worker

app = typer.Typer(
    help="Durable AI flows that stream, on nothing but Supabase.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command()(dev)
app.command()(stack)
app.command()(worker)
app.command()(migrate)
app.command()(init)
app.add_typer(runs)

if __name__ == "__main__":
    app()
