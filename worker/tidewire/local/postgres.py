"""A Postgres server of our own, with the roles of a hosted Supabase project."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tidewire.errors import StackError
from tidewire.local.binaries import open_to, postgres_binaries, server_user
from tidewire.local.initdb import make_data_directory
from tidewire.local.keys import load_or_make_keys
from tidewire.local.ports import HOST, free_port
from tidewire.local.postmaster import is_ready, refuse_running_server
from tidewire.local.process import Process, Program
from tidewire.local.sql import bootstrap_sql, connection, run_sql

DEFAULT_VERSION = 18
DEFAULT_PORT = 54322
PROJECT_DATABASE = "postgres"
Role = Literal["postgres", "authenticator", "supabase_auth_admin", "supabase_admin"]

_START_LIMIT = timedelta(seconds=60)
_LEFTOVER_LIMIT = timedelta(seconds=15)
_LEFTOVER = "pre-existing shared memory block"


class Postgres:
    """One server in `state`: its data, its log and the passwords of its roles.

    Use as an async context manager, or call `start` and `stop`. After the first start the port
    stays, so that a restarted server is found where it was.

    Args:
      port: None picks a free one, 54322 if it can; a number is taken as given.
      auto_grants: privileges on new objects of `public` as projects made before 2026-05-30
        have them.
      settings: server settings on top of the defaults, for example `{"fsync": "off"}`.
      inherited: descriptors that stay open as long as the server's guard lives.
    """

    def __init__(
        self,
        state: Path,
        *,
        port: int | None = None,
        version: int = DEFAULT_VERSION,
        auto_grants: bool = False,
        settings: Mapping[str, str] | None = None,
        inherited: Sequence[int] = (),
    ) -> None:
        self.state = state.resolve()
        self.version = version
        self.data = self.state / f"postgres-{version}"
        self.port = port
        self._auto_grants = auto_grants
        self._settings = dict(settings or {})
        self._inherited = tuple(inherited)
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """The pid of the postmaster, None when it does not run."""
        return self._process.pid if self._process is not None and self._process.running else None

    def dsn(self, role: Role = "postgres", database: str = PROJECT_DATABASE) -> str:
        keys = load_or_make_keys(self.state / "keys.json")
        password = {
            "postgres": keys.postgres_password,
            "authenticator": keys.authenticator_password,
            "supabase_auth_admin": keys.auth_admin_password,
            "supabase_admin": keys.supabase_admin_password,
        }[role]
        return f"postgresql://{role}:{password}@{HOST}:{self.port}/{database}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the server, making its data and its roles first where they are missing.

        Raises:
          StackError: it runs already or did not start; the message carries the end of its log.
        """
        if self.pid is not None:
            raise StackError(f"postgres is already running as pid {self.pid}")
        binaries = postgres_binaries(self.version)
        user = server_user()
        self.state.mkdir(parents=True, exist_ok=True)
        if user is not None:
            open_to(user, binaries, self.data)
        if not self.data.exists():
            keys = load_or_make_keys(self.state / "keys.json")
            self._stamp.unlink(missing_ok=True)
            await make_data_directory(
                self.data,
                binaries=binaries,
                version=self.version,
                user=user,
                password=keys.supabase_admin_password,
            )
        refuse_running_server(self.data)
        self.port = self.port or free_port(DEFAULT_PORT)
        try:
            await self._start_server(self._program(binaries))
            await self._bootstrap()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Shut the server down cleanly: sessions are ended, nothing is lost."""
        if self._process is not None:
            await self._process.stop()

    async def wait(self) -> int:
        """Wait until the server has ended; return its exit code."""
        if self._process is None:
            raise StackError("postgres was never started")
        return await self._process.wait()

    def kill(self) -> None:
        """End the server as a crash would."""
        if self._process is not None:
            self._process.kill()

    async def create_database(
        self, name: str, *, template: str = "template1", is_template: bool = False
    ) -> None:
        """Make a database owned by `postgres`. Nobody may be connected to the template.

        With `is_template` nobody can connect to the new one, so that it can be copied at any time.
        """
        await self._execute(
            "create database %I template %I owner postgres"
            f" is_template {is_template} allow_connections {not is_template}",
            name,
            template,
            session_on="template1" if template == PROJECT_DATABASE else PROJECT_DATABASE,
        )

    async def drop_database(self, name: str) -> None:
        """Drop a database, ending the sessions on it. Does nothing when it does not exist."""
        await self._execute("drop database if exists %I with (force)", name)

    async def _execute(
        self, statement: str, *names: str, session_on: str = PROJECT_DATABASE
    ) -> None:
        async with connection(self.dsn("supabase_admin", session_on)) as admin:
            text = await admin.fetchval("select format($1, variadic $2::text[])", statement, names)
            await admin.execute(text)

    def _program(self, binaries: Path) -> Program:
        settings = {"listen_addresses": HOST, "port": str(self.port), **self._settings}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            argv=[str(binaries / "postgres"), "-D", str(self.data), *options],
            log=self.state / "logs" / "postgres.log",
            directory=self.data,
            user=server_user(),
            stop_signal=signal.SIGINT,
            grace=timedelta(seconds=30),
        )

    async def _start_server(self, program: Program) -> None:
        """Start and wait until connections are accepted.

        The sessions of a killed server outlive it for a moment and keep its memory; until they
        are gone a new one refuses to start.
        """
        deadline = time.monotonic() + _START_LIMIT.total_seconds()
        patience = time.monotonic() + _LEFTOVER_LIMIT.total_seconds()
        while True:
            self._process = Process(program, inherited=self._inherited)
            await self._process.start()
            if await self._becomes_ready(deadline):
                return
            tail = self._process.log_tail()
            await self._process.stop()
            if _LEFTOVER not in tail or time.monotonic() > patience:
                raise StackError(f"postgres did not start on port {self.port}:\n{tail}")
            await asyncio.sleep(0.2)

    async def _becomes_ready(self, deadline: float) -> bool:
        assert self._process is not None
        while self._process.running and time.monotonic() < deadline:
            if is_ready(self.data):
                return True
            await asyncio.sleep(0.02)
        return False

    @property
    def _stamp(self) -> Path:
        return self.state / f"postgres-{self.version}.bootstrapped"

    async def _bootstrap(self) -> None:
        """Make roles and privileges, once for each version of them."""
        keys = load_or_make_keys(self.state / "keys.json")
        settings = {
            "tidewire.postgres_password": keys.postgres_password,
            "tidewire.authenticator_password": keys.authenticator_password,
            "tidewire.auth_admin_password": keys.auth_admin_password,
            "tidewire.auto_grants": "on" if self._auto_grants else "off",
        }
        script = bootstrap_sql("roles") + bootstrap_sql("ddl")
        wanted = hashlib.sha256(os.fsencode(f"{script}{settings}")).hexdigest()
        if self._stamp.exists() and self._stamp.read_text() == wanted:
            return
        await run_sql(self.dsn("supabase_admin"), script, settings)
        self._stamp.write_text(wanted)
