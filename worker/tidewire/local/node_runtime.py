"""Node.js and the npm packages of the stack's parts that are written for it."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from tidewire.errors import StackError
from tidewire.local.process import Program, run_to_end

_SOURCE = Path(__file__).with_name("node")
_OLDEST_NODE = 20
_FILES = ("package.json", "package-lock.json", ".npmrc")


@dataclass(frozen=True, slots=True)
class NodeRuntime:
    """The node program, and the folder with our scripts and their packages."""

    node: str
    folder: Path

    def command(self, script: str) -> list[str]:
        return [self.node, str(self.folder / script)]


async def node_runtime(state: Path) -> NodeRuntime:
    """Return the runtime, installing the npm packages into `state` where they are missing.

    A checkout has them beside the scripts already; an installed package has not, and its own
    folder may be read-only.

    Raises:
      StackError: node is missing or too old, or the packages could not be installed.
    """
    node = await _node_program()
    if (_SOURCE / "node_modules").is_dir():
        return NodeRuntime(node, _SOURCE)
    folder = state / "node"
    lock = (_SOURCE / "package-lock.json").read_bytes()
    stamp = folder / "installed"
    wanted = hashlib.sha256(lock).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    for script in _SOURCE.glob("*.mjs"):
        shutil.copyfile(script, folder / script.name)
    if not stamp.exists() or stamp.read_text() != wanted:
        await _install(folder)
        stamp.write_text(wanted)
    return NodeRuntime(node, folder)


def packages_missing(state: Path) -> bool:
    """Tell whether `node_runtime` will install packages, which takes a while."""
    return not (_SOURCE / "node_modules").is_dir() and not (state / "node" / "installed").exists()


async def _node_program() -> str:
    node = shutil.which("node")
    if node is None:
        raise StackError(f"node must be installed, version {_OLDEST_NODE} or newer")
    version = (await _output(node, "--version")).lstrip("v")
    if int(version.split(".")[0]) < _OLDEST_NODE:
        raise StackError(f"node must be version {_OLDEST_NODE} or newer, got {version}")
    return node


async def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise StackError("npm must be installed beside node")
    for name in _FILES:
        shutil.copyfile(_SOURCE / name, folder / name)
    await run_to_end(
        Program(
            "npm",
            [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"],
            folder / "npm.log",
            directory=folder,
        )
    )


async def _output(*argv: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, complained = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise StackError(f"{' '.join(argv)} failed: {complained.decode(errors='replace').strip()}")
    return said.decode().strip()
