"""The migration files that this version of tidewire brings along."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from tidewire.errors import MigrationError

_NAME = re.compile(r"(\d{14})_([a-z0-9_]+)\.sql")
_PACKAGE = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """One file, named `<14 digits>_<subject>.sql`."""

    version: str
    subject: str
    sql: str

    @property
    def name(self) -> str:
        return f"{self.version}_{self.subject}.sql"

    @property
    def checksum(self) -> str:
        """SHA-256 of the text. Line ends do not count: git may change them in a checkout."""
        return hashlib.sha256(self.sql.replace("\r\n", "\n").encode()).hexdigest()


def packaged_folder() -> Path:
    """Return the folder of the files: in the package, or of the checkout it is installed from.

    Raises:
      MigrationError: neither exists.
    """
    for folder in (_PACKAGE / "migrations", _PACKAGE.parent.parent / "supabase" / "migrations"):
        if folder.is_dir():
            return folder
    raise MigrationError(f"tidewire's migrations are missing from {_PACKAGE}")


def read_migrations(folder: Path) -> list[MigrationFile]:
    """Return the files of a folder in the order in which they apply.

    Raises:
      MigrationError: a name is malformed, or two files share a version or a subject.
    """
    files = [_read(path) for path in sorted(folder.glob("*.sql"))]
    for what in ("version", "subject"):
        seen: dict[str, str] = {}
        for file in files:
            other = seen.setdefault(getattr(file, what), file.name)
            if other != file.name:
                raise MigrationError(f"{other} and {file.name} must not share a {what}")
    return files


def _read(path: Path) -> MigrationFile:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise MigrationError(f"migrations must be named <14 digits>_<subject>.sql, got {path.name}")
    return MigrationFile(match[1], match[2], path.read_text(encoding="utf-8"))
