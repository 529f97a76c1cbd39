"""What the terminal shows about a running stack."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from tidewire.local.stack import Stack


def stack_facts(stack: Stack) -> dict[str, str]:
    """Return name and value of what a client needs, in the order of `supabase start`."""
    return {
        "API URL": stack.api_url,
        "REST URL": f"{stack.api_url}/rest/v1",
        "Realtime URL": f"{stack.api_url.replace('http', 'ws', 1)}/realtime/v1",
        "Database URL": stack.db_url,
        "Publishable key": stack.publishable_key,
        "Secret key": stack.secret_key,
        "JWT secret": stack.jwt_secret,
        "anon key (legacy)": stack.keys.anon_key,
        "service_role key (legacy)": stack.keys.service_role_key,
    }


def show_facts(console: Console, facts: Mapping[str, str]) -> None:
    """Print one fact a line, never cut or broken, so that it can be copied."""
    width = max(map(len, facts))
    console.print()
    for name, value in facts.items():
        console.print(Text.assemble((f"{name:>{width}}", "bold cyan"), "  ", value), soft_wrap=True)
    console.print()
