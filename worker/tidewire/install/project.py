"""Copies migrations into a project that applies its own with the Supabase CLI."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tidewire.errors import MigrationError
from tidewire.install.migration_files import MigrationFile

_STAMP = "%Y%m%d%H%M%S"
_OWN = re.compile(r"\d{14}_tidewire_([a-z0-9_]+)\.sql")


def copy_migrations(
    files: Sequence[MigrationFile], project: Path, *, now: datetime | None = None
) -> list[Path]:
    """Copy into `<project>/supabase/migrations` the files that it does not have; return them.

    A copy is named `<stamp>_tidewire_<subject>.sql`, stamped after everything in the folder: the
    CLI refuses a file older than the last one applied. Files copied before are left alone.

    Raises:
      MigrationError: the project is no folder, its migrations' folder cannot be made, or that holds
        tidewire's own files under their own names.
    """
    if not project.is_dir():
        raise MigrationError(f"project must be a folder, got {project}")
    folder = project / "supabase" / "migrations"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MigrationError(f"{folder} could not be made: {error.strerror}") from error
    names = sorted(path.name for path in folder.glob("*.sql"))
    if any(file.name in names for file in files):
        raise MigrationError(f"{folder} holds tidewire's own files; there is nothing to copy")
    present = {match[1] for name in names if (match := _OWN.fullmatch(name))}
    stamp = _first_stamp(names, now or datetime.now(UTC))
    copied = []
    for file in files:
        if file.subject in present:
            continue
        path = folder / f"{stamp.strftime(_STAMP)}_tidewire_{file.subject}.sql"
        path.write_text(file.sql, encoding="utf-8")
        copied.append(path)
        stamp += timedelta(seconds=1)
    return copied


def _first_stamp(names: Sequence[str], now: datetime) -> datetime:
    stamps = [now]
    for name in names:
        try:
            last = datetime.strptime(name.split("_")[0], _STAMP).replace(tzinfo=UTC)
        except ValueError:
            continue
        stamps.append(last + timedelta(seconds=1))
    return max(stamps)
