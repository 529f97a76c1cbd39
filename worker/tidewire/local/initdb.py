"""Makes the data directory of a new server."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from tidewire.local.process import Program, SystemUser, run_to_end

_CONFIGURATION = """
# Written by tidewire when the directory was made.
unix_socket_directories = ''
wal_level = logical
max_connections = 200
max_replication_slots = 20
max_wal_senders = 20
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
jit = off
"""
# The passwords are random and long: no number of iterations makes them harder to guess.
_SCRAM_ITERATIONS = "scram_iterations = 64\n"


async def make_data_directory(
    data: Path, *, binaries: Path, version: int, user: SystemUser | None, password: str
) -> None:
    """Make `data` with superuser supabase_admin, reachable over TCP with a password alone.

    An interrupted call leaves nothing that a later one would take for a data directory.

    Raises:
      StackError: initdb failed; the message carries the end of its log.
    """
    draft = data.with_name(f"{data.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if user is not None:
        os.chown(draft, user.uid, user.gid)
    with tempfile.NamedTemporaryFile("w") as password_file:
        password_file.write(password)
        password_file.flush()
        if user is not None:
            os.chown(password_file.name, user.uid, user.gid)
        await _run_initdb(
            draft, binaries=binaries, version=version, user=user, password_file=password_file.name
        )
    with (draft / "postgresql.conf").open("a") as configuration:
        configuration.write(_CONFIGURATION + _SCRAM_ITERATIONS)
    draft.rename(data)


async def _run_initdb(
    data: Path, *, binaries: Path, version: int, user: SystemUser | None, password_file: str
) -> None:
    program = Program(
        name="initdb",
        argv=[
            str(binaries / "initdb"),
            f"--pgdata={data}",
            "--username=supabase_admin",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            *_locale(version),
        ],
        log=data.parent / "logs" / "initdb.log",
        directory=data,
        user=user,
    )
    await run_to_end(program)


def _locale(version: int) -> list[str]:
    """Return the locale of a hosted project where the version brings it along."""
    if version >= 17:
        return ["--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8"]
    return ["--locale=C"]
