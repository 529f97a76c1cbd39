"""The settings of a worker inside a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tidewire.settings import Settings

# Named even where they are the defaults: what the environment says is for real workers, and a
# test must not reach a real project by accident.
_QUICK: Final[Mapping[str, Any]] = {
    "supabase_url": None,
    "supabase_publishable_key": None,
    "supabase_secret_key": None,
    "transaction_pooler": False,
    "database_connections": 3,
    "slots": 50,
    "lease_seconds": 15,
    "heartbeat_seconds": 0.5,
    "poll_seconds": 0.25,
    "maintenance_seconds": 0.25,
    "shutdown_seconds": 0,
    "abandoned_threads": 1000,
    "linger_ms": 0,
    "broadcast": False,
}


def quick_settings(database_url: str, changes: Mapping[str, Any]) -> Settings:
    """Return settings by which a run takes milliseconds and nothing leaves the machine.

    Raises:
      ConfigurationError: a changed setting is wrong.
    """
    return Settings.load(**{**_QUICK, **changes, "database_url": database_url})
