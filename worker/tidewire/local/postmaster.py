"""What `postmaster.pid` in a data directory says about a running server."""

from __future__ import annotations

from pathlib import Path

import psutil

from tidewire.errors import StackError

_STATUS_LINE = 7


def is_ready(data: Path) -> bool:
    """Tell whether the server of this data directory accepts connections."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"


def refuse_running_server(data: Path) -> None:
    """Make sure that no server runs on the data directory; remove the trace of one that died.

    Postgres itself judges by the pid alone, which another program may have by now.

    Raises:
      StackError: a server is running; the message names its pid.
    """
    for process in psutil.process_iter(["name"]):
        if (process.info["name"] or "").startswith("postgres") and _works_in(process, data):
            raise StackError(f"a Postgres server already runs on {data} as pid {process.pid}")
    (data / "postmaster.pid").unlink(missing_ok=True)


def _works_in(process: psutil.Process, data: Path) -> bool:
    try:
        return Path(process.cwd()).resolve() == data.resolve()
    except (psutil.Error, OSError):
        return False
