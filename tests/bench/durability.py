"""Whether a commit reaches the disk. Speed without that is no speed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import asyncpg
import psutil

from tidewire.errors import TidewireError

_WANTED: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
# Only with these does Postgres count its flushes of the write-ahead log. The log's own writer
# flushes now and then on behalf of a session, and reports it late.
_COUNTED_METHODS: Final = frozenset({"fdatasync", "fsync"})
_SURE_SHARE: Final = 0.8


class NotDurable(TidewireError):
    """The server would acknowledge commits that a power cut takes back."""


async def refuse_unless_durable(connection: asyncpg.Connection, data: Path) -> None:
    """Check the settings of this session and what the data lies on.

    Raises:
      NotDurable: a setting or the file system makes commits cheaper than they are.
    """
    settings = {name: await connection.fetchval(f"show {name}") for name in _WANTED}
    found = problem(settings, filesystem_of(data))
    if found is not None:
        raise NotDurable(found)


def problem(settings: Mapping[str, str], filesystem: str) -> str | None:
    """Return why commits would not be durable, None when they are."""
    for name, wanted in _WANTED.items():
        if settings[name] != wanted:
            return f"{name} must be {wanted}, got {settings[name]}"
    if filesystem in _IN_MEMORY:
        return f"the data must lie on a disk, got {filesystem}: set TMPDIR to a folder on one"
    return None


def filesystem_of(path: Path) -> str:
    """Return the type of the file system that holds `path`, empty where it is not known."""
    mounts = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    resolved = path.resolve()
    return next((mounts[at] for at in (resolved, *resolved.parents) if at in mounts), "")


async def refuse_unless_flushed(
    connection: asyncpg.Connection, *, commits: int, flushes: int
) -> None:
    """Check that commits one after the other were flushed to disk one by one.

    Raises:
      NotDurable: there were fewer flushes of the write-ahead log than commits.
    """
    method = await connection.fetchval("show wal_sync_method")
    if method in _COUNTED_METHODS and flushes < commits * _SURE_SHARE:
        raise NotDurable(f"{commits} commits must flush the log as often, got {flushes}")


async def flushes_so_far(connection: asyncpg.Connection) -> int:
    """Return how often the server has flushed its write-ahead log, as far as it has reported."""
    version = connection.get_server_version()
    statement = (
        "select sum(fsyncs)::bigint from pg_stat_io where object = 'wal'"
        if version.major >= 18
        else "select wal_sync from pg_stat_wal"
    )
    return int(await connection.fetchval(statement))
