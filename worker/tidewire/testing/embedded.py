"""The Postgres of this process: started when a test first needs it, gone when the process ends."""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from tidewire.errors import StackError
from tidewire.local.ports import free_port
from tidewire.local.postgres import Postgres
from tidewire.local.state import StateDirectory

_JANITOR: Final = Path(__file__).with_name("janitor.py")
# Nothing here outlives the process, so nothing needs to reach a disk. Copies of a database are
# made of some 300 files each: in memory that takes 15 ms, on a busy disk 300.
_MEMORY: Final = Path("/dev/shm")  # noqa: S108  a folder of our own is made in it
_ENOUGH_BYTES: Final = 1024**3
_SETTINGS: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "128MB",
}
# Another program may take the port between its choice and its use.
_START_TRIES: Final = 3
_STOP_SECONDS: Final = 10.0


async def embedded_url() -> str:
    """Return the URL of this process's server, as `postgres`, starting it if it does not run.

    Raises:
      StackError: it did not start.
    """
    return await _server_of_this_process().url()


class EmbeddedServer:
    """A server with an event loop of its own, for it outlives the loops of the tests.

    It ends when the process ends or is killed, and its files are removed then.
    """

    def __init__(self) -> None:
        self.process_id = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="tidewire-testing", daemon=True
        )
        self._lock = threading.Lock()
        self._started: Future[str] | None = None
        self._state: StateDirectory | None = None
        self._janitor: subprocess.Popen[bytes] | None = None
        self._postgres: Postgres | None = None
        self._thread.start()
        atexit.register(self._stop)

    async def url(self) -> str:
        """Start the server unless it runs. Concurrent callers, on any loop, wait for one start."""
        with self._lock:
            if self._started is None or self._is_down(self._started):
                self._started = asyncio.run_coroutine_threadsafe(self._start(), self._loop)
            started = self._started
        # A test that is cancelled meanwhile does not end the start that others wait for.
        return await asyncio.shield(asyncio.wrap_future(started))

    def _is_down(self, started: Future[str]) -> bool:
        if not started.done():
            return False
        failed = started.exception() is not None
        return failed or self._postgres is None or self._postgres.pid is None

    async def _start(self) -> str:
        if self._state is None:
            state = StateDirectory(Path(tempfile.mkdtemp(prefix="tidewire-", dir=_parent())))
            await state.lock()
            self._janitor = _start_janitor(state.path)
            self._state = state
        for tries_left in reversed(range(_START_TRIES)):
            server = self._postgres = Postgres(
                self._state.path,
                port=free_port(),
                settings=_SETTINGS,
                inherited=(self._state.lock_descriptor,),
            )
            try:
                await server.start()
                return server.dsn()
            except StackError:
                if not tries_left:
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    def _stop(self) -> None:
        """End the server and remove its files. Called once, when the interpreter ends."""
        if os.getpid() != self.process_id:
            return  # a fork has neither the thread nor the server
        stopped = asyncio.run_coroutine_threadsafe(self._close(), self._loop)
        try:
            stopped.result(_STOP_SECONDS)
        except TimeoutError:
            # A fork that is still there keeps the guard from seeing that this process ends.
            if self._postgres is not None:
                self._postgres.kill()
            stopped.result(_STOP_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._state is not None and self._janitor is not None:
            shutil.rmtree(self._state.path, ignore_errors=True)
            self._janitor.kill()
            self._janitor.communicate()

    async def _close(self) -> None:
        if self._postgres is not None:
            await self._postgres.stop()
        if self._state is not None:
            self._state.unlock()


# A server is too dear to be started for each test. By process id, for a fork needs its own.
_servers: Final[dict[int, EmbeddedServer]] = {}
_servers_lock: Final = threading.Lock()


def _server_of_this_process() -> EmbeddedServer:
    with _servers_lock:
        if os.getpid() not in _servers:
            _servers[os.getpid()] = EmbeddedServer()
        return _servers[os.getpid()]


def _parent() -> Path:
    """Return where to make the server's folder: in memory if there is room."""
    in_memory = (
        _MEMORY.is_dir()
        and os.access(_MEMORY, os.W_OK)
        and shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES
    )
    return _MEMORY if in_memory else Path(tempfile.gettempdir())


def _start_janitor(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 our own program
        [sys.executable, "-I", "-S", str(_JANITOR), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
